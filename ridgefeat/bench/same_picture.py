"""Whether two images are one picture: laid on each other as well as shift, turn, scale and shear allow, then compared.

Two impressions of a finger are pressed differently, so that no such map lays all their ridges on each other; a copy
of a picture, cropped or turned, can be laid on it everywhere.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench.image_signature import SIDE
from ridgefeat.structure import Bool, Float

TILE, REACH = 32, 10
"""Pixels: side of the pieces that are looked for in the other image, and how far around their place."""
FEW, MANY = 4, 6
"""Tiles a side, to see whether it is worth it and to measure."""
ALIKE, USABLE = 0.7, 0.6
"""Correlation of a tile that speaks for one picture, and of one that may be measured with."""
LEAST_TILES = 4
STRETCH = 0.15
"""How far the map may be from a pure shift."""
SMOOTHED = 1.5
"""Standard deviation, in pixels, of the blur that takes noise and compression out of the comparison."""
BORDER = 4
LEAST_OVERLAP = 0.5


def correlate(one: Float, other: Float) -> float:
    """Return the correlation of two images from to_square, laid on each other; 0 where they cannot be.

    Tiles of one are found in the other (normalised cross-correlation), an affine map is fitted to where they were found
    (RANSAC) and refined on the pixels (ECC: Evangelidis and Psarakis 2008).
    """
    _, _, alike = _find_tiles(one, other, FEW)
    if (alike > ALIKE).sum() < LEAST_TILES:
        return 0.0
    start, found, alike = _find_tiles(one, other, MANY)
    usable = alike > USABLE
    if usable.sum() <= LEAST_TILES:
        return 0.0
    affine, inliers = cv2.estimateAffine2D(start[usable], found[usable], method=cv2.RANSAC, ransacReprojThreshold=2.0)
    if affine is None or inliers.sum() <= LEAST_TILES or not _plausible(affine):
        return 0.0
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        _, refined = cv2.findTransformECC(one, other, affine.astype(np.float32), cv2.MOTION_AFFINE, stop, None, 3)
    except cv2.error:  # it did not converge
        return 0.0
    return _compare(one, other, refined) if _plausible(refined) else 0.0


def _find_tiles(one: Float, other: Float, count: int) -> tuple[Float, Float, Float]:
    """Return tiles' centres in one image, where each is found in the other, and how well (n rows each)."""
    starts = np.linspace(REACH, SIDE - TILE - REACH, count).round().astype(int)
    places, moved, alike = [], [], []
    for y in starts:
        for x in starts:
            tile = one[y : y + TILE, x : x + TILE]
            if _flat(tile):
                continue
            around = other[y - REACH : y + TILE + REACH, x - REACH : x + TILE + REACH]
            _, best, _, (dx, dy) = cv2.minMaxLoc(cv2.matchTemplate(around, tile, cv2.TM_CCOEFF_NORMED))
            places.append((x, y))
            moved.append((x + dx - REACH, y + dy - REACH))
            alike.append(best)
    middle = (TILE - 1) / 2
    at, to = (np.array(p, np.float32).reshape(-1, 2) + np.float32(middle) for p in (places, moved))
    return at, to, np.array(alike, np.float32)


def _flat(tile: Float) -> bool:
    """Whether there are no ridges in a tile."""
    return bool(cv2.meanStdDev(tile)[1][0, 0] < 0.3)


def _plausible(affine: NDArray[np.floating]) -> bool:
    return bool(np.abs(affine[:, :2] - np.eye(2)).max() <= STRETCH)


def _compare(one: Float, other: Float, affine: Float) -> float:
    flags = cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(other, affine, (SIDE, SIDE), flags=flags | cv2.INTER_LINEAR)
    inside = cv2.warpAffine(np.ones((SIDE, SIDE), np.uint8), affine, (SIDE, SIDE), flags=flags | cv2.INTER_NEAREST)
    both: Bool = inside > 0
    both[:BORDER] = both[-BORDER:] = False
    both[:, :BORDER] = both[:, -BORDER:] = False
    if both.mean() < LEAST_OVERLAP:
        return 0.0
    a, b = (cv2.GaussianBlur(image, (0, 0), SMOOTHED)[both] for image in (one, laid))
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
