"""Batch normalisation of images and of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ridgefeat.nn.layer import Array, Layer, Shape, channel_sums
from ridgefeat.nn.threads import share

T = TypeVar("T")


class BatchNorm(Layer):
    """Each channel with mean 0 and deviation 1 over the batch, then scaled by `gamma` and shifted by `beta`.

    out = gamma * (x - mean) / sqrt(variance + epsilon) + beta

    In training, mean and variance are the batch's (variance with 1/m), over images, rows and columns. Running
    statistics follow as running = momentum * running + (1 - momentum) * batch, and take their place outside training:
    a network can therefore be right in training and wrong afterwards, until the running statistics have caught up.

    Parameters
    ----------
    momentum, epsilon : float
        Keras's defaults.

    Notes
    -----
    Backwards, mean and variance depend on every pixel, which gives two terms besides the plain scale. With m values a
    channel, s = 1 / sqrt(variance + epsilon) and d = x - mean:
    grad_x = gamma * s * (grad - sum(grad) / m - d * s^2 * sum(grad * d) / m).

    Source: Ioffe and Szegedy 2015.
    """

    kind = "batch_norm"

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Make gamma of ones, beta of zeros, and running statistics of a standard normal variable."""
        channels = shape[-1]
        self.params = {"gamma": np.ones(channels, dtype), "beta": np.zeros(channels, dtype)}
        self.state = {"mean": np.zeros(channels, dtype), "variance": np.ones(channels, dtype)}
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the normalised batch, of the same shape."""
        if training and not self.frozen:
            mean, variance = _statistics(x)
            for name, batch in (("mean", mean), ("variance", variance)):
                running = self.momentum * self.state[name] + (1 - self.momentum) * batch
                self.state[name] = running.astype(x.dtype)
        else:
            mean, variance = self.state["mean"], self.state["variance"]
        inverse = 1 / np.sqrt(variance.astype(np.float64) + self.epsilon)
        if training:
            self._x, self._mean, self._inverse = x, mean, inverse
        # In this order, although x * scale + shift would be one operation less: where a channel's mean is large
        # compared with its deviation, the digits are lost in x * scale. What rounding takes from the mean goes into the
        # shift.
        rounded, scale = mean.astype(x.dtype), self.params["gamma"] * inverse
        shift = self.params["beta"] - (mean - rounded) * scale
        scale, shift = scale.astype(x.dtype), shift.astype(x.dtype)
        out = np.empty_like(x)

        def image(x: Array, out: Array) -> None:
            np.subtract(x, rounded, out=out)
            out *= scale
            out += shift

        _by_image(image, x, out)
        return out

    def backward(self, grad: Array, need_input: bool = True) -> Array:
        """Fill the gradients by gamma and beta; return the gradient by the input, in place of `grad`."""
        assert self._x is not None
        x, inverse, gamma, mean = self._x, self._inverse, self.params["gamma"], self._mean.astype(self._x.dtype)
        sums = _by_image(lambda x, grad: (channel_sums(grad), channel_sums(grad * (x - mean))), x, grad)
        sum_grad, sum_product = np.sum(sums, axis=0)
        sum_product -= (self._mean - mean) * sum_grad
        self.grads["beta"] = sum_grad.astype(grad.dtype)
        self.grads["gamma"] = (sum_product * inverse).astype(grad.dtype)
        scale = (gamma * inverse).astype(grad.dtype)
        if self.frozen:
            grad *= scale
        else:
            # The formula above, as grad * scale + x * slope + shift.
            count = x.size // x.shape[-1]
            exact = -gamma * inverse**3 * sum_product / count
            slope, shift = exact.astype(x.dtype), -gamma * inverse * sum_grad / count - exact * self._mean
            shift = shift.astype(x.dtype)

            def image(x: Array, grad: Array) -> None:
                grad *= scale
                grad += x * slope + shift

            _by_image(image, x, grad)
        return grad


def _statistics(x: Array) -> tuple[Array, Array]:
    """Return mean and variance of each channel, in float64.

    The mean first, then the squared deviations from it: without the cancellation of mean(x^2) - mean(x)^2.
    """
    count = x.size // x.shape[-1]
    mean = np.sum(_by_image(channel_sums, x), axis=0) / count
    near = mean.astype(x.dtype)
    squares = np.sum(_by_image(lambda x: channel_sums((x - near) ** 2), x), axis=0) / count
    return mean, squares - (mean - near) ** 2


def _by_image(work: Callable[..., T], *batches: Array) -> list[T]:
    """Call `work` with one image of each batch at a time, which stays in the core's cache; of vectors, with several."""
    step = 1 if batches[0].ndim > 2 else 64
    starts = range(0, len(batches[0]), step)
    found = share(lambda part: [work(*(b[k : k + step] for b in batches)) for k in starts[part]], len(starts))
    return [each for portion in found for each in portion]
