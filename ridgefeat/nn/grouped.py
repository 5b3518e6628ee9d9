"""Convolution in groups: each group of channels has kernels of its own. With one channel a group it is depthwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.nn.convolution import Padding, pair, resolve_padding
from ridgefeat.nn.layer import Array, Layer, Shape, channel_sums, glorot_uniform, lines
from ridgefeat.nn.memory import empty
from ridgefeat.nn.threads import share


class GroupedConv2D(Layer):
    """Convolution in which filter f of group g sees the channels of group g alone.

    out[y, x, g, f] = bias[g, f] + sum over i, j, c of image[y * sy + i - top, x * sx + j - left, g, c] *
    kernel[i, j, g, c, f], with zeros outside the image. A group of one channel and one filter ("depthwise") needs
    no matrix product: for each place i, j of the window, the image is shifted, weighted and added.

    Parameters
    ----------
    filters : int
        Channels of the output, of all groups together.
    kernel : int or pair of int
    groups : int, optional
        Must divide the channels and the filters; by default one for each channel.
    stride, padding
        As `Conv2D`.

    Source: Howard et al. 2017 (depthwise), Xie et al. 2017 (groups).
    """

    kind = "grouped_conv2d"

    def __init__(
        self,
        filters: int,
        kernel: int | tuple[int, int] = 3,
        *,
        groups: int | None = None,
        stride: int | tuple[int, int] = 1,
        padding: Padding = "valid",
    ) -> None:
        super().__init__()
        self.filters, self.groups, self.padding = filters, groups, padding
        self.kernel_size, self.stride = pair(kernel, "kernel"), pair(stride, "stride")
        self._x: Array | None = None

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Draw the kernel (Glorot's uniform), with a bias of zeros."""
        rows, columns, channels = shape
        groups = self.groups = channels if self.groups is None else self.groups
        if groups < 1 or channels % groups or self.filters % groups:
            raise ParameterError(
                f"{groups} groups do not divide {channels} channels and {self.filters} filters; give a common divisor"
            )
        (kh, kw), (sy, sx) = self.kernel_size, self.stride
        self.pads = resolve_padding(self.padding, shape, self.kernel_size, self.stride)
        height, width = rows + sum(self.pads[0]) - kh, columns + sum(self.pads[1]) - kw
        if min(height, width) < 0:
            raise ParameterError(
                f"a kernel of {kh} x {kw} does not fit into images of {rows} x {columns} px; give larger images"
            )
        inside, out = channels // groups, self.filters // groups
        self.params["kernel"] = glorot_uniform(
            (kh, kw, groups, inside, out), kh * kw * inside, kh * kw * out, rng, dtype
        )
        self.params["bias"] = np.zeros(self.filters, dtype)
        return height // sy + 1, width // sx + 1, self.filters

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (n, rows, columns, filters)."""
        out = empty((len(x), *self.output_shape), x.dtype)

        def images(part: slice) -> None:
            padded, target = self._padded(x[part]), self._grouped(out[part])
            target[...] = self.params["bias"].reshape(target.shape[3:])
            for (i, j), pixels in self._places(padded):
                target += _product(pixels, self.params["kernel"][i, j])

        share(images, len(x))
        if training:
            self._x = x
        return out

    def backward(self, grad: Array, need_input: bool = True) -> Array | None:
        """Fill the gradients by kernel and bias; return the gradient by the image."""
        assert self._x is not None
        x, kernel = self._x, self.params["kernel"]
        into = empty(x.shape, x.dtype) if need_input else None
        (top, _), (left, _) = self.pads

        def images(part: slice) -> Array:
            padded, g = self._padded(x[part]), self._grouped(grad[part])
            for_kernel = np.empty_like(kernel)
            slopes = np.zeros_like(padded)
            for ((i, j), pixels), (_, slope) in zip(self._places(padded), self._places(slopes), strict=True):
                for_kernel[i, j] = _sum_of_products(pixels, g)
                if into is not None:
                    slope += _product(g, kernel[i, j].swapaxes(1, 2))
            if into is not None:
                into[part] = slopes[:, top : top + x.shape[1], left : left + x.shape[2]]
            return for_kernel

        partial = share(images, len(x))
        self.grads["kernel"] = np.asarray(sum(partial[1:], start=partial[0]))
        self.grads["bias"] = channel_sums(lines(grad), self.filters).astype(grad.dtype)
        self.forget()
        return into

    def forget(self) -> None:
        """Drop the images of the last pass."""
        self._x = None

    def _grouped(self, x: Array) -> Array:
        """View (n, rows, columns, channels) as (n, rows, columns, groups, channels of a group)."""
        return x.reshape(*x.shape[:3], self.groups or 1, -1)

    def _padded(self, x: Array) -> Array:
        return np.pad(x, ((0, 0), *self.pads, (0, 0))) if np.any(self.pads) else x

    def _places(self, padded: Array) -> Iterator[tuple[tuple[int, int], Array]]:
        """Yield, for each place of the window, the pixels at that place of all windows (a view)."""
        rows, columns, _ = self.output_shape
        (kh, kw), (sy, sx) = self.kernel_size, self.stride
        grouped = self._grouped(padded)
        for i in range(kh):
            for j in range(kw):
                yield ((i, j), grouped[:, i : i + sy * (rows - 1) + 1 : sy, j : j + sx * (columns - 1) + 1 : sx])


def _product(x: Array, kernel: Array) -> Array:
    """Multiply (n, rows, columns, groups, c) with (groups, c, f) to (n, rows, columns, groups, f)."""
    if kernel.shape[1:] == (1, 1):
        return np.asarray(x * kernel[:, :, 0])
    return np.asarray(np.einsum("nyxgc,gcf->nyxgf", x, kernel, optimize=True))


def _sum_of_products(x: Array, grad: Array) -> Array:
    """Return (groups, c, f): the sum over images, rows and columns of x[..., g, c] * grad[..., g, f]."""
    if x.shape[4] == grad.shape[4] == 1:
        return np.asarray(np.einsum("nyxgc,nyxgc->g", x, grad))[:, None, None]
    return np.asarray(np.einsum("nyxgc,nyxgf->gcf", x, grad, optimize=True))
