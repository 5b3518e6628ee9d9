"""The target encoded in the features: in a column, its name or its gaps, in whether two are equal, or in all together.

`check_results` looks at the held-out figures in the same way, after the fits: no honest table of prints gives some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from ridgefeat.audit.probe import ColumnProbe
from ridgefeat.audit.table import TOO_GOOD_AUC, AuditTable, Finding, Index, Severity, not_checked, on_columns
from ridgefeat.features import as_records, select
from ridgefeat.files import count_of, first_few
from ridgefeat.structure import Bool

SHOWN_PAIRS = 3
LEAKING_AUC = 0.95
"""Area under the curve from which an outlying column is called a leak rather than suspicious."""
OUTLIER_SHARE = 0.02
"""Share of columns, the best, that are not counted as ordinary."""
MIN_ORDINARY_AUC = 0.55
MIN_GAP_SHARE = 0.01
"""Share of missing values from which the gaps of a column are looked at, and up to which from the other end."""
ALIASES = {"sex": ("gender",), "gender": ("sex",), "age": ("birth", "born", "dob")}
"""Other names of a target."""
PAIR_SAMPLE = 64
"""Prints in which pairs of equal columns are looked for."""
MIN_DISTINCT_SHARE = 0.5
"""Share of distinct values that a column of a pair must have: two counts are equal by chance."""
SOMETIMES = (0.1, 0.9)
"""Shares of the prints between which two columns are equal sometimes."""
MAX_PAIRS = 2000
MAX_COLUMNS = 3000
"""Columns beyond which they are not judged together: the time grows with the square of their number."""
GAPS_AUC = 0.75
"""Area under the ROC curve from which all gaps together predict the target."""
MIN_FILLED = 5
"""Prints that share a value from which it may have been filled in."""
MIN_PURITY = 0.95
"""Share of the groups with a filled value that are of the value's class."""
MAX_P = 1e-3
"""Probability, over all columns, that filled values agree so well with the classes by chance."""
MAX_AUC = 1 - 1e-6


def check_features(table: AuditTable, probe: ColumnProbe) -> Iterator[Finding]:
    """Yield features that hold the target, features that are suspiciously good, and gaps that predict it."""
    names = table.features
    if not names:
        return
    values = table.feature_values()
    area = probe.of_numbers(values)
    ordinary = best_ordinary(area)
    limit = norm.cdf(norm.ppf(ordinary) * table.limits.crowd_factor)
    outlying = probe.is_significant(area, max(limit, table.limits.suspect_auc))
    leaks = (area >= table.limits.perfect_auc) | (outlying & (area >= LEAKING_AUC))
    reference = f"; the best ordinary column has {ordinary:.3f}"
    if found := {names[i]: area[i] for i in np.flatnonzero(leaks)}:
        what = "the target {target!r} can be read from {columns} alone"
        cost = "every classifier that uses one of them is as good as this column, whatever the ridges show"
        yield _report(table, "column", "leak", found, what, cost, reference)
    if found := {names[i]: area[i] for i in np.flatnonzero(outlying & ~leaks)}:
        what = "{target!r} is predicted far better by {columns} than by all others; was any derived from the target?"
        cost = "every score that uses a column derived from the target is too good"
        yield _report(table, "column", "warning", found, what, cost, reference)
    missing, some = find_gaps(values)
    area = probe.of_codes(missing[:, some].astype(np.int64))
    if found := {names[i]: a for i, a in zip(some, area, strict=True) if probe.is_significant(a)}:
        severity: Severity = "leak" if max(found.values()) >= LEAKING_AUC else "warning"
        what = "{target!r} is predicted by where the values of {columns} are missing"
        cost = "a classifier learns which prints could not be measured; imputation inside the fold does not hide it"
        yield _report(table, "missing", severity, found, what, cost)


def best_ordinary(area: NDArray[np.float64]) -> float:
    """Return the area under the curve of the best column when the few best are left out, at least 0.55."""
    left_out = max(1, int(np.ceil(OUTLIER_SHARE * len(area))))
    rest = np.sort(area)[:-left_out]
    return float(min(max(MIN_ORDINARY_AUC, rest[-1] if rest.size else 0.0), 0.999))


