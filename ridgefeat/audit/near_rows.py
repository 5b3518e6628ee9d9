"""Near-duplicates, from the features alone: rows that are far nearer to each other than those of two people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from ridgefeat.audit.table import AuditTable
from ridgefeat.structure import Float

MIN_ROWS = 20
"""Rows below which the usual distance is not known."""
MAX_ROWS = 50_000
"""Rows beyond which they are not compared: the time grows with their square, and is some minutes then."""
MIN_COLUMNS = 20
"""Columns below which prints of strangers are as near as copies."""
MIN_OTHERS = 3
"""Near rows of other groups from which the farthest of them says how close rows lie there."""
MIN_KNOWN_SHARE = 0.5
"""Share of its values that a row must have to be compared."""
LARGE_TABLE_ROWS = 300
"""Rows from which the usual distance alone is enough (benchmarks/leak_audit.py: no stranger among 1,380)."""
MIN_DEVIATIONS = 5.0
"""Deviations of the logarithm of the distance to the nearest row of another group by which a copy is nearer."""
CLIP = 5.0
"""Robust deviations beyond which a value counts no more."""
N_AXES = 128
"""Principal axes along which near rows are looked for; they are then measured in all columns."""


def near_rows(table: AuditTable, rows: Sequence[int]) -> list[tuple[int, int, float]] | None:
    """Return pairs of rows of different groups that are copies by their features.

    Parameters
    ----------
    table : AuditTable
    rows : sequence of int
        Which rows are compared: one of identical images is enough.

    Returns
    -------
    list of (int, int, float), or None
        Two rows, the smaller first, and their distance as a share of the median distance to the nearest row of another
        group; None where there are too few rows or columns, or too many rows to compare each with each.
    """
    if len(rows) > MAX_ROWS:
        return None
    values, kept = _standardised(table, np.asarray(rows, np.intp))
    if len(kept) < MIN_ROWS or values.shape[1] < MIN_COLUMNS:
        return None
    axes = values
    if values.shape[1] > N_AXES:
        axes = PCA(min(N_AXES, len(kept)), svd_solver="covariance_eigh").fit_transform(values)
    groups = table.group_codes[kept]
    pairs: set[tuple[int, int, float]] = set()
    nearest_other, farthest = np.full(len(kept), np.inf), np.full(len(kept), np.inf)
    count = min(table.limits.neighbours + 2, len(kept) - 1)
    found = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(axes).kneighbors(return_distance=False)
    for i in range(len(kept)):
        others = [int(j) for j in found[i] if groups[j] != groups[i]]
        if others:
            distances = np.linalg.norm(values[others] - values[i], axis=1).astype(np.float64)
            nearest_other[i] = distances.min()
            if len(others) >= MIN_OTHERS:
                farthest[i] = distances.max()
            pairs.update((min(i, j), max(i, j), float(d)) for j, d in zip(others, distances, strict=True))
    known = np.isfinite(nearest_other)
    if not known.any():
        return []
    usual = float(np.median(nearest_other[known]))
    if usual == 0:
        return None
    # Where rows are closer than elsewhere, as those of a second sensor are, their own distances are the measure.
    near = table.limits.near_rows * np.minimum(usual, farthest)
    if len(kept) < LARGE_TABLE_ROWS:
        # Among few rows some strangers are near by chance: a copy is nearer than their spread explains. Copies
        # shorten the lower half only, so the upper half measures it.
        logs = np.log(np.maximum(nearest_other[known], 1e-12))
        spread = float(np.quantile(logs, 0.84) - np.median(logs))
        near = np.minimum(near, usual * np.exp(-MIN_DEVIATIONS * spread))
    return [(int(kept[i]), int(kept[j]), d / usual) for i, j, d in sorted(pairs) if d <= min(near[i], near[j])]


def _standardised(table: AuditTable, rows: NDArray[np.intp]) -> tuple[Float, NDArray[np.intp]]:
    names = table.feature_names()
    values = np.array(table.frame[names].iloc[rows].to_numpy(np.float32, na_value=np.nan))
    values[~np.isfinite(values)] = np.nan
    full = np.isfinite(values).mean(axis=1) >= MIN_KNOWN_SHARE if names else np.zeros(len(rows), np.bool_)
    values, rows = values[full], rows[full]
    values = values[:, np.isfinite(values).any(axis=0)] if len(values) else values
    if not values.size:
        return np.zeros((0, 0), np.float32), rows
    values -= np.nanmedian(values, axis=0)
    deviation = np.nanstd(np.clip(values, *np.nanquantile(values, [0.05, 0.95], axis=0)), axis=0)
    values = values[:, deviation > 0] / deviation[deviation > 0]
    return np.nan_to_num(np.clip(values, -CLIP, CLIP)).astype(np.float32), rows
