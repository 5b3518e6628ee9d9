"""Losses and optimisers against `reference` and central differences; a whole network's gradient."""

import numpy as np
import pytest

from ridgefeat.errors import ModelError, ParameterError
from ridgefeat.nn import NETWORKS, build
from ridgefeat.nn.convolution import Conv2D
from ridgefeat.nn.dense import Dense, Flatten
from ridgefeat.nn.losses import SigmoidCrossEntropy, SoftmaxCrossEntropy
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.normalisation import BatchNorm
from ridgefeat.nn.optimisers import SGD, Adam
from ridgefeat.nn.pooling import AveragePool
from tests.nn import reference as ref
from tests.nn.helpers import central_differences


@pytest.mark.parametrize(
    ("loss", "reference", "width"),
    [(SoftmaxCrossEntropy(), ref.softmax_cross_entropy, 3), (SigmoidCrossEntropy(), ref.sigmoid_cross_entropy, 1)],
)
def test_losses(loss, reference, width):
    rng = np.random.default_rng(0)
    logits, weight = rng.normal(size=(5, width)) * 3, rng.random(5)
    truth = rng.integers(0, max(2, width), 5)
    value, grad = loss(logits, truth, weight)
    expected, expected_grad = reference(logits, truth, weight)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-10)
    slope = central_differences(lambda: loss(logits, truth, weight)[0], logits)
    np.testing.assert_allclose(grad, slope, rtol=1e-7, atol=1e-12)
    extreme = loss(np.full_like(logits, 1e4), truth)[0], loss(np.full_like(logits, -1e4), truth)[0]
    assert np.isfinite(extreme).all()
    np.testing.assert_allclose(loss.probabilities(logits).sum(axis=1), 1)


@pytest.mark.parametrize(("loss", "logits"), [(SoftmaxCrossEntropy(), [[0, 12.3]]), (SigmoidCrossEntropy(), [[12.3]])])
def test_of_a_print_known_by_heart_the_gradient_keeps_its_digits(loss, logits):
    truth, logits = np.array([1]), np.array(logits, np.float32)
    value, grad = loss(logits, truth)
    exact, exact_grad = loss(logits.astype(np.float64), truth)
    assert grad.dtype == np.float32 and value == exact
    # Probability - 1 is -4.6e-6 here: in float32 that would leave two digits.
    np.testing.assert_allclose(grad, exact_grad, rtol=1e-7)


def test_adam_and_sgd_take_the_references_steps():
    rng = np.random.default_rng(0)
    big = rng.normal(size=40000)
    for optimiser in (Adam(0.01), SGD(0.01, 0.9)):
        params = {"a": big.copy(), "b": np.array([0.5, -2.0])}
        plain, one, two = float(big[39999]), 0.0, 0.0
        for t in range(1, 6):
            grads = {"a": rng.normal(size=40000), "b": np.zeros(2)}
            optimiser.step(params, grads)
            g = float(grads["a"][39999])
            if isinstance(optimiser, Adam):
                plain, one, two = ref.adam(plain, g, one, two, t, 0.01, 0.9, 0.999, 1e-7)
            else:
                plain, one = ref.sgd(plain, g, one, 0.01, 0.9)
            assert params["a"][39999] == pytest.approx(plain, rel=1e-12)
        np.testing.assert_array_equal(params["b"], [0.5, -2.0])


def small(loss="softmax", l2=0.01):
    layers = [Conv2D(3, 3, l2=l2), BatchNorm(), AveragePool(2), Flatten(), Dense(1 if loss == "sigmoid" else 3, l2=l2)]
    return Sequential(layers, (8, 8, 1), loss=loss, dtype=np.float64)


@pytest.mark.parametrize("loss", ["softmax", "sigmoid"])
def test_the_whole_networks_gradient_with_l2(loss):
    model = small(loss)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 8, 8, 1)), rng.integers(0, 2, 4)

    def value():
        return model.loss(model.forward(x, True), y)[0] + model.penalty()

    _, grad = model.loss(model.forward(x, True), y)
    into = model.backward(grad, need_input=True)
    assert all(layer._x is None for layer in model.layers), "what forward kept is dropped"
    grads = model.grads
    arrays = [(name, array, grads[name]) for name, array in model.params.items()] + [("image", x, into)]
    for name, array, found in arrays:
        expected = central_differences(value, array)
        assert np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-3) <= 1e-7, name
    kernel = model.layers[0].params["kernel"]
    penalty = ref.l2(kernel, 0.01)[0] + ref.l2(model.layers[-1].params["kernel"], 0.01)[0]
    assert model.penalty() == pytest.approx(penalty)


def test_the_studies_networks_have_the_studies_counts():
    model = build("three-block")
    assert model.count() == (9_858_402, 9_860_834)
    assert "9,860,834 parameters, 9,858,402 of them trainable" in model.summary()
    assert "conv2d_6" in model.summary() and "25 x 25 x 128" in model.summary()
    shape = (40, 40, 1)
    assert {layer.l2 for layer in build("three-block-l2", shape).layers if layer.kind in ("dense", "conv2d")} == {0.001}
    two = build("two-block", shape)
    assert [layer.filters for layer in two.layers if layer.kind == "conv2d"] == [32, 64]
    assert two.output_shape == (1,) and two.loss.activation == "sigmoid"
    assert build("two-block", shape, 5).output_shape == (5,)
    assert set(NETWORKS) == {"three-block", "three-block-l2", "two-block", "small"}


def test_messages_of_a_model():
    with pytest.raises(ParameterError, match=r"no network 'vgg'.*two-block"):
        build("vgg")
    with pytest.raises(ModelError, match=r"images of shape \(8, 8, 1\), not \(9, 8, 1\)"):
        small().forward(np.zeros((1, 9, 8, 1)))
    with pytest.raises(ModelError, match="another network"):
        small().set_weights({})
    with pytest.raises(ParameterError, match="learning rate is 0"):
        Adam(0)
