"""Batch normalisation of images and of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgefeat.nn.layer import Array, Layer, Shape, along, channel_sums
from ridgefeat.nn.memory import empty
from ridgefeat.nn.threads import share


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
        scale = self.params["gamma"] * inverse
        shift = self.params["beta"] - mean * scale
        if training:
            self._x, self._mean, self._inverse = x, mean, inverse
        return self._scaled(x, scale, shift)

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
        x_, grad_, (a, b, c) = self._lined(x, grad, scale, slope, shift)

        def images(part: slice) -> None:
            for k in range(part.start, part.stop):
                added = x_[k] * b
                added += c
                grad_[k] *= a
                grad_[k] += added

        share(images, len(x_))
        self.forget()
        return grad

    def forget(self) -> None:
        """Drop the batch of the last pass."""
        self._x = None

    def _statistics(self, x: Array) -> tuple[Array, Array]:
        """Return mean and variance of each channel, in float64.

        Each image's own sum of squared deviations first, then the spread of the images' means is added: one pass over
        the memory, without the cancellation of mean(x^2) - mean(x)^2.
        """
        blocks = x if x.ndim == 4 else x[None, :, None, :]
        lined = blocks.reshape(*blocks.shape[:2], -1)
        size = blocks.shape[1] * blocks.shape[2]
        sums = np.empty((2, len(blocks), x.shape[-1]), np.float64)

        def images(part: slice) -> None:
            for k in range(part.start, part.stop):
                mean = channel_sums(blocks[k]) / size
                away = lined[k] - along(mean, blocks)
                away *= away
                sums[:, k] = mean, channel_sums(away.reshape(blocks[k].shape))

        share(images, len(blocks))
        means, squares = sums
        mean = means.mean(axis=0)
        return mean, squares.sum(axis=0) / (size * len(blocks)) + ((means - mean) ** 2).mean(axis=0)

    def _gradient_sums(self, x: Array, grad: Array) -> tuple[Array, Array]:
        """Return sum(grad) and sum(grad * (x - mean)) of each channel."""
        x_, grad_, (mean,) = self._lined(x, grad, self._mean)
        sums = np.empty((2, len(x_), x.shape[-1]), np.float64)

        def images(part: slice) -> None:
            for k in range(part.start, part.stop):
                away = x_[k] - mean
                away *= grad_[k]
                sums[:, k] = [channel_sums(values.reshape(-1, x.shape[-1])) for values in (grad_[k], away)]

        share(images, len(x_))
        return sums[0].sum(axis=0), sums[1].sum(axis=0)

    def _scaled(self, x: Array, scale: Array, shift: Array) -> Array:
        out = empty(x.shape, x.dtype)
        x_, out_, (a, b) = self._lined(x, out, scale, shift)

        def images(part: slice) -> None:
            for k in range(part.start, part.stop):
                np.multiply(x_[k], a, out=out_[k])
                out_[k] += b

        share(images, len(x_))
        return out

    @staticmethod
    def _lined(x: Array, other: Array, *channels: Array) -> tuple[Array, Array, list[Array]]:
        """View two batches as (blocks, lines, values), and repeat what each channel has along a line."""
        blocks = x if x.ndim == 4 else x[None, :, None, :]
        shape = (*blocks.shape[:2], -1)
        return x.reshape(shape), other.reshape(shape), [along(c, blocks) for c in channels]
