"""The two grids on which stages measure, at 500 dpi: 8 px a cell for ridge structure, 4 px for outlines and edges."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import cv2
import numpy as np
from scipy import ndimage

from ridgefeat.structure import Bool, Float

CELL = 8
"""Side of a cell in px: about one ridge period. Cell (i, j) covers rows 8 i to 8 i + 7 and columns 8 j to 8 j + 7."""
FINE = 4
"""Side of a fine cell in px: half a period, for what is smooth or drawn as an outline."""

T = TypeVar("T", bound=np.ndarray[Any, Any])


def to_pixels(cells: Float, shape: tuple[int, int]) -> Float:
    """Interpolate values of cells, shape (grid rows, grid columns[, channels]), to every pixel of an image.

    Examples
    --------
    >>> to_pixels(np.array([[0.0, 8.0]], np.float32), (8, 16))[0, 3:13]  # linear between the middles of the cells
    array([0. , 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8. ], dtype=float32)
    """
    size = CELL * cells.shape[1], CELL * cells.shape[0]
    return np.asarray(cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)[: shape[0], : shape[1]], np.float32)


def at_cells(image: T) -> T:
    """Return an image's values in the middle of each cell.

    Examples
    --------
    >>> at_cells(np.arange(16)[None] + np.zeros((8, 1), int))
    array([[ 4, 12]])
    """
    rows, columns = (np.minimum(np.arange(CELL // 2, n + CELL // 2, CELL), n - 1) for n in image.shape[:2])
    return cast(T, image[rows[:, None], columns])


def edge_distance(mask: Bool, x: np.ndarray, y: np.ndarray) -> Float:
    """Return each point's distance in pixels to the nearest place outside the mask or the image, float32, shape (n,).

    Accurate to about 2 px, because it is measured on every fourth pixel; exact at the image's border; 0 outside.

    Examples
    --------
    >>> mask = np.ones((100, 200), bool)
    >>> edge_distance(mask, np.array([4, 100]), np.array([50, 50])).round(0)
    array([ 5., 50.], dtype=float32)
    """
    coarse = np.pad(mask[::FINE, ::FINE], 1).view(np.uint8)
    distance = cv2.distanceTransform(coarse, cv2.DIST_L2, 5) * np.float32(FINE)
    at = x.astype(np.float32) / FINE + 1, y.astype(np.float32) / FINE + 1
    sampled = ndimage.map_coordinates(distance, at[::-1], order=1, mode="constant")
    to_border = np.minimum.reduce([x + 1, y + 1, mask.shape[1] - x, mask.shape[0] - y])
    return np.asarray(np.minimum(sampled, to_border), np.float32)


def part_at_necks(cells: Bool, depth: float) -> np.ndarray[Any, Any]:
    """Return the number of each cell's part, from 1; 0 where there is none.

    Two parts of a piece meet at a neck whose half breadth is less, by `depth` cells, than that of either part.

    Notes
    -----
    Maxima of the distance transform that stand out by `depth` (Vincent, "Morphological grayscale reconstruction in
    image analysis", IEEE Trans. Image Processing 1993), and a watershed between them.

    Examples
    --------
    >>> dumbbell = np.zeros((20, 50), bool)
    >>> dumbbell[2:18, 2:18] = dumbbell[2:18, 32:48] = dumbbell[8:12] = True
    >>> [np.unique(part_at_necks(dumbbell, depth)).size - 1 for depth in (2, 7)]
    [2, 1]
    """
    from skimage.morphology import local_maxima
    from skimage.segmentation import watershed

    if not cells.any():
        return np.zeros(cells.shape, np.int32)
    around = cv2.copyMakeBorder(cells.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    reach = cv2.distanceTransform(around, cv2.DIST_L2, 5)[1:-1, 1:-1]
    if _is_one_part(cells, reach, depth):
        return cells.astype(np.int32)
    # h_maxima would count tops of the same height apart, even on one hill. scikit-image's reconstruction takes 4 times
    # as long on so small an array.
    levelled, lower = reach - np.float32(depth), None
    while lower is None or not np.array_equal(levelled, lower):
        levelled, lower = np.minimum(cv2.dilate(levelled, np.ones((3, 3), np.uint8)), reach), levelled
    _, tops = cv2.connectedComponents(local_maxima(levelled).view(np.uint8))
    return np.asarray(watershed(-reach, tops, mask=cells))


def _is_one_part(cells: Bool, reach: Any, depth: float) -> bool:
    """Return whether no neck divides the cells, in a tenth of the time of a watershed.

    Two peaks of the distance that stand out by `depth` are separate at some level within `depth` below the lower one.
    """
    if cells.all():
        return True  # distances are unbounded
    if cv2.connectedComponents(cells.view(np.uint8), connectivity=4)[0] != 2:
        return False
    levels = np.arange(0, reach.max(), 0.9 * depth)
    return all(cv2.connectedComponents((reach > level).view(np.uint8))[0] == 2 for level in levels)
