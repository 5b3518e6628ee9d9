"""Batch normalisation of images and of vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ridgefeat.nn.layer import Array, Layer, Shape, channel_sums, lines
from ridgefeat.nn.threads import share

T = TypeVar("T")
STRIP_BYTES = 700_000
"""Size of the lines taken at once: with what is made of them below the 1 to 2 MB of a core's own cache."""


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
    Backwards, mean and variance depend on every pixel, which gives two terms beside the plain scale. With m values a
    channel, s = 1 / sqrt(variance + epsilon) and d = x - mean:
    grad_x = gamma * s * (grad - sum(grad) / m - d * s^2 * sum(grad * d) / m).

    Source: Ioffe and Szegedy 2015.
    """

    kind = "batch_norm"

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self._x: Array | None = None

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Make gamma of ones, beta of zeros, and running statistics of a standard normal variable."""
        channels = shape[-1]
        self.params = {"gamma": np.ones(channels, dtype), "beta": np.zeros(channels, dtype)}
        self.state = {"mean": np.zeros(channels, dtype), "variance": np.ones(channels, dtype)}
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the normalised batch, of the same shape."""
        if training and not self.frozen:
            mean, variance = self._statistics(x)
            for name, batch in (("mean", mean), ("variance", variance)):
                running = self.momentum * self.state[name] + (1 - self.momentum) * batch
                self.state[name] = running.astype(x.dtype)
        else:
            mean, variance = self.state["mean"], self.state["variance"]
        inverse = 1 / np.sqrt(variance.astype(np.float64) + self.epsilon)
        if training:
            self._x, self._mean, self._inverse = x, mean, inverse
        return self._normalised(x, mean, self.params["gamma"] * inverse)

    def backward(self, grad: Array, need_input: bool = True) -> Array:
        """Fill the gradients by gamma and beta; return the gradient by the input, in place of `grad`."""
        assert self._x is not None
        x, inverse, gamma = self._x, self._inverse, self.params["gamma"]
        count = x.size // x.shape[-1]
        sum_grad, sum_product = self._gradient_sums(x, grad)
        self.grads["beta"] = sum_grad.astype(grad.dtype)
        self.grads["gamma"] = (sum_product * inverse).astype(grad.dtype)
        # The formula above, as grad * scale + x * slope + shift.
        scale = gamma * inverse
        slope = -scale * inverse**2 * sum_product / count
        shift = -scale * sum_grad / count - slope * self._mean
        if self.frozen:
            slope = shift = np.zeros_like(shift)
        x_, grad_ = lines(x), lines(grad)
        a, b, c = (self._along(x_, each) for each in (scale, slope, shift))

        def strip(x_: Array, grad_: Array) -> None:
            added = x_ * b
            added += c
            grad_ *= a
            grad_ += added

        self._by_strips(strip, x_, grad_)
        self.forget()
        return grad

    def forget(self) -> None:
        """Drop the batch of the last pass."""
        self._x = None

    def _statistics(self, x: Array) -> tuple[Array, Array]:
        """Return mean and variance of each channel, in float64.

        Each strip's own mean and sum of squared deviations first, then the spread of the strips' means is added: one
        pass over the memory, without the cancellation of mean(x^2) - mean(x)^2.
        """
        channels = x.shape[-1]

        def strip(x_: Array) -> tuple[int, Array, Array]:
            count = x_.size // channels
            mean = channel_sums(x_, channels) / count
            away = x_ - self._along(x_, mean)
            away *= away
            return count, mean, channel_sums(away, channels)

        counts, means, squares = (np.array(each) for each in zip(*self._by_strips(strip, lines(x)), strict=True))
        mean = np.average(means, axis=0, weights=counts)
        spread = np.average((means - mean) ** 2, axis=0, weights=counts)
        return mean, squares.sum(axis=0) / counts.sum() + spread

    def _gradient_sums(self, x: Array, grad: Array) -> tuple[Array, Array]:
        """Return sum(grad) and sum(grad * (x - mean)) of each channel, in float64."""
        x_, channels = lines(x), x.shape[-1]
        mean = self._along(x_, self._mean)

        def strip(x_: Array, grad_: Array) -> tuple[Array, Array]:
            away = x_ - mean
            away *= grad_
            return channel_sums(grad_, channels), channel_sums(away, channels)

        sum_grad, sum_product = np.sum(self._by_strips(strip, x_, lines(grad)), axis=0)
        return sum_grad, sum_product

    def _normalised(self, x: Array, mean: Array, scale: Array) -> Array:
        """Return (x - mean) * scale + beta.

        In this order, although x * scale + shift would be one operation less: where a channel's mean is large beside
        its deviation, the digits are lost in x * scale. What rounding takes from the mean goes into the shift.
        """
        out, rounded = np.empty(x.shape, x.dtype), mean.astype(x.dtype)
        x_, shift = lines(x), self.params["beta"] - (mean - rounded) * scale
        m, a, b = (self._along(x_, each) for each in (rounded, scale, shift))

        def strip(x_: Array, out_: Array) -> None:
            np.subtract(x_, m, out=out_)
            out_ *= a
            out_ += b

        self._by_strips(strip, x_, lines(out))
        return out

    @staticmethod
    def _along(lined: Array, channels: Array) -> Array:
        """Repeat one value a channel along a line."""
        return np.tile(channels.astype(lined.dtype, copy=False), lined.shape[1] // len(channels))

    @staticmethod
    def _by_strips(work: Callable[..., T], *batches: Array) -> list[T]:
        """Call `work` with some lines of each batch at a time, small enough to stay in the core's cache."""
        count, step = len(batches[0]), max(1, STRIP_BYTES // batches[0][0].nbytes)
        starts = range(0, count, step)
        portions = share(
            lambda part: [work(*(batch[k : k + step] for batch in batches)) for k in starts[part]], len(starts)
        )
        return [result for portion in portions for result in portion]
