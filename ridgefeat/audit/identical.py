"""Identical pictures under different names, by the digest of their pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ridgefeat.audit.duplicate_sets import across_groups, conflicting, cost_of, in_training
from ridgefeat.audit.table import IDENTITY, OTHER_LABELS, AuditTable, Finding, pictures_stand


def find_identical(table: AuditTable) -> list[list[int]]:
    """Return the rows of each set of prints with the same pixels, in order; none where the table has no digests."""
    if "meta_sha256" not in table.frame:
        return []
    digests = table.frame["meta_sha256"]
    members: dict[str, list[int]] = {}
    for i in np.flatnonzero(digests.notna().to_numpy()):
        if digest := str(digests.iloc[i]):
            members.setdefault(digest, []).append(int(i))
    return [rows for rows in members.values() if len(rows) > 1]


def check_identical(table: AuditTable, sets: Sequence[Sequence[int]]) -> Iterator[Finding]:
    """Yield identical pictures: a leak where they stand under several groups, a note within one."""
    if "meta_sha256" not in table.frame:
        yield Finding("not_checked", "note", "identical pictures: the table has no column meta_sha256")
        return
    if without := int(table.frame["meta_sha256"].isna().sum()):
        yield Finding(
            "not_checked", "note", f"identical pictures: {without} prints have no digest of their pixels", count=without
        )
    apart = [s for s in sets if across_groups(table, s)]
    within = [s for s in sets if not across_groups(table, s)]
    if apart:
        others = differing_labels(table, apart)
        yield Finding(
            "identical",
            "leak",
            f"{pictures_stand(len(apart))} under several names and groups ({sum(map(len, apart))} prints){others}",
            cost=cost_of(table, apart, "by group or by image"),
            count=len(apart),
            **table.files_of(apart),
        )
    if within:
        parted = in_training(table, within)[0]
        yield Finding(
            "identical",
            "leak" if parted else "note",
            f"{pictures_stand(len(within))} under several names within one group ({sum(map(len, within))} prints)"
            + differing_labels(table, within),
            cost=("" if parted else "a split by group keeps them together; they count more than once. By image: ")
            + cost_of(table, within, "by image"),
            count=len(within),
            **table.files_of(within),
        )
    yield from _conflicts(table, sets)


def differing_labels(table: AuditTable, sets: Sequence[Sequence[int]]) -> str:
    """Return in words by which labels prints of one picture differ, or nothing."""
    told = []
    for name in dict.fromkeys((*IDENTITY, *OTHER_LABELS)):
        if name in table.frame and name != table.group:
            values = table.frame[name]
            if count := sum(values.iloc[list(s)].nunique() > 1 for s in sets):
                told.append(f"{name} in {count}")
    return f"; labels differ: {', '.join(told)}" if told else ""


def _conflicts(table: AuditTable, sets: Sequence[Sequence[int]]) -> Iterator[Finding]:
    wrong = [s for s in sets if conflicting(table, s)]
    if not wrong:
        return
    prints = sum(map(len, wrong))
    yield Finding(
        "label_conflict",
        "warning",
        f"{pictures_stand(len(wrong))} under different values of {table.target!r}",
        cost=f"at least {_surely_wrong(table, wrong)} of these {prints} prints are labelled wrongly; no classifier "
        f"can get all of them right ({prints / len(table):.2%} of the table)",
        count=len(wrong),
        **table.files_of(wrong),
    )


def _surely_wrong(table: AuditTable, sets: Sequence[Sequence[int]]) -> int:
    codes = [table.target_codes[list(s)] for s in sets]
    return sum(int((c >= 0).sum() - np.bincount(c[c >= 0]).max()) for c in codes)
