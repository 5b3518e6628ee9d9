"""What near-duplicate pictures mean: the same picture under two groups, or the same finger under two names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np

from ridgefeat.audit.altered import is_altered
from ridgefeat.audit.duplicate_sets import across_groups, conflicting, connect, cost_of
from ridgefeat.audit.identical import differing_labels
from ridgefeat.audit.near_images import compare_images
from ridgefeat.audit.near_rows import MOST_ROWS, near_rows
from ridgefeat.audit.table import IDENTITY, AuditTable, Finding, pictures_stand

Pairs = Sequence[tuple[int, int, float]]


def check_near(
    table: AuditTable, identical: Sequence[Sequence[int]], images_root: str | os.PathLike[str] | None, jobs: int | None
) -> Iterator[Finding]:
    """Yield pictures that are nearly the same, from the images where they are given, else from the features."""
    rows = _distinct(table, identical)
    if images_root is None:
        found = near_rows(table, rows)
        if found is None:
            why = "too many prints to compare each with each" if len(rows) > MOST_ROWS else ""
            why = why or "too few prints or features to tell; give the images"
            yield Finding("not_checked", "note", f"near-duplicates: {why}")
            return
        yield Finding(
            "not_checked",
            "note",
            "near-duplicates were looked for in the features alone, which miss many; give the images",
        )
        yield from _near(table, found, "features", "distance as a share of the usual one", lowest=True)
        return
    compared = compare_images(table, images_root, rows, jobs)
    yield from _unlooked(table, compared.unreadable, compared.changed)
    limit = table.limits.near_correlation
    yield from _near(table, [p for p in compared.pairs if p[2] >= limit], "images", "correlation", lowest=False)
    yield from _same_finger(table, compared.pairs)


def _distinct(table: AuditTable, identical: Sequence[Sequence[int]]) -> list[int]:
    """Return one row of each set of identical pictures, and all others that could be read."""
    skipped = np.zeros(len(table), np.bool_)
    for rows in identical:
        skipped[list(rows[1:])] = True
    if "meta_error" in table.frame:
        skipped |= table.frame["meta_error"].fillna("").astype(str).ne("").to_numpy()
    return [int(i) for i in np.flatnonzero(~skipped)]


def _unlooked(table: AuditTable, unreadable: Sequence[int], changed: Sequence[int]) -> Iterator[Finding]:
    for rows, what in ((unreadable, "are not there or cannot be read"), (changed, "are not those the table is of")):
        if rows:
            yield Finding(
                "not_checked",
                "note",
                f"near-duplicates: {len(rows)} images {what}, first {table.names[rows[0]]}",
                count=len(rows),
            )


def _near(table: AuditTable, pairs: Pairs, by: str, measure: str, lowest: bool) -> Iterator[Finding]:
    apart = [p for p in pairs if table.group_codes[p[0]] != table.group_codes[p[1]]]
    if not apart:
        return
    sets = connect([(i, j) for i, j, _ in apart], len(table))
    values = [value for *_, value in apart]
    worst = max(values) if lowest else min(values)
    wrong = sum(conflicting(table, s) for s in sets)
    yield Finding(
        "near_duplicate",
        "leak",
        f"{pictures_stand(len(sets))}, nearly the same by their {by}, under several groups ({sum(map(len, sets))} "
        f"prints; {measure} {worst:.2f} or {'less' if lowest else 'more'}){differing_labels(table, sets)}"
        + (f"; {wrong} of them under different values of {table.target!r}" if wrong else ""),
        cost=cost_of(table, sets, "by group or by image"),
        count=len(sets),
        **table.files_of(sets),
    )


def _same_finger(table: AuditTable, pairs: Pairs) -> Iterator[Finding]:
    """Yield fingers that were taken twice under two names; altered copies are another check's."""
    altered = is_altered(table)
    names = [n for n in dict.fromkeys((*IDENTITY, table.target)) if n in table.frame]
    said = table.frame.loc[:, names].astype(str).agg("/".join, axis=1).to_numpy() if names else None
    apart, within = [], []
    for i, j, value in pairs:
        if altered[i] or altered[j]:
            continue
        if table.group_codes[i] != table.group_codes[j]:
            if value < table.limits.near_correlation:
                apart.append((i, j))
        elif said is not None and said[i] != said[j]:
            within.append((i, j))
    for chosen, severity, where in ((apart, "leak", "in several groups"), (within, "note", "within one group")):
        if not chosen:
            continue
        sets = connect(chosen, len(table))
        confused = [s for s in sets if conflicting(table, s)]
        yield Finding(
            "same_finger",
            "leak" if severity == "leak" else "warning" if confused else "note",
            f"{len(sets)} fingers seem to have been taken more than once under different names {where}"
            + differing_labels(table, sets),
            cost=cost_of(table, sets, "by group or by image")
            if across_groups(table, sets[0])
            else "a split by group keeps them together"
            + (
                f"; {len(confused)} of them have two values of {table.target!r}, of which one is wrong"
                if confused
                else f"; {table.target!r} is the same in each"
            ),
            count=len(sets),
            **table.files_of(sets),
        )
