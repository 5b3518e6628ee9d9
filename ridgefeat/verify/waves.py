"""Ridges as waves: the phase coherence of two aligned prints' ridges.

The enhanced ridges of a print are a wave; its quadrature component is a vector across the ridges. The two together (the
monogenic signal) rotate with the print, so that one print can be aligned with another. The product of the two prints'
signals has a constant phase wherever both sets of ridges run in parallel, even if the skin was stretched, and its phase
turns where a ridge begins in one print alone. The length of its mean over a block, divided by the amplitudes, is the
coherence of the block.

Source: Felsberg and Sommer, "The monogenic signal" (IEEE Trans. Signal Processing 49, 2001); ridges as phase: Larkin
and Fletcher, "A coherent framework for fingerprint analysis: are fingerprints holograms?" (Optics Express 15, 2007).
The comparison of blocks by it is our own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.structure import Bool, Float
from ridgefeat.verify.geometry import Deformation, Motion

SPACING = 3
"""Pixels between samples: three to a narrow ridge."""
BLOCK = 8
"""Samples along a block's side: 24 px, two to three ridges."""
_MIN_BLOCKS = 4.0
_TYPICAL_PERIOD = 9.0
_BLOCK_MM2 = (BLOCK * SPACING * 25.4 / 500) ** 2


@dataclass(frozen=True, eq=False)
class Waves:
    """The ridges as waves, every third pixel.

    The signal is the enhanced ridges, and their quadrature component as a vector (right, down), in steps of 1/100.
    Sample (i, j) covers pixel rows 3 i to 3 i + 2 and columns 3 j to 3 j + 2. 0 outside the print.
    """

    signal: NDArray[np.int8]  # shape (rows, columns, 3)


def ridge_waves(enhanced: Float, period: Float, mask: Bool) -> Waves:
    """Return the ridges of an enhanced print as waves.

    Examples
    --------
    A wave of period 9 px, and its quadrature component to the right:

    >>> enhanced = np.tile(np.cos(2 * np.pi * np.arange(27) / 9), (9, 1)).astype(np.float32)
    >>> waves = ridge_waves(enhanced, np.full_like(enhanced, 9), np.ones(enhanced.shape, bool))
    >>> waves.signal.shape, waves.signal[1, 3:6, 0], waves.signal[1, 3:6, 1]
    ((3, 9, 3), array([ 65, -79,  15], dtype=int8), array([-54, -29,  83], dtype=int8))
    """
    # The derivative of a wave scales with its frequency; a central difference gives the sine of it.
    turn = np.minimum(2 * np.pi / np.where(period > 0, period, np.float32(_TYPICAL_PERIOD)), 1.5)
    scale = mask / np.sin(turn)
    across = cv2.Sobel(enhanced, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8) * scale
    down = cv2.Sobel(enhanced, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8) * scale
    rows, columns = (n // SPACING for n in mask.shape)
    stack = np.stack([enhanced * mask, across, down], 2)[: rows * SPACING, : columns * SPACING].astype(np.float32)
    if not stack.size:
        return Waves(np.zeros((0, 0, 3), np.int8))
    signal = cv2.resize(stack, (columns, rows), interpolation=cv2.INTER_AREA)
    return Waves(np.rint(np.clip(100 * signal, -127, 127)).astype(np.int8))


def coherence(
    first: Waves, second: Waves, motion: Motion, deformation: Deformation | None = None
) -> tuple[float, float]:
    """Return the phase coherence of two prints' ridges after the first is moved onto the second, and their overlap.

    The first is the mean coherence of blocks, weighted by their amplitudes, 0 to 1, and 0 if the overlap (mm²) is too
    small.

    Examples
    --------
    >>> signal = np.full((16, 40, 3), 50, np.int8)
    >>> value, area = coherence(Waves(signal), Waves(signal), Motion(1.0, 0.0, 0.0, 0.0))
    >>> round(value, 3), round(area, 2)
    (1.0, 14.86)
    """
    rows, columns = (n // BLOCK for n in second.signal.shape[:2])
    if not rows or not columns or not first.signal.size:
        return 0.0, 0.0
    size = (columns * BLOCK, rows * BLOCK)
    a, across, down = cv2.split(_move(first, size, motion, deformation))
    b, right, below = cv2.split(second.signal[: size[1], : size[0]].astype(np.float32))
    c, s = np.float32(motion.cosine), np.float32(motion.sine)
    across, down = c * across - s * down, s * across + c * down
    energy = a * a + across * across + down * down
    other = b * b + right * right + below * below
    both = (energy > 0) & (other > 0)
    products = a * b + across * right + down * below, across * b - right * a, down * b - below * a
    even, odd_x, odd_y, one, two = (
        cv2.resize(v, (columns, rows), interpolation=cv2.INTER_AREA) for v in (*products, energy * both, other * both)
    )
    covered = np.count_nonzero(both) / BLOCK**2
    amplitude = float(np.sqrt(one * two).sum())
    if covered < _MIN_BLOCKS or amplitude <= 0:
        return 0.0, 0.0
    coherent = float(np.sqrt(even * even + odd_x * odd_x + odd_y * odd_y).sum())
    return coherent / amplitude, float(covered * _BLOCK_MM2)


def _move(waves: Waves, size: tuple[int, int], motion: Motion, deformation: Deformation | None) -> Float:
    """Return a print's signal as it lies on another one, shape (rows, columns, 3); `size` is (columns, rows)."""
    signal, matrix = waves.signal.astype(np.float32), motion.on_grid(SPACING)
    if deformation is None:
        return np.asarray(cv2.warpAffine(signal, matrix, size), np.float32)
    columns, rows = size
    # The deformation is smooth: it is computed once per block.
    x, y = (SPACING * (BLOCK * (np.arange(n // BLOCK, dtype=np.float32) + 0.5) - 0.5) + 1 for n in size)
    moved = deformation.at(np.tile(x, len(y)), np.repeat(y, len(x)))
    right, down = (cv2.resize(v.reshape(len(y), len(x)), size) / np.float32(SPACING) for v in moved)
    u, v = np.arange(columns, dtype=np.float32) + right, np.arange(rows, dtype=np.float32)[:, None] + down
    back = cv2.invertAffineTransform(matrix)
    at_x, at_y = (m[0] * u + m[1] * v + m[2] for m in back)
    return np.asarray(cv2.remap(signal, at_x, at_y, cv2.INTER_LINEAR), np.float32)
