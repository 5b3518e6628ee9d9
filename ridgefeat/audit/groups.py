"""Groups and labels: whether a split by group keeps people together, whether given folds do, whether labels agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.audit.duplicates import DuplicateSets
from ridgefeat.audit.table import AuditTable, Finding, Severity
from ridgefeat.files import count_of, first_few

SHOWN = 10


def check_groups(table: AuditTable) -> Iterator[Finding]:
    """Yield findings on the group column: its size, whether it groups anything, and whether it separates people."""
    sizes = np.bincount(table.group_codes)
    count, prints = len(sizes), len(table)
    about = f"{count_of(prints, 'print')} in {count_of(count, 'group')} by {table.group!r}"
    severity: Severity = "warning" if count in (1, prints) else "note"
    cost, how = "", f"; prints per group: {sizes.min()} to {sizes.max()}, median {np.median(sizes):g}"
    if count == 1:
        how = f": every print belongs to {table.group_names[0]!r}, so no split by group can be made"
        cost = "nothing can be tested on people who were not trained on"
    elif count == prints:
        how = ": every print is a group of its own, so a split by group is a split by image"
        cost = "nothing is kept together: people with several prints are on both sides"
    yield Finding("groups", severity, about + how, cost=cost, count=count)
    yield from _separated_people(table)


def check_folds(table: AuditTable) -> Iterator[Finding]:
    """Yield groups and prints that are on both sides of a given fold."""
    if not table.folds:
        return
    for train, test in table.folds:
        if (rows := np.intersect1d(train, test)).size:
            message = f"{rows.size} prints are in training and in test of one fold, first {table.names[rows[0]]}"
            cost = f"{rows.size / len(test):.1%} of this fold's test prints were trained on"
            yield DuplicateSets(table, rows[:, None].tolist()).finding("folds", "leak", message, cost)
    shared, twice, tested = table.seen_in_training(table.group_codes)
    if not shared:
        sides = "the split" if len(table.folds) == 1 else f"any of {len(table.folds)} folds"
        yield Finding("folds", "note", f"no group is on both sides of {sides}")
        return
    worst = [table.group_names[g] for g in shared]
    message = f"{count_of(len(worst), 'group is', 'groups are')} on both sides of a fold: {first_few(worst, SHOWN)}"
    cost = (
        f"{twice} of {tested} test prints ({twice / tested:.1%}) have prints of the same {table.group} in "
        "training: the score measures in part how well people are recognised"
    )
    yield Finding("folds", "leak", message, groups=tuple((g,) for g in worst), cost=cost, count=len(worst))


def _separated_people(table: AuditTable) -> Iterator[Finding]:
    if table.group == "subject" or table.target == "subject" or "subject" not in table.frame:
        return
    people = table.frame["subject"]
    known = people.notna().to_numpy()
    names = people.astype(str).to_numpy()[known].astype(str)
    split = in_several_groups(names, table.group_codes[known].astype(str))
    if not split.size:
        return
    several = f"{count_of(split.size, 'subject has', 'subjects have')} prints in several groups by {table.group!r}"
    message = f"{several}, first subject {split[0]}; split by 'subject', or by something that contains it"
    share = np.isin(names, split).sum() / len(table)
    cost = f"{share:.1%} of the prints can be tested with prints of their own subject in training"
    yield Finding("groups", "leak", message, cost=cost, count=int(split.size))


def in_several_groups(people: NDArray[Any], groups: NDArray[Any]) -> NDArray[Any]:
    """Return those of the people, given by print, whose prints are in several groups."""
    pairs = np.unique(np.stack([people, groups]), axis=1)
    who, count = np.unique(pairs[0], return_counts=True)
    return who[count > 1]


def check_labels(table: AuditTable) -> Iterator[Finding]:
    """Yield findings on the target: missing values, a single one, groups with several."""
    missing = np.flatnonzero(table.target_codes < 0)
    if missing.size:
        message = f"{missing.size} of {len(table)} prints have no {table.target!r}, first {table.names[missing[0]]}"
        cost = "they can be used neither for training nor for test; the audit's other figures count them"
        yield Finding("target", "note", message, cost=cost, count=int(missing.size))
    if len(table.target_names) == 1:
        message = f"every print has {table.target} {table.target_names[0]!r}: there is nothing to predict"
        yield Finding("target", "warning", message, count=1)
        return
    different, _ = table.values_by_group()
    groups = np.flatnonzero(different > 1)
    if not groups.size or not table.belongs_to_group:
        return
    found = DuplicateSets(table, [np.flatnonzero(table.group_codes == g).tolist() for g in groups])
    named = first_few([table.group_names[g] for g in groups], SHOWN)
    several = f"{count_of(groups.size, 'group has', 'groups have')} several values of {table.target!r}"
    cost = (
        f"at least {found.min_wrong_labels} of their {found.n_prints} prints are labelled wrongly or belong to "
        "other people; no fused prediction for such a group can be right for all its prints"
    )
    yield found.finding("label_conflict", "warning", f"{several}, all others have one: {named}", cost)
