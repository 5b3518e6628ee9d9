"""A plan's comparisons, over workers: scores in the plan's order, the same however many workers there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.verify.entries import Entry
from ridgefeat.verify.minutiae import compare
from ridgefeat.verify.protocols import Plan
from ridgefeat.work.engine import count_workers, spread

AT_ONCE = 1024
"""Comparisons handed to a worker at a time."""
BLOCK = 64
"""Entries whose comparisons are kept together, so that a worker is sent few templates."""

Scores = NDArray[np.float64]
Function = Callable[[Sequence[tuple[Any, Any]]], Scores]


def minutiae_scores(pairs: Sequence[tuple[Any, Any]]) -> Scores:
    """Return the scores of pairs of prepared templates."""
    return np.array([compare(a, b).score for a, b in pairs], np.float64)


def feature_scores(pairs: Sequence[tuple[Any, Any]]) -> Scores:
    """Return minus the distances of pairs of standardised feature vectors.

    The distance is the root mean square of the differences, over the features that both prints have; NaN where they
    have none in common.
    """
    first, second = (np.stack(side) for side in zip(*pairs, strict=True))
    squares = np.square(first.astype(np.float64) - second)
    known = np.isfinite(squares)
    count = known.sum(1)
    total = np.where(known, squares, 0).sum(1)
    return np.where(count > 0, -np.sqrt(total / np.maximum(count, 1)), np.nan)


def compare_all(
    entries: Sequence[Entry],
    plan: Plan,
    function: Function = minutiae_scores,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Scores:
    """Return every planned comparison's score, float64, shape (n,); NaN where a print failed.

    Parameters
    ----------
    entries : sequence of Entry
    plan : Plan
    function : callable
        Scores of a list of pairs: minutiae_scores or feature_scores.
    jobs : int
        Worker processes; -1 for every core.
    progress : callable, optional
        Called with comparisons done and comparisons in all.
    """
    from joblib import delayed

    there = np.array([entry.content is not None for entry in entries])
    possible = np.flatnonzero(there[plan.probe] & there[plan.reference])
    order = possible[np.lexsort((possible, plan.reference[possible] // BLOCK, plan.probe[possible] // BLOCK))]
    parts = [order[i : i + AT_ONCE] for i in range(0, len(order), AT_ONCE)]
    calls = (delayed(_run)(function, *_package(entries, plan, part)) for part in parts)
    results = spread(calls, count_workers(jobs), ordered=True)
    scores = np.full(len(plan), np.nan)
    done = 0
    for part, found in zip(parts, results, strict=True):
        scores[part] = found
        done += len(part)
        if progress is not None:
            progress(done, len(order))
    return scores


def _package(entries: Sequence[Entry], plan: Plan, part: NDArray[np.int64]) -> tuple[list[Any], list[tuple[int, int]]]:
    """Return what a part's comparisons need, each content once, and which go together."""
    ends = np.stack([plan.probe[part], plan.reference[part]])
    used, index = np.unique(ends, return_inverse=True)
    first, second = index.reshape(2, -1)
    return [entries[i].content for i in used], list(zip(first.tolist(), second.tolist(), strict=True))


def _run(function: Function, contents: list[Any], pairs: list[tuple[int, int]]) -> Scores:
    return np.concatenate([function([(contents[i], contents[j]) for i, j in some]) for some in _chunks(pairs, 256)])


def _chunks(pairs: list[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(pairs), size):
        yield pairs[start : start + size]