def find_gaps(values: NDArray[np.float32]) -> tuple[Bool, Index]:
    """Return which values are missing, and the columns in which some are and some are not."""
    missing = ~np.isfinite(values)
    share = missing.mean(axis=0)
    return missing, np.flatnonzero((share >= MIN_GAP_SHARE) & (share <= 1 - MIN_GAP_SHARE))


def _report(
    table: AuditTable, kind: str, severity: Severity, area: dict[str, float], what: str, cost: str, reference: str = ""
) -> Finding:
    """Return a finding on columns, each with its area under the curve, largest first."""
    names = sorted(area, key=lambda name: -area[name])
    shown = first_few([f"{name} {area[name]:.3f}" for name in names])
    what = what.format(target=table.target, columns="1 column" if len(names) == 1 else f"each of {len(names)} columns")
    return on_columns(kind, severity, f"{what} (AUC on held-out groups: {shown}{reference})", cost, names)


def check_names(table: AuditTable) -> Iterator[Finding]:
    """Yield features named after the target or its classes, or equal to it; of labels, note those that repeat it."""
    apart = {table.target, table.group, *table.features}
    others = (n for n in map(str, table.frame) if n not in apart and not n.startswith("meta_"))
    if labels := [n for n in others if _one_to_one(table, n)]:
        many = count_of(len(labels), "label repeats", "labels repeat")
        message = f"{many} the target {table.target!r}, value for value: {first_few(labels)}"
        yield on_columns("target_name", "note", message, "nothing, because no classifier is given labels", labels)
    names = [n for n in table.features if n not in _declared()]
    target = table.target.lower()
    classes = () if table.quantity else (c for c in table.target_names if len(c) > 1 and not c.isdigit())
    words = {target, *ALIASES.get(target, ()), *(c.lower() for c in classes)}
    alike = [n for n in names if _tokens(n) & words]
    if same := [n for n in names if n not in alike and _one_to_one(table, n)]:
        many = count_of(len(same), "column is", "columns are")
        message = f"{many} the target {table.target!r} itself, value for value: {first_few(same)}"
        cost = "every classifier that uses one of them is perfect and has learned nothing; leave them out"
        yield on_columns("target_name", "leak", message, cost, same)
    if alike:
        many = count_of(len(alike), "feature is", "features are")
        equal = [n for n in alike if _one_to_one(table, n)]
        message = f"{many} named after the target {table.target!r}: {first_few(alike)}"
        message += f"; {first_few(equal)} are the target value for value" if equal else ""
        cost = "a label among the features gives the answer away; leave these columns out"
        yield on_columns("target_name", "leak" if equal else "warning", message, cost, alike)


@cache
def _declared() -> frozenset[str]:
    """The columns that ridgefeat computes from pixels, which are not labels, whatever their names."""
    return frozenset(str(record["name"]) for f in select(None) for record in as_records(f.all_columns()))


