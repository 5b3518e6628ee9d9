"""Region: where on an image the print is, as a person has marked it: a mask image, or the corners of a polygon."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ridgefeat.errors import ImageError, LayoutError
from ridgefeat.files import read_bounded, read_start
from ridgefeat.sources.images import is_image, read_image
from ridgefeat.sources.source import PrintSource
from ridgefeat.structure import Bool

MAX_BYTES, MAX_CORNERS = 1 << 20, 10_000
"""Limits on a file of corners, and on their number."""
MIN_CORNERS = 3
MAX_PX = 1e5
"""A corner may lie outside the image, but not as far as this."""
SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".csv", ".txt", ".json")
"""Endings of regions in a folder, in the order in which they are looked for."""
HEAD = 64
_ROW = re.compile(r"\s*([-+.\deE]+)\s*[,;\s]\s*([-+.\deE]+)\s*")


def with_regions(sources: Sequence[PrintSource], path: str | os.PathLike[str]) -> list[PrintSource]:
    """Return the prints with their regions: that of a file for a single print, or those of a folder by their names.

    In a folder, the region of `prints/7.tif` is the file `7.png` (or 7.csv, 7.json, …); a print without one is read as
    usual.

    Raises LayoutError if `path` does not exist, is a file although there are several prints, or names none of them.
    """
    given = Path(path)
    if given.is_dir():
        found = [next((p for s in SUFFIXES if (p := given / f"{i.path.stem}{s}").is_file()), None) for i in sources]
        if not any(found):
            raise LayoutError(f"{given} holds no region that is named like one of the {len(sources)} prints")
        return [replace(source, region=region) for source, region in zip(sources, found, strict=True)]
    if not given.exists():
        raise LayoutError(f"region {given}: no such file or folder")
    if len(sources) != 1:
        advice = "give a folder of regions that are named like their prints"
        raise LayoutError(f"region {given} is of one image, but there are {len(sources)} prints; {advice}")
    return [replace(sources[0], region=given)]


def read_region(path: str | os.PathLike[str], shape: tuple[int, ...]) -> Bool:
    """Return where a region's file marks an image of a given shape.

    Parameters
    ----------
    path : path
        An image of the print's size, in which everything but black is the region; or the corners of a polygon in px of
        the print's image: JSON, [[x, y], …], or text, a corner "x,y" per line.
    shape : (int, int)
        Rows and columns of the print's image.

    Returns
    -------
    ndarray of bool, shape (rows, columns)

    Raises
    ------
    ImageError
        If the file cannot be read, has another size, or marks nothing of the image.
    """
    if is_image(read_start(Path(path), HEAD)):
        mask = read_image(path).pixels > 0
    else:
        mask = polygon_mask(_corners(read_bounded(path, MAX_BYTES, ImageError, "region"), path), shape)
    return checked_region(mask, shape, f"region {path}")


def polygon_mask(corners: np.ndarray, shape: tuple[int, ...]) -> Bool:
    """Return what a polygon of corners (x, y) covers.

    Examples
    --------
    >>> polygon_mask(np.array([[0, 0], [2, 0], [2, 1], [0, 1]]), (3, 4)).astype(int)
    array([[1, 1, 1, 0],
           [1, 1, 1, 0],
           [0, 0, 0, 0]])
    """
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1)
    return mask > 0


def checked_region(region: Any, shape: tuple[int, ...], where: str) -> Bool:
    """Return a mask as bool, or raise ImageError if it is not of the image's size or is empty."""
    mask = np.asarray(region)
    if mask.shape != shape or mask.dtype.kind not in "bu":
        size = f"{mask.shape[1]}x{mask.shape[0]} px" if mask.ndim == 2 else f"the shape {mask.shape}"
        wrong = f"is {mask.dtype} and has {size}, but the image has {shape[1]}x{shape[0]}"
        raise ImageError(f"{where} {wrong}; it must be a mask of the image's size")
    if not mask.any():
        raise ImageError(f"{where} marks nothing of the image, which has {shape[1]}x{shape[0]} px")
    return np.asarray(mask > 0)


def _corners(data: bytes, path: str | os.PathLike[str]) -> np.ndarray:
    """Return the corners in the bytes of a file, float64, shape (n, 2)."""
    text = data.decode("utf-8-sig", "replace").strip()
    try:
        if text.startswith("["):
            corners = np.array(json.loads(text), np.float64)
        else:
            lines = [line for line in text.splitlines() if line.strip()]
            rows = [_ROW.fullmatch(line) for line in lines]
            if rows and rows[0] is None:  # a header
                del rows[0]
            corners = np.array([row.groups() if row else ("",) for row in rows], np.float64)
    except (ValueError, TypeError, RecursionError, OverflowError):
        corners = np.zeros(0)
    is_list = corners.ndim == 2 and corners.shape[1] == 2 and MIN_CORNERS <= len(corners) <= MAX_CORNERS
    if not is_list or not (np.abs(corners) < MAX_PX).all():
        needed = f"a polygon has {MIN_CORNERS} to {MAX_CORNERS} corners in px, a line x,y each, or JSON [[x, y], …]"
        raise ImageError(f"region {path} is neither an image nor a polygon; {needed}")
    return corners
