"""Minutiae and singular points as a CSV table for people.

One row per point, header first, UTF-8:

id
    Number from 1, as `ridgefeat show --numbers` prints it.
kind
    `ending`, `bifurcation`, `core` or `delta` (`other` where a template did not give it).
x_px, y_px
    Position in pixels of the original image: x to the right, y down, (0, 0) at the centre of the top-left
    pixel.
x_mm, y_mm
    The same position in mm on the finger.
direction_deg
    Degrees, [0, 360), counter-clockwise from the x axis as seen on the page, on the finger (that is, with
    square pixels). Ending: along the ridge that ends there, from the minutia into the ridge. Bifurcation:
    into the valley between the two branches that enclose the smallest of the three angles. This is the sense
    of ISO/IEC 19794-2 and ANSI INCITS 378. Core: where its ridges open. Delta: one of its three arms. Empty
    where unknown.
quality
    0 to 100; empty where unknown and for singular points.
dpi_x, dpi_y
    The original image's resolution, in every row, so that a row can be read alone.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.errors import TemplateError
from ridgefeat.files import os_errors_as
from ridgefeat.structure import BIFURCATION, CORE, DELTA, ENDING, Float, Minutiae, SingularPoints
from ridgefeat.tabular import open_table
from ridgefeat.templates._common import MAX_BYTES, Dpi, check_resolution, degrees, radians, to_working, write_bytes

COLUMNS = ("id", "kind", "x_px", "y_px", "x_mm", "y_mm", "direction_deg", "quality", "dpi_x", "dpi_y")
_MINUTIA_NAMES = {0: "other", ENDING: "ending", BIFURCATION: "bifurcation"}
_SINGULAR_NAMES = {CORE: "core", DELTA: "delta"}
_MINUTIA_KINDS = {name: kind for kind, name in _MINUTIA_NAMES.items()}
_SINGULAR_KINDS = {name: kind for kind, name in _SINGULAR_NAMES.items()}
_MAX_PX = 1e6
_MAX_ROWS = 10_000


def write_minutiae_csv(
    path: str | Path, minutiae: Minutiae, singular_points: SingularPoints, *, dpi_x: float, dpi_y: float
) -> None:
    """Write minutiae, then singular points, as the CSV table that this module describes.

    Parameters
    ----------
    path : str or Path
        File to write; an existing one is replaced.
    minutiae, singular_points : Minutiae, SingularPoints
        In pixels at 500 dpi.
    dpi_x, dpi_y : float
        The original image's resolution.

    Raises
    ------
    TemplateError
        If the resolution is unusable, a minutia's kind is unknown or the file cannot be written.
    """
    check_resolution(dpi_x, dpi_y, str(path))
    try:
        kinds = [_MINUTIA_NAMES[k] for k in minutiae.kind.tolist()]
        kinds += [_SINGULAR_NAMES[k] for k in singular_points.kind.tolist()]
    except KeyError as error:
        raise TemplateError(f"{path}: {error.args[0]} is not a kind of minutia or singular point") from None
    places = [points.original_xy(dpi_x, dpi_y) for points in (minutiae, singular_points)]
    x, y = (np.concatenate(axis).astype(np.float64) for axis in zip(*places, strict=True))
    angle = np.round(degrees(np.concatenate([minutiae.direction, singular_points.direction])), 2) % 360.0
    quality = np.concatenate([minutiae.quality, np.full(len(singular_points), np.nan)])
    rounded = [(x, 2), (y, 2), (x * (25.4 / dpi_x), 4), (y * (25.4 / dpi_y), 4), (angle, 2), (quality, 1)]
    texts = [["" if math.isnan(v) else f"{v:.{digits}f}" for v in column.tolist()] for column, digits in rounded]
    resolution = f"{float(dpi_x)!r},{float(dpi_y)!r}"
    ids = map(str, range(1, len(kinds) + 1))
    rows = [",".join((*row, resolution)) for row in zip(ids, kinds, *texts, strict=True)]
    write_bytes(path, ("\n".join([",".join(COLUMNS), *rows]) + "\n").encode())


def read_minutiae_csv(path: str | Path) -> tuple[Minutiae, SingularPoints, Dpi | None, tuple[str, ...]]:
    """Read what write_minutiae_csv wrote to `path`, in any dialect of CSV, or from .xlsx.

    Further columns are ignored, and the order of columns is free.

    Returns
    -------
    minutiae : Minutiae
        In pixels at 500 dpi, radians; quality NaN where the file gives none.
    singular_points : SingularPoints
        In pixels at 500 dpi; direction NaN where the file gives none.
    resolution : (float, float) or None
        dpi_x and dpi_y of the original image; None for a table without rows.
    ids : tuple of str
        Of the minutiae, then of the singular points; empty where the table has no column `id`.

    Raises
    ------
    TemplateError
        If the file cannot be read, lacks a column, or a row holds what it must not; the row is named.
    """
    where = str(path)
    with os_errors_as(TemplateError, f"template {path} cannot be read"):
        table = open_table(Path(path), TemplateError, where, max_bytes=MAX_BYTES)
    if table is None:
        raise TemplateError(f"{path} is a Parquet table; save minutiae as CSV")
    table = table.rename(COLUMNS)
    needed = [c for c in COLUMNS if c not in ("id", "x_mm", "y_mm")]
    if lacking := [c for c in needed if c not in table.names]:
        raise TemplateError(f"{path}: no column {', '.join(lacking)}; a minutiae table has {', '.join(COLUMNS)}")
    frame = table.frame(needed[1:], max_rows=_MAX_ROWS)
    cells = zip(*(frame[c].tolist() for c in needed), strict=True)
    rows = [_row(row, f"{path}, row {n}") for n, row in enumerate(cells, 1)]
    if not rows:
        return Minutiae.empty(), SingularPoints.empty(), None, ()
    resolutions = {row[-2:] for row in rows}
    if len(resolutions) > 1:
        raise TemplateError(f"{path}: rows of {len(resolutions)} resolutions; read one print at a time")
    dpi_x, dpi_y = resolutions.pop()
    minutiae = Minutiae.make(*_columns(rows, _MINUTIA_KINDS))
    x, y, direction, kind, _ = _columns(rows, _SINGULAR_KINDS)
    ids = tuple[str, ...]()
    if "id" in table.names:
        named = list(zip(frame["id"], rows, strict=True))
        ids = tuple(i for kinds in (_MINUTIA_KINDS, _SINGULAR_KINDS) for i, row in named if row[0] in kinds)
    return minutiae, SingularPoints.make(x, y, kind, direction), (dpi_x, dpi_y), ids


_Row = tuple[str, float, float, float, float, float, float]


def _row(cells: tuple[Any, ...], where: str) -> _Row:
    """Check one row: kind, x, y, direction, quality, dpi_x, dpi_y."""
    kind, x, y, direction, quality, dpi_x, dpi_y = cells
    kind = kind.casefold()
    if kind not in _MINUTIA_KINDS and kind not in _SINGULAR_KINDS:
        raise TemplateError(f"{where}: kind {kind[:40]!r} is none of ending, bifurcation, core, delta, other")
    if not (abs(x) <= _MAX_PX and abs(y) <= _MAX_PX):
        raise TemplateError(f"{where}: ({x:g}, {y:g}) px is not a position in an image")
    if math.isinf(direction) or (math.isnan(direction) and kind in _MINUTIA_KINDS):
        raise TemplateError(f"{where}: a minutia needs a direction in degrees, got {direction:g}")
    if not (math.isnan(quality) or 0 <= quality <= 100):
        raise TemplateError(f"{where}: quality must lie between 0 and 100, got {quality:g}")
    check_resolution(dpi_x, dpi_y, where)
    return kind, x, y, direction, quality, dpi_x, dpi_y


def _columns(rows: list[_Row], kinds: dict[str, int]) -> tuple[Float, Float, Float, list[int], Float]:
    """Return x, y, direction, kind and quality of the rows of some kinds."""
    own = [r for r in rows if r[0] in kinds]
    x, y, direction, quality, dpi_x, dpi_y = np.array([r[1:] for r in own], np.float64).reshape(-1, 6).T
    kind = [kinds[r[0]] for r in own]
    return to_working(x, dpi_x), to_working(y, dpi_y), radians(direction), kind, quality.astype(np.float32)
