"""Near-duplicates: the same image under two groups, or the same finger under two names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np

from ridgefeat.audit.copies import differing_labels, is_altered
from ridgefeat.audit.duplicates import DuplicateSets, connect
from ridgefeat.audit.near_images import compare_images
from ridgefeat.audit.near_rows import MAX_ROWS, near_rows
from ridgefeat.audit.table import IDENTITY, AuditTable, Finding, count_images

Pairs = Sequence[tuple[int, int, float]]


def check_near(
    table: AuditTable, identical: Sequence[Sequence[int]], images_root: str | os.PathLike[str] | None, jobs: int | None
) -> Iterator[Finding]:
    """Yield images that are nearly the same, by their pixels where images are given, else by the features."""
    rows = _distinct_rows(table, identical)
    if images_root is None:
        found = near_rows(table, rows)
        if found is None:
            too_many = len(rows) > MAX_ROWS
            why = "too many prints to compare each with each" if too_many else "too few prints or features"
            yield Finding("not_checked", "note", f"near-duplicates: {why}; give the images")
            return
        yield Finding(
            "not_checked",
            "note",
            "near-duplicates were looked for in the features alone, which miss many; give the images",
        )
        yield from _near(table, found, "features", "distance as a share of the usual one", lowest=True)
        return
    compared = compare_images(table, images_root, rows, jobs)
    yield from _not_compared(table, compared.unreadable, compared.changed)
    limit = table.limits.near_correlation
    yield from _near(table, [p for p in compared.pairs if p[2] >= limit], "images", "correlation", lowest=False)
    yield from _same_finger(table, compared.pairs)


def _distinct_rows(table: AuditTable, identical: Sequence[Sequence[int]]) -> list[int]:
    """Return one row of each set of identical images, and all others that could be read."""
    skipped = np.zeros(len(table), np.bool_)
    for rows in identical:
        skipped[list(rows[1:])] = True
    if "meta_error" in table.frame:
        skipped |= table.frame["meta_error"].fillna("").astype(str).ne("").to_numpy()
    return [int(i) for i in np.flatnonzero(~skipped)]


def _not_compared(table: AuditTable, unreadable: Sequence[int], changed: Sequence[int]) -> Iterator[Finding]:
    for rows, what in (
        (unreadable, "are missing or cannot be read"),
        (changed, "are not those that the table was extracted from"),
    ):
        if rows:
            yield Finding(
                "not_checked",
                "note",
                f"near-duplicates: {len(rows)} images {what}, first {table.names[rows[0]]}",
                count=len(rows),
            )


def _near(table: AuditTable, pairs: Pairs, by: str, measure: str, lowest: bool) -> Iterator[Finding]:
    across = [p for p in pairs if table.group_codes[p[0]] != table.group_codes[p[1]]]
    if not across:
        return
    found = DuplicateSets(table, connect([(i, j) for i, j, _ in across], len(table)))
    values = [value for *_, value in across]
    limit = f"{max(values):.2f} or less" if lowest else f"{min(values):.2f} or more"
    wrong = len(found.conflicting)
    yield Finding(
        "near_duplicate",
        "leak",
        f"{count_images(len(found), f'nearly the same by their {by},')} filed under several groups "
        f"({found.n_prints} prints; {measure} {limit}){differing_labels(found)}"
        + (f"; {wrong} of them under different values of {table.target!r}" if wrong else ""),
        cost=found.cost("by group or by image"),
        **found.fields(),
    )


def _same_finger(table: AuditTable, pairs: Pairs) -> Iterator[Finding]:
    """Yield fingers that were captured twice under two names; altered copies are another check's."""
    altered = is_altered(table)
    names = [n for n in dict.fromkeys((*IDENTITY, table.target)) if n in table.frame]
    identity = table.frame.loc[:, names].astype(str).agg("/".join, axis=1).to_numpy() if names else None
    across, within = [], []
    for i, j, value in pairs:
        if altered[i] or altered[j]:
            continue
        if table.group_codes[i] != table.group_codes[j]:
            if value < table.limits.near_correlation:
                across.append((i, j))
        elif identity is not None and identity[i] != identity[j]:
            within.append((i, j))
    message = "{} fingers seem to have been captured more than once under different names {}{}"
    if across:
        found = DuplicateSets(table, connect(across, len(table)))
        yield Finding(
            "same_finger",
            "leak",
            message.format(len(found), "in several groups", differing_labels(found)),
            cost=found.cost("by group or by image"),
            **found.fields(),
        )
    if within:
        found = DuplicateSets(table, connect(within, len(table)))
        wrong = len(found.conflicting)
        yield Finding(
            "same_finger",
            "warning" if wrong else "note",
            message.format(len(found), "within one group", differing_labels(found)),
            cost="a split by group keeps them together; "
            + (
                f"{wrong} of them have two values of {table.target!r}, one of which is wrong"
                if wrong
                else f"{table.target!r} is the same in each"
            ),
            **found.fields(),
        )
