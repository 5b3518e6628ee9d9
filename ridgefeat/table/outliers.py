"""Prints that differ strongly from the rest of their table are flagged, never dropped: a person decides."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from ridgefeat.structure import Bool, Float
from ridgefeat.table.row import join_flags

FLAG = "outlier"
EXAMINED = ("ridge_period_mean", "ridge_area", "minutiae_count")
"""Columns that are examined if the table has them: scale, complexity and size of a print."""
GROUPED_BY = ("meta_layout", "meta_dpi_x", "meta_dpi_y")
MIN_PRINTS = 20
"""Number of prints of one layout and resolution below which none is an outlier."""
LIMIT = 6.0
"""Robust deviations from the median."""


def find_outliers(base: Float, groups: Sequence[Hashable]) -> Bool:
    """Return which prints lie further than LIMIT robust deviations from their group's median in any column.

    `base` has the shape (prints, columns), and NaN where a print has no value; the column is then ignored for that
    print. `groups` holds the group of each print. The deviation is 1.4826 times the median absolute deviation, which a
    few outliers hardly move (Leys et al. 2013).
    """
    out = np.zeros(len(base), np.bool_)
    known: dict[Hashable, int] = {}
    codes = np.array([known.setdefault(group, len(known)) for group in groups], np.int64)
    for code in range(len(known)):
        rows = np.flatnonzero(codes == code)
        for x in base[rows].astype(np.float64).T:
            finite = np.isfinite(x)
            if finite.sum() < MIN_PRINTS:
                continue
            distance = np.abs(x - np.median(x[finite]))
            deviation = 1.4826 * np.median(distance[finite])
            if deviation > 0:
                out[rows] |= finite & (distance > LIMIT * deviation)
    return out


def flag_outliers(meta: Sequence[dict[str, Any]], features: Float, names: Sequence[str]) -> None:
    """Add the flag to the meta cells of outliers, in place; `names` are those of the features' columns."""
    base = [names.index(n) for n in EXAMINED if n in names]
    unusual = find_outliers(features[:, base], [outlier_group(m) for m in meta])
    for i in np.flatnonzero(unusual).tolist():
        meta[i]["meta_flags"] = add_flag(meta[i]["meta_flags"])


def add_flag(flags: str | None) -> str:
    """Return a `meta_flags` cell with the outlier flag added."""
    return join_flags([flags or "", FLAG])


def outlier_group(meta: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the group in which a print is compared: its layout and resolution."""
    return tuple(meta[name] for name in GROUPED_BY)
