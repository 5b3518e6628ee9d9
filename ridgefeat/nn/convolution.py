"""The convolution layer: any kernel, stride and padding.

Each pixel's window becomes a row of a matrix ("im2col"), and the kernel a matrix with one column per filter: the sum is
then one matrix product. The windows of a whole batch would be nine times its size for a 3 x 3 kernel; so they are made
strip by strip, each small enough to stay in the processor's cache until its product is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ridgefeat.errors import ParameterError
from ridgefeat.nn.layer import Array, Layer, Shape, channel_sums, glorot_uniform
from ridgefeat.nn.threads import share

Pads = tuple[tuple[int, int], tuple[int, int]]
Padding = str | int | tuple[int, int] | Pads
STRIP_BYTES = 700_000
"""Size of a strip's windows: with result and kernel below the 1 to 2 MB of a core's own cache."""


def pair(value: int | tuple[int, int], what: str, lowest: int = 1) -> tuple[int, int]:
    """Return (rows, columns) of a number or pair, none below `lowest`."""
    both = (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
    if min(both) < lowest:
        raise ParameterError(f"{what} is {value}; give {lowest} or more, or a pair of them")
    return both


def resolve_padding(padding: Padding, shape: Shape, kernel: Shape, stride: Shape) -> Pads:
    """Return pixels of zeros before and after rows and columns.

    "valid" is none; "same" as many that the output has ceil(input / stride) pixels, the odd one after, as in Keras.
    A number is for all four sides, a pair for rows and columns, a pair of pairs for before and after in each.
    """
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        total = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(shape, kernel, stride, strict=False)]
        return (total[0] // 2, total[0] - total[0] // 2), (total[1] // 2, total[1] - total[1] // 2)
    if isinstance(padding, str):
        raise ParameterError(f"padding is {padding!r}; give 'valid', 'same', a number of pixels or a pair")
    if isinstance(padding, tuple) and isinstance(padding[0], tuple) and isinstance(padding[1], tuple):
        return pair(padding[0], "padding", 0), pair(padding[1], "padding", 0)
    rows, columns = pair(padding, "padding", 0)  # type: ignore[arg-type]
    return (rows, rows), (columns, columns)


class Conv2D(Layer):
    """Convolution of images with learned kernels (a correlation, as in every network library).

    out[y, x, f] = bias[f] + sum over i, j, c of image[y * sy + i - top, x * sx + j - left, c] * kernel[i, j, c, f],
    with zeros outside the image.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel : int or pair of int
        Rows and columns of a kernel.
    stride : int or pair of int
        Pixels from one window to the next.
    padding : "valid", "same", int, pair of int or pair of pairs
        Zeros around the image; see `resolve_padding`.
    relu : bool
        Whether the output is max(0, out): taken here while the result is in the cache.
    l2 : float
        Weight of the sum of squared kernel weights in the loss.
    """

    kind = "conv2d"

    def __init__(
        self,
        filters: int,
        kernel: int | tuple[int, int] = 3,
        *,
        stride: int | tuple[int, int] = 1,
        padding: Padding = "valid",
        relu: bool = False,
        l2: float = 0.0,
    ) -> None:
        super().__init__()
        self.filters, self.relu, self.l2, self.padding = filters, relu, l2, padding
        self.kernel_size = pair(kernel, "kernel")
        self.stride = pair(stride, "stride")

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Draw the kernel (Glorot's uniform), with a bias of zeros."""
        rows, columns, channels = shape
        (kh, kw), (sy, sx) = self.kernel_size, self.stride
        self.pads = resolve_padding(self.padding, shape, self.kernel_size, self.stride)
        height, width = rows + sum(self.pads[0]) - kh, columns + sum(self.pads[1]) - kw
        if min(height, width) < 0:
            raise ParameterError(
                f"a kernel of {kh} x {kw} does not fit into images of {rows} x {columns} px; "
                "give larger images, a smaller kernel or fewer layers before it"
            )
        fans = kh * kw * channels, kh * kw * self.filters
        self.params["kernel"] = glorot_uniform((kh, kw, channels, self.filters), *fans, rng, dtype)
        self.params["bias"] = np.zeros(self.filters, dtype)
        self.output_shape = height // sy + 1, width // sx + 1, self.filters
        return self.output_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (n, rows, columns, filters)."""
        kernel, bias = self._matrix(), self.params["bias"]
        out = np.empty((len(x), *self.output_shape), x.dtype)

        def images(part: slice) -> None:
            windows, target = self._windows(self._padded(x[part])), out[part]
            for strip in _strips(windows):
                flat = target[strip].reshape(-1, self.filters)
                np.matmul(_rows(windows[strip]), kernel, out=flat)
                flat += bias
                if self.relu:
                    np.maximum(flat, 0, out=flat)

        share(images, len(x))
        if training:
            self._x, self._out = x, out if self.relu else None
        return out

    def backward(self, grad: Array, need_input: bool = True) -> Array | None:
        """Fill the gradients by kernel and bias; return the gradient by the image.

        Each product of the forward sum gives its part to both its factors. The kernel's gradient is the product of
        windows and `grad`; a window's is the product of `grad` and kernel, and each pixel adds up the windows that
        it stood in.
        """
        assert self._x is not None
        x, kernel, (top, _), (left, _) = self._x, self._matrix(), *self.pads
        into = np.empty(x.shape, x.dtype) if need_input else None

        def images(part: slice) -> tuple[Array, Array]:
            padded = self._padded(x[part])
            windows = self._windows(padded)
            for_kernel, for_bias = np.zeros_like(kernel), np.zeros(self.filters)
            for_image = np.zeros_like(padded) if need_input else None
            for strip in _strips(windows):
                g = grad[part][strip]
                if self._out is not None:
                    # The slope of max(0, out) is 1 above zero and 0 elsewhere.
                    g *= self._out[part][strip] > 0
                flat = g.reshape(-1, self.filters)
                for_bias += channel_sums(g)
                for_kernel += _rows(windows[strip]).T @ flat
                if for_image is not None:
                    self._add_windows(for_image, strip, (flat @ kernel.T).reshape(windows[strip].shape))
            if into is not None and for_image is not None:
                into[part] = for_image[:, top : top + x.shape[1], left : left + x.shape[2]]
            return for_kernel, for_bias

        for_kernel, for_bias = (np.sum(parts, axis=0) for parts in zip(*share(images, len(x)), strict=True))
        self.grads["kernel"] = for_kernel.reshape(self.params["kernel"].shape)
        self.grads["bias"] = for_bias.astype(x.dtype)
        if self.l2:
            self.grads["kernel"] += 2 * self.l2 * self.params["kernel"]
        return into

    def _matrix(self) -> Array:
        """View the kernel as (kh * kw * channels, filters)."""
        return self.params["kernel"].reshape(-1, self.filters)

    def _padded(self, x: Array) -> Array:
        return np.pad(x, ((0, 0), *self.pads, (0, 0))) if np.any(self.pads) else x

    def _windows(self, padded: Array) -> Array:
        """View each pixel's window: (n, rows, columns, kh, kw, channels)."""
        views = sliding_window_view(padded, self.kernel_size, axis=(1, 2))  # type: ignore[call-overload]
        return np.asarray(views[:, :: self.stride[0], :: self.stride[1]].transpose(0, 1, 2, 4, 5, 3))

    def _add_windows(self, image: Array, strip: tuple[slice, slice], each: Array) -> None:
        """Add the windows of a strip to the pixels that they are of."""
        (sy, sx), (images, rows), columns = self.stride, strip, each.shape[2]
        for i in range(self.kernel_size[0]):
            for j in range(self.kernel_size[1]):
                down = slice(rows.start * sy + i, (rows.stop - 1) * sy + i + 1, sy)
                right = slice(j, (columns - 1) * sx + j + 1, sx)
                image[images, down, right] += each[:, :, :, i, j]


def _strips(windows: Array) -> Iterator[tuple[slice, slice]]:
    """Yield (images, output rows): a few rows of one large image, or several small images at once."""
    n, height = windows.shape[:2]
    step = max(1, STRIP_BYTES // (windows[0, 0].size * windows.itemsize))
    several = max(1, step // height)
    for k in range(0, n, several):
        for row in range(0, height, step):
            yield slice(k, min(k + several, n)), slice(row, min(row + step, height))


def _rows(windows: Array) -> Array:
    """Copy windows into the rows of a matrix."""
    return windows.reshape(-1, int(np.prod(windows.shape[3:])))
