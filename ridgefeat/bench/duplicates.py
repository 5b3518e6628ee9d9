"""What is done about one image under several names: its people taken as one, its prints dropped, or only said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench.results import Problem
from ridgefeat.errors import ParameterError

Duplicates = Literal["merge", "drop", "warn"]
DUPLICATES: tuple[Duplicates, ...] = ("merge", "drop", "warn")
KINDS = ("identical", "near_duplicate", "altered_copy")
"""Kinds of the audit's findings that say two files are one image."""


def settle(problem: Problem, sets: Iterable[Sequence[int]], how: Duplicates) -> Problem:
    """Return the problem without one image on both sides of a fold.

    Parameters
    ----------
    problem : Problem
    sets : iterable of sequences of int
        Row numbers that are one image.
    how : "merge", "drop" or "warn"
        Take all groups of a set as one, which keeps every print; leave out all but the first print of a set, and the
        first too where its copies contradict its target; or leave things as they are.

    Raises
    ------
    ParameterError
        For another `how`.
    """
    if how not in DUPLICATES:
        raise ParameterError(f"duplicates must be one of {', '.join(DUPLICATES)}, got {how!r}")
    between = [list(s) for s in sets if len(set(problem.groups[list(s)])) > 1]
    if not between:
        return problem
    count = f"{len(between)} images under several names between {problem.group}s"
    if how == "warn":
        return replace(
            problem, notes=(*problem.notes, f"{count} were left as they are: the figures may be too good")
        )
    if how == "drop":
        return _dropped(problem, between, count)
    groups = merged(problem.groups, between)
    gone = len(set(problem.groups)) - len(set(groups))
    note = f"{count}: {gone + len(set(groups[[s[0] for s in between]]))} {problem.group}s are taken as "
    note += f"{len(set(groups[[s[0] for s in between]]))}, so that no fold has one image on both sides"
    return replace(problem, groups=groups, notes=(*problem.notes, note))


def merged(groups: NDArray[Any], sets: Iterable[Sequence[int]]) -> NDArray[Any]:
    """Return group names with those that share a set joined by +."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, codes = np.unique(groups.astype(str), return_inverse=True)
    edges = [(codes[s[0]], codes[i]) for s in sets for i in s[1:]]
    a, b = np.array(edges, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(len(names), len(names)))
    _, part = connected_components(graph, directed=False)
    joined = {p: "+".join(names[part == p]) for p in np.unique(part[np.r_[a, b]])}
    return np.array([joined.get(part[c], names[c]) for c in codes], object)


def keep_rows(problem: Problem, keep: NDArray[Any], note: str) -> Problem:
    """Return the problem with some of its prints alone."""
    rows = np.flatnonzero(keep)
    return replace(
        problem,
        features=problem.features.iloc[rows].reset_index(drop=True),
        labels=problem.labels.iloc[rows].reset_index(drop=True),
        y=problem.y[rows],
        groups=problem.groups[rows],
        sources=problem.sources[rows],
        notes=(*problem.notes, note),
    )


def _dropped(problem: Problem, sets: Sequence[Sequence[int]], count: str) -> Problem:
    keep = np.ones(len(problem), bool)
    for rows in sets:
        contradicts = len(set(problem.y[list(rows)])) > 1
        keep[list(rows) if contradicts else list(rows)[1:]] = False
    return keep_rows(problem, keep, f"{count}: {int((~keep).sum())} of {len(keep)} prints left out")
