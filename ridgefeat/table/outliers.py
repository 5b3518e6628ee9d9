"""Prints unlike the rest of their set. Only ever a flag: a person decides."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.structure import Bool, Float
from ridgefeat.table.row import join_flags

FLAG = "outlier"
BASE = ("ridge_period_mean", "ridge_area", "minutiae_count")
"""Columns that are looked at, as far as the table has them: scale, busyness and size of a print."""
GROUPED_BY = ("meta_layout", "meta_dpi_x", "meta_dpi_y")
LEAST_PRINTS = 20
"""Prints of one layout and resolution below which nothing is called unusual."""
LIMIT = 6.0
"""Robust deviations from the median."""


def find_outliers(base: Float, groups: Sequence[Hashable]) -> Bool:
    """Return which prints lie further than LIMIT robust deviations from their group's median in any column.

    Parameters
    ----------
    base : ndarray of float32, shape (prints, columns)
        NaN where a print has no value; it is then neither judged nor counted in that column.
    groups : sequence, length prints
        What is compared with each other: prints of one layout and resolution.

    Returns
    -------
    ndarray of bool, shape (prints,)

    Notes
    -----
    The deviation is 1.4826 times the median absolute deviation, which a few outliers hardly move
    (Leys et al. 2013).
    """
    out = np.zeros(len(base), np.bool_)
    known: dict[Hashable, int] = {}
    codes = np.array([known.setdefault(group, len(known)) for group in groups], np.int64)
    for code in range(len(known)):
        rows = np.flatnonzero(codes == code)
        out[rows] = _unusual(base[rows].astype(np.float64))
    return out


def mark(meta: Sequence[dict[str, Any]], features: Float, names: Sequence[str]) -> None:
    """Add the flag to the meta cells of prints that are unlike the rest of these.

    Parameters
    ----------
    meta : sequence of dict
        Meta cells, a print each; `meta_flags` is changed in place.
    features : ndarray of float32, shape (prints, columns)
        Their features.
    names : sequence of str
        The columns' names.
    """
    base = [names.index(n) for n in BASE if n in names]
    unusual = find_outliers(features[:, base], [group(m) for m in meta])
    for i in np.flatnonzero(unusual).tolist():
        meta[i]["meta_flags"] = flagged(meta[i]["meta_flags"])


def flagged(flags: str | None) -> str:
    """Return a cell of flags with this one added."""
    return join_flags([flags or "", FLAG])


def group(meta: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return which prints one is compared with: those of its layout and resolution."""
    return tuple(meta[name] for name in GROUPED_BY)


def _unusual(values: NDArray[np.float64]) -> Bool:
    out = np.zeros(len(values), np.bool_)
    for x in values.T:
        known = np.isfinite(x)
        if known.sum() < LEAST_PRINTS:
            continue
        middle = np.median(x[known])
        deviation = 1.4826 * np.median(np.abs(x[known] - middle))
        if deviation > 0:
            out[known] |= np.abs(x[known] - middle) > LIMIT * deviation
    return out
