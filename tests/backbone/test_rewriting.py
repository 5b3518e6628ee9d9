"""A network rewritten for speed gives the same, and what cannot be rewritten stays."""

import cv2
import numpy as np
import pytest

from ridgefeat.backbone import OnnxBackbone, products, rewriting, trial
from ridgefeat.backbone.constants import constant
from ridgefeat.backbone.onnx_file import parse_onnx
from ridgefeat.backbone.onnx_values import Graph
from ridgefeat.backbone.rewriting import quicker
from ridgefeat.errors import ImageError, ModelError, ParameterError
from tests.backbone.onnx_examples import Maker, mobile, onnx, reference, residual, save


@pytest.fixture
def every(monkeypatch):
    """Rewrite whatever OpenCV this is, and however small a convolution is."""
    monkeypatch.setattr(rewriting, "products_are_faster", lambda: True)
    monkeypatch.setattr(products, "LEAST_WEIGHTS", 1)
    monkeypatch.setattr(products, "LEAST_MAPS", 1)


def kinds(data):
    return [n.op_type for n in onnx.load_from_string(data).graph.node]


def standard(data):
    """The same with OpenCV's own layer written as ONNX has it, for the reference evaluator."""
    model = onnx.load_from_string(data)
    for node in model.graph.node:
        if node.op_type == "ReLU6":
            ends = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            del node.attribute[:]
            node.op_type = "Clip"
            for name in ("min_value", "max_value"):
                tensor = f"{node.output[0]}.{name}"
                model.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(ends[name]).reshape(()), tensor))
                node.input.append(tensor)
    return model


def strided():
    """Convolutions of 1 x 1 with and without steps and bias, one with padding of its own, one in groups."""
    m = Maker(4)
    x = m.conv("image", "one", 6, 3, 1)
    x = m.node("Relu", [m.conv(x, "steps", 8, 6, 1, bias=False, strides=[2, 2])], "relu")
    x = m.conv(m.conv(x, "groups", 8, 2, 1, group=4), "padded", 8, 8, 1, pads=[1, 0, 0, 1])
    m.classifier(x, 8)
    return m.model()


@pytest.mark.parametrize(
    ("make", "gone", "count"),
    [(residual, ("BatchNormalization",), 5), (mobile, ("Clip",), 5), (strided, ("MaxPool",), 3)],
)
def test_what_is_rewritten_gives_the_same(every, make, gone, count):
    model = make()
    part = parse_onnx(model.SerializeToString()).cut("pooled")
    new = quicker(part)
    # Convolutions in groups stay.
    assert not set(gone) & set(kinds(new)) and kinds(new).count("MatMul") == count
    images = np.random.default_rng(0).normal(size=(3, 3, 16, 16)).astype(np.float32)
    expected = reference(model, "pooled", images)
    np.testing.assert_allclose(reference(standard(new), "pooled", images), expected, atol=1e-6)


def test_what_only_replaced_nodes_took_is_left_out(every):
    part = parse_onnx(mobile().SerializeToString()).cut("pooled")
    names = {t.name for t in onnx.load_from_string(quicker(part)).graph.initializer}
    assert "expand.w" not in names and "half" not in names and "depthwise.w" in names


