"""The two grids on which stages measure, at 500 dpi: cells of 8 px for ridge structure, and of 4 px for outlines."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import cv2
import numpy as np

from ridgefeat.structure import Float

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
