"""Altered copies: a print and what was made of it, on both sides of a split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ridgefeat.audit.duplicate_sets import across_groups, cost_of, in_training
from ridgefeat.audit.table import IDENTITY, AuditTable, Finding, Index

NOT_ALTERED = ("", "none", "no", "original", "real")


def check_altered(table: AuditTable) -> Iterator[Finding]:
    """Yield sets of a print and its altered copies: a leak where groups or folds part them, else a note.

    Copies are told by the labels: alteration, and the same subject, hand and finger.
    """
    altered = is_altered(table)
    if not altered.any():
        return
    if "subject" not in table.frame:
        yield Finding(
            "not_checked",
            "note",
            f"altered copies: {int(altered.sum())} prints are altered, but no column 'subject' says of which print",
            count=int(altered.sum()),
        )
        return
    sets = [s.tolist() for s in _same_finger(table) if len(s) > 1 and altered[s].any()]
    apart = [s for s in sets if across_groups(table, s)]
    kept = [s for s in sets if not across_groups(table, s)]
    hit, tested = in_training(table, kept)
    if hit:
        yield Finding(
            "altered_copy",
            "leak",
            f"{hit} of {tested} test prints of the given folds have an altered copy or its original in training",
            cost=cost_of(table, kept, "by image", "copy or original"),
            count=hit,
            **table.files_of(kept),
        )
    elif kept:
        yield Finding(
            "altered_copy",
            "note",
            f"{int(altered.sum())} prints are altered; the groups keep them and their originals together",
            cost="they count more than once. Split by image: "
            + cost_of(_without_folds(table), kept, "by image", "copy or original"),
            count=len(kept),
        )
    if apart:
        yield Finding(
            "altered_copy",
            "leak",
            f"altered copies of {len(apart)} fingers stand under other groups by {table.group!r} than their originals",
            cost=cost_of(table, apart, "by group", "copy or original"),
            count=len(apart),
            **table.files_of(apart),
        )


def is_altered(table: AuditTable) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which prints a label says to be altered, bool, shape (prints,)."""
    if "alteration" not in table.frame:
        return np.zeros(len(table), np.bool_)
    column = table.frame["alteration"]
    return (column.notna() & ~column.astype(str).str.lower().isin(NOT_ALTERED)).to_numpy()


def _same_finger(table: AuditTable) -> list[Index]:
    keys = [name for name in ("meta_layout", *IDENTITY) if name in table.frame]
    known = table.frame["subject"].notna().to_numpy()
    codes = table.frame.loc[:, keys].astype(str).groupby(keys, sort=False).ngroup().to_numpy()
    codes = np.where(known, codes, -1)
    order = np.argsort(codes, kind="stable")
    order = order[codes[order] >= 0]
    if not order.size:
        return []
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _without_folds(table: AuditTable) -> AuditTable:
    return replace(table, folds=())
