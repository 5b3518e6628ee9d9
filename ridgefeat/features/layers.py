"""What a value was measured on, as data: layers over the print, and charts next to it.

`report.pictures.axes` draws them. Positions and sizes are in px at 500 dpi. What is `chosen` counts for the value,
and stands out from the rest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from ridgefeat.features.zones import ZONES, Box, print_box
from ridgefeat.structure import Array, Bool, Minutiae, SingularPoints

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

Colours = Literal["values", "angles", "greys", "one"]
"""A scale of colours; "one" is a single colour, for what is either there or not."""


@dataclass(frozen=True, eq=False)
class Field:
    """Numbers over the print, NaN where there are none, stretched over a box or the whole image.

    `name` says what they are, with the unit. The scale goes from `low` to `high`, or over what there is.
    """

    values: Array
    name: str
    low: float | None = None
    high: float | None = None
    box: Box | None = None
    colours: Colours = "values"


@dataclass(frozen=True, eq=False)
class Frames:
    """Rectangles, shape (n, 4) as left, top, width, height, with a text in each, and their diagonals where counted."""

    corners: Array
    texts: Sequence[str] = ()
    chosen: Collection[int] = ()
    diagonals: bool = False


@dataclass(frozen=True, eq=False)
class Marks:
    """Minutiae, or cores and deltas; those `chosen` (a Boolean per point) count, by default all.

    Minutiae of low quality are pale where `pale` says so.
    """

    points: Minutiae | SingularPoints
    chosen: Bool | None = None
    texts: Sequence[str] = ()
    pale: bool = False


@dataclass(frozen=True, eq=False)
class Lines:
    """Straight lines, shape (n, 4) as x, y of both ends, and what they are; or what their `values` are, 0 to 1."""

    ends: Array
    name: str = ""
    chosen: Collection[int] = ()
    values: Array | None = None


@dataclass(frozen=True, eq=False)
class Area:
    """A part of the image, bool, by its outline, or filled where it is thin; and what it is."""

    inside: Bool
    name: str
    filled: bool = False


@dataclass(frozen=True, eq=False)
class Histogram:
    """How numbers are distributed, in bins or between the given edges; the value is at `mark`, or is a `chosen` bin."""

    numbers: Array
    name: str
    bins: int | Sequence[float] = 30
    mark: float | None = None
    chosen: int | None = None


@dataclass(frozen=True, eq=False)
class Bars:
    """Named numbers of one kind."""

    names: Sequence[str]
    numbers: Sequence[float]
    name: str
    chosen: Collection[int] = ()


@dataclass(frozen=True, eq=False)
class Matrix:
    """Numbers by row and column."""

    numbers: Array
    rows: Sequence[str]
    columns: Sequence[str]
    name: str
    chosen: tuple[int, int] | None = None


Layer = Field | Frames | Marks | Lines | Area | Histogram | Bars | Matrix


def inside(fp: Fingerprint, values: Array, where: Bool | None = None) -> Array:
    """Return values at every pixel of the print as float32, NaN outside it, and where `where` is False."""
    return np.where(fp.mask if where is None else fp.mask & where, values, np.nan).astype(np.float32)


def on_cells(fp: Fingerprint, values: Array, step: int, start: int = 0) -> Array:
    """Return values given at every `step`th pixel inside the print, in order, as a grid with NaN outside."""
    known = fp.mask[start::step, start::step]
    out = np.full(known.shape, np.nan, np.float32)
    out[known] = values
    return out


def zone_frames(fp: Fingerprint, name: str, grid: int = ZONES, box: Box | None = None) -> Frames:
    """Return the zones of the print's box, or of another one; the one in a column's name (r2c3) is chosen."""
    box = box or print_box(fp) or (slice(0, 0), slice(0, 0))
    (top, height), (left, width) = ((s.start, (s.stop - s.start) / grid) for s in box)
    corners = [(left + c * width, top + r * height, width, height) for r, c in product(range(grid), repeat=2)]
    found = re.search(r"_r(\d)c(\d)(_|$)", name)
    chosen = [grid * (int(found[1]) - 1) + int(found[2]) - 1] if found else ()
    return Frames(np.array(corners), chosen=chosen)


def bars_of(values: Mapping[str, float], pattern: str, name: str, chosen: str) -> Bars:
    """Return the columns whose names match a pattern as bars, named by its first group; one column is chosen."""
    found = {n: re.sub(r"(?<=\d)d(?=\d)", ".", m[1]) for n in values if (m := re.fullmatch(pattern, n))}
    names = [f"{float(word):g}" if re.fullmatch(r"[\d.]+", word) else word for word in found.values()]
    return Bars(names, [values[n] for n in found], name, [i for i, n in enumerate(found) if n == chosen])


def angle_strokes(fp: Fingerprint, step: int = 12, *, by_coherence: bool = False) -> Lines:
    """Return the orientation as short lines along the ridges, coloured by coherence if wanted."""
    y, x = np.mgrid[step // 2 : fp.mask.shape[0] : step, step // 2 : fp.mask.shape[1] : step]
    known = fp.mask[y, x]
    y, x = y[known], x[known]
    angle = fp.orientation.angle[y, x]
    dx, dy = 0.4 * step * np.cos(angle), -0.4 * step * np.sin(angle)
    ends = np.stack([x - dx, y - dy, x + dx, y + dy], 1)
    if by_coherence:
        return Lines(ends, "coherence of the strokes", values=fp.orientation.coherence[y, x])
    return Lines(ends, "ridge orientation")
