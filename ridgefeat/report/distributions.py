"""Columns as small histograms, a row a group: the numbers that a page draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#9A6700", "#4B5563")
"""A group's colour, in order; after Okabe and Ito, the light ones darkened so that they hold on white."""

MOST_GROUPS = len(COLOURS)
BINS = 22
LEAST_FOR_TRIMMING = 200
"""Values from which on the scale runs from the 0.5th to the 99.5th percentile, so that a stray one does not set it."""


@dataclass(frozen=True)
class Bar:
    """One bar, as shares of the plot: left edge, width, and height from 0 to 1 of the tallest in the panel."""

    left: float
    width: float
    height: float


@dataclass(frozen=True)
class Row:
    """One group's values in a panel; positions are shares of the plot's width."""

    group: str
    colour: str
    count: int
    bars: tuple[Bar, ...]
    quartiles: tuple[float, float]
    middle: float
    median: str


@dataclass(frozen=True)
class Distribution:
    """One column's panel: its groups' rows over a common scale."""

    name: str
    unit: str
    meaning: str
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    missing: int


def as_text(frame: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return a column's cells as text, empty where missing."""
    return frame[name].astype("string").fillna("")


def choose_groups(frame: pd.DataFrame, labels: Sequence[str], by: str | None = None) -> tuple[str | None, Any]:
    """Return the label that splits the rows, and each row's group as text; (None, "all prints" for each) without.

    Parameters
    ----------
    frame : DataFrame
        A feature table.
    labels : sequence of str
        Its label columns.
    by : str, optional
        The label wanted; without, the first usual one that has two to six values.
    """
    usual = ("sex", "pattern", "pattern_class", "finger", "hand", "alteration", "level", "meta_layout")
    for name in [by] if by else [n for n in usual if n in labels or n == "meta_layout"]:
        values = as_text(frame, name).to_numpy(dtype=str)
        if by or 2 <= len({v for v in values.tolist() if v}) <= MOST_GROUPS:
            return name, values
    return None, np.full(len(frame), "all prints")


def distribution(
    column: dict[str, Any], values: NDArray[Any], groups: NDArray[Any], names: Sequence[str]
) -> Distribution | None:
    """Return a column's panel, or None where it has no value at all.

    Parameters
    ----------
    column : dict
        The column as the sidecar declares it: name, unit, meaning.
    values : ndarray, shape (prints,)
        NaN where missing.
    groups : ndarray of str, shape (prints,)
        Each print's group.
    names : sequence of str
        The groups to show, in order.
    """
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    if not known.any():
        return None
    edges = _edges(values[known])
    low, high = edges[0], edges[-1]
    counts = {}
    for name in names:
        own = values[known & (groups == name)]
        counts[name] = own, np.histogram(np.clip(own, low, high), edges)[0] / max(1, len(own))
    tallest = max(float(share.max()) for _, share in counts.values()) or 1.0
    rows = [
        _row(name, COLOURS[i % len(COLOURS)], own, share / tallest, edges)
        for i, (name, (own, share)) in enumerate(counts.items())
    ]
    return Distribution(
        column["name"],
        column.get("unit", ""),
        column.get("meaning", ""),
        tuple(r for r in rows if r.count),
        _ticks(low, high),
        int((~known).sum()),
    )


def number(value: float) -> str:
    """Return a number for people: three digits that matter, no exponent where it can be helped."""
    if not np.isfinite(value):
        return "–"
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}"
    if value == int(value) and abs(value) >= 10:
        return f"{int(value):,}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def _row(name: str, colour: str, own: NDArray[Any], share: NDArray[Any], edges: NDArray[Any]) -> Row:
    low, span = edges[0], edges[-1] - edges[0]
    at = (edges - low) / span
    bars = [Bar(float(at[i]), float(at[i + 1] - at[i]), float(height)) for i, height in enumerate(share) if height]
    if not len(own):
        return Row(name, colour, 0, (), (0.0, 0.0), 0.0, "–")
    marks = np.clip((np.percentile(own, [25, 50, 75]) - low) / span, 0, 1)
    middle = number(float(np.median(own)))
    return Row(name, colour, len(own), tuple(bars), (float(marks[0]), float(marks[2])), float(marks[1]), middle)


def _edges(values: NDArray[Any]) -> NDArray[Any]:
    cut = (0.5, 99.5) if len(values) >= LEAST_FOR_TRIMMING else (0, 100)
    low, high = (float(v) for v in np.percentile(values, cut))
    if np.all(values == np.rint(values)):
        # Whole numbers in bars that each hold equally many of them.
        step = max(1, int(np.ceil((high - low + 1) / BINS)))
        first = np.floor(low) - 0.5
        return np.asarray(first + step * np.arange(int(np.ceil((np.ceil(high) + 0.5 - first) / step)) + 1.0))
    if high <= low:
        low, high = low - 0.5 * abs(low or 1), low + 0.5 * abs(low or 1)
    return np.linspace(low, high, BINS + 1)


def _ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    from matplotlib.ticker import MaxNLocator

    places = [float(v) for v in MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
    span = high - low
    return tuple(((v - low) / span, f"{v:g}") for v in places if low - 1e-9 * span <= v <= high + 1e-9 * span)
