"""Template: the data of a print that comparisons use."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ridgefeat.brief import Brief
from ridgefeat.errors import TemplateError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.grid import CELL
from ridgefeat.structure import Bool, Float, Minutiae
from ridgefeat.verify.waves import Waves, ridge_waves

MAX_MINUTIAE = 150
"""Minutiae kept, by quality; the time of a comparison rises with the square of their number."""
MIN_MINUTIAE = 4
"""Minutiae below which a print cannot be enrolled."""
MAX_SPAN = 3000.0
"""Pixels at 500 dpi, 15 cm: minutiae farther apart cannot come from one print."""
_VISIBLE_REACH = 20.0
"""Pixels around the minutiae that count as visible, if no image shows the extent of the print."""
_MARGIN = 64.0


@dataclass(frozen=True, eq=False, repr=False)
class Template(Brief):
    """The data of a print that comparisons use.

    Attributes
    ----------
    minutiae : Minutiae
        At most 150, those of the highest quality.
    mask : ndarray of bool, shape (rows, columns)
        Where minutiae could have been found, on a grid of 8 px; cell (i, j) covers pixel rows 8 i to 8 i + 7 and
        columns 8 j to 8 j + 7.
    waves : Waves or None
        The ridges as waves; None if only minutiae are known.
    source : str
        Where it comes from, for messages.
    notes : tuple of str
        What in its file was not read, or how it was understood.
    """

    minutiae: Minutiae
    mask: Bool
    waves: Waves | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.minutiae)


def template_from_print(fp: Fingerprint) -> Template:
    """Return the template of the print `fp`, with its doubtful minutiae: a false one costs less than a missing one.

    Raises TemplateError if it has fewer than 4 minutiae.
    """
    minutiae = _checked(fp.all_minutiae, fp.source)
    mask = np.ascontiguousarray(fp.mask[CELL // 2 :: CELL, CELL // 2 :: CELL])
    return Template(minutiae, mask, ridge_waves(fp.enhanced, fp.period, fp.mask), fp.source)


def template_from_minutiae(minutiae: Minutiae, source: str = "") -> Template:
    """Return a template of minutiae alone, such as those of another system.

    Parameters
    ----------
    minutiae : Minutiae
        In pixels at 500 dpi; only their relative positions matter.
    source : str
        Where they come from, for messages.

    Raises
    ------
    TemplateError
        If there are fewer than 4, a position or direction is not finite, or they span more than 15 cm.

    Examples
    --------
    >>> x = np.float32([10, 50, 90, 130])
    >>> m = Minutiae(x, x[::-1], np.zeros(4, np.float32), np.ones(4, np.uint8), np.full(4, 80, np.float32))
    >>> template = template_from_minutiae(m)
    >>> len(template), template.mask.shape, template.waves is None
    (4, (32, 32), True)
    """
    kept = _checked(minutiae, source)
    span = max(np.ptp(kept.x), np.ptp(kept.y))
    if span > MAX_SPAN:
        spanned = f"{source or 'template'}: minutiae span {25.4 * span / 500:.0f} mm"
        raise TemplateError(f"{spanned}, more than a print can; check its resolution")
    x, y = kept.x - kept.x.min() + _MARGIN, kept.y - kept.y.min() + _MARGIN
    moved = replace(kept, x=x.astype(np.float32), y=y.astype(np.float32))
    shape = (int((y.max() + _MARGIN) // CELL) + 1, int((x.max() + _MARGIN) // CELL) + 1)
    return Template(moved, hull(moved, shape, _VISIBLE_REACH), source=source)


def hull(minutiae: Minutiae, shape: tuple[int, int], reach: float) -> Bool:
    """Return the convex hull of minutiae, grown by `reach` px, on a grid of 8 px."""
    points = np.stack([minutiae.x, minutiae.y], 1) / CELL - (CELL - 1) / (2 * CELL)
    area = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(area, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    side = 2 * round(reach / CELL) + 1
    return np.asarray(cv2.dilate(area, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0)


def inside(grid: Bool, x: Float, y: Float) -> Bool:
    """Return which points (px) lie on a true cell of a grid of 8 px; bool, shape (points,)."""
    rows, columns = grid.shape
    i, j = np.floor((y + 0.5) / CELL).astype(np.int32), np.floor((x + 0.5) / CELL).astype(np.int32)
    within = (i >= 0) & (j >= 0) & (i < rows) & (j < columns)
    i, j = np.clip(i, 0, rows - 1), np.clip(j, 0, columns - 1)
    return np.asarray(within & grid[i, j])


def _checked(minutiae: Minutiae, source: str) -> Minutiae:
    where = source or "template"
    for name in ("x", "y", "direction"):
        if not np.isfinite(getattr(minutiae, name)).all():
            raise TemplateError(f"{where}: the {name} of a minutia is not finite")
    if len(minutiae) < MIN_MINUTIAE:
        few = f"{len(minutiae)} minutiae are too few to compare ({MIN_MINUTIAE} are needed)"
        raise TemplateError(f"{where}: {few}; the print cannot be enrolled")
    return minutiae.best(MAX_MINUTIAE)
