"""Backbone as a scikit-learn transformer, its numbers compared with those of onnx's reference evaluator."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

pytest.importorskip("onnx", reason="networks for these tests are written with onnx (the extra onnx)")
pytest.importorskip("onnxruntime", reason="networks for these tests are run by onnxruntime (the extra onnx)")

from ridgefeat.backbone import IMAGENET_MEAN, IMAGENET_STD, Backbone, Preprocessing
from ridgefeat.errors import ImageError, ModelError, ParameterError
from ridgefeat.work.threads import opencv_threads
from tests.backbone.onnx_examples import Maker, channels_last, mobile, reference, residual, save

SIDE = 16


def prints(n=6, seed=0, shape=(SIDE, SIDE)):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def as_input(images, last=False):
    """By the formula: (pixels / 255 - mean) / std, the same grey in each channel."""
    planes = np.repeat(images[:, None].astype(np.float64) / 255, 3, axis=1)
    scaled = (planes - np.reshape(IMAGENET_MEAN, (3, 1, 1))) / np.reshape(IMAGENET_STD, (3, 1, 1))
    return (scaled.transpose(0, 2, 3, 1) if last else scaled).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    return save(residual(), tmp_path)


@pytest.mark.parametrize("make", [residual, mobile, channels_last])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_embeddings_are_the_reference_evaluators(tmp_path, make, batch_size):
    model, images = make(), prints()
    backbone = Backbone(save(model, tmp_path), batch_size=batch_size).fit()
    expected = reference(model, "pooled", as_input(images, make is channels_last)).reshape(6, -1)
    assert backbone.layer_ == "pooled" and np.ptp(expected) > 0.1
    np.testing.assert_allclose(backbone.transform(images), expected, atol=1e-5)


def test_a_layer_by_name_pooled_or_whole(path):
    model, images = residual(), prints()
    maps = reference(model, "out1", as_input(images))
    pooled = Backbone(path, layer="node_out1").fit()
    np.testing.assert_allclose(pooled.transform(images), maps.mean(axis=(2, 3)), atol=1e-5)
    whole = Backbone(path, layer="out1", pool=False).fit()
    assert pooled.shape_ == whole.shape_ == (8, 8, 8)
    np.testing.assert_allclose(whole.transform(images), maps.reshape(6, -1), atol=1e-5)
    logits = Backbone(path, layer="logits").fit().transform(images)
    np.testing.assert_allclose(logits, reference(model, "logits", as_input(images)), atol=1e-5)


def test_sizes(path, tmp_path):
    assert Backbone(path).fit().preprocessing_.size == (16, 16)
    other = Backbone(path, size=(24, 20), layer="out1").fit()
    assert other.shape_ == (8, 12, 10)
    m = Maker()
    m.classifier(m.conv("image", "only", 4, 3, 3), 4)
    free = Backbone(save(m.model(shape=("n", 3, "rows", "columns")), tmp_path)).fit()
    assert free.preprocessing_.size == (224, 224)
    m = Maker()
    m.classifier(m.conv("image", "only", 4, 1, 3), 4)
    grey = Backbone(save(m.model(shape=("n", 1, 16, 16)), tmp_path)).fit()
    assert grey.preprocessing_.mean == pytest.approx([0.449]) and grey.preprocessing_.std == pytest.approx([0.226])


def test_preprocessing():
    flat = np.full((5, 7), 51, np.uint8)
    out = Preprocessing((4, 4), (0.1, 0.2, 0.3), (0.1, 0.2, 0.5))(flat)
    assert out.shape == (3, 4, 4) and out.dtype == np.float32
    np.testing.assert_allclose(out[:, 0, 0], [1.0, 0.0, -0.2], atol=1e-6)
    colour = np.zeros((4, 4, 3), np.uint8)
    colour[..., 0] = 255
    plain_, turned = (Preprocessing((4, 4), (0.0,), (1.0,), order)(colour)[:, 0, 0] for order in ("rgb", "bgr"))
    assert plain_.tolist() == [1, 0, 0] and turned.tolist() == [0, 0, 1]
    assert Preprocessing((4, 4), channels_last=True)(flat).shape == (4, 4, 3)
    assert Preprocessing((4, 6), (0.5,), (0.5,), channels=1)(colour).shape == (1, 4, 6)
    # A fine grating that is reduced becomes grey, not a false coarse one.
    stripes = np.tile(np.array([255, 0, 0, 0], np.uint8), (64, 16))
    assert np.abs(Preprocessing((16, 16), (0.0,), (1.0,))(stripes) - 0.25).max() < 0.01


def test_paths_arrays_and_columns_give_the_same(path, tmp_path):
    backbone = Backbone(path).fit()
    images = prints(3, shape=(40, 30))
    texts = [str(tmp_path / f"{k}.png") for k in range(3)]
    for text, image in zip(texts, images, strict=True):
        cv2.imwrite(text, image)
    expected = backbone.transform(images)
    colour = np.repeat(images[..., None], 3, axis=3)
    for given in ([Path(t) for t in texts], texts, np.array(texts)[:, None], pd.Series(texts), colour):
        np.testing.assert_array_equal(backbone.transform(given), expected)


def test_it_is_a_transformer(path):
    images = prints(20)
    images[10:] //= 3
    y = np.repeat([0, 1], 10)
    frame = clone(Backbone(path)).fit(images).set_output(transform="pandas").transform(images)
    assert list(frame.columns) == [f"backbone_{k}" for k in range(8)] and frame.shape == (20, 8)
    again = pickle.loads(pickle.dumps(Backbone(path).fit()))
    np.testing.assert_array_equal(again.transform(images), frame.to_numpy())
    search = GridSearchCV(
        make_pipeline(Backbone(path), LogisticRegression()), {"backbone__layer": ["out1", None]}, cv=2
    )
    assert search.fit(images, y).best_score_ > 0.9


def test_cache_keeps_by_pixels_network_and_settings(path, tmp_path, monkeypatch):
    images, folder = prints(), tmp_path / "cache"
    backbone = Backbone(path, cache=folder).fit()
    expected = Backbone(path).fit().transform(images)
    np.testing.assert_array_equal(backbone.transform(images), expected)
    calls = []
    run = Backbone._values
    monkeypatch.setattr(Backbone, "_values", lambda self, batch: calls.append(len(batch)) or run(self, batch))
    np.testing.assert_array_equal(backbone.transform(images[::-1]), expected[::-1])
    assert calls == []
    np.testing.assert_array_equal(backbone.transform(np.concatenate([images, prints(1, seed=9)]))[:6], expected)
    assert calls == [1]
    other = Backbone(path, cache=folder, mean=[0.5], std=[0.5]).fit()
    assert np.abs(other.transform(images) - expected).max() > 0.01
    kept = next(p for p in folder.rglob("*.npy") if np.array_equal(np.load(p), expected[0]))
    np.save(tmp_path / "others.npy", np.zeros(8, np.float32))
    too_large = (tmp_path / "others.npy").read_bytes() + bytes(2000)
    for damage in (b"", b"\x93NUMPY" + bytes(20), pickle.dumps([1]), np.zeros(3, np.float32).tobytes(), too_large):
        kept.write_bytes(damage)
        np.testing.assert_array_equal(backbone.transform(images), expected)
    assert np.array_equal(np.load(kept), expected[0]) and not list(folder.rglob("*.tmp"))


def test_messages(path, tmp_path):
    fitted = Backbone(path).fit()
    for parameters, error, says in [
        ({"layer": "node_out3"}, ModelError, "no layer 'node_out3'; the nearest are node_out"),
        ({"layer": 3}, ParameterError, "layer is 3"),
        ({"layer": ["out1", "node_out1"]}, ParameterError, "give each layer once"),
        ({"size": 0}, ParameterError, r"size is \(0, 0\)"),
        ({"std": (1.0, 0.0, 1.0)}, ParameterError, "above 0"),
        ({"mean": (1.0, 0.0)}, ParameterError, "one for each of 3 channels"),
        ({"channel_order": "gbr"}, ParameterError, "'gbr'"),
        ({"batch_size": 0}, ParameterError, "batch_size is 0"),
    ]:
        with pytest.raises(error, match=says):
            Backbone(path, **parameters).fit()
    for X, says in [
        (str(path), "put a single one in a list"),
        ([1.5], "got float"),
        ([np.zeros((4, 4))], "float64"),
        ([tmp_path / "none.png"], "none.png"),
        ([path], "net.onnx"),
    ]:
        with pytest.raises(ImageError, match=says):
            fitted.transform(X)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ParameterError, match=r"cache .* cannot be made"):
        Backbone(path, cache=tmp_path / "file").fit().transform(prints(1))
    save(mobile(), tmp_path)
    with pytest.raises(ModelError, match="has changed since this backbone was fitted"):
        pickle.loads(pickle.dumps(fitted)).transform(prints(1))


def test_values_that_are_not_finite_are_refused(tmp_path):
    m = Maker()
    m.classifier(m.conv("image", "only", 4, 3, 3), 4)
    m.weights[0].CopyFrom(type(m.weights[0])())
    m.weight("only.w", np.full((4, 3, 3, 3), np.inf))
    del m.weights[0]
    with pytest.raises(ModelError, match="not finite"):
        Backbone(save(m.model(), tmp_path)).fit()


def test_the_result_does_not_depend_on_threads_or_batches(path):
    images, found = prints(9), []
    for threads, batch_size in ((1, 1), (3, 1), (2, 4)):
        with opencv_threads(threads):
            found.append(Backbone(path, batch_size=batch_size).fit().transform(images))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], found[2], rtol=1e-5, atol=1e-6)


def test_without_prints_the_result_is_empty(path):
    assert Backbone(path).fit().transform([]).shape == (0, 8)
