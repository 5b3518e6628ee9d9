"""The target spread over many columns, none of which shows it: shifts by class, and gaps that were filled by class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from ridgefeat.audit.columns import MIN_DISTINCT_SHARE, find_gaps
from ridgefeat.audit.probe import ColumnProbe
from ridgefeat.audit.table import TOO_GOOD_AUC, AuditTable, Finding, Index, not_checked, on_columns
from ridgefeat.files import count_of, first_few

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
