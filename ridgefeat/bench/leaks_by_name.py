"""Columns that are named after the target, or that are the target under another name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import numpy as np

from ridgefeat.bench.audit_table import AuditTable
from ridgefeat.bench.finding import Finding
from ridgefeat.features import as_records, select

SHOWN = 5
_ALIASES = {"sex": ("gender",), "gender": ("sex",), "age": ("birth", "born", "dob")}


def check_names(table: AuditTable) -> Iterator[Finding]:
    """Yield features whose name holds the target's or one of its classes', or whose values are the target's."""
    names = [n for n in table.feature_names() if n not in _declared()]
    alike = [n for n in names if _tokens(n) & _words(table)]
    same = [n for n in names if n not in alike and _one_to_one(table, n)]
    if same:
        yield Finding(
            "target_name",
            "leak",
            f"{len(same)} columns are the target {table.target!r} itself, value for value: {_shown(same)}",
            cost="every classifier that is given one of them is perfect and has learned nothing; leave them out",
            count=len(same),
            columns=tuple(same),
        )
    if alike:
        told = [n for n in alike if _one_to_one(table, n)]
        yield Finding(
            "target_name",
            "leak" if told else "warning",
            f"{len(alike)} columns among the features are named after the target {table.target!r}: {_shown(alike)}"
            + (f"; {_shown(told)} give it away value for value" if told else ""),
            cost="a label among the features answers the question by itself; leave them out",
            count=len(alike),
            columns=tuple(alike),
        )


@cache
def _declared() -> frozenset[str]:
    """The columns that ridgefeat computes from pixels, which are no labels whatever their names."""
    return frozenset(str(record["name"]) for f in select(None) for record in as_records(f.all_columns()))


def _words(table: AuditTable) -> set[str]:
    target = table.target.lower()
    classes = () if table.quantity else (c for c in table.target_names if len(c) > 1 and not c.isdigit())
    return {target, *_ALIASES.get(target, ()), *(c.lower() for c in classes)}


def _tokens(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return {t for t in re.split(r"[^a-z]+", spaced.lower()) if t} | {name.lower()}


def _one_to_one(table: AuditTable, name: str) -> bool:
    """Whether a column and the target have the same equal rows: one is the other, coded."""
    column = table.frame[name]
    both = (table.target_codes >= 0) & column.notna().to_numpy()
    if both.sum() < 2:
        return False
    codes = np.unique(column.to_numpy()[both], return_inverse=True)[1]
    target = table.target_codes[both]
    pairs = len(np.unique(np.stack([codes, target]), axis=1)[0])
    return bool(pairs == len(np.unique(codes)) == len(np.unique(target)) > 1)


def _shown(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
