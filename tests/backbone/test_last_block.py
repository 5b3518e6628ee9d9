"""The last block read into nn: the file's numbers, its gradients, and what is trained of it."""

import sys
import time

import numpy as np
import pytest

from ridgefeat.backbone import LastBlock, NetworkHead, OnnxBackbone, fine_tuned, read_block
from ridgefeat.errors import ModelError, ParameterError
from ridgefeat.nn import GlobalAveragePool
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.normalisation import BatchNorm
from tests.backbone.onnx_examples import Maker, mobile, plain, reference, residual, save

STEP = 1e-7
"""Of central differences in float64: large enough for its digits, and rarely across a kink."""


def inputs(n=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 3, 16, 16)).astype(np.float32)


def network(block, maps, dtype=np.float32):
    model = Sequential([*block.layers, GlobalAveragePool()], maps.shape[1:], dtype=dtype)
    block.load()
    return model


@pytest.mark.parametrize(
    ("make", "start", "kinds"),
    [
        (residual, "out1", ["residual", "relu"]),
        (mobile, "sum", ["conv2d", "relu", "grouped_conv2d", "relu", "conv2d", "conv2d", "relu"]),
        (plain, "r1", ["conv2d", "relu"] * 3),
    ],
)
def test_the_block_gives_what_the_file_gives(tmp_path, make, start, kinds):
    model = make()
    block = read_block(save(model, tmp_path))
    assert block.start == start and [layer.kind for layer in block.layers] == kinds
    maps = reference(model, start, inputs()).transpose(0, 2, 3, 1)
    assert maps.shape[3] == block.channels
    ours = network(block, maps).forward(np.ascontiguousarray(maps))
    expected = reference(model, "pooled", inputs()).reshape(4, -1)
    np.testing.assert_allclose(ours, expected, atol=2e-6)


def test_a_block_that_begins_elsewhere_holds_nested_sums(tmp_path):
    model = residual()
    block = read_block(save(model, tmp_path), "node_stem_relu")
    assert [layer.kind for layer in block.layers] == ["residual", "relu"] * 2
    maps = np.ascontiguousarray(reference(model, "stem_relu", inputs()).transpose(0, 2, 3, 1))
    expected = reference(model, "pooled", inputs()).reshape(4, -1)
    np.testing.assert_allclose(network(block, maps).forward(maps), expected, atol=2e-6)


@pytest.mark.parametrize("make", [residual, mobile])
def test_the_blocks_gradients_are_central_differences(tmp_path, make):
    model = make()
    block = read_block(save(model, tmp_path))
    maps = np.ascontiguousarray(reference(model, block.start, inputs(2)).transpose(0, 2, 3, 1), np.float64)
    net = network(block, maps, np.float64)
    weight = np.random.default_rng(1).normal(size=net.forward(maps).shape)

    def value():
        return float((net.forward(maps, training=True) * weight).sum())

    value()
    net.backward(weight.copy())
    rng = np.random.default_rng(2)
    for name, array in net.params.items():
        grad = net.grads[name].reshape(-1)
        flat = array.reshape(-1)
        assert flat.base is not None
        places = rng.choice(flat.size, min(6, flat.size), replace=False)
        found = []
        for at in places:
            kept = flat[at]
            flat[at] = kept + STEP
            above = value()
            flat[at] = kept - STEP
            found.append((above - value()) / (2 * STEP))
            flat[at] = kept
        # At kinks (ReLU, ReLU6) a difference may still stand on both sides.
        away = np.linalg.norm(grad[places] - found)
        assert away <= 1e-4 * max(np.linalg.norm(found), 1e-3), name


