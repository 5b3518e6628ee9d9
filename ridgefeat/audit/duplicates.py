"""Duplicates: sets of prints that show one image or one finger, their checks, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ridgefeat.audit.table import (
    IDENTITY,
    OTHER_LABELS,
    AuditTable,
    Finding,
    Index,
    Severity,
    count_images,
    not_checked,
)
from ridgefeat.files import count_of

FOLDS = 5
"""Folds of the split that a cost is estimated for where none is given."""
UNALTERED = ("", "none", "no", "original", "real")
"""Values of the label `alteration` of a print that is not altered."""


def connect(pairs: Iterable[tuple[int, int]], count: int) -> list[list[int]]:
    """Return the connected components with at least two members of a graph on 0 .. count - 1, in order.

    Examples
    --------
    >>> connect([(0, 2), (2, 5), (3, 4)], 6)
    [[0, 2, 5], [3, 4]]
    """
    edges = np.array(list(pairs), np.intp).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), shape=(count, count))
    nodes = np.unique(edges)
    labels = connected_components(graph, directed=False)[1][nodes]
    return sorted(nodes[at].tolist() for at in pd.Series(labels).groupby(labels).indices.values())


@dataclass(frozen=True, eq=False)
class DuplicateSets:
    """Sets of a table's prints, each the rows that show one image, or one finger."""

    table: AuditTable
    sets: Sequence[Sequence[int]]

    def __len__(self) -> int:
        return len(self.sets)

    @property
    def n_prints(self) -> int:
        """How many prints the sets hold."""
        return sum(map(len, self.sets))

    @property
    def cross_group(self) -> DuplicateSets:
        """The sets with prints of more than one group."""
        return replace(self, sets=[s for s in self.sets if self._n_groups(s) > 1])

    @property
    def within_group(self) -> DuplicateSets:
        """The sets with prints of one group alone."""
        return replace(self, sets=[s for s in self.sets if self._n_groups(s) == 1])

    @property
    def conflicting(self) -> DuplicateSets:
        """The sets with prints that have different target values."""
        return replace(self, sets=[s for s in self.sets if len(np.unique(self._targets(s))) > 1])

    def _n_groups(self, rows: Sequence[int]) -> int:
        return len(np.unique(self.table.group_codes[list(rows)]))

    def _targets(self, rows: Sequence[int]) -> NDArray[np.intp]:
        codes = self.table.target_codes[list(rows)]
        return codes[codes >= 0]

    @property
    def min_wrong_labels(self) -> int:
        """At least how many prints are labelled wrongly: those outside the most frequent target value of their set."""
        return sum(int(len(c) - np.bincount(c).max()) for c in map(self._targets, self.sets))

    def seen_in_training(self) -> tuple[int, int]:
        """Return how many test prints of the given folds have a member of their set in training, and of how many."""
        number = np.full(len(self.table), -1, np.intp)
        for i, rows in enumerate(self.sets):
            number[list(rows)] = i
        return self.table.seen_in_training(number)[1:]

    def cost(self, split: str, noun: str = "duplicate") -> str:
        """Return in words what the sets cost under the given folds, or else under five random folds.

        The gain is that of a nearest neighbour that finds the duplicate, compared with a neighbour taken at random,
        which has the right class as often as two prints have the same.
        """
        table, n_prints, total = self.table, self.n_prints, len(self.table)
        # A copy may differ from its original in how it was altered, and be labelled correctly.
        one_label = table.target not in ("alteration", "level")
        text = f"{n_prints} of {total} prints ({n_prints / total:.1%}) have a {noun}"
        if table.folds:
            hit, tested = self.seen_in_training()
            text += f"; in the given folds {hit} of {tested} test prints ({hit / tested:.1%}) have it in training"
            expected = hit / tested * total
        else:
            expected = sum(len(s) * (1 - (1 / FOLDS) ** (len(s) - 1)) for s in self.sets)
            about = f"about {expected:.0f} ({expected / total:.1%})"
            text += f"; in {FOLDS} folds {split} {about} would be tested with it in training"
        gain = self._gain_of_neighbour() * expected / n_prints if n_prints else 0.0
        if one_label and not table.quantity:
            points = round(100 * gain, 1) + 0.0  # not -0.0
            text += f"; a nearest neighbour's accuracy changes by about {points:+.1f} points through them"
        if one_label and (wrong := self.conflicting.n_prints):
            text += f"; {wrong} prints have labels that contradict each other"
        return text

    def _gain_of_neighbour(self) -> float:
        """Return what duplicates with their print's label gain over random neighbours, as a share of all prints."""
        known = self.table.target_codes[self.table.target_codes >= 0]
        guess = float(((np.bincount(known) / len(known)) ** 2).sum())
        gain = 0.0
        for codes in map(self._targets, self.sets):
            if len(codes) > 1:
                same = np.bincount(codes)[codes] - 1
                gain += float((same / (len(codes) - 1) - guess).sum())
        return gain / len(self.table)

    def names(self) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
        """Return the files and the groups of each set."""
        table = self.table
        files = tuple(tuple(str(table.names[i]) for i in s) for s in self.sets)
        return files, tuple(tuple(dict.fromkeys(table.group_names[table.group_codes[i]] for i in s)) for s in self.sets)

    def finding(self, kind: str, severity: Severity, message: str, cost: str) -> Finding:
        """Return a finding on these sets, with their rows, files and groups."""
        rows = tuple(tuple(map(int, s)) for s in self.sets)
        return Finding(kind, severity, message, *self.names(), cost, len(rows), rows)


