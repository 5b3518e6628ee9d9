"""Copies: identical images under different names, and altered copies of a print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.audit.duplicates import DuplicateSets
from ridgefeat.audit.table import IDENTITY, OTHER_LABELS, AuditTable, Finding, Index, count_images, not_checked
from ridgefeat.files import count_of

UNALTERED = ("", "none", "no", "original", "real")
"""Values of the label `alteration` of a print that is not altered."""


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
