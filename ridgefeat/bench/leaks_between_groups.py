"""Whether the groups hold: what a split keeps together, and whether the given folds did."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ridgefeat.bench.audit_table import AuditTable
from ridgefeat.bench.finding import Finding

SHOWN = 10


def check_groups(table: AuditTable) -> Iterator[Finding]:
    """Yield what is to be said of the group column: its size, whether it is any use, and whether it splits people."""
    sizes = np.bincount(table.group_codes)
    count, prints = len(sizes), len(table)
    about = f"{prints} prints in {count} groups by {table.group!r}"
    if count == 1:
        yield Finding(
            "groups",
            "warning",
            f"{about}: every print belongs to {table.group_names[0]!r}, so no split by group can be made",
            cost="nothing can be tested on people who were not trained on",
            count=1,
        )
    elif count == prints:
        yield Finding(
            "groups",
            "warning",
            f"{about}: every print is a group of its own, so a split by group is a split by image",
            cost="nothing is kept together: if people have several prints, they stand on both sides",
            count=count,
        )
    else:
        yield Finding(
            "groups",
            "note",
            f"{about}; prints a group: {sizes.min()} to {sizes.max()}, median {np.median(sizes):g}",
            count=count,
        )
    yield from _people_split(table)


def check_folds(table: AuditTable) -> Iterator[Finding]:
    """Yield groups and prints that stand on both sides of a given fold."""
    if not table.folds:
        return
    shared: dict[int, int] = {}
    twice = tested = 0
    for train, test in table.folds:
        both = np.intersect1d(table.group_codes[train], table.group_codes[test])
        shared.update({int(g): shared.get(int(g), 0) + 1 for g in both})
        tested += len(test)
        twice += int(np.isin(table.group_codes[test], both).sum())
        if (rows := np.intersect1d(train, test)).size:
            yield Finding(
                "folds",
                "leak",
                f"{rows.size} prints are training and test prints of one fold, first {table.names[rows[0]]}",
                cost=f"{rows.size / len(test):.1%} of this fold's test prints were trained on",
                count=int(rows.size),
                **table.files_of([[int(i)] for i in rows]),
            )
    if not shared:
        yield Finding("folds", "note", f"no group is on both sides of any of {len(table.folds)} folds")
        return
    worst = sorted(shared, key=lambda g: (-shared[g], g))
    named = ", ".join(table.group_names[g] for g in worst[:SHOWN]) + (", …" if len(worst) > SHOWN else "")
    yield Finding(
        "folds",
        "leak",
        f"{len(shared)} groups are on both sides of a fold: {named}",
        groups=tuple((table.group_names[g],) for g in worst),
        cost=f"{twice} of {tested} test prints ({twice / tested:.1%}) have prints of their own {table.group} in "
        "training: the score measures in part how well people are recognised",
        count=len(shared),
    )


def _people_split(table: AuditTable) -> Iterator[Finding]:
    if table.group == "subject" or table.target == "subject" or "subject" not in table.frame:
        return
    people = table.frame["subject"]
    known = people.notna().to_numpy()
    names = people.astype(str).to_numpy()
    pairs = np.unique(np.stack([names[known].astype(str), table.group_codes[known].astype(str)]), axis=1)
    who, groups = np.unique(pairs[0], return_counts=True)
    split = who[groups > 1]
    if not split.size:
        return
    share = np.isin(names[known], split).sum() / len(table)
    yield Finding(
        "groups",
        "leak",
        f"{split.size} subjects have prints in several groups by {table.group!r}, first subject {split[0]}; "
        "split by 'subject', or by something that contains it",
        cost=f"{share:.1%} of the prints can be tested with prints of their own subject in training",
        count=int(split.size),
    )
