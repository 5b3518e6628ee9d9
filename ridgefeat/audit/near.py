"""Prints that belong together under different names: the same image, the same finger, or one person.

Near-duplicates are looked for in the images (`near_images`), or else in the features: rows that are far nearer to each
other than those of two people. Other impressions of a finger differ too much to be aligned as images. Their signatures
are alike only on average; over all prints of two names that average ranks the pairs of names, and a comparator of
fingerprints decides on the first ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from ridgefeat.audit.duplicates import DuplicateSets, connect, differing_labels, is_altered
from ridgefeat.audit.inputs import failed_rows
from ridgefeat.audit.near_images import BATCH, Comparison, Images, compare_images, read_signature
from ridgefeat.audit.table import IDENTITY, AuditTable, Finding, Index, count_images, not_checked
from ridgefeat.errors import TableError
from ridgefeat.files import count_of
from ridgefeat.sources import PrintSource
from ridgefeat.structure import Float
from ridgefeat.work.engine import count_workers, spread_items

MAX_COMPARISONS = 200
"""Pairs of names of which a pair of prints is compared: in 0.1 s for each print that is enrolled for it."""
COMPARISONS_PER_PRINT = 5
"""Pairs of prints that are compared for each print of unknown people."""
MAX_FALSE = 0.05
"""Expected number of false matches, among all pairs of which the most similar ones are compared."""
MAX_PRINTS = 10_000
"""Prints beyond which the similarities of all do not fit into memory."""
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


@dataclass(frozen=True)
class Comparator:
    """A comparator of fingerprints with its threshold."""

    scores: Callable[[Sequence[PrintSource], Sequence[Sequence[int]], int | None], NDArray[np.float64]]
    """Takes prints, pairs of positions in them and the number of workers; returns scores, NaN where there is none.

    A score is about the natural logarithm of the odds of a match, where both kinds are equally frequent.
    """
    threshold: float
    """Lowest score of a match, however few pairs there are."""

    def limit(self, pairs: int) -> float:
        """Return the score above which two prints match, found among so many pairs.

        A likelihood ratio of k or more is given to a pair of different fingers with a probability of at most 1 / k. The
        false match rate of the calibration alone would not do: the most similar pairs are compared, and other prints
        than those of the calibration may resemble each other more.
        """
        return max(self.threshold, math.log(pairs / MAX_FALSE)) if pairs else self.threshold


def similar_groups(vectors: Float, groups: Index, fingers: Index, count: int) -> tuple[list[tuple[int, int]], int]:
    """Return the most similar pair of prints of each of the most similar pairs of groups, and how many pairs exist.

    `vectors` are signatures of length 1, shape (n, m). Prints of different fingers are not paired; a finger of -1 is
    not known.

    Examples
    --------
    >>> similar_groups(np.float32([[1, 0], [0, 1], [0.8, 0.6], [-1, 0]]), np.arange(4), np.full(4, -1), 1)
    ([(0, 2)], 6)
    """
    order = np.argsort(groups, kind="stable")
    names, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    if len(names) < 2:
        return [], 0
    finger = fingers[order]
    other = groups[order][:, None] != groups[order]
    similarity = vectors[order] @ vectors[order].T
    mean = np.mean(similarity, axis=1, where=other, keepdims=True)
    z = (similarity - mean) / np.maximum(np.std(similarity, axis=1, where=other, keepdims=True), 1e-6)
    z += z.T.copy()
    apart = ~other | ((finger[:, None] != finger) & (finger[:, None] >= 0) & (finger >= 0))
    z[apart] = np.nan
    best = np.fmax.reduceat(z, starts, axis=1)  # of each print with each group
    known = np.isfinite(best)
    total = np.add.reduceat(np.where(known, best, 0), starts, axis=0)
    mean = total / np.maximum(np.add.reduceat(known, starts, axis=0, dtype=np.intp), 1)
    # A mean of few prints is large by chance more often than one of many.
    evidence = np.triu((mean + mean.T) * np.sqrt(np.minimum(sizes[:, None], sizes)), 1)
    first, second = np.unravel_index(np.argsort(-evidence, axis=None, kind="stable")[:count], evidence.shape)
    pairs = []
    for a, b in zip(first, second, strict=True):
        block = z[starts[a] : starts[a] + sizes[a], starts[b] : starts[b] + sizes[b]]
        if evidence[a, b] > 0 and np.isfinite(block).any():
            i, j = np.unravel_index(np.nanargmax(block), block.shape)
            pairs.append((int(order[starts[a] + i]), int(order[starts[b] + j])))
    return pairs, len(names) * (len(names) - 1) // 2


def group_by_comparison(
    sources: Sequence[PrintSource], comparator: Comparator, jobs: int | None
) -> tuple[list[str], str]:
    """Return a name for the finger of each print, shared by prints that match, and in a sentence how that was decided.

    The most similar pairs by signature are compared, COMPARISONS_PER_PRINT for each print. Raises TableError if there
    are more prints than MAX_PRINTS.
    """
    if (count := len(sources)) > MAX_PRINTS:
        raise TableError(f"{count:,} prints are more than {MAX_PRINTS:,}, which can be compared; name their people")
    names = [f"print {i + 1}" for i in range(count)]
    found = spread_items(read_signature, sources, count_workers(jobs), batch=BATCH)
    signatures = {i: one for i, one in enumerate(found) if isinstance(one, np.ndarray)}
    rows = list(signatures)
    if len(rows) < 2:
        return names, "no two prints could be compared"
    each, unknown = np.arange(len(rows)), np.full(len(rows), -1, np.intp)
    vectors = np.array(list(signatures.values()), np.float32)
    pairs, total = similar_groups(vectors, each, unknown, COMPARISONS_PER_PRINT * len(rows))
    scores = comparator.scores([sources[i] for i in rows], pairs, jobs)
    limit = comparator.limit(total)
    matched = [pair for pair, score in zip(pairs, scores, strict=True) if score > limit]
    fingers = connect(matched, len(rows)) if matched else []
    for number, members in enumerate(fingers, 1):
        for i in members:
            names[rows[i]] = f"finger {number}"
    return names, (
        f"{len(pairs):,} of {total:,} pairs of prints were compared, the most similar ones: "
        f"{count_of(sum(map(len, fingers)), 'print')} of {count_of(len(fingers), 'finger')} match another (score "
        f"above {limit:.1f}, where {MAX_FALSE} false matches are expected). Fingers of one person stay apart"
    )


def check_people(
    table: AuditTable, compared: Comparison, comparator: Comparator, jobs: int | None
) -> Iterator[Finding]:
    """Yield names that seem to be one person, because the comparator matches a print of each."""
    altered = is_altered(table)
    group = table.group_codes
    copies = {i for one, other, _ in compared.pairs for i in (one, other) if group[one] != group[other]}
    rows = [r for r in compared.sources if not altered[r] and r not in copies]
    if len(rows) > MAX_PRINTS:
        yield not_checked(f"one person under two names: {len(rows):,} prints are more than {MAX_PRINTS:,}", len(rows))
        return
    names = [n for n in ("hand", "finger") if n in table.frame and n != table.group]
    labels = table.frame[names].iloc[rows]
    finger: Index = np.full(len(rows), -1, np.intp)
    if len(names) == 2:
        finger = np.asarray(labels.groupby(names).ngroup().fillna(-1), np.intp)
    vectors = compared.signatures[np.isin(list(compared.sources), rows)]
    pairs, total = similar_groups(vectors, group[rows], finger, MAX_COMPARISONS)
    used, at = np.unique(np.array(pairs, np.intp).reshape(-1, 2), return_inverse=True)
    scores = comparator.scores([compared.sources[rows[i]] for i in used], at.reshape(-1, 2).tolist(), jobs)
    failed = int(np.isnan(scores).sum())
    if (left := total - len(pairs) + failed) > 0:
        compared_ones = f"{total - left:,} of {total:,} pairs of names were compared, the most similar ones"
        yield not_checked(f"one person under two names: {compared_ones}", left)
    limit = comparator.limit(total)
    matched = [(rows[i], rows[j]) for (i, j), score in zip(pairs, scores, strict=True) if score > limit]
    if matched:
        found = DuplicateSets(table, connect(matched, len(table)))
        message = (
            f"{count_of(len(found), 'finger matches', 'fingers match')} in prints of several groups: one person seems "
            f"to have several names (scores {np.min(scores[scores > limit]):.1f} or more; above {limit:.1f}, "
            f"{MAX_FALSE} false matches are expected among {count_of(total, 'pair')} of names){differing_labels(found)}"
        )
        yield found.finding("same_finger", "leak", message, found.cost("by group or by image", "match"))


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