def find_identical(table: AuditTable) -> list[list[int]]:
    """Return the rows of each set of prints with the same pixels, in order; none where the table has no digests."""
    if "meta_sha256" not in table.frame:
        return []
    digests = table.frame["meta_sha256"].reset_index(drop=True).dropna().astype(str)
    rows_of = digests[digests != ""].groupby(digests).groups
    return sorted(rows.tolist() for rows in rows_of.values() if len(rows) > 1)


def check_identical(table: AuditTable, sets: Sequence[Sequence[int]]) -> Iterator[Finding]:
    """Yield identical images: a leak where they are filed under several groups, a note within one."""
    if "meta_sha256" not in table.frame:
        yield not_checked("identical images: the table has no column meta_sha256")
        return
    if without := int(table.frame["meta_sha256"].isna().sum()):
        count = count_of(without, "print has", "prints have")
        yield not_checked(f"identical images: {count} no digest of the pixels", without)
    found = DuplicateSets(table, sets)
    if across := found.cross_group:
        message = f"{count_images(len(across))} filed under several names and groups ({across.n_prints} prints)"
        cost = across.cost("by group or by image")
        yield across.finding("identical", "leak", message + differing_labels(across), cost)
    if within := found.within_group:
        message = f"{count_images(len(within))} filed under several names within one group ({within.n_prints} prints)"
        message, cost = message + differing_labels(within), within.cost("by image")
        if within.seen_in_training()[0]:
            yield within.finding("identical", "leak", message, cost)
        else:
            cost = f"a split by group keeps them together; they count more than once. By image: {cost}"
            yield within.finding("identical", "note", message, cost)
    # Where people are the target, `identical` names these images: as of several groups.
    if table.target != table.group and (wrong := found.conflicting):
        message = f"{count_images(len(wrong))} filed under different values of {table.target!r}"
        cost = (
            f"at least {wrong.min_wrong_labels} of these {wrong.n_prints} prints are labelled wrongly; no "
            f"classifier can get all of them right ({wrong.n_prints / len(table):.2%} of the table)"
        )
        yield wrong.finding("label_conflict", "warning", message, cost)


def differing_labels(found: DuplicateSets) -> str:
    """Return in words by which labels prints of one image differ, or nothing."""
    table, differing = found.table, []
    for name in dict.fromkeys((*IDENTITY, *OTHER_LABELS)):
        if name in table.frame and name != table.group:
            values = table.frame[name]
            if count := sum(values.iloc[list(s)].nunique() > 1 for s in found.sets):
                differing.append(f"{name} in {count}")
    return f"; labels differ: {', '.join(differing)}" if differing else ""


def check_altered(table: AuditTable) -> Iterator[Finding]:
    """Yield sets of a print and its altered copies: a leak where groups or folds separate them, else a note.

    The labels say what is a copy: alteration, and the same subject, hand and finger.
    """
    altered = is_altered(table)
    if not altered.any():
        return
    n_altered, noun = int(altered.sum()), "copy or original"
    if "subject" not in table.frame:
        without = "there is no column 'subject', so it is unclear of which print"
        yield not_checked(f"altered copies: {n_altered} prints are altered, but {without}", n_altered)
        return
    sets = DuplicateSets(table, [s.tolist() for s in _same_finger(table) if len(s) > 1 and altered[s].any()])
    across, within = sets.cross_group, sets.within_group
    hit, tested = within.seen_in_training()
    if hit:
        message = f"{hit} of {tested} test prints of the given folds have an altered copy or its original in training"
        yield replace(within.finding("altered_copy", "leak", message, within.cost("by image", noun)), count=hit)
    elif within:
        without_folds = replace(within, table=replace(table, folds=()))
        message = f"{n_altered} prints are altered; the groups keep them and their originals together"
        cost = "they count more than once. Split by image: " + without_folds.cost("by image", noun)
        yield Finding("altered_copy", "note", message, cost=cost, count=len(within))
    if across:
        copies = f"altered copies of {len(across)} fingers"
        message = f"{copies} are filed under other groups by {table.group!r} than their originals"
        yield across.finding("altered_copy", "leak", message, across.cost("by group", noun))


def is_altered(table: AuditTable) -> NDArray[np.bool_]:
    """Return which prints are altered according to the label `alteration`, bool, shape (prints,)."""
    if "alteration" not in table.frame:
        return np.zeros(len(table), np.bool_)
    column = table.frame["alteration"]
    return (column.notna() & ~column.astype(str).str.lower().isin(UNALTERED)).to_numpy()


def _same_finger(table: AuditTable) -> list[Index]:
    """Return the rows of each finger that the labels name."""
    keys = [name for name in ("meta_layout", *IDENTITY) if name in table.frame]
    known = table.frame["subject"].notna().to_numpy()
    codes = table.frame.loc[:, keys].astype(str).fillna("").groupby(keys, sort=False).ngroup().to_numpy()
    rows = np.flatnonzero(known)
    return [rows[at] for _, at in sorted(pd.Series(rows).groupby(codes[known]).indices.items())]
