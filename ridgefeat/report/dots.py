"""Values with their intervals as dots on one scale, a row each: classifiers, fingers, columns, controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from ridgefeat.report.distributions import COLOURS, number
from ridgefeat.report.plot import EDGE, GRID, INK, Scale, dot, line, picture, shorten, span_of, text, tick

WIDTH = 350.0
ROW, ROW_ABOVE = 24.0, 36.0
"""A row's height where its name stands beside its dot, and where it stands above it."""

BESIDE = 15
"""Names up to this long stand beside their dots."""


@dataclass(frozen=True)
class Dot:
    """One row: a name, its value and interval (NaN where unknown), and a word about it."""

    name: str
    value: float
    low: float = np.nan
    high: float = np.nan
    note: str = ""
    colour: str = COLOURS[0]

    def told(self, unit: str = "") -> str:
        """Return the row in words."""
        interval = f" ({_signed(self.low)} to {_signed(self.high)})" if self.known else ""
        return f"{self.name} {_signed(self.value)}{interval}{unit}" + (f", {self.note}" if self.note else "")

    @property
    def known(self) -> bool:
        """Whether the row has an interval."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


def dot_chart(rows: Sequence[Dot], axis: str, words: str, *, mark: float | None = None) -> Markup:
    """Draw rows of dots with their intervals.

    Parameters
    ----------
    rows : sequence of Dot
        From top to bottom.
    axis : str
        What the scale is.
    words : str
        What the chart shows, for whoever does not see it; the rows' values follow by themselves.
    mark : float, optional
        A value at which a dashed line stands, such as chance.
    """
    names_above = max((len(r.name) for r in rows), default=0) > BESIDE
    step = ROW_ABOVE if names_above else ROW
    left, right = (10.0 if names_above else 112.0), WIDTH - 62
    ends = span_of([v for r in rows for v in (r.value, r.low, r.high)], include=[] if mark is None else [mark])
    scale, bottom = Scale(*ends, left, right), step * len(rows) + 8
    parts = []
    for value in scale.ticks(4):
        parts.append(line(scale(value), 2, scale(value), bottom, GRID))
        parts.append(text(tick(value), scale(value), bottom + 15, anchor="middle"))
    if mark is not None:
        parts.append(line(scale(mark), 2, scale(mark), bottom, INK, 1.2, "4 3"))
    parts.append(line(left, bottom, right, bottom, EDGE))
    parts.append(text(axis, (left + right) / 2, bottom + 32, anchor="middle"))
    for i, row in enumerate(rows):
        parts += _row(row, scale, step * (i + 1) - 8, names_above)
    told = "; ".join(r.told() for r in rows)
    return picture(WIDTH, bottom + 38, f"{words}. {told}", parts)


def _row(row: Dot, scale: Scale, base: float, names_above: bool) -> list[Markup]:
    parts = []
    if names_above:
        parts.append(text(shorten(row.name, 50), 10, base - 10, kind="row"))
    else:
        parts.append(text(row.name, scale.start - 10, base + 4, anchor="end", kind="row"))
    if row.known:
        parts.append(line(scale(row.low), base, scale(row.high), base, row.colour, 2.5))
    if np.isfinite(row.value):
        parts.append(dot(scale(row.value), base, row.colour))
    parts.append(text(_signed(row.value), WIDTH - 2, base + 4, anchor="end", kind="strong"))
    return parts


def _signed(value: float) -> str:
    return f"−{number(-value)}" if value < 0 else number(value)
