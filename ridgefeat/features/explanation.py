"""One value of one print, explained: its column, parts, what it was measured on, and where it lies among others."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.features.layers import Layer
from ridgefeat.reliability import DETECTABLE, UNKNOWN_SENSOR, load_reliability
from ridgefeat.structure import Float

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ridgefeat.fingerprint import Fingerprint


@dataclass(frozen=True)
class Column:
    """One feature: its name (family_what_where_statistic), unit, closed range from low to high, meaning and source.

    `uses` names labels on which its value depends besides the image; a classifier of such a label must not see it.
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str
    source: str = ""
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One figure's contribution to a column's value.

    `meaning`, `unit` and `value` say what was measured, `points` how many it gives and `max_points` how many it could.
    """

    meaning: str
    unit: str
    value: float
    points: float
    max_points: float


@dataclass(frozen=True)
class Explanation:
    """A `column`, its `value` for one print, and what makes it up.

    `parts` are those of which it is the sum; none if it is no sum. `reason` says why a value is missing. `layers` are
    what was measured where on the print `fp`, and `among` are the column's values for other prints; `plot` draws them.
    `error` is the value's standard error for an unknown sensor.
    """

    column: Column
    value: float
    parts: tuple[Part, ...] = ()
    reason: str = ""
    fp: Fingerprint | None = field(default=None, repr=False, compare=False)
    layers: tuple[Layer, ...] = field(default=(), repr=False, compare=False)
    among: Float | None = field(default=None, repr=False, compare=False)
    error: float = float("nan")

    @property
    def percentile(self) -> float:
        """Where the value lies among the other prints' values: per cent below it, ties counted half; NaN if unknown."""
        others = np.array([]) if self.among is None else self.among[np.isfinite(self.among)]
        if not others.size or not np.isfinite(self.value):
            return float("nan")
        value = np.float32(self.value)
        return float(50 * (np.mean(others < value) + np.mean(others <= value)))

    @property
    def context(self) -> dict[str, str]:
        """What to compare the value with, as texts by name: range, error, reliability, among."""
        column = self.column
        found = {"range": f"{column.low:g} to {column.high:g} {column.unit}".strip()}
        if np.isfinite(self.error):
            se, within = (f"{v:.2g} {column.unit}".strip() for v in (self.error, DETECTABLE * self.error))
            found["error"] = (
                f"standard error {se} ({UNKNOWN_SENSOR}): 95 % of second impressions differ by {within} or less"
            )
        if known := _reliability(column.name):
            found["reliability"] = known
        if self.among is not None:
            count = int(np.isfinite(self.among).sum())
            at = self.percentile
            place = "" if at != at else f"percentile {at:.0f} of "
            found["among"] = f"{place}{count:,} prints with a value, {len(self.among):,} in the table"
        return found

    def plot(self) -> Figure:
        """Return a matplotlib figure of what the value was measured on; ridgefeat.report.save_figure writes it."""
        from ridgefeat.report.pictures.panels import plot_explanation

        return plot_explanation(self)

    def _repr_png_(self) -> bytes:
        data = BytesIO()
        self.plot().savefig(data, format="png", dpi=80)
        return data.getvalue()


def _reliability(name: str) -> str:
    """Return a column's ICC between impressions with its interval, by set; "" where it was not measured."""
    texts = []
    for of in ("FCJ2020", "FVC2002"):
        frame = load_reliability(of).set_index("column")
        if name in frame.index and np.isfinite(frame.icc[name]):
            row = frame.loc[name]
            texts.append(f"{row.icc:.2f} ({row.icc_low:.2f} to {row.icc_high:.2f}) in {of}")
    return f"ICC between impressions {', '.join(texts)}" if texts else ""
