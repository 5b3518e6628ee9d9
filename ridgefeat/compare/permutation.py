"""Tests by permutation: the label is dealt anew among people, for all columns at once by matrix products.

Two groups are compared by Welch's t, which holds where their spreads differ (Janssen 1997, Statistics & Probability
Letters 36); several by F; a number by Spearman's rank correlation. scipy.stats.permutation_test deals for one column
after the other: 40 times as slow here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.compare.effects import Float, ranks

MIN_PERMUTATIONS, PER_COLUMN = 9_999, 40
"""So many, and so many for each column: with q = p times columns, the smallest p must be far below 0.05 / columns."""
MAX_OPERATIONS = 2e11
"""Permutations times people times columns; with more, there are fewer permutations."""
ENOUGH = 100
"""As large or larger statistics after which a column's p value is known well enough (Besag and Clifford 1991)."""
AT_ONCE = 500
ROUNDING = 1e-9


def count_permutations(people: int, columns: int) -> int:
    """Return how many permutations are made for a table of so many people and columns."""
    wanted = max(MIN_PERMUTATIONS, PER_COLUMN * columns)
    return int(min(wanted, max(AT_ONCE, MAX_OPERATIONS / max(1, people * columns))))


def permutation_p(values: Float, label: NDArray[Any], levels: int, seed: int = 0) -> Float:
    """Return the two-sided p value of each column; float64, shape (columns,), NaN where a column is constant.

    `values` has shape (people, columns), NaN where missing; a person keeps what is missing when the label is dealt
    anew. `label`, shape (people,), holds indices of the `levels`, or numbers, of which there are 0 levels.
    """
    rng = np.random.default_rng(seed)
    if not levels:
        values, label = ranks(values), ranks(label[:, None].astype(np.float64))[:, 0]
    statistic = {0: _by_number, 2: _by_two}.get(levels, _by_several)
    there = np.isfinite(values).astype(np.float64)
    mean = _ratio(np.nan_to_num(values).sum(axis=0), there.sum(axis=0))
    rest = np.nan_to_num(values - mean)
    rest /= np.maximum(np.abs(rest).max(axis=0, initial=0), np.finfo(float).tiny)
    observed = statistic(label[None, :], rest, there)[0]
    reached, done = np.zeros(len(observed)), np.zeros(len(observed))
    going = np.flatnonzero(~np.isnan(observed))
    total = count_permutations(*values.shape)
    for start in range(0, total, AT_ONCE):
        if not len(going):
            break
        dealt = rng.permuted(np.tile(label, (min(AT_ONCE, total - start), 1)), axis=1)
        found = statistic(dealt, rest[:, going], there[:, going])
        reached[going] += (found >= observed[going] * (1 - ROUNDING)).sum(axis=0)
        done[going] += len(dealt)
        going = going[reached[going] < ENOUGH]
    return np.where(done > 0, (reached + 1) / (done + 1), np.nan)


def _by_two(dealt: NDArray[Any], rest: Float, there: Float) -> Float:
    """Return the square of Welch's t for each deal and column."""
    difference, variance = np.zeros((len(dealt), rest.shape[1])), np.zeros((len(dealt), rest.shape[1]))
    for k, sign in enumerate((1, -1)):
        member = (dealt == k).astype(np.float64)
        n, total, square = member @ there, member @ rest, member @ rest**2
        difference += sign * _ratio(total, n)
        variance += _ratio(square - _ratio(total**2, n), n * (n - 1))
    return _ratio(difference**2, variance)


def _by_several(dealt: NDArray[Any], rest: Float, there: Float) -> Float:
    """Return the share of the variance that lies between the groups, which orders as F does."""
    members = [(dealt == k).astype(np.float64) for k in range(int(dealt.max()) + 1)]
    between = sum(np.nan_to_num(_ratio((m @ rest) ** 2, m @ there)) for m in members)
    return _ratio(np.asarray(between), (rest**2).sum(axis=0))


def _by_number(dealt: NDArray[Any], rest: Float, there: Float) -> Float:
    """Return the square of the correlation with the number, times the column's variance."""
    return _ratio((dealt @ rest) ** 2, dealt**2 @ there - _ratio((dealt @ there) ** 2, there.sum(axis=0)))


def _ratio(a: Float, b: Float) -> Float:
    """Return a / b; infinite, or NaN for 0, where b is not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(b > 0, a / b, np.where(a > 0, np.inf, np.nan))
