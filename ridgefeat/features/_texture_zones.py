"""Where texture is measured: the box around the print, cut into a fixed grid of zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.structure import WORKING_DPI

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

Box = tuple[slice, slice]
"""Rows and columns of a rectangle in an image."""


def print_box(fp: Fingerprint) -> Box | None:
    """Return the box around the print in the working image, or None where there is no print."""
    rows, columns = (np.flatnonzero(fp.mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def original_box(fp: Fingerprint, least: int) -> Box | None:
    """Return the box around the print in the original image, or None if a side has fewer than `least` pixels."""
    box = print_box(fp)
    if box is None:
        return None
    scaled = tuple(
        slice(int(s.start * dpi / WORKING_DPI), min(size, int(np.ceil(s.stop * dpi / WORKING_DPI))))
        for s, dpi, size in zip(box, (fp.dpi_y, fp.dpi_x), fp.original.shape, strict=True)
    )
    if min(s.stop - s.start for s in scaled) < least:
        return None
    return scaled[0], scaled[1]


def zone_numbers(shape: tuple[int, int], grid: int) -> np.ndarray:
    """Return each pixel's zone in a grid of grid x grid, numbered row by row, uint8, of the given shape."""
    row, column = (np.arange(n) * grid // n for n in shape)
    return np.add.outer(row * grid, column).astype(np.uint8)


def zone_names(grid: int) -> list[tuple[str, str]]:
    """Return (short name, meaning) of each zone, row by row."""
    return [
        (f"r{r}c{c}", f"row {r + 1}, column {c + 1} of {grid} x {grid} zones over the print's box")
        for r in range(grid)
        for c in range(grid)
    ]