def one(rows=3, columns=3, group=1, bias=True, filters=5, shape=("n", 3, 16, 16), **settings):
    """One convolution of 3 maps, with a kernel that need not be square."""
    m = Maker(7)
    kernel = m.weight("w", m.rng.normal(0, 0.3, (filters, 3 // group, rows, columns)))
    given = ["image", kernel, *([m.weight("b", m.rng.normal(0, 1, filters))] if bias else [])]
    m.classifier(m.node("Conv", given, "maps", group=group, **settings), filters)
    return m.model(shape=shape)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("rows", "columns", "strides", "pads"),
    [
        (3, 3, [1, 1], [0, 0, 0, 0]),
        (3, 3, [2, 2], [1, 1, 1, 1]),
        (7, 7, [2, 2], [3, 3, 3, 3]),
        (1, 1, [2, 3], [0, 0, 0, 0]),
        (1, 1, [1, 1], [1, 0, 2, 3]),
        (2, 2, [2, 2], [0, 0, 0, 0]),
        (2, 3, [4, 1], [0, 2, 1, 0]),
        (5, 4, [3, 2], [2, 0, 1, 3]),
        (1, 5, [1, 3], [0, 2, 0, 2]),
        (4, 1, [5, 2], [3, 1, 0, 0]),
    ],
)
def test_a_product_of_windows_is_the_convolution(every, rows, columns, strides, pads, bias):
    model = one(rows, columns, bias=bias, strides=strides, pads=pads)
    new = quicker(parse_onnx(model.SerializeToString()).cut("maps"))
    assert kinds(new).count("MatMul") == 1 and "Conv" not in kinds(new)
    for size in ((16, 16), (17, 13), (12, 19)):
        images = np.random.default_rng(0).normal(size=(2, 3, *size)).astype(np.float32)
        expected = reference(model, "maps", images)
        np.testing.assert_allclose(reference(standard(new), "maps", images), expected, atol=1e-5)
        net = cv2.dnn.readNetFromONNX(np.frombuffer(new, np.uint8))
        net.setInput(images)
        np.testing.assert_allclose(net.forward(), expected, atol=1e-5)


def test_convolutions_that_are_no_faster_as_products_stay(monkeypatch):
    monkeypatch.setattr(rewriting, "products_are_faster", lambda: True)

    def rewritten(**settings):
        return quicker(parse_onnx(one(**settings).SerializeToString()).cut("maps")) is not None

    assert rewritten(filters=96) and rewritten(strides=[2, 2]) and rewritten(rows=7, columns=7, filters=96)
    assert not rewritten(filters=95) and not rewritten(rows=8, columns=8, filters=96)
    assert not rewritten(filters=96, dilations=[2, 2]) and not rewritten(filters=96, group=3)
    assert not rewritten(strides=[17, 17]) and not rewritten(strides=[2, 0])
    assert not rewritten(strides=[2, 2], auto_pad="SAME_UPPER") and not rewritten(strides=[2, 2], pads=[2000] * 4)


def test_small_convolutions_and_other_opencvs_are_left_alone(monkeypatch):
    part = parse_onnx(strided().SerializeToString()).cut("pooled")
    monkeypatch.setattr(rewriting, "products_are_faster", lambda: True)
    assert quicker(part) is None
    monkeypatch.setattr(products, "LEAST_WEIGHTS", 1)
    assert quicker(part) is not None
    monkeypatch.setattr(rewriting, "products_are_faster", lambda: False)
    assert quicker(part) is None


def pad(amounts, mode="constant", filled=0.0):
    m = Maker(5)
    given = ["image", m.weight("amounts", amounts, np.int64), m.weight("filled", filled)]
    m.classifier(m.conv(m.node("Pad", given, "padded", mode=mode), "only", 4, 3, 3), 4)
    return parse_onnx(m.model().SerializeToString()).cut("pooled")


def test_only_zeros_around_maps_become_a_convolutions_own(every, monkeypatch):
    padded = quicker(pad([0, 0, 1, 2, 0, 0, 3, 4]))
    assert kinds(padded).count("Pad") == 1 and "Conv" not in kinds(padded)
    monkeypatch.setattr(products, "LEAST_MAPS", 5)
    found = onnx.load_from_string(quicker(pad([0, 0, 1, 2, 0, 0, 3, 4]))).graph.node[0]
    assert found.op_type == "Conv" and found.input[0] == "image"
    assert {a.name: list(a.ints) for a in found.attribute}["pads"] == [1, 2, 3, 4]
    for other in (
        pad([0, 0, 1, 1, 0, 0, 1, 1], filled=1.0),
        pad([0, 0, 1, 1, 0, 0, 1, 1], mode="reflect"),
        pad([0, 1, 0, 0, 0, 0, 0, 0]),
        pad([0, 0, -1, 0, 0, 0, 0, 0]),
        pad([0, 0, 1 << 40, 0, 0, 0, 0, 0]),
    ):
        assert quicker(other) is None


def test_amounts_that_exporters_compute():
    # As PyTorch writes them: the last axis first, turned around, transposed.
    m = Maker()
    m.weight("few", [1, 2, 3, 4], np.int64)
    zeros = onnx.numpy_helper.from_array(np.zeros(1, np.int64))
    # Two ends an axis less those that are given: how many axes there are is told by another constant.
    m.node("Gather", [m.node("Shape", [m.weight("few_", [[1, 2, 3, 4]])], "axes"), m.weight("at", [1], np.int64)], "n")
    m.node("Mul", [m.weight("two", [2], np.int64), m.node("Identity", ["n"], "same")], "ends")
    m.node("ConstantOfShape", [m.node("Sub", ["ends", "n"], "rest")], "zeros", value=zeros)
    m.node("Concat", ["few", "zeros"], "all", axis=0)
    m.node("Reshape", ["all", m.weight("pairs", [-1, 2], np.int64)], "table")
    ends = [m.weight(n, v, np.int64) for n, v in (("a", [-1]), ("b", [-(2**62)]), ("c", [0]), ("d", [-1]))]
    m.node("Slice", ["table", *ends], "turned")
    m.node("Transpose", ["turned"], "columns", perm=[1, 0])
    m.node("Reshape", ["columns", m.weight("flat", [-1], np.int64)], "row")
    m.node("Cast", ["row"], "amounts", to=7)
    m.classifier(m.conv("image", "only", 4, 3, 3), 4)
    file = parse_onnx(m.model().SerializeToString())
    assert constant(file, "amounts").tolist() == [0, 0, 3, 1, 0, 0, 4, 2]
    assert constant(file, "pooled") is None and constant(file, "none") is None


def test_a_constant_does_not_become_large():
    m = Maker()
    m.node("ConstantOfShape", [m.weight("size", [1 << 40], np.int64)], "many")
    m.classifier(m.conv("image", "only", 40, 3, 3), 40)
    file = parse_onnx(m.model().SerializeToString())
    assert constant(file, "many") is None and constant(file, "only.w") is None


def test_damaged_bytes_raise_nothing_but_the_named_error(every):
    rng, refused, rewritten = np.random.default_rng(0), 0, 0
    for model in (mobile(), strided(), residual()):
        part = parse_onnx(model.SerializeToString()).cut("pooled")
        for _ in range(200):
            bad = bytearray(part)
            for at in rng.integers(0, len(bad), rng.integers(1, 6)):
                bad[at] = rng.integers(256)
            try:
                rewritten += quicker(bytes(bad)) is not None
            except ModelError:
                refused += 1
    assert refused > 20 and rewritten > 200


def test_constants_that_are_taken_twice_again_and_again_take_no_time():
    m = Maker()
    name = m.weight("one", [0, 0, 1, 1, 0, 0, 1, 1], np.int64)
    for k in range(50):
        name = m.node("Mul", [name, name], f"times{k}")
    m.classifier(m.conv(m.node("Pad", ["image", name], "padded"), "only", 4, 3, 3), 4)
    data = m.model().SerializeToString()
    assert constant(parse_onnx(data), name).tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    assert Graph(parse_onnx(data)).is_constant(name)


def test_the_rewritten_network_is_used_only_where_it_gives_the_same(every, tmp_path, monkeypatch):
    path, images = save(mobile(), tmp_path), np.random.default_rng(0).integers(0, 256, (4, 16, 16), np.uint8)
    expected = OnnxBackbone(path).fit().transform(images)
    part = parse_onnx(path.read_bytes()).cut("pooled")
    tried = []
    run = trial.try_out

    def noted(*given):
        tried.append((given[3], run(*given)))
        return tried[-1][1]

    monkeypatch.setattr("ridgefeat.backbone.transformer.try_out", noted)
    # Without OpenCV's own layer, as in a version that has dropped it, the original is run.
    for other in (quicker(part).replace(b"ReLU6", b"Nelu6"), residual().SerializeToString(), b"\x3a\x00"):
        monkeypatch.setattr("ridgefeat.backbone.transformer.quicker", lambda _, other=other: other)
        plain = OnnxBackbone(path).fit()
        assert tried[-1] == (other, False)
        np.testing.assert_allclose(plain.transform(images), expected, atol=1e-5)


def test_threads_change_nothing(tmp_path):
    path, images = save(mobile(), tmp_path), np.random.default_rng(1).integers(0, 256, (9, 30, 20), np.uint8)
    before, told = cv2.getNumThreads(), []
    backbone = OnnxBackbone(path, batch_size=2, on_print=told.append).fit()
    try:
        found = []
        for count in (1, 2, 5):
            cv2.setNumThreads(count)
            found.append(backbone.transform(images))
            assert cv2.getNumThreads() == count
            # Of a single batch the threads are not shared out, for sums in another order would be other bytes.
            assert np.array_equal(backbone.transform(images[:2]), found[0][:2])
        with pytest.raises(ImageError, match="uint8"):
            backbone.transform([*images, np.zeros((3, 3, 2), np.uint8)])
    finally:
        cv2.setNumThreads(before)
    assert np.ptp(found[0]) > 0.01 and all(np.array_equal(found[0], f) for f in found[1:])
    assert told[:18] == [2, 4, 6, 8, 9, 2] * 3


def test_several_layers_follow_one_another(tmp_path):
    path, images = save(mobile(), tmp_path), np.random.default_rng(2).integers(0, 256, (3, 16, 16), np.uint8)
    both = OnnxBackbone(path, layer=("node_sum", "pooled"), pool=False).fit()
    assert both.layers_ == ("sum", "pooled") and [len(s) for s in both.shapes_] == [3, 3]
    alone = [OnnxBackbone(path, layer=name, pool=False).fit().transform(images) for name in ("sum", "pooled")]
    np.testing.assert_allclose(both.transform(images), np.concatenate(alone, axis=1), atol=1e-5)
    with pytest.raises(ParameterError, match="each once"):
        OnnxBackbone(path, layer=("sum", "node_sum")).fit()
    with pytest.raises(ModelError, match="no layer 'nowhere'"):
        OnnxBackbone(path, layer=("sum", "nowhere")).fit()
