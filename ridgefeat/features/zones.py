"""Places in a print: its centre, its core, its bounding box and the zones of that box."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

from ridgefeat.structure import MM_PER_PX, WORKING_DPI, Float

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

ZONES = 4
"""Zones along each side of the print's bounding box."""

Box = tuple[slice, slice]
"""Rows and columns of a rectangle in an image."""
T = TypeVar("T")


def once_per_print(function: Callable[[Fingerprint], T]) -> Callable[[Fingerprint], T]:
    """Have a function that several features call compute its value once; the print keeps it, like its stages."""
    name = f"{function.__module__}.{function.__name__}"

    @wraps(function)
    def value(fp: Fingerprint) -> T:
        kept: dict[str, T] = vars(fp)
        if name not in kept:
            kept[name] = function(fp)
        return kept[name]

    return value


def area(fp: Fingerprint) -> float:
    """Return the print's area in mm²."""
    return cv2.countNonZero(fp.mask.view(np.uint8)) * MM_PER_PX**2


@once_per_print
def centre(fp: Fingerprint) -> tuple[float, float]:
    """Return the centroid of the print's area, px at 500 dpi."""
    along = (cv2.reduce(fp.mask.view(np.uint8), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() for axis in (0, 1))
    x, y = (float(count @ np.arange(len(count)) / count.sum()) for count in along)
    return x, y


def reference(fp: Fingerprint) -> tuple[float, float]:
    """Return the topmost core, or where there is none the centroid, px at 500 dpi."""
    cores = fp.singular_points.cores
    return (float(cores.x[0]), float(cores.y[0])) if len(cores) else centre(fp)


def zone_numbers(fp: Fingerprint, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return for each point the zone of the bounding box's 4 x 4 that it lies in, 0 to 15, row by row."""
    rows, columns = print_box(fp) or (slice(0, 0), slice(0, 0))
    column = np.clip((x - columns.start) * ZONES // (columns.stop - columns.start), 0, ZONES - 1)
    row = np.clip((y - rows.start) * ZONES // (rows.stop - rows.start), 0, ZONES - 1)
    return np.asarray(row * ZONES + column, int)


def zone_means(values: Float, zone: np.ndarray) -> Float:
    """Return the mean in every zone, shape (16,); NaN for zones without points.

    Examples
    --------
    >>> zone_means(np.array([1, 3, 5], np.float32), np.array([0, 0, 1]))[:3]
    array([ 2.,  5., nan], dtype=float32)
    """
    n = ZONES * ZONES
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.bincount(zone, values, n) / np.bincount(zone, minlength=n), np.float32)


@cache
def zone_names(grid: int = ZONES) -> dict[str, str]:
    """Return each zone's name in columns and its meaning, row by row: r1c1 is the top left.

    Examples
    --------
    >>> list(zone_names(2)), zone_names(2)["r1c2"]
    (['r1c1', 'r1c2', 'r2c1', 'r2c2'], "row 1, column 2 of 2 x 2 zones over the print's box")
    """
    return {
        f"r{r}c{c}": f"row {r}, column {c} of {grid} x {grid} zones over the print's box"
        for r in range(1, grid + 1)
        for c in range(1, grid + 1)
    }


@once_per_print
def print_box(fp: Fingerprint) -> Box | None:
    """Return the box around the print in the working image, or None where there is no print."""
    x, y, width, height = cv2.boundingRect(fp.mask.view(np.uint8))
    return (slice(y, y + height), slice(x, x + width)) if width else None


def original_box(fp: Fingerprint, min_side: int) -> Box | None:
    """Return the box around the print in the original image, or None if a side has fewer than `min_side` pixels."""
    box = print_box(fp)
    if box is None:
        return None
    scaled = tuple(
        slice(int(s.start * dpi / WORKING_DPI), min(size, int(np.ceil(s.stop * dpi / WORKING_DPI))))
        for s, dpi, size in zip(box, (fp.dpi_y, fp.dpi_x), fp.original.shape, strict=True)
    )
    return None if min(s.stop - s.start for s in scaled) < min_side else (scaled[0], scaled[1])


def pixel_zones(shape: tuple[int, int], grid: int) -> np.ndarray:
    """Return each pixel's zone in a grid of grid x grid, numbered row by row, uint8, of the given shape.

    Examples
    --------
    >>> pixel_zones((2, 6), 2)
    array([[0, 0, 0, 1, 1, 1],
           [2, 2, 2, 3, 3, 3]], dtype=uint8)
    """
    row, column = (np.arange(n) * grid // n for n in shape)
    return np.add.outer(row * grid, column).astype(np.uint8)
