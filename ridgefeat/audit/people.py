"""One person under two names: the names whose prints are most similar, compared by a comparator of fingerprints.

Other impressions of a finger differ too much to be aligned as images. Their signatures are alike only on average; over
all prints of two names that average ranks the pairs of names, and the comparator decides on the first ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ridgefeat.audit.duplicates import DuplicateSets, connect, differing_labels, is_altered
from ridgefeat.audit.near_images import BATCH, Comparison, read_signature
from ridgefeat.audit.table import AuditTable, Finding, Index, not_checked
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
