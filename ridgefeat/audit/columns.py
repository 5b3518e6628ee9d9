"""The target encoded in a feature: a column that tells it far better than columns do, or by where it has gaps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ridgefeat.audit.probe import Readout
from ridgefeat.audit.table import AuditTable, Finding
from ridgefeat.features import as_records, select
from ridgefeat.files import first_few

LEAKING_AUC = 0.95
"""Area under the curve from which a column that stands out is called a leak rather than suspicious."""
CROWD = 0.02
"""Share of columns, the best, that are not counted as ordinary."""
SURE = 4.0
"""Deviations by chance from which a gap or trait is believed."""
LEAST_GAPS = 0.01
"""Share of missing values from which the gaps of a column are looked at, and up to which from the other end."""


def check_features(table: AuditTable, readout: Readout) -> Iterator[Finding]:
    """Yield features that hold the target, features that stand out suspiciously, and gaps that tell it."""
    names = table.feature_names()
    if not names:
        return
    values = table.frame[names].to_numpy(np.float32, na_value=np.nan)
    area = readout.of_numbers(values)
    ordinary = best_ordinary(area)
    limit = norm.cdf(norm.ppf(ordinary) * table.limits.crowd_factor)
    apart = (area >= max(limit, table.limits.suspect_auc)) & (area >= 0.5 + SURE * readout.deviation)
    leaks = (area >= table.limits.perfect_auc) | (apart & (area >= LEAKING_AUC))
    if leaks.any():
        yield _report(
            names,
            area,
            _where(leaks),
            "leak",
            f"hold the target {table.target!r}: it can be read from each alone",
            ordinary,
            "every classifier that is given one of them is as good as this column, whatever the ridges say",
        )
    if (suspect := apart & ~leaks).any():
        yield _report(
            names,
            area,
            _where(suspect),
            "warning",
            f"tell {table.target!r} far better than all other columns; look whether they were made from it",
            ordinary,
            "if they were, every score that uses them is too good",
        )
    yield from _gaps(table, readout, names, values)


def best_ordinary(area: NDArray[np.float64]) -> float:
    """Return the area under the curve of the best column when the few best are left out, at least 0.55."""
    left_out = max(1, int(np.ceil(CROWD * len(area))))
    rest = np.sort(area)[:-left_out]
    return float(min(max(0.55, rest[-1] if rest.size else 0.55), 0.999))


def believed(readout: Readout, table: AuditTable, area: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether areas are beyond what chance gives and what is worth a word."""
    return area >= max(table.limits.trait_auc, 0.5 + SURE * readout.deviation)


def _gaps(table: AuditTable, readout: Readout, names: Sequence[str], values: NDArray[np.float32]) -> Iterator[Finding]:
    missing = ~np.isfinite(values)
    share = missing.mean(axis=0)
    looked = np.flatnonzero((share >= LEAST_GAPS) & (share <= 1 - LEAST_GAPS))
    if not looked.size:
        return
    area = readout.of_codes(missing[:, looked].astype(np.int64))
    found = believed(readout, table, area)
    if found.any():
        worst = float(area[found].max())
        yield _report(
            [names[i] for i in looked.tolist()],
            area,
            _where(found),
            "leak" if worst >= LEAKING_AUC else "warning",
            f"tell {table.target!r} by where they have no value",
            0.5,
            "a classifier learns which prints could not be measured; imputation inside the fold does not hide it",
            kind="missing",
        )


def _where(marked: NDArray[np.bool_]) -> list[int]:
    return [int(i) for i in np.flatnonzero(marked)]


def _report(
    names: Sequence[str],
    area: NDArray[np.float64],
    which: list[int],
    severity: str,
    what: str,
    ordinary: float,
    cost: str,
    kind: str = "column",
) -> Finding:
    order = sorted(which, key=lambda i: -area[i])
    scores = first_few([f"{names[i]} {area[i]:.3f}" for i in order])
    beside = f"; the best ordinary column has {ordinary:.3f}" if kind == "column" else ""
    return Finding(
        kind,
        "leak" if severity == "leak" else "warning",
        f"{len(order)} column{'s' if len(order) > 1 else ''} {what} (AUC on groups left out: {scores}{beside})",
        cost=cost,
        count=len(order),
        columns=tuple(names[i] for i in order),
    )


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
            f"{len(same)} columns are the target {table.target!r} itself, value for value: {first_few(same)}",
            cost="every classifier that is given one of them is perfect and has learned nothing; leave them out",
            count=len(same),
            columns=tuple(same),
        )
    if alike:
        told = [n for n in alike if _one_to_one(table, n)]
        yield Finding(
            "target_name",
            "leak" if told else "warning",
            f"{len(alike)} columns among the features are named after the target {table.target!r}: {first_few(alike)}"
            + (f"; {first_few(told)} give it away value for value" if told else ""),
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


SAMPLE = 64
"""Prints in which pairs of equal columns are looked for."""
DIFFERENT = 0.5
"""Share of different values that a column must have: two counts are equal by chance."""
MOST_PAIRS = 2000


def check_pairs(table: AuditTable, readout: Readout) -> Iterator[Finding]:
    """Yield pairs of columns that are equal in prints of some classes and differ in those of others."""
    names = table.feature_names()
    values = table.frame[names].to_numpy(np.float32, na_value=np.nan) if names else np.zeros((0, 0), np.float32)
    pairs = sometimes_equal(values)
    if not len(pairs):
        return
    one, other = values[:, pairs[:, 0]], values[:, pairs[:, 1]]
    codes = np.where(np.isfinite(one) & np.isfinite(other), (one == other).astype(np.int64), 2)
    area = readout.of_codes(codes)
    found = np.flatnonzero(believed(readout, table, area))
    if not found.size:
        return
    order = found[np.argsort(-area[found], kind="stable")]
    shown = first_few([f"{names[pairs[k, 0]]} = {names[pairs[k, 1]]} {area[k]:.3f}" for k in order], 3)
    columns = dict.fromkeys(names[i] for k in order for i in pairs[k])
    yield Finding(
        "column_pair",
        "leak" if area[order[0]] >= LEAKING_AUC else "warning",
        f"{len(order)} pairs of columns tell {table.target!r} by whether they are equal "
        f"(AUC on groups left out: {shown})",
        cost="one of each pair was chosen by the label; trees, and linear models of differences, read it off. Leave "
        "one of each pair out",
        count=len(order),
        columns=tuple(columns),
    )


def sometimes_equal(values: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return pairs of columns that are equal in a tenth to nine tenths of a sample of rows, shape (pairs, 2)."""
    if not values.size:
        return np.zeros((0, 2), np.intp)
    sample = values[np.linspace(0, len(values) - 1, min(SAMPLE, len(values))).astype(np.intp)]
    ranked = np.sort(sample, axis=0)
    different = 1 + (np.diff(ranked, axis=0) > 0).sum(axis=0)
    columns = np.flatnonzero((different >= DIFFERENT * len(sample)) & (np.isfinite(sample).mean(axis=0) >= DIFFERENT))
    chosen = sample[:, columns]
    equal = np.zeros((len(columns), len(columns)), np.int16)
    for row in chosen:
        equal += row[:, None] == row[None, :]
    often = np.triu((equal > 0.1 * len(sample)) & (equal < 0.9 * len(sample)), 1)
    return columns[np.argwhere(often)[:MOST_PAIRS]]
