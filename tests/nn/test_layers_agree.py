"""Fast layers against the loops of `reference`, and both against central differences in float64."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from ridgefeat.errors import ParameterError
from ridgefeat.nn.convolution import STRIP_BYTES, Conv2D
from ridgefeat.nn.dense import Dense, Dropout, Flatten, ReLU
from ridgefeat.nn.normalisation import BatchNorm
from ridgefeat.nn.pooling import AveragePool, GlobalAveragePool, MaxPool
from ridgefeat.nn.threads import _POOL, threads
from tests.nn import reference as ref
from tests.nn.helpers import central_differences, error

SMOOTH, KINKED = 1e-7, 1e-4


def built(layer, shape, seed=0):
    layer.rng = np.random.default_rng(seed)
    layer.output_shape = layer.build(shape, layer.rng, np.float64)
    for array in layer.params.values():
        array += layer.rng.normal(0, 0.3, array.shape)
    return layer


def check(layer, x, backward=None, tolerance=SMOOTH):
    """Hold a layer's gradients to central differences of its training pass, and to the reference's."""
    weights = np.random.default_rng(9).normal(size=layer.forward(x, True).shape)

    def loss():
        return float((layer.forward(x, True) * weights).sum())

    loss()
    d_x = layer.backward(weights.copy())
    grads = {k: layer.grads[k].copy() for k in layer.params}
    assert error(d_x, central_differences(loss, x)) <= tolerance
    for name, grad in grads.items():
        assert error(grad, central_differences(loss, layer.params[name])) <= tolerance, name
    if backward is not None:
        for ours, theirs in zip((d_x, *grads.values()), backward(weights), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


def images(shape=(2, 6, 7, 3), seed=1):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [(3, 1, "valid"), ((2, 3), 1, "same"), (1, 1, "valid"), ((3, 2), (2, 1), "same"), (3, 2, 1), ((1, 4), 3, (0, 2))],
)
def test_convolution(kernel, stride, padding):
    layer = built(Conv2D(4, kernel, stride=stride, padding=padding), (6, 7, 3))
    x = images()
    k, b = layer.params["kernel"], layer.params["bias"]
    expected = ref.conv2d(x, k, b, layer.stride, layer.pads)
    assert expected.shape[1:] == layer.output_shape
    np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-10)
    check(layer, x, lambda d: ref.conv2d_backward(x, k, d, layer.stride, layer.pads))


def test_convolution_with_relu_is_the_reference_relu_of_it():
    layer = built(Conv2D(4, relu=True), (6, 7, 3))
    x = images()
    plain = ref.conv2d(x, layer.params["kernel"], layer.params["bias"])
    assert (plain < 0).any() and (plain > 0).any()
    np.testing.assert_allclose(layer.forward(x), ref.relu(plain), rtol=1e-10, atol=1e-14)
    check(layer, x, lambda d: ref.conv2d_backward(x, layer.params["kernel"], ref.relu_backward(plain, d)), KINKED)


@pytest.mark.parametrize("stride", [1, 2])
def test_convolution_cut_into_strips_and_portions_is_the_same(monkeypatch, stride):
    x = images((3, 96, 80, 8)).astype(np.float32)  # of the 94 rows of the result, the last is a strip of its own
    assert x[0].nbytes * 9 > 2 * STRIP_BYTES
    passes = []
    for strip_bytes in (STRIP_BYTES, 1 << 40):
        monkeypatch.setattr("ridgefeat.nn.convolution.STRIP_BYTES", strip_bytes)
        layer = Conv2D(5, 3, stride=stride)
        layer.build(x.shape[1:], np.random.default_rng(0), np.float32)
        with threads(2):
            out = layer.forward(x, True)
            passes.append((out, layer.backward(np.cos(out)), *layer.grads.values()))
    assert max(error(*pair) for pair in zip(*passes, strict=True)) < 1e-5


def test_the_number_of_threads_does_not_change_a_bit():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 40, 30, 4)).astype(np.float32)
    results = []
    for count in (1, 2, 3):
        layer, norm = Conv2D(8, 3, relu=True), BatchNorm()
        shape = layer.build(x.shape[1:], np.random.default_rng(1), np.float32)
        norm.build(shape, rng, np.float32)
        with threads(count):
            out = norm.forward(layer.forward(x, True), True)
            into = layer.backward(norm.backward(out**2))
        results.append([out.tobytes(), into.tobytes(), layer.grads["kernel"].tobytes(), norm.grads["gamma"].tobytes()])
    assert results[0] == results[1] == results[2]
    with threadpool_limits(1), threads():
        assert _POOL.get()._max_workers == 1, "as many as BLAS may use"


@pytest.mark.parametrize(("window", "stride"), [(2, None), (3, 2), ((2, 3), (1, 2))])
@pytest.mark.parametrize(
    ("kind", "forward", "backward", "tolerance"),
    [
        (MaxPool, ref.max_pool, ref.max_pool_backward, KINKED),
        (AveragePool, ref.average_pool, ref.average_pool_backward, SMOOTH),
    ],
)
def test_pools(kind, forward, backward, tolerance, window, stride):
    layer, x = built(kind(window, stride), (6, 7, 3)), images()
    expected = forward(x, layer.window, layer.stride)
    np.testing.assert_allclose(layer.forward(x), expected, rtol=0 if kind is MaxPool else 1e-12)
    check(layer, x, lambda d: [backward(x, d, layer.window, layer.stride)], tolerance)


def test_max_pool_gives_the_gradient_to_the_first_of_equals():
    layer = built(MaxPool(2), (4, 4, 1))
    x = np.zeros((1, 4, 4, 1))
    grad = layer.forward(x, True) + np.arange(1.0, 5).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(layer.backward(grad.copy()), ref.max_pool_backward(x, grad, (2, 2), (2, 2)))


def test_global_average_pool():
    layer, x = built(GlobalAveragePool(), (6, 7, 3)), images()
    np.testing.assert_allclose(layer.forward(x), ref.global_average_pool(x), rtol=1e-10)
    check(layer, x, lambda d: [ref.global_average_pool_backward(x, d)])


@pytest.mark.parametrize("shape", [(3, 4, 5, 2), (7, 6)])
def test_batch_norm(shape):
    layer = built(BatchNorm(), shape[1:])
    x = images(shape) * 2 + 1
    gamma, beta = layer.params["gamma"], layer.params["beta"]
    expected, mean, variance = ref.batch_norm(x, gamma, beta, 1e-3)
    np.testing.assert_allclose(layer.forward(x, True), expected, rtol=1e-10)
    np.testing.assert_allclose(layer.state["mean"], 0.01 * mean, rtol=1e-10)
    np.testing.assert_allclose(layer.state["variance"], 0.99 + 0.01 * variance, rtol=1e-10)
    expected = ref.batch_norm_inference(x, gamma, beta, *layer.state.values(), 1e-3)
    np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-10)
    check(layer, x, lambda d: ref.batch_norm_backward(x, gamma, d, 1e-3))


def test_batch_norm_in_float32_is_right_to_its_last_digits():
    # One float32 sum over an image's pixels would miss the mean by a millionth of the deviation.
    x = np.maximum(np.random.default_rng(0).normal(0.3, 1, size=(3, 126, 120, 8)), 0).astype(np.float32)
    grad = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    passes = []
    for dtype in (np.float32, np.float64):
        layer = BatchNorm()
        layer.build(x.shape[1:], np.random.default_rng(0), dtype)
        out = layer.forward(x.astype(dtype), True)
        passes.append((layer._mean, out, layer.backward(grad.astype(dtype)), *layer.grads.values()))
    assert x[0].nbytes > STRIP_BYTES / 2 and x.nbytes > STRIP_BYTES
    for (single, double), limit in zip(zip(*passes, strict=True), (2e-8, 1e-7, 1e-7, 1e-6, 1e-6), strict=True):
        assert error(single, double) < limit


@pytest.mark.parametrize("x", [1000 + np.random.default_rng(0).normal(size=1024), 1e7 + np.arange(1024) % 2])
def test_batch_norm_keeps_its_digits_far_from_zero(x):
    # The second mean, 10,000,000.5, is not a float32.
    layer = BatchNorm(epsilon=0.0)
    layer.build((8, 8, 1), np.random.default_rng(0), np.float32)
    out = layer.forward(x.reshape(16, 8, 8, 1).astype(np.float32), True)
    assert abs(out.std() - 1) < 1e-3


def test_dense_and_relu():
    layer, x = built(Dense(4), (5,)), images((3, 5))
    np.testing.assert_allclose(layer.forward(x), ref.dense(x, *layer.params.values()), rtol=1e-10)
    check(layer, x, lambda d: ref.dense_backward(x, layer.params["kernel"], d))
    layer = built(Dense(4, relu=True), (5,))
    check(layer, x, tolerance=KINKED)
    layer = built(ReLU(), (5,))
    np.testing.assert_array_equal(layer.forward(x), ref.relu(x))
    check(layer, x, lambda d: [ref.relu_backward(x, d)], KINKED)


def test_dense_in_portions():
    layer, x = built(Dense(40), (5000,)), images((3, 5000))
    with threads(2):
        out = layer.forward(x, True)
        into = layer.backward(np.ones_like(out))
    np.testing.assert_allclose(out, x @ layer.params["kernel"] + layer.params["bias"], rtol=1e-9)
    np.testing.assert_allclose(into, np.ones_like(out) @ layer.params["kernel"].T, rtol=1e-9)
    np.testing.assert_allclose(layer.grads["kernel"], x.T @ np.ones_like(out), rtol=1e-9, atol=1e-12)


def test_flatten():
    layer, x = built(Flatten(), (6, 7, 3)), images()
    np.testing.assert_array_equal(layer.forward(x), ref.flatten(x))
    np.testing.assert_array_equal(layer.backward(layer.forward(x)), x)


def test_dropout():
    layer, x = built(Dropout(0.4), (50, 40, 3)), np.ones((2, 50, 40, 3))
    out = layer.forward(x, True)
    kept = out > 0
    assert abs(kept.mean() - 0.6) < 0.02
    np.testing.assert_allclose(out, ref.dropout(x, kept, 0.4))
    np.testing.assert_allclose(layer.backward(x * 2), ref.dropout(x * 2, kept, 0.4))
    np.testing.assert_array_equal(layer.forward(x), x)


@pytest.mark.parametrize(
    ("make", "shape", "says"),
    [
        (lambda: Conv2D(2, 5), (4, 9, 1), "5 x 5 does not fit into images of 4 x 9"),
        (lambda: Conv2D(2, 0), (4, 9, 1), "kernel is 0"),
        (lambda: Conv2D(2, 3, padding="full"), (4, 9, 1), "'full'"),
        (lambda: MaxPool(3), (2, 9, 1), "3 x 3 does not fit into 2 x 9"),
        (lambda: Dense(3), (4, 9, 1), "put Flatten before it"),
        (lambda: Dropout(1.0), (4,), "rate is 1.0"),
    ],
)
def test_messages(make, shape, says):
    with pytest.raises(ParameterError, match=says):
        make().build(shape, np.random.default_rng(0), np.float32)
