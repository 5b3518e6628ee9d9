"""Pooling: a window's largest value, its mean, or the mean of the whole image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.nn.convolution import pair
from ridgefeat.nn.layer import Array, Layer, Shape
from ridgefeat.nn.threads import share


class _Pool(Layer):
    """Windows without padding; what does not fill a window at the lower and right border is left out."""

    def __init__(self, window: int | tuple[int, int] = 2, stride: int | tuple[int, int] | None = None) -> None:
        super().__init__()
        self.window = pair(window, "window")
        self.stride = self.window if stride is None else pair(stride, "stride")
        if max(self.window) > 15:
            raise ParameterError(f"a pooling window is {window}; give at most 15, or use GlobalAveragePool")

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Return (rows, columns, channels) of the output."""
        rows, columns = ((n - k) // s + 1 for n, k, s in zip(shape, self.window, self.stride, strict=False))
        if min(rows, columns) < 1:
            raise ParameterError(
                f"a pooling window of {self.window[0]} x {self.window[1]} does not fit into {shape[0]} x {shape[1]} "
                "px; give larger images or fewer layers before it"
            )
        self.output_shape = rows, columns, shape[2]
        return self.output_shape

    def _places(self, x: Array) -> Iterator[Array]:
        """Yield, for each place of a window, the pixels at that place of all windows (a view)."""
        (kh, kw), (sy, sx), (rows, columns, _) = self.window, self.stride, self.output_shape
        for i in range(kh):
            for j in range(kw):
                yield x[:, i : i + sy * (rows - 1) + 1 : sy, j : j + sx * (columns - 1) + 1 : sx]


class MaxPool(_Pool):
    """Each window's largest value; the gradient goes to the pixel that it came from, of equals the first."""

    kind = "max_pool"

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (n, rows, columns, channels); in training, remember which place won."""
        out = np.empty((len(x), *self.output_shape), x.dtype)
        winner = np.zeros(out.shape, np.uint8) if training else None

        def images(part: slice) -> None:
            for k in range(part.start, part.stop):
                best = out[k : k + 1]
                for place, values in enumerate(self._places(x[k : k + 1])):
                    if place == 0:
                        best[...] = values
                        continue
                    if winner is not None:
                        # Later places have larger numbers: a Boolean times the number, kept where it is larger.
                        np.maximum(winner[k], (values > best)[0].view(np.uint8) * np.uint8(place), out=winner[k])
                    np.maximum(best, values, out=best)

        share(images, len(x))
        self._shape, self._winner = x.shape, winner
        return out

    def backward(self, grad: Array, need_input: bool = True) -> Array:
        """Return the gradient by the image."""
        winner = self._winner
        assert winner is not None
        into = np.empty(self._shape, grad.dtype)

        def images(part: slice) -> None:
            for k in range(part.start, part.stop):
                into[k] = 0
                for place, pixels in enumerate(self._places(into[k : k + 1])):
                    pixels += grad[k] * (winner[k] == place)

        share(images, len(grad))
        return into


class AveragePool(_Pool):
    """Each window's mean; the gradient spreads evenly over the window."""

    kind = "average_pool"

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (n, rows, columns, channels)."""
        out = np.empty((len(x), *self.output_shape), x.dtype)

        def images(part: slice) -> None:
            out[part] = sum(self._places(x[part]), start=np.zeros((), x.dtype))
            out[part] /= self.window[0] * self.window[1]

        share(images, len(x))
        self._shape = x.shape
        return out

    def backward(self, grad: Array, need_input: bool = True) -> Array:
        """Return the gradient by the image."""
        into = np.zeros(self._shape, grad.dtype)
        grad /= self.window[0] * self.window[1]

        def images(part: slice) -> None:
            for pixels in self._places(into[part]):
                pixels += grad[part]

        share(images, len(grad))
        return into


class GlobalAveragePool(Layer):
    """Each channel's mean over the image."""

    kind = "global_average_pool"

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Return (channels,)."""
        return (shape[2],)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (n, channels)."""
        self._shape = x.shape
        return np.asarray(x.mean(axis=(1, 2), dtype=np.float64).astype(x.dtype))

    def backward(self, grad: Array, need_input: bool = True) -> Array:
        """Return the gradient by the image: each pixel has its equal part."""
        _, rows, columns, _ = self._shape
        grad /= rows * columns
        return np.broadcast_to(grad[:, None, None, :], self._shape).copy()
