"""Twins: sets of prints that are one picture, and what they cost a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ridgefeat.audit.table import AuditTable

FOLDS = 5
"""Folds of the split that a cost is reckoned for where none is given."""


def connect(pairs: Iterable[tuple[int, int]], count: int) -> list[list[int]]:
    """Return the connected components with at least two members of a graph on 0 .. count - 1, in order."""
    edges = np.array(list(pairs), np.intp).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    members: dict[int, list[int]] = {}
    for i in np.unique(edges):
        members.setdefault(int(labels[i]), []).append(int(i))
    return sorted(members.values())


def conflicting(table: AuditTable, rows: Sequence[int]) -> bool:
    """Whether prints of one picture have different target values."""
    codes = table.target_codes[list(rows)]
    return len(np.unique(codes[codes >= 0])) > 1


def across_groups(table: AuditTable, rows: Sequence[int]) -> bool:
    """Whether prints belong to more than one group."""
    return len(np.unique(table.group_codes[list(rows)])) > 1


def in_training(table: AuditTable, sets: Sequence[Sequence[int]]) -> tuple[int, int]:
    """Return how many test prints of the given folds have a member of their set in training, and of how many."""
    of = np.full(len(table), -1, np.intp)
    for number, rows in enumerate(sets):
        of[list(rows)] = number
    hit = total = 0
    for train, test in table.folds:
        trained = np.unique(of[train])
        hit += int((np.isin(of[test], trained) & (of[test] >= 0)).sum())
        total += len(test)
    return hit, total


def cost_of(table: AuditTable, sets: Sequence[Sequence[int]], split: str, twin: str = "twin") -> str:
    """Return in words what sets of twins cost under the given folds, or else under five random folds.

    The gain is that of a nearest neighbour that finds the twin, over a neighbour taken at random,
    who has the right class as often as two prints have the same.
    """
    # A copy may differ from its original in how it was altered, and be labelled rightly.
    one_label = table.target not in ("alteration", "level")
    rows = [i for s in sets for i in s]
    total = len(table)
    text = f"{len(rows)} of {total} prints ({len(rows) / total:.1%}) have a {twin}"
    if table.folds:
        hit, tested = in_training(table, sets)
        text += f"; in the given folds {hit} of {tested} test prints ({hit / tested:.1%}) have it in training"
        expected = hit / tested * total
    else:
        expected = sum(len(s) * _chance(len(s)) for s in sets)
        text += (
            f"; in {FOLDS} folds {split} about {expected:.0f} ({expected / total:.1%}) would be tested with it "
            "in training"
        )
    gain = gain_of_neighbour(table, sets) * expected / len(rows) if rows else 0.0
    if one_label and not table.quantity:
        text += f"; a nearest neighbour's accuracy changes by about {100 * gain:+.1f} points through them"
    if one_label and (wrong := sum(len(s) for s in sets if conflicting(table, s))):
        text += f"; {wrong} prints carry labels that cannot all be right"
    return text


def gain_of_neighbour(table: AuditTable, sets: Sequence[Sequence[int]]) -> float:
    """Return what twins with their print's label give over random neighbours, as a share of all prints."""
    known = table.target_codes[table.target_codes >= 0]
    guess = float(((np.bincount(known) / len(known)) ** 2).sum())
    gain = 0.0
    for rows in sets:
        codes = table.target_codes[list(rows)]
        codes = codes[codes >= 0]
        if len(codes) > 1:
            same = np.bincount(codes)[codes] - 1
            gain += float((same / (len(codes) - 1) - guess).sum())
    return gain / len(table)


def _chance(size: int) -> float:
    return 1 - (1 / FOLDS) ** (size - 1)