def learnable(n=40):
    """Prints of two kinds, told by how fine their stripes are."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    x = np.arange(16)
    waves = np.sin(x[None] * np.where(y, 2.2, 0.9)[:, None] + rng.uniform(0, 6, (n, 1)))
    images = 128 + 80 * np.repeat(waves[:, None], 16, axis=1) + rng.normal(0, 20, (n, 16, 16))
    return np.clip(images, 0, 255).astype(np.uint8), np.where(y, "fine", "coarse")


def test_fine_tuning_learns_and_keeps_the_statistics(tmp_path):
    path = save(residual(), tmp_path)
    images, y = learnable()
    lines, seconds = [], []
    model = fine_tuned(
        path,
        epochs=14,
        head_epochs=6,
        learning_rate=0.01,
        random_state=0,
        on_epoch=lambda number, line: lines.append((number, line["loss"])) or seconds.append(line["seconds"]),
    )
    started = time.perf_counter()
    model.fit(images, y)
    assert min(seconds) > 0 and sum(seconds) < time.perf_counter() - started
    head = model[-1]
    assert list(head.classes_) == ["coarse", "fine"] and model.score(images, y) > 0.9
    assert [number for number, _ in lines] == list(range(1, 21))
    assert head.history_["loss"] == [loss for _, loss in lines]
    assert head.history_["learning_rate"][0] == 0.001 and head.history_["learning_rate"][-1] == 0.01
    block = read_block(path)
    fresh = Sequential(block.layers, (8, 8, 8))
    block.load()
    norms = [a for a in head.model_.walk() if isinstance(a, BatchNorm)]
    same = [a for a in fresh.walk() if isinstance(a, BatchNorm)]
    assert len(norms) == 2
    for trained, file in zip(norms, same, strict=True):
        np.testing.assert_array_equal(trained.state["mean"], file.state["mean"])
        np.testing.assert_array_equal(trained.state["variance"], file.state["variance"])
        assert np.abs(trained.params["gamma"] - file.params["gamma"]).max() > 1e-4


def test_without_epochs_of_its_own_the_block_is_the_file_under_a_trained_head(tmp_path):
    path = save(mobile(), tmp_path)
    images, y = learnable()
    options = {"random_state": 0, "class_weight": "balanced"}
    tuned = fine_tuned(path, epochs=0, **options).fit(images, y)
    frozen = OnnxBackbone(path).fit().transform(images)
    kernel = tuned[-1].model_.layers[-1].params["kernel"]
    logits = frozen @ kernel + tuned[-1].model_.layers[-1].params["bias"]
    expected = 1 / (1 + np.exp(-logits[:, 0]))
    np.testing.assert_allclose(tuned.predict_proba(images)[:, 1], expected, atol=1e-5)
    again = fine_tuned(path, epochs=1, **options).fit(images, y).predict_proba(images)
    np.testing.assert_array_equal(fine_tuned(path, epochs=1, **options).fit(images, y).predict_proba(images), again)


def test_the_head_is_dropout_and_one_unit():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 5)), np.arange(60) % 2
    X[:, 0] += 3 * y
    head = NetworkHead(epochs=40, learning_rate=0.02, random_state=0).fit(X, y)
    assert [layer.kind for layer in head.model_.layers] == ["dropout", "dense"]
    assert head.model_.output_shape == (1,) and head.score(X, y) > 0.9
    assert head.history_["loss"][-1] < head.history_["loss"][0] and len(head.history_["loss"]) == 40
    three = NetworkHead(epochs=2, random_state=0).fit(X, np.arange(60) % 3)
    assert three.predict_proba(X).shape == (60, 3)
    with pytest.raises(ValueError, match="one class"):
        NetworkHead().fit(X, np.zeros(60))


def test_what_cannot_be_trained_is_told(tmp_path, monkeypatch):
    with pytest.raises(ModelError, match=r"holds Mul \(gated\)"):
        read_block(save(plain(gate=True), tmp_path))
    with pytest.raises(ModelError, match="no global average pooling"):
        read_block(save(plain(pool=False), tmp_path))
    path = save(residual(), tmp_path)
    with pytest.raises(ModelError, match="no layer 'node_out9'"):
        read_block(path, "node_out9")
    with pytest.raises(ModelError, match="does not lie before"):
        read_block(path, "node_logits")
    with pytest.raises(ModelError, match="no convolution between"):
        read_block(path, "node_out2")
    with pytest.raises(ParameterError, match="does not hold 8 maps of 3 x 3"):
        LastBlock(path).fit(np.zeros((4, 70)), [0, 1, 0, 1])
    for change, says in [({"dilations": [2, 2]}, "dilations"), ({"auto_pad": "SAME_UPPER"}, "auto_pad")]:
        m = Maker()
        m.classifier(m.conv("image", "only", 4, 3, 3, **change), 4)
        with pytest.raises(ModelError, match=says):
            read_block(save(m.model(), tmp_path, "odd.onnx"))
    m = Maker()
    m.classifier(m.node("Clip", [m.conv("image", "only", 4, 3, 3), m.weight("low", -1.0)], "clipped"), 4)
    with pytest.raises(ModelError, match=r"Clip node_clipped has ends -1\.0"):
        read_block(save(m.model(), tmp_path, "odd.onnx"))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModelError, match=r"pip install 'ridgefeat\[onnx\]'"):
        read_block(path)


def test_a_constant_is_never_larger_than_a_setting(tmp_path):
    m = Maker()
    size = m.weight("size", [1 << 40], np.int64)
    amounts = m.node("ConstantOfShape", [size], "amounts")
    padded = m.node("Pad", ["image", amounts], "padded", mode="constant")
    m.classifier(m.conv(padded, "only", 4, 3, 3), 4)
    with pytest.raises(ModelError, match="too many for a setting"):
        read_block(save(m.model(), tmp_path))
