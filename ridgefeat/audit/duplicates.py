"""Duplicates: sets of prints that show one image or one finger, what they cost, and how to resolve them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ridgefeat.audit.table import AuditTable, Finding, Severity, as_text, count_images
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import first_few

if TYPE_CHECKING:
    from ridgefeat.audit.run import Audit

FOLDS = 5
"""Folds of the split that a cost is estimated for where none is given."""
Duplicates = Literal["merge", "drop", "warn"]
DUPLICATES: tuple[Duplicates, ...] = ("merge", "drop", "warn")
ONE_IMAGE = ("identical", "near_duplicate")
"""Kinds of findings which say that several prints are one image."""
ONE_FINGER = ("same_finger", "altered_copy")
"""Kinds for other images of one finger: kept, but never on two sides of a split."""


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
        hit = total = 0
        for train, test in self.table.folds:
            hit += int((np.isin(number[test], number[train]) & (number[test] >= 0)).sum())
            total += len(test)
        return hit, total

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


@dataclass(frozen=True, eq=False)
class Decision:
    """What remains after duplicates are merged or dropped, and what was done in one sentence."""

    groups: NDArray[Any]
    """Group names, shape (prints,); those that were merged read 363+376."""
    keep: NDArray[np.bool_]
    """Which prints are kept, shape (prints,)."""
    changed: bool
    note: str


def resolve(frame: pd.DataFrame, audit: Audit, how: str = "merge") -> tuple[pd.DataFrame, str]:
    """Return a table without the duplicates that an audit found across groups, and what was done in one sentence.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table that was audited, its rows in the same order. It is left as it is.
    audit : Audit
        What was found.
    how : {"merge", "drop", "warn"}
        merge: groups that share an image or a finger, altered or not, become one, so that no split separates them; the
        group column then holds text such as 363+376. drop: of each image the first print is kept, none where its prints
        have different target values; groups that share a finger in other images become one. warn: nothing is changed.

    Raises
    ------
    ParameterError
        For another `how`.
    TableError
        If the table is not the one that was audited.
    """
    if len(frame) != audit.prints or audit.group not in frame or audit.target not in frame:
        raise TableError(
            f"the audit is of a table with {audit.prints} prints and the columns {audit.group!r} and {audit.target!r}; "
            f"this one has {len(frame)} prints; audit it first"
        )
    names = np.array([as_text(v) for v in frame[audit.group]], object)
    target = frame[audit.target]
    done = decide(names, target.astype(object).where(target.notna(), None).to_numpy(), audit, how)
    if not done.changed:
        return frame, done.note
    out = frame.loc[done.keep].reset_index(drop=True)
    if done.groups is not names:
        out[audit.group] = done.groups[done.keep]
    return out, done.note


def decide(groups: NDArray[Any], target: NDArray[Any], audit: Audit, how: str) -> Decision:
    """Return what to do with prints that an audit found to be one image or one finger; `how` is as in `resolve`.

    `groups` are the prints' group names as text, `target` their target values, None where missing.

    Raises
    ------
    ParameterError
        For another `how`.
    """
    if how not in DUPLICATES:
        raise ParameterError(f"what to do about duplicates must be one of {', '.join(DUPLICATES)}, got {how!r}")
    everyone = np.ones(len(groups), np.bool_)
    if how == "warn":
        count = sum(f.count for f in audit.of_kind(*ONE_IMAGE))
        note = f"{count_images(count)} filed under several names; nothing was changed: the scores may be too good"
        return Decision(groups, everyone, False, note if count else "no duplicates")
    images, fingers = ([list(s) for f in audit.of_kind(*kinds) for s in f.rows] for kinds in (ONE_IMAGE, ONE_FINGER))
    if how == "merge":
        merged, note = _merge(groups, [*images, *fingers])
        note = note or "no group shares an image with another; nothing was changed"
        return Decision(merged, everyone, merged is not groups, note)
    keep, dropped = _keep_first(target, images, audit.target)
    merged, joined = _merge(groups, [s for s in fingers if keep[s].all()])
    note = "; ".join(filter(None, (dropped, joined))) or "no image is filed under several names; nothing was changed"
    return Decision(merged, keep, merged is not groups or not keep.all(), note)


def _merge(groups: NDArray[Any], sets: Sequence[Sequence[int]]) -> tuple[NDArray[Any], str]:
    """Return group names with those that share a set joined by +, and what was joined."""
    values, codes = np.unique(groups.astype(str), return_inverse=True)
    connected = connect([(int(codes[s[0]]), int(codes[i])) for s in sets for i in s[1:]], len(values))
    if not (to_merge := [m for m in connected if len(m) > 1]):
        return groups, ""
    names, merged = values.astype(object), []
    for members in to_merge:
        name = "+".join(sorted(names[members], key=lambda n: (len(n), n)))
        names[members] = name
        merged.append(name)
    merged.sort(key=lambda n: (len(n.split("+")[0]), n))
    joined = f"{sum(map(len, to_merge))} groups that share images were merged into {len(to_merge)}"
    return names[codes], f"{joined}: {first_few(merged)}"


def _keep_first(target: NDArray[Any], sets: Sequence[Sequence[int]], name: str) -> tuple[NDArray[np.bool_], str]:
    """Return which prints are kept, and what was dropped."""
    keep = np.ones(len(target), np.bool_)
    images = connect([(s[0], i) for s in sets for i in s[1:]], len(target))
    conflicts = 0
    for members in images:
        conflict = len({v for v in target[members] if v is not None}) > 1
        conflicts += conflict
        keep[members if conflict else members[1:]] = False
    if keep.all():
        return keep, ""
    return keep, (
        f"{int((~keep).sum())} of {len(keep)} prints were dropped: of {len(images) - conflicts} images filed under "
        f"several names the first print was kept, of {conflicts} with different values of {name!r} none"
    )
