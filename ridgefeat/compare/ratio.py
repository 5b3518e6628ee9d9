"""The likelihood ratio of two groups by a column's value, its interval over people, and its check on held-out people.

The densities of the two groups are smoothed with a Gaussian kernel. Beyond the values that people of both groups reach,
the ratio would be made up by the kernel's tails, so that none is given there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from ridgefeat.compare.effects import TAILS, Float
from ridgefeat.compare.people import People
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import first_few
from ridgefeat.threshold.likelihood import RatioCost, ratio_cost

MIN_PEOPLE = 20
"""People per group below which a density is not smoothed."""
REACHING = 3
"""People of either group who must lie at a value or beyond for it to have a ratio."""
MIN_JUDGED = 5
"""Held-out people per group with a ratio below which it cannot be checked, and is not given."""
POINTS, SAMPLES, FOLDS = 101, 1000, 10


@dataclass(frozen=True, eq=False)
class Ratio:
    """The likelihood ratio of two groups by the value of one column, for a person measured as those of the table.

    Attributes
    ----------
    column, unit : str
    levels : tuple of str
        The ratio is of the first to the second.
    people : tuple of int
        Per level, with a value.
    support : (float, float)
        Values that have a ratio.
    curve : pandas.DataFrame
        `value`, then per level its density, then `ratio`, `ratio_low`, `ratio_high` (95 % interval over people).
    held_out : pandas.DataFrame
        A row per person: `level`, `value` and `log10_ratio`, fitted without the person; NaN outside the support.
    cost : RatioCost
        Of the ratios of held-out people.
    """

    column: str
    unit: str
    levels: tuple[str, str]
    people: tuple[int, int]
    support: tuple[float, float]
    curve: pd.DataFrame
    held_out: pd.DataFrame
    cost: RatioCost

    @property
    def refused(self) -> int:
        """How many held-out people had a value outside the support."""
        return int(self.held_out["log10_ratio"].isna().sum())


def likelihood_ratio(people: People, column: str, *, seed: int = 0) -> Ratio:
    """Return the likelihood ratio of a label's two levels by a column's value.

    Parameters
    ----------
    people : People
        Of a label with two levels.
    column : str
        One of its columns.
    seed : int
        Of the resamples and the folds.

    Raises
    ------
    ParameterError
        If the label has not two levels, or the column was not read.
    TableError
        If a level has fewer than 20 people with a value, or the levels' values hardly overlap.
    """
    if len(people.levels) != 2:
        raise ParameterError(f"a likelihood ratio needs a label with two levels; {people.by} has {len(people.levels)}")
    if column not in people.columns:
        raise ParameterError(f"--ratio {column}: no such column was compared; there are: {first_few(people.columns)}")
    at = people.columns.index(column)
    known = np.isfinite(people.values[:, at])
    value, first = people.values[known, at], people.label[known] == 0
    sizes = (int(first.sum()), int((~first).sum()))
    if min(sizes) < MIN_PEOPLE:
        few = ", ".join(f"{level} {n}" for level, n in zip(people.levels, sizes, strict=True))
        raise TableError(f"a likelihood ratio needs {MIN_PEOPLE} people per level with a {column}; there are: {few}")
    support = _support(value, first)
    if support is None:
        raise TableError(f"the levels of {people.by} hardly overlap in {column}: no value has a likelihood ratio")
    rng = np.random.default_rng(seed)
    x = np.linspace(*support, POINTS)
    groups = [value[first], value[~first]]
    density = [_kernel(x, g).mean(axis=1) for g in groups]
    log_ratio = np.log(density[0] / density[1])
    drawn = np.stack([np.log(_resampled(x, g, rng)) for g in groups])
    low, high = np.quantile(drawn[0] - drawn[1], TAILS[::-1], axis=1)
    curve = {"value": x} | {f"density_{level}": d for level, d in zip(people.levels, density, strict=True)}
    ends = {"ratio": log_ratio, "ratio_low": np.minimum(low, log_ratio), "ratio_high": np.maximum(high, log_ratio)}
    held = _held_out(value, first, rng)
    judged = np.isfinite(held)
    if min((judged & first).sum(), (judged & ~first).sum()) < MIN_JUDGED:
        raise TableError(
            f"fewer than {MIN_JUDGED} people of a level of {people.by} have a {column} that both reach: no ratio could "
            "be checked on held-out people"
        )
    held_out = {"level": np.where(first, *people.levels), "value": value, "log10_ratio": held / np.log(10)}
    return Ratio(
        column=column,
        unit=people.units[at],
        levels=(people.levels[0], people.levels[1]),
        people=sizes,
        support=support,
        curve=pd.DataFrame(curve | {name: np.exp(v) for name, v in ends.items()}),
        held_out=pd.DataFrame(held_out),
        cost=ratio_cost(held[judged], first[judged]),
    )


def _support(value: Float, first: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Return the values that at least REACHING people of either group lie at or beyond, on both sides."""
    ends = [np.sort(value[who])[[REACHING - 1, -REACHING]] for who in (first, ~first)]
    low, high = max(e[0] for e in ends), min(e[1] for e in ends)
    return (float(low), float(high)) if low < high else None


def _kernel(x: Float, group: Float) -> Float:
    """Return each person's share of the density at each value, shape (values, people); Silverman's bandwidth."""
    spread = min(group.std(ddof=1), float(np.subtract(*np.quantile(group, [0.75, 0.25]))) / 1.349 or np.inf)
    width = 0.9 * spread * len(group) ** -0.2
    return np.asarray(norm.pdf((x[:, None] - group) / width) / width)


def _resampled(x: Float, group: Float, rng: np.random.Generator) -> Float:
    """Return densities of resamples of people, shape (values, SAMPLES); never quite 0."""
    drawn = rng.multinomial(len(group), np.full(len(group), 1 / len(group)), SAMPLES)
    return np.asarray(np.maximum(_kernel(x, group) @ drawn.T / len(group), np.finfo(float).tiny))


def _held_out(value: Float, first: NDArray[np.bool_], rng: np.random.Generator) -> Float:
    """Return each person's natural log ratio by densities of the other folds; NaN outside their support."""
    out = np.full(len(value), np.nan)
    fold = np.empty(len(value), np.intp)
    for who in (first, ~first):
        fold[rng.permutation(np.flatnonzero(who))] = np.arange(who.sum()) % FOLDS
    for k in range(FOLDS):
        rest, mine = fold != k, fold == k
        support = _support(value[rest], first[rest])
        if support is None:
            continue
        inside = mine & (value >= support[0]) & (value <= support[1])
        densities = [_kernel(value[inside], value[rest & who]).mean(axis=1) for who in (first, ~first)]
        out[inside] = np.log(densities[0] / densities[1])
    return out
