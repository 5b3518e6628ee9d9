"""The target encoded in which of two columns a third one equals: a column that was chosen by the label.

The radial side of a print is its left side on one hand and its right side on the other. A table that holds left, right
and radial tells the hand for certain, though none of the three does.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench.audit_table import AuditTable
from ridgefeat.bench.column_readout import Readout
from ridgefeat.bench.finding import Finding
from ridgefeat.bench.leaks_in_columns import LEAKING_AUC, believed

SAMPLE = 64
"""Prints in which pairs of equal columns are looked for."""
DIFFERENT = 0.5
"""Share of different values that a column must have: two counts are equal by chance."""
MOST_PAIRS = 2000
SHOWN = 3


def check_pairs(table: AuditTable, readout: Readout) -> Iterator[Finding]:
    """Yield pairs of columns that are equal in prints of some classes and differ in those of others."""
    names = table.feature_names()
    values = table.frame[names].to_numpy(np.float32, na_value=np.nan) if names else np.zeros((0, 0), np.float32)
    pairs = sometimes_equal(values)
    if not len(pairs):
        return
    one, other = values[:, pairs[:, 0]], values[:, pairs[:, 1]]
    codes = np.where(np.isfinite(one) & np.isfinite(other), (one == other).astype(np.int64), 2)
    area = readout.of_codes(codes)
    found = np.flatnonzero(believed(readout, table, area))
    if not found.size:
        return
    order = found[np.argsort(-area[found], kind="stable")]
    told = ", ".join(f"{names[pairs[k, 0]]} = {names[pairs[k, 1]]} {area[k]:.3f}" for k in order[:SHOWN])
    columns = dict.fromkeys(names[i] for k in order for i in pairs[k])
    yield Finding(
        "column_pair",
        "leak" if area[order[0]] >= LEAKING_AUC else "warning",
        f"{len(order)} pairs of columns tell {table.target!r} by whether they are equal (AUC on groups left out: {told}"
        + (", …)" if len(order) > SHOWN else ")"),
        cost="one of each pair was chosen by the label; trees, and linear models of differences, read it off. Leave "
        "one of each pair out",
        count=len(order),
        columns=tuple(columns),
    )


def sometimes_equal(values: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return pairs of columns that are equal in a tenth to nine tenths of a sample of rows, shape (pairs, 2)."""
    if not values.size:
        return np.zeros((0, 2), np.intp)
    sample = values[np.linspace(0, len(values) - 1, min(SAMPLE, len(values))).astype(np.intp)]
    ranked = np.sort(sample, axis=0)
    different = 1 + (np.diff(ranked, axis=0) > 0).sum(axis=0)
    columns = np.flatnonzero((different >= DIFFERENT * len(sample)) & (np.isfinite(sample).mean(axis=0) >= DIFFERENT))
    chosen = sample[:, columns]
    equal = np.zeros((len(columns), len(columns)), np.int16)
    for row in chosen:
        equal += row[:, None] == row[None, :]
    often = np.triu((equal > 0.1 * len(sample)) & (equal < 0.9 * len(sample)), 1)
    return columns[np.argwhere(often)[:MOST_PAIRS]]
