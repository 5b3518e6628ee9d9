"""One identity under conflicting labels: a person who is both male and female, or of two ages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ridgefeat.bench.audit_table import AuditTable
from ridgefeat.bench.finding import Finding

SHOWN = 10


def check_labels(table: AuditTable) -> Iterator[Finding]:
    """Yield what is to be said of the target: missing values, a single one, groups with several."""
    missing = np.flatnonzero(table.target_codes < 0)
    if missing.size:
        yield Finding(
            "target",
            "note",
            f"{missing.size} of {len(table)} prints have no {table.target!r}, first {table.names[missing[0]]}",
            cost="they can be neither trained on nor tested; the audit's other figures count them",
            count=int(missing.size),
        )
    if len(table.target_names) == 1:
        yield Finding(
            "target",
            "warning",
            f"every print has {table.target} {table.target_names[0]!r}: there is nothing to tell apart",
            count=1,
        )
        return
    different, _ = table.values_by_group()
    groups = np.flatnonzero(different > 1)
    if not groups.size or not table.belongs_to_group:
        return
    sets = [np.flatnonzero(table.group_codes == g).tolist() for g in groups]
    prints = sum(map(len, sets))
    named = ", ".join(table.group_names[g] for g in groups[:SHOWN]) + (", …" if groups.size > SHOWN else "")
    yield Finding(
        "label_conflict",
        "warning",
        f"{groups.size} groups have several values of {table.target!r}, which is one in all others: {named}",
        cost=f"at least {_minority(table, sets)} of their {prints} prints are labelled wrongly or belong to somebody "
        "else; a fused answer for the group is partly wrong whatever it is",
        count=int(groups.size),
        **table.files_of(sets),
    )


def _minority(table: AuditTable, sets: list[list[int]]) -> int:
    codes = [table.target_codes[s] for s in sets]
    return sum(int((c >= 0).sum() - np.bincount(c[c >= 0]).max()) for c in codes)
