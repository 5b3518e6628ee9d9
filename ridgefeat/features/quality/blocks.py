"""Blocks of an image as in NFIQ 2: without its white frame, a grid of 32 px, foreground, gradients, turned windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ridgefeat.structure import Bool, Float, UInt8

BLOCK = 32
"""Side of a block in pixels at 500 dpi (1.6 mm), about three ridges."""
BORDER = 2
"""Pixels around a block that its turned 32 x 16 window may need: the diagonal is 36 px."""
WHITE = 250.0
"""A row or column at the edge with a mean above this belongs to the white frame."""
FOREGROUND = 0.1
"""A block is foreground if its deviation exceeds this share of the whole image's."""


def without_frame(image: UInt8) -> tuple[UInt8, int, int]:
    """Return the image without the near-white rows and columns around it, and where it begins (x, y).

    An all-white image is returned whole.

    Examples
    --------
    >>> image = np.full((50, 60), 255, np.uint8)
    >>> image[10:40, 20:55] = 100
    >>> inner, x, y = without_frame(image)
    >>> inner.shape, x, y
    ((30, 35), 20, 10)
    """
    (top, bottom), (left, right) = (
        _inside(cv2.reduce(image, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel(), image.shape[axis]) for axis in (1, 0)
    )
    return image[top:bottom, left:right], left, top


def _inside(sums: np.ndarray, count: int) -> tuple[int, int]:
    dark = np.flatnonzero(sums <= WHITE * count)
    return (int(dark[0]), int(dark[-1]) + 1) if len(dark) else (0, len(sums))


@dataclass(frozen=True)
class Tensor:
    """Mean products of the grey-level gradients in each block, float32, shape (block rows, block columns)."""

    xx: Float
    yy: Float
    xy: Float

    @property
    def spread(self) -> Float:
        """Difference of the two eigenvalues."""
        return np.asarray(np.hypot(self.xx - self.yy, 2 * self.xy), np.float32)

    @property
    def certainty(self) -> Float:
        """1 - smaller eigenvalue / larger eigenvalue; NaN in a flat block."""
        total, spread = self.xx + self.yy, self.spread
        with np.errstate(invalid="ignore"):
            return np.asarray(1 - (total - spread) / (total + spread), np.float32)

    @property
    def coherence(self) -> Float:
        """Difference of the eigenvalues over their sum; 0 in a flat block."""
        total = self.xx + self.yy
        return np.asarray(np.divide(self.spread, total, out=np.zeros_like(total), where=total > 0), np.float32)


def block_tensor(image: UInt8) -> Tensor:
    """Return the gradient products of every block of a grid that starts at the image's corner.

    Gradients are central differences that never look beyond their block (one-sided on its edge). Blocks cut by the
    right or lower edge are means over the pixels that they have.
    """
    grey = image.astype(np.float32)
    gx, gy = _doubled_gradient(grey, 1), _doubled_gradient(grey, 0)
    return Tensor(*(block_means(a * b) / np.float32(4) for a, b in ((gx, gx), (gy, gy), (gx, gy))))


def _doubled_gradient(grey: Float, axis: int) -> Float:
    out = np.zeros_like(grey)
    length = grey.shape[axis]
    if length < 2:
        return out
    grey, g = (grey.T, out.T) if axis else (grey, out)
    np.subtract(grey[2:], grey[:-2], out=g[1:-1])
    first = np.arange(0, length - 1, BLOCK)
    last = np.append(np.arange(BLOCK - 1, length - 1, BLOCK), length - 1)
    g[first] = 2 * (grey[first + 1] - grey[first])
    g[last] = 2 * (grey[last] - grey[last - 1])
    if length % BLOCK == 1:
        g[-1] = 0
    return out


def block_means(values: np.ndarray) -> Float:
    """Return the mean of each block, float32; a cut block's is over the pixels that it has.

    Examples
    --------
    >>> block_means(np.repeat([[1, 2]], 32, axis=1) + np.zeros((40, 1), int))
    array([[1., 2.],
           [1., 2.]], dtype=float32)
    """
    rows, columns = values.shape
    across = values.astype(np.float32, copy=False) @ _averages(columns)
    down = np.arange(0, rows, BLOCK)
    return np.asarray(np.add.reduceat(across, down) / np.diff(down, append=rows).astype(np.float32)[:, None])


@lru_cache(maxsize=64)
def _averages(count: int) -> Float:
    """Return the matrix that takes means of a row of so many values by block."""
    belongs = np.arange(count)[:, None] // BLOCK == np.arange(-(-count // BLOCK))
    return np.asarray(belongs / belongs.sum(0), np.float32)


def foreground(image: UInt8) -> Bool:
    """Return which blocks of the corner's grid vary by more than a tenth of what the whole image does."""
    (mean,), (deviation,) = (v.ravel() for v in cv2.meanStdDev(image))
    grey = image.astype(np.float32) - np.float32(mean)
    means = block_means(grey)
    variance = block_means(grey * grey) - means * means
    return np.asarray(variance > (FOREGROUND * deviation) ** 2, np.bool_)


@dataclass(frozen=True)
class Blocks:
    """Blocks that lie 2 px inside the corner's grid, so that each has a border to be turned in."""

    image: UInt8  # what they were cut from
    x: np.ndarray  # top-left pixels, shape (block rows, block columns), as the rest
    y: np.ndarray
    angle: Float  # across the ridges in radians, x to the right and y down
    inside: Bool  # whether all grid blocks that a block touches are foreground


def inner_blocks(image: UInt8) -> Blocks | None:
    """Return the inner blocks, or None if the image is too small for one."""
    rows, columns = ((n - 2 * BORDER) // BLOCK for n in image.shape)
    if rows < 1 or columns < 1:
        return None
    y, x = BORDER + BLOCK * np.mgrid[:rows, :columns]
    tensor = block_tensor(image[BORDER : BORDER + BLOCK * rows, BORDER : BORDER + BLOCK * columns])
    # Not the doubled xy of the textbook: NFIQ 2 leaves the 2 out, and its angles are kept so that values compare.
    angle = np.arctan2(tensor.xy, tensor.xx - tensor.yy) / 2
    ground = foreground(image)
    # A cut last grid block exists exactly where an inner block reaches into it.
    ground = np.pad(ground, 1, constant_values=True)[1:, 1:]
    inside = (ground[:-1, :-1] & ground[1:, :-1] & ground[:-1, 1:] & ground[1:, 1:])[:rows, :columns]
    return Blocks(image, x, y, np.asarray(angle, np.float32), inside)


_UNIT_BITS = 10
_UNIT = 1 << _UNIT_BITS


def turned_windows(blocks: Blocks, angle: Float, width: int, height: int, pad: int) -> UInt8:
    """Return a window of each foreground block, turned counter-clockwise about its centre, to the nearest pixels.

    `angle` is one per foreground block, in radians; the windows are uint8 of shape (n, height, width), and 0 where they
    reach out of their block's border or of the image. The border is widened by `pad` pixels before the turn; NFIQ 2
    then cuts the window as if it had not been, so that it lies this far left of and above the centre.
    """
    side = BLOCK + 2 * (BORDER + pad)
    centre = side / 2
    u = np.arange(width) - width // 2 - pad + centre
    v = np.arange(height) - height // 2 - pad + centre
    cos, sin = np.cos(angle, dtype=float)[:, None] * _UNIT, np.sin(angle, dtype=float)[:, None] * _UNIT
    # Each addend is rounded by itself, as OpenCV's warpAffine does, so that the same pixels are picked.
    fixed = (cos * u, -sin * v + (_UNIT - cos + sin) * centre, sin * u, cos * v + (_UNIT - sin - cos) * centre)
    xu, xv, yu, yv = (np.rint(a).astype(np.int32) for a in fixed)
    x = (xu[:, None, :] + (xv[:, :, None] + _UNIT // 2)) >> _UNIT_BITS
    y = (yu[:, None, :] + (yv[:, :, None] + _UNIT // 2)) >> _UNIT_BITS
    inside = (x.view(np.uint32) < side) & (y.view(np.uint32) < side)
    image = cv2.copyMakeBorder(blocks.image, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    corner = (blocks.y[blocks.inside] - BORDER) * image.shape[1] + blocks.x[blocks.inside] - BORDER
    index = y * np.int32(image.shape[1]) + x + corner.astype(np.int32)[:, None, None]
    got = np.take(image, index, mode="clip")
    got *= inside
    return np.asarray(got, np.uint8)


def blocks_around(image: UInt8, x: Float, y: Float) -> UInt8:
    """Return the block around each point, moved inside the image where it would leave it, shape (n, 32, 32).

    The image must be at least one block large.
    """
    windows = sliding_window_view(image, (BLOCK, BLOCK))
    top = np.clip(y.astype(np.intp) - BLOCK // 2, 0, windows.shape[0] - 1)
    left = np.clip(x.astype(np.intp) - BLOCK // 2, 0, windows.shape[1] - 1)
    return np.asarray(windows[top, left], np.uint8)
