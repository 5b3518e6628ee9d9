"""Batch normalisation merged into the convolution before it gives the same, and stays where it must."""

import cv2
import numpy as np
import pytest

from ridgefeat.backbone.merging import without_norms
from ridgefeat.backbone.onnx_file import parse_onnx
from tests.backbone.onnx_examples import Maker, onnx, reference, residual

IMAGES = np.random.default_rng(0).normal(size=(2, 3, 16, 16)).astype(np.float32)


def normed(group=1, bias=True, again=False, changed=None):
    """A convolution of 6 maps and its normalisation; `again` takes the convolution's maps once more."""
    m = Maker(3)
    x = m.conv("image", "conv", 6, 3 // group, 3, group=group, bias=bias, pads=[1, 1, 1, 1])
    y = m.norm(x, "norm", 6)
    if again:
        y = m.node("Add", [y, x], "sum")
    m.classifier(y, 6)
    model = m.model()
    if changed:
        changed(model)
    return model


def kinds(data):
    return [n.op_type for n in onnx.load_from_string(data).graph.node]


def merge(model, *tensors):
    return without_norms(parse_onnx(parse_onnx(model.SerializeToString()).cut(*(tensors or ("pooled",)))))


def set_attribute(name, value):
    def change(model):
        node = next(n for n in model.graph.node if n.op_type == "BatchNormalization")
        node.attribute.append(onnx.helper.make_attribute(name, value))

    return change


def set_weight(name, values):
    def change(model):
        weight = next(w for w in model.graph.initializer if w.name == name)
        weight.CopyFrom(onnx.numpy_helper.from_array(np.asarray(values), name))

    return change


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("group", [1, 3])
def test_one_convolution_gives_the_same(group, bias):
    model = normed(group, bias)
    new = merge(model)
    assert kinds(new) == ["Conv", "GlobalAveragePool"]
    expected = reference(model, "pooled", IMAGES)
    np.testing.assert_allclose(reference(onnx.load_from_string(new), "pooled", IMAGES), expected, atol=1e-6, rtol=1e-5)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(new, np.uint8))
    net.setInput(IMAGES)
    np.testing.assert_allclose(net.forward().reshape(expected.shape), expected, atol=1e-5)


def test_every_normalisation_of_a_residual_network():
    model = residual()
    new = merge(model)
    assert "BatchNormalization" not in kinds(new) and kinds(new).count("Conv") == 5
    found = reference(onnx.load_from_string(new), "pooled", IMAGES)
    np.testing.assert_allclose(found, reference(model, "pooled", IMAGES), atol=1e-5)


def test_weights_written_otherwise():
    def as_floats(model):
        for w in model.graph.initializer:
            values = onnx.numpy_helper.to_array(w)
            if values.dtype == np.float32:
                w.CopyFrom(onnx.helper.make_tensor(w.name, 1, values.shape, values.ravel()))

    def named_again(model):
        node = next(n for n in model.graph.node if n.op_type == "BatchNormalization")
        model.graph.node.insert(0, onnx.helper.make_node("Identity", [node.input[1]], ["same"]))
        node.input[1] = "same"

    expected = reference(normed(), "pooled", IMAGES)
    for change in (as_floats, named_again):
        new = merge(normed(changed=change))
        assert "BatchNormalization" not in kinds(new)
        np.testing.assert_allclose(reference(onnx.load_from_string(new), "pooled", IMAGES), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "tensors"),
    [
        ({"again": True}, ()),
        ({}, ("conv", "pooled")),
        ({"changed": set_attribute("training_mode", 1)}, ()),
        ({"changed": set_attribute("spatial", 0)}, ()),
        ({"changed": set_weight("norm.variance", np.full(6, -1, np.float32))}, ()),
        ({"changed": set_weight("norm.mean", np.zeros(1, np.float32))}, ()),
        ({"changed": set_weight("norm.scale", np.ones(6))}, ()),
        ({"changed": set_weight("conv.w", np.zeros((0, 3, 3, 3), np.float32))}, ()),
    ],
)
def test_what_cannot_be_merged_stays(settings, tensors):
    assert "BatchNormalization" in kinds(merge(normed(**settings), *tensors))


def test_a_weight_that_many_share_does_not_become_large():
    m = Maker(1)
    kernel, x, weights = (m.weight("w", m.rng.normal(0, 0.01, (30, 30, 5, 5))), m.conv("image", "c", 30, 3, 3), [])
    for name in ("scale", "shift", "mean", "variance"):
        weights.append(m.weight(name, np.ones(30)))
    for k in range(40):
        x = m.node("Conv", [x, kernel], f"c{k}", pads=[2, 2, 2, 2])
        x = m.node("BatchNormalization", [x, *weights], f"n{k}")
    m.classifier(x, 30)
    part = parse_onnx(m.model().SerializeToString()).cut("pooled")
    new = without_norms(parse_onnx(part))
    assert kinds(new).count("BatchNormalization") == 39 and len(new) < 3 * len(part)
