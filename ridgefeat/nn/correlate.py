"""The sums behind a convolution, as few large matrix products.

The formula, for one image::

    out[y, x, f] = sum over i, j, c of  image[y + i, x + j, c] * kernel[i, j, c, f]

The usual way ("im2col") copies the window of each pixel into a row of a matrix: for a 3 x 3 kernel nine times the
image. Here only the `kh` pixels of a *column* of the window are copied together, three times the image::

    stacked[y, x] = image[y, x, :], image[y + 1, x, :], image[y + 2, x, :]

A window is then `kw` neighbours in memory, and every `kw`-th window together is a matrix that need not be copied at
all: windows 0, 3, 6, ...; then 1, 4, 7, ...; then 2, 5, 8, ... Each is multiplied by the kernel as one matrix.
Windows that reach over the end of a line wrap into the next one; these few results are dropped.

All of it goes strip by strip, with strips small enough to stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ridgefeat.nn.layer import Array

STRIP_BYTES = 700_000
"""Size of a strip's stacked lines: with result and kernel below the 1 to 2 MB of a core's own cache."""


def correlate(x: Array, kernel: Array, out: Array, bias: Array | None = None, relu: bool = False) -> Array:
    """Correlate images with a kernel, without padding and with stride 1.

    Parameters
    ----------
    x : ndarray, shape (n, rows, columns, channels)
    kernel : ndarray, shape (kh, kw, channels, filters)
    out : ndarray, shape (n, rows - kh + 1, columns - kw + 1, filters)
        Where the result goes.
    bias : ndarray, shape (filters,), optional
        Added while the result is in the cache.
    relu : bool
        Whether what is below zero becomes zero.
    """
    (kh, kw, _, filters), columns = kernel.shape, x.shape[2]
    matrix = _as_matrix(kernel)
    kept = out.shape[2] * filters
    repeated = None if bias is None else np.tile(bias, out.shape[2])
    for images, rows in _strips(x, kh):
        stacked = _stack(x, images, rows, kh)
        wide = np.empty((*stacked.shape[:3], filters), x.dtype)
        for a, b in zip(_every(stacked, kw), _phases(wide, kw), strict=True):
            np.matmul(a, matrix, out=b)
        lines = wide.reshape(*wide.shape[:2], columns * filters)[..., :kept]
        target = out[images, rows].reshape(lines.shape)
        if repeated is None:
            target[...] = lines
        else:
            np.add(lines, repeated, out=target)
        if relu:
            np.maximum(target, 0, out=target)
    return out


def kernel_gradient(x: Array, grad: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient by the kernel: sum over images, y, x of image[y + i, x + j, c] * grad[y, x, f].

    Parameters
    ----------
    x : ndarray, shape (n, rows, columns, channels)
    grad : ndarray, shape (n, rows - kh + 1, columns - kw + 1, filters)
        Gradient by the output of `correlate`.
    shape : tuple
        (kh, kw, channels, filters)
    """
    kh, kw, channels, filters = shape
    total = np.zeros((kw * kh * channels, filters), x.dtype)
    product = np.empty_like(total)
    for images, rows in _strips(x, kh):
        stacked = _stack(x, images, rows, kh)
        # Zeros where a window wraps into the next line.
        wide = np.zeros((*stacked.shape[:3], filters), x.dtype)
        wide[:, :, : grad.shape[2]] = grad[images, rows]
        for a, b in zip(_every(stacked, kw), _phases(wide, kw), strict=True):
            total += np.matmul(a.T, b, out=product)
    return total.reshape(kw, kh, channels, filters).transpose(1, 0, 2, 3)


def input_gradient(grad: Array, kernel: Array, out: Array) -> Array:
    """Return the gradient by the image: `grad`, with zeros around, correlated with the kernel turned by 180 degrees.

    An image's pixel enters the output at y - i, x - j with weight kernel[i, j]; its gradient collects just these.
    """
    kh, kw = kernel.shape[:2]
    turned = np.ascontiguousarray(kernel[::-1, ::-1].transpose(0, 1, 3, 2))
    rows, columns = out.shape[1] + kh - 1, out.shape[2] + kw - 1
    around = np.zeros((1, rows, columns, grad.shape[3]), grad.dtype)
    for k in range(len(grad)):
        around[0, kh - 1 : kh - 1 + grad.shape[1], kw - 1 : kw - 1 + grad.shape[2]] = grad[k]
        correlate(around, turned, out[k : k + 1])
    return out


def _as_matrix(kernel: Array) -> Array:
    """Return the kernel as (kw * kh * channels, filters), in the order in which stacked windows lie in memory."""
    return kernel.transpose(1, 0, 2, 3).reshape(-1, kernel.shape[3])


def _strips(x: Array, kh: int) -> Iterator[tuple[slice, slice]]:
    """Yield (images, output rows): a few rows of one large image, or several small images at once."""
    n, rows, columns, channels = x.shape
    line = columns * channels * kh * x.itemsize
    height = rows - kh + 1
    step = max(1, STRIP_BYTES // line)
    if step >= height:
        several = max(1, step // height)
        for k in range(0, n, several):
            yield slice(k, min(k + several, n)), slice(0, height)
        return
    # Strips of nearly equal height: no small rest that would waste a product.
    pieces = -(-height // step)
    for k in range(n):
        for p in range(pieces):
            yield slice(k, k + 1), slice(height * p // pieces, height * (p + 1) // pieces)


def _stack(x: Array, images: slice, rows: slice, kh: int) -> Array:
    """Return (images, rows, columns, kh, channels): for each pixel the `kh` pixels from it downwards."""
    part = x[images]
    n, _, columns, channels = part.shape
    stacked = np.empty((n, rows.stop - rows.start, columns, kh, channels), x.dtype)
    for i in range(kh):
        stacked[:, :, :, i] = part[:, rows.start + i : rows.stop + i]
    return stacked


def _every(stacked: Array, kw: int) -> Iterator[Array]:
    """Yield windows s, s + kw, s + 2 kw, ... as the rows of a matrix, for s = 0 ... kw - 1. Views, no copies."""
    length = stacked[0, 0, 0].size
    flat = stacked.reshape(-1)
    for s in range(kw):
        count = (flat.size // length - s) // kw
        yield flat[s * length : (s + count * kw) * length].reshape(count, kw * length)


def _phases(wide: Array, kw: int) -> Iterator[Array]:
    """Yield the results' rows that belong to the windows of `_every`."""
    flat = wide.reshape(-1, wide.shape[-1])
    for s in range(kw):
        count = (len(flat) - s) // kw
        yield flat[s : s + count * kw : kw]