def _tokens(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return {t for t in re.split(r"[^a-z]+", spaced.lower()) if t} | {name.lower()}


def _one_to_one(table: AuditTable, name: str) -> bool:
    """Whether a column and the target have the same equal rows: one is the other, coded."""
    both = pd.DataFrame({"column": table.frame[name].to_numpy(), "target": table.target_codes})
    pairs = both[(both["target"] >= 0) & both["column"].notna()].drop_duplicates()
    return len(pairs) == pairs["column"].nunique() == pairs["target"].nunique() > 1


def check_pairs(table: AuditTable, probe: ColumnProbe) -> Iterator[Finding]:
    """Yield pairs of columns that are equal in prints of some classes and differ in those of others."""
    names, values = table.features, table.feature_values()
    pairs = sometimes_equal(values)
    if not len(pairs):
        return
    one, other = values[:, pairs[:, 0]], values[:, pairs[:, 1]]
    codes = np.where(np.isfinite(one) & np.isfinite(other), (one == other).astype(np.int64), 2)
    area = probe.of_codes(codes)
    found = np.flatnonzero(probe.is_significant(area))
    if not found.size:
        return
    order = found[np.argsort(-area[found], kind="stable")]
    shown = first_few([f"{names[pairs[k, 0]]} = {names[pairs[k, 1]]} {area[k]:.3f}" for k in order], SHOWN_PAIRS)
    columns = tuple(dict.fromkeys(names[i] for k in order for i in pairs[k]))
    by_equality = f"{len(order)} pairs of columns predict {table.target!r} by whether they are equal"
    cost = (
        "one of each pair was chosen by the label; trees, and linear models of differences, can use that. Leave one of "
        "each pair out"
    )
    severity: Severity = "leak" if area[order[0]] >= LEAKING_AUC else "warning"
    message = f"{by_equality} (AUC on held-out groups: {shown})"
    yield Finding("column_pair", severity, message, cost=cost, count=len(order), columns=columns)


def sometimes_equal(values: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return pairs of columns that are equal in a tenth to nine tenths of a sample of rows, shape (pairs, 2).

    Examples
    --------
    >>> one = np.arange(8, dtype=np.float32)
    >>> sometimes_equal(np.stack([one, np.where(one < 4, one, -one), one + 9], axis=1))
    array([[0, 1]])
    """
    if not values.size:
        return np.zeros((0, 2), np.intp)
    sample = values[np.linspace(0, len(values) - 1, min(PAIR_SAMPLE, len(values))).astype(np.intp)]
    ranked = np.sort(sample, axis=0)
    distinct = 1 + (np.diff(ranked, axis=0) > 0).sum(axis=0)
    columns = np.flatnonzero(
        (distinct >= MIN_DISTINCT_SHARE * len(sample)) & (np.isfinite(sample).mean(axis=0) >= MIN_DISTINCT_SHARE)
    )
    chosen = sample[:, columns]
    equal = np.zeros((len(columns), len(columns)), np.int16)
    for row in chosen:
        equal += row[:, None] == row[None, :]
    low, high = SOMETIMES
    sometimes = np.triu((equal > low * len(sample)) & (equal < high * len(sample)), 1)
    return columns[np.argwhere(sometimes)[:MAX_PAIRS]]


def check_together(table: AuditTable, probe: ColumnProbe) -> Iterator[Finding]:
    """Yield findings on a target that all columns, or all their gaps, predict too well, or that gaps were filled by."""
    values = table.feature_values()
    names = table.features
    if not names:
        return
    groups = table.group_codes[probe.rows]
    if filled := [names[i] for i in filled_by_class(values[probe.rows], probe.classes, groups)]:
        message = (
            f"{count_of(len(filled), 'column repeats', 'columns repeat')} values that occur in one class of "
            f"{table.target!r} each: missing values seem to have been filled by class in {first_few(filled)}"
        )
        cost = "a tree reads the class from a filled value; fill gaps within training folds, without the target"
        yield on_columns("missing", "leak", message, cost, filled)
    if len(names) < 2 or len(names) > MAX_COLUMNS:
        yield not_checked(f"all columns together: there are {len(names):,}, not 2 to {MAX_COLUMNS:,}")
        return
    missing, columns = find_gaps(values)
    some = missing[:, columns]
    some = some[:, np.unique(np.packbits(some, axis=0), axis=1, return_index=True)[1]]
    if some.shape[1] > 1 and probe.is_significant(area := probe.of_all(some.astype(np.float32)), GAPS_AUC):
        message = (
            f"{table.target!r} is predicted by which columns have missing values (AUC on held-out groups, all columns "
            f"together: {area:.3f})"
        )
        cost = "a classifier learns which prints could not be measured; imputation inside the fold does not hide it"
        yield Finding("missing", "warning", message, cost=cost, count=some.shape[1])
    if not table.can_be_too_good:
        yield not_checked(f"all columns together: {table.target!r} may be what ridges show")
    elif probe.is_significant(area := probe.of_all(values), TOO_GOOD_AUC):
        single = probe.of_numbers(values).max()
        message = (
            f"{table.target!r} is predicted too well by all columns together (AUC on held-out groups: {area:.3f}; the "
            f"best single column has {single:.3f})"
        )
        cost = (
            "small shifts of many columns, as another scanner or other processing of each class makes, are as good as "
            "a label; test on prints of another acquisition"
        )
        yield Finding("columns_together", "warning", message, cost=cost, count=len(names))


def filled_by_class(values: NDArray[np.float32], classes: Index, groups: Index) -> Index:
    """Return the columns whose repeated values reveal the class; `values` has a row per print.

    A column's minimum and maximum are left out, because many columns end at a value such as 0; so are equal rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> classes = np.repeat([0, 1], 100)
    >>> values = np.float32(rng.normal(size=(200, 3)))
    >>> values[::5, 0], values[::5, 1] = classes[::5], 1
    >>> filled_by_class(values, classes, np.arange(200))
    array([0])
    """
    rows = np.ascontiguousarray(values).view(f"V{values.shape[1] * values.itemsize}")
    first = np.unique(rows, return_index=True)[1]
    values, classes, groups = values[first], classes[first], groups[first]
    ranked = np.sort(values.T, axis=1)
    distinct = 1 + (np.diff(ranked, axis=1) > 0).sum(axis=1)
    repeats = (ranked[:, MIN_FILLED - 1 :] == ranked[:, : 1 - MIN_FILLED]).any(axis=1)
    continuous = distinct >= MIN_DISTINCT_SHARE * np.isfinite(ranked).sum(axis=1)
    base = np.bincount(classes) / len(classes)
    found = []
    for i in np.flatnonzero(repeats & continuous):
        column = values[:, i]
        _, value, count = np.unique(column, return_inverse=True, return_counts=True)
        between = (column > np.nanmin(column)) & (column < np.nanmax(column))
        rows = np.flatnonzero((count[value] >= MIN_FILLED) & between)
        if not rows.size:
            continue
        triples = np.unique(np.stack([value[rows], classes[rows], groups[rows]]), axis=1)
        cells, n = np.unique(triples[:2], axis=1, return_counts=True)
        total = np.bincount(cells[0], weights=n)
        best = np.zeros(len(total))
        np.maximum.at(best, cells[0], n)
        g = 2 * float((n * np.log(n / (total[cells[0]] * base[cells[1]]))).sum())
        p = chi2.sf(g, np.count_nonzero(total) * (len(base) - 1))
        if best.sum() >= MIN_PURITY * total.sum() and p < MAX_P / values.shape[1]:
            found.append(i)
    return np.array(found, np.intp)


def combined_auc(families: Mapping[str, float]) -> float:
    """Return the area under the ROC curve of families together, if each knows what no other does.

    With normal scores of equal variance the separation d' of independent scores adds in squares. Families that know the
    same have less together; a whole that has more reads something that no family holds.

    Examples
    --------
    >>> round(combined_auc({"ridge": 0.7, "texture": 0.7, "orient": 0.5}), 3)
    0.771
    """
    z = norm.ppf(np.clip(list(families.values()), 0.5, MAX_AUC))
    return float(norm.cdf(np.sqrt((z**2).sum())))


def check_results(
    target: str, auc: float, low: float, families: Mapping[str, float], *, can_be_too_good: bool
) -> Iterator[Finding]:
    """Yield alarms if the best classifier has too high an area under the ROC curve per print on held-out people.

    `low` is the lower end of its 95 % interval, `families` the areas of each family of columns alone, as far as known;
    `can_be_too_good` says whether the target is a label that should not be predictable from a print.
    """
    if can_be_too_good and auc > TOO_GOOD_AUC:
        message = (
            f"the best classifier has AUC {auc:.3f} per print on held-out groups (95 % interval from {low:.3f}), above "
            f"{TOO_GOOD_AUC:g}: too good for {target!r} if that is a label of people, not of ridges"
        )
        cost = (
            "find out what it reads before you believe it: another scanner, session or processing for each class, or "
            "people under several names"
        )
        yield Finding("too_good", "warning", message, cost=cost, count=1)
    if families and low > (together := combined_auc(families)):
        best = max(families, key=lambda name: families[name])
        message = (
            f"the best classifier has AUC {auc:.3f} (at least {low:.3f}); no family alone has more than "
            f"{families[best]:.3f} ({best}), and together they would have {together:.3f} if each knew what no other "
            "does"
        )
        cost = (
            "it reads differences between columns of several families, or the images, and no family of ridges "
            "holds what it reads; was a column chosen or shifted by the target?"
        )
        yield Finding("too_good", "warning", message, cost=cost, count=len(families))
