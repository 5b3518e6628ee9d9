"""Prints' pixels for the classifiers that read images: resized whatever their shape, as the first studies did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 128


def read_pixels(root: Path, sources: Sequence[Any], layouts: Sequence[Any]) -> NDArray[np.float32]:
    """Return every print's pixels, 0 to 1; float32, shape (prints, 128 * 128).

    Parameters
    ----------
    root : Path
        Folder below which the sources lie.
    sources, layouts : sequence of str
        meta_source and meta_layout of every print.

    Raises
    ------
    ImageError
        If an image is missing, lies outside the root, or cannot be read.
    TableError
        If the root does not exist.
    """
    from ridgefeat.bench.picture_files import check_root, locate
    from ridgefeat.sources import load_print

    check_root(root)
    out = np.empty((len(sources), SIDE * SIDE), np.float32)
    for i, (source, layout) in enumerate(zip(sources, layouts, strict=True)):
        pixels = load_print(locate(root, str(source), str(layout))).pixels
        out[i] = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel()
    return out / np.float32(255)
