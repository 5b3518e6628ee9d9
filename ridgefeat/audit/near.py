"""Near-duplicates: the same image under two groups, or the same finger under two names.

They are looked for in the images (`near_images`), or else in the features: rows that are far nearer to each other than
those of two people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from ridgefeat.audit.duplicates import DuplicateSets, connect, differing_labels, is_altered
from ridgefeat.audit.inputs import failed_rows
from ridgefeat.audit.near_images import Images, compare_images
from ridgefeat.audit.people import Comparator, check_people
from ridgefeat.audit.table import IDENTITY, AuditTable, Finding, Index, count_images, not_checked
from ridgefeat.structure import Float

MIN_ROWS = 20
"""Rows below which the usual distance is not known."""
MAX_ROWS = 50_000
"""Maximal number of rows that are compared: the time grows with its square, to some minutes at this number."""
MIN_COLUMNS = 20
"""Columns below which prints of strangers are as near as copies."""
MIN_OTHERS = 3
"""Nearest rows of other groups; the distance of the farthest of them says how dense the rows are there."""
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
TOGETHER = "a split by group keeps them together"

Pairs = Sequence[tuple[int, int, float]]


def check_near(
    table: AuditTable,
    identical: Sequence[Sequence[int]],
    images_root: Images | None,
    jobs: int | None,
    comparator: Comparator | None = None,
    marks: Mapping[int, NDArray[Any]] = MappingProxyType({}),
) -> Iterator[Finding]:
    """Yield images that are nearly the same, by their pixels where images are given, else by the features.

    `marks` are keypoints of rows that are known already.
    """
    # One row of each set of identical images, and all others that could be read.
    skipped = failed_rows(table.frame)
    for one_image in identical:
        skipped[list(one_image[1:])] = True
    rows = [int(i) for i in np.flatnonzero(~skipped)]
    if images_root is None:
        if (found := near_rows(table, rows)) is None:
            why = "too many prints to compare each with each" if len(rows) > MAX_ROWS else "too few prints or features"
            yield not_checked(f"near-duplicates: {why}; give the images")
            return
        yield not_checked(
            "near-duplicates were looked for in the features alone: give the images to find more of them, mirrored and "
            "turned copies, and one person under two names"
        )
        yield from _near(table, found, "features", "distance as a share of the usual one")
        return
    compared = compare_images(table, images_root, rows, jobs, marks)
    other = "are not those that the table was extracted from"
    for missed, what in ((compared.unreadable, "are missing or cannot be read"), (compared.changed, other)):
        if missed:
            message = f"near-duplicates: {len(missed)} images {what}, first {table.names[missed[0]]}"
            yield not_checked(message, len(missed))
    limit = table.limits.near_correlation
    yield from _near(table, [p for p in compared.pairs if p[2] >= limit], "images", "correlation", compared.how)
    yield from _same_finger(table, compared.pairs)
    if comparator is None:
        yield not_checked("one person under two names: no comparator was given")
    else:
        yield from check_people(table, compared, comparator, jobs)


def _near(
    table: AuditTable, pairs: Pairs, by: str, measure: str, changes: Mapping[tuple[int, int], str] | None = None
) -> Iterator[Finding]:
    across = [p for p in pairs if table.group_codes[p[0]] != table.group_codes[p[1]]]
    if not across:
        return
    found = DuplicateSets(table, connect([(i, j) for i, j, _ in across], len(table)))
    values = [value for *_, value in across]
    limit = f"{max(values):.2f} or less" if changes is None else f"{min(values):.2f} or more"
    counts = Counter(changes[i, j] for i, j, _ in across if (i, j) in changes) if changes else {}
    changed = "; " + ", ".join(f"{n} {how}" for how, n in counts.items()) if counts else ""
    message = (
        f"{count_images(len(found), f'nearly the same by their {by},')} filed under several groups "
        f"({found.n_prints} prints; {measure} {limit}{changed}){differing_labels(found)}"
    )
    if wrong := len(found.conflicting):
        message += f"; {wrong} of them under different values of {table.target!r}"
    yield found.finding("near_duplicate", "leak", message, found.cost("by group or by image"))


def _same_finger(table: AuditTable, pairs: Pairs) -> Iterator[Finding]:
    """Yield fingers that were captured twice under two names; altered copies are another check's."""
    altered = is_altered(table)
    names = [n for n in dict.fromkeys((*IDENTITY, table.target)) if n in table.frame]
    identity = table.frame.loc[:, names].astype(str).fillna("").agg("/".join, axis=1).to_numpy() if names else None
    across, within = [], []
    for i, j, value in pairs:
        if altered[i] or altered[j]:
            continue
        if table.group_codes[i] != table.group_codes[j]:
            if value < table.limits.near_correlation:
                across.append((i, j))
        elif identity is not None and identity[i] != identity[j]:
            within.append((i, j))
    message = "{} fingers seem to have been captured more than once under different names {}{}"
    if across:
        found = DuplicateSets(table, connect(across, len(table)))
        words = message.format(len(found), "in several groups", differing_labels(found))
        yield found.finding("same_finger", "leak", words, found.cost("by group or by image"))
    if within:
        found = DuplicateSets(table, connect(within, len(table)))
        cost = f"{table.target!r} is the same in each"
        if wrong := len(found.conflicting):
            cost = f"{wrong} of them have two values of {table.target!r}, one of which is wrong"
        words, cost = message.format(len(found), "within one group", differing_labels(found)), f"{TOGETHER}; {cost}"
        yield found.finding("same_finger", "warning" if wrong else "note", words, cost)


def near_rows(table: AuditTable, rows: Sequence[int]) -> list[tuple[int, int, float]] | None:
    """Return pairs of rows of different groups that are copies by their features.

    A pair is two of the given rows, the smaller first, and their distance as a share of the median distance to the
    nearest row of another group. None where there are too few rows or columns, or too many rows to compare each with
    each.
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


def _standardised(table: AuditTable, rows: Index) -> tuple[Float, Index]:
    if not table.features:
        return np.zeros((0, 0), np.float32), rows[:0]
    values = table.feature_values(rows)
    values = np.where(np.isfinite(values), values, np.float32(np.nan))
    full = np.isfinite(values).mean(axis=1) >= MIN_KNOWN_SHARE
    values, rows = values[full], rows[full]
    values = values[:, np.isfinite(values).any(axis=0)]
    if not values.size:
        return values, rows
    values -= np.nanmedian(values, axis=0)
    deviation = np.nanstd(np.clip(values, *np.nanquantile(values, [0.05, 0.95], axis=0)), axis=0)
    values = values[:, deviation > 0] / deviation[deviation > 0]
    return np.nan_to_num(np.clip(values, -CLIP, CLIP)).astype(np.float32), rows
