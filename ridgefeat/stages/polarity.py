"""Polarity: whether ridges are darker than valleys, or the image is a negative.

Breadth, skewness and texture of ridges and valleys do not decide it: they change places between dry and wet fingers
(on SOCOFing a classifier of 29 such statistics was right for 87 % of the prints). The surroundings do: where the skin
does not touch, paper and sensors show the tone of the valleys.
"""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.stages.grid import FINE
from ridgefeat.structure import Bool, UInt8

NEAR_CELLS, FAR_CELLS = 1, 3
"""The rim begins and ends this far outside the print, in cells of 4 px: from 4 to 12 px."""
RIDGES = 14
"""Side in px of the square in which the brightest and the darkest tone are those of valley and ridge."""
REACH = 4.0
"""Deviation, in cells, of the Gaussian that carries these tones from the print to the rim (16 px)."""
MIN_RIM = 24
"""Cells of the rim (4 x 4 px each) without which nothing is decided: the print fills its image."""
MAX_TONE = 1.5
"""Tones are clipped here, so that text and stains count little."""
MIN_CONTRAST = 8.0
"""Grey levels between valleys and ridges, at least, by which tones are divided."""
WHITE_RIDGES = -0.1
"""Polarity below which an image is taken as a negative."""


def measure_polarity(image: UInt8, mask: Bool) -> float:
    """Return whether the rim around a print has the tone of its valleys or of its ridges.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns)
        500 dpi.
    mask : ndarray of bool, shape (rows, columns)

    Returns
    -------
    float
        Mean tone of the rim on a scale where the brighter lines of the print next to it are 1 and the darker ones -1;
        from -1.5 to 1.5. Positive where ridges are dark, negative where they are white; 0 where there is no rim. A
        negative of the image gives minus the value.

    Notes
    -----
    Own method. A rim inside the print's convex hull is left out: it surrounds wet patches, which have the tone of
    ridges. `benchmarks/inputs_polarity.py` measures errors on real prints and their negatives.

    Examples
    --------
    >>> from ridgefeat.synth.simple import grating
    >>> image, mask = np.full((200, 200), 255, np.uint8), np.zeros((200, 200), bool)
    >>> mask[40:160, 40:160] = True
    >>> image[mask] = grating((120, 120), 9.0).image.ravel()
    >>> round(measure_polarity(image, mask), 1), round(measure_polarity(~image, mask), 1)
    (1.1, -1.1)
    """
    columns, rows = image.shape[1] // FINE, image.shape[0] // FINE
    if min(rows, columns) < 1:
        return 0.0
    box = slice(FINE * rows), slice(FINE * columns)
    share = _by_cell(mask[box].view(np.uint8) * np.uint8(255), columns, rows)
    touched = np.asarray(share > 0, np.uint8)
    hull = np.zeros_like(touched)
    if touched.any():
        line = np.flatnonzero(touched.any(1))
        ends = touched[line].argmax(1), columns - 1 - touched[line, ::-1].argmax(1)
        outline = np.concatenate([np.column_stack([end, line]) for end in ends]).astype(np.int32)
        cv2.fillConvexPoly(hull, cv2.convexHull(outline), 1)
    rim = (_grown(touched, FAR_CELLS) > 0) & (_grown(touched, NEAR_CELLS) == 0) & (hull == 0)
    half = cv2.resize(image[box], (2 * columns, 2 * rows), interpolation=cv2.INTER_AREA)
    square = np.ones((RIDGES // 2, RIDGES // 2), np.uint8)
    within = (cv2.erode(share, np.ones((3, 3), np.uint8)) == 255).astype(np.float32)
    tones = [_by_cell(f(half, square), columns, rows) * within for f in (cv2.dilate, cv2.erode)]
    weight, bright, dark = (cv2.GaussianBlur(v, (0, 0), REACH) for v in (within, *tones))
    rim &= weight > 1e-4
    if np.count_nonzero(rim) < MIN_RIM:
        return 0.0
    bright, dark = bright[rim] / weight[rim], dark[rim] / weight[rim]
    tone = (2.0 * _by_cell(half, columns, rows)[rim] - bright - dark) / np.maximum(bright - dark, MIN_CONTRAST)
    return float(np.clip(tone, -MAX_TONE, MAX_TONE).mean())


def has_white_ridges(image: UInt8, mask: Bool) -> bool:
    """Return whether an image is a negative by measure_polarity; False where there is nothing to decide it."""
    return measure_polarity(image, mask) < WHITE_RIDGES


def _by_cell(values: UInt8, columns: int, rows: int) -> UInt8:
    return np.asarray(cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA))


def _grown(cells: UInt8, reach: int) -> UInt8:
    return np.asarray(cv2.dilate(cells, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)), np.uint8)
