"""PrintSource: one print that is still to be read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ridgefeat.errors import ImageError
from ridgefeat.sources.layouts import Labels
from ridgefeat.sources.resolution import Dpi

Box = tuple[int, int, int, int]


class Place(Protocol):
    """Where a print's bytes are, if not in a file of its own; hashable, so that what is read can be kept."""

    @property
    def state(self) -> str:
        """A text that changes when the bytes do."""

    def read(self, limit: int) -> bytes:
        """Return the bytes, or raise ImageError if they cannot be read or are more than `limit`."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class PrintSource:
    """One print that is still to be read, and what is known of it before that."""

    path: Path
    """The file, absolute; for a print without a file of its own, the path that it would have."""
    relative: str
    """Its name below the input, with / between folders; unique among the prints found together. Bytes that are no
    UTF-8 are written as \\xNN."""
    layout: str = "plain"
    """A name in LAYOUTS, regex, or transaction."""
    labels: Labels = field(default_factory=dict)
    """From its name and the index."""
    known_dpi: Dpi | None = None
    """Resolution across and down that the index gives; a layout gives its own when the print is loaded."""
    error: str | None = None
    """Why it cannot be read, where that is known already."""
    flags: tuple[str, ...] = ()
    """name_not_in_layout, not_in_index."""
    place: Place | None = None
    """Where its bytes are: a member of an archive, a record of a transaction, an address, or raw pixels; None for a
    file."""
    box: Box | None = None
    """Left, top, width and height in px of the part of the image that is this print; None for all of it."""
    region: Path | None = None
    """File that marks where in the image the print is (see region)."""


def boxed(source: PrintSource, box: Box) -> PrintSource:
    """Return the part of an image as a print of its own; its name ends in the box as ImageMagick writes it.

    Examples
    --------
    >>> boxed(PrintSource(Path("/a/slap.png"), "slap.png"), (20, 0, 320, 480)).relative
    'slap.png#320x480+20+0'
    """
    left, top, width, height = box
    return replace(source, box=box, relative=f"{source.relative}#{width}x{height}+{left}+{top}")


def split_box(name: str) -> tuple[str, Box | None]:
    """Return the name of an image, and the box if `boxed` has named a part of it.

    Examples
    --------
    >>> split_box("slap.png#320x480+20+0"), split_box("slap.png")
    (('slap.png', (20, 0, 320, 480)), ('slap.png', None))
    """
    found = re.fullmatch(r"(.+)#(\d{1,5})x(\d{1,5})\+(\d{1,5})\+(\d{1,5})", name)
    if not found:
        return name, None
    width, height, left, top = (int(n) for n in found.groups()[1:])
    return found[1], (left, top, width, height)


def list_prints(X: Any) -> list[Any]:
    """Return what an estimator is given as X (a sequence, an array, a column of a DataFrame) as paths and images.

    Raises ImageError if it holds anything else, or is a single path or image.
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


def printable(name: str) -> str:
    """Return a file name that any text file can hold: stray bytes and surrogates as escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
