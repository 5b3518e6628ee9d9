"""Prints given as paths or as arrays, read one by one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ImageError, LayoutError
from ridgefeat.sources import find_prints, load_print

Print = Any
"""A path, or an ndarray of uint8."""


def listed(X: Any) -> Sequence[Print]:
    """Return X as a sequence of paths or of images.

    Raises
    ------
    ImageError
        Where it is neither.
    """
    if hasattr(X, "to_numpy"):
        X = X.to_numpy()
    if isinstance(X, np.ndarray) and X.dtype != np.uint8 and X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if isinstance(X, (str, os.PathLike)) or (isinstance(X, np.ndarray) and X.dtype == np.uint8 and X.ndim < 3):
        raise ImageError("X must be a sequence of paths or of uint8 images; put a single one in a list")
    prints = list(X)
    odd = {type(p).__name__ for p in prints if not isinstance(p, (str, os.PathLike, np.ndarray))}
    if odd:
        raise ImageError(f"X must hold paths or uint8 images, and nothing else; got {', '.join(sorted(odd))}")
    return prints


def pixels(print_: Print, layout: str = "auto") -> NDArray[np.uint8]:
    """Return a print's pixels; of a file without the frame that its layout knows.

    Raises
    ------
    ImageError
        Where it cannot be read.
    """
    if isinstance(print_, np.ndarray):
        return print_
    try:
        found = find_prints([print_], layout=layout)
    except LayoutError as error:
        raise ImageError(str(error)) from None
    if len(found) != 1:
        raise ImageError(f"{os.fspath(print_)!r} is no image file; give one file per print")
    return load_print(found[0]).pixels
