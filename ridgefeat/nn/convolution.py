"""The convolution layer: any kernel, stride and padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.nn.correlate import correlate, input_gradient, kernel_gradient
from ridgefeat.nn.layer import Array, Layer, Shape, channel_sums, glorot_uniform, lines
from ridgefeat.nn.memory import empty
from ridgefeat.nn.threads import share

Pads = tuple[tuple[int, int], tuple[int, int]]
Padding = str | int | tuple[int, int] | Pads


def pair(value: int | tuple[int, int], what: str, least: int = 1) -> tuple[int, int]:
    """Return (rows, columns) of a number or pair, none below `least`."""
    both = (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
    if min(both) < least:
        raise ParameterError(f"{what} is {value}; give {least} or more, or a pair of them")
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
        self._x: Array | None = None
        self._out: Array | None = None

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
        size = kh * kw
        self.params["kernel"] = glorot_uniform(
            (kh, kw, channels, self.filters), size * channels, size * self.filters, rng, dtype
        )
        self.params["bias"] = np.zeros(self.filters, dtype)
        return height // sy + 1, width // sx + 1, self.filters

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (n, rows, columns, filters)."""
        kernel, bias = self.params["kernel"], self.params["bias"]
        rows, columns = self._output_size(x)
        out = empty((len(x), rows, columns, self.filters), x.dtype)

        def images(part: slice) -> None:
            for k in range(part.start, part.stop, self._block(x)):
                block = slice(k, min(k + self._block(x), part.stop))
                if self.stride == (1, 1):
                    correlate(self._padded(x[block]), kernel, out[block], bias, self.relu)
                else:
                    flat = self._windows(x[block]) @ kernel.reshape(-1, self.filters) + bias
                    out[block] = (np.maximum(flat, 0) if self.relu else flat).reshape(out[block].shape)

        share(images, len(x))
        if training:
            self._x, self._out = x, out if self.relu else None
        return out

    def backward(self, grad: Array, need_input: bool = True) -> Array | None:
        """Fill the gradients by kernel and bias; return the gradient by the image."""
        assert self._x is not None
        x, kernel = self._x, self.params["kernel"]
        into = empty(x.shape, x.dtype) if need_input else None

        def images(part: slice) -> tuple[Array, Array]:
            for_kernel = np.zeros(kernel.shape, x.dtype)
            for_bias = np.zeros(self.filters)
            for k in range(part.start, part.stop, self._block(x)):
                block = slice(k, min(k + self._block(x), part.stop))
                g = grad[block]
                if self._out is not None:
                    # The slope of max(0, out) is 1 above zero and 0 elsewhere.
                    np.multiply(g, self._out[block] > 0, out=g)
                for_bias += channel_sums(lines(g), self.filters)
                for_kernel += self._step_back(x[block], g, None if into is None else into[block])
            return for_kernel, for_bias

        partial = share(images, len(x))
        self.grads["kernel"] = sum((p[0] for p in partial[1:]), start=partial[0][0])
        self.grads["bias"] = sum((p[1] for p in partial[1:]), start=partial[0][1]).astype(x.dtype)
        if self.l2:
            self.grads["kernel"] += 2 * self.l2 * kernel
        self.forget()
        return into

    def _step_back(self, x: Array, grad: Array, into: Array | None) -> Array:
        """Write the gradient by some images to `into`; return the one by the kernel."""
        kernel, (top, _), (left, _) = self.params["kernel"], *self.pads
        padded = self._padded(x)
        if self.stride == (1, 1):
            if into is not None:
                whole = into if padded.shape == x.shape else np.empty_like(padded)
                input_gradient(grad, kernel, whole)
                if whole is not into:
                    into[...] = whole[:, top : top + x.shape[1], left : left + x.shape[2]]
            return kernel_gradient(padded, grad, kernel.shape)
        flat = grad.reshape(-1, self.filters)
        if into is not None:
            (kh, kw), (sy, sx) = self.kernel_size, self.stride
            rows, columns = grad.shape[1:3]
            each = (flat @ kernel.reshape(-1, self.filters).T).reshape(*grad.shape[:3], kh, kw, -1)
            whole = np.zeros_like(padded)
            for i in range(kh):
                for j in range(kw):
                    whole[:, i : i + sy * rows : sy, j : j + sx * columns : sx] += each[:, :, :, i, j]
            into[...] = whole[:, top : top + x.shape[1], left : left + x.shape[2]]
        return (self._windows(x).T @ flat).reshape(kernel.shape)

    def forget(self) -> None:
        """Drop the images of the last pass."""
        self._x = self._out = None

    def _output_size(self, x: Array) -> tuple[int, int]:
        size = [x.shape[1 + k] + sum(self.pads[k]) - self.kernel_size[k] for k in (0, 1)]
        return size[0] // self.stride[0] + 1, size[1] // self.stride[1] + 1

    def _block(self, x: Array) -> int:
        """Images taken at once: one that is large, several that are small."""
        return max(1, 65536 // int(x[0].size * max(1, self.filters // x.shape[3])))

    def _padded(self, x: Array) -> Array:
        if self.pads == ((0, 0), (0, 0)):
            return x
        (top, bottom), (left, right) = self.pads
        n, rows, columns, channels = x.shape
        padded = np.zeros((n, rows + top + bottom, columns + left + right, channels), x.dtype)
        padded[:, top : top + rows, left : left + columns] = x
        return padded

    def _windows(self, x: Array) -> Array:
        """Copy each window into the row of a matrix, (n * rows * columns, kh * kw * channels): for strides above 1."""
        views = np.lib.stride_tricks.sliding_window_view(self._padded(x), self.kernel_size, axis=(1, 2))
        windows = views[:, :: self.stride[0], :: self.stride[1]].transpose(0, 1, 2, 4, 5, 3)
        return windows.reshape(-1, self.params["kernel"][..., 0].size)
