"""Means, differences and effect sizes by person, of all columns at once; the statistics are SciPy's.

Functions take `values`, float64 of shape (people, columns), NaN where missing, and return arrays of shape (columns,).
Intervals are of 95 %. Those of standardised effects are exact for normal values (noncentral t and F distributions):
intervals by a bootstrap hold g in only 9 of 10 sets of 10 people.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Float = NDArray[np.float64]
Interval = tuple[Float, Float]

LEVEL, POWER = 0.95, 0.8
TAILS = ((1 + LEVEL) / 2, (1 - LEVEL) / 2)
HALVINGS = 60
MAX_NONCENTRAL = 35.0
"""Statistic from which on the noncentral distributions are not accurate and a normal approximation is."""


def moments(values: Float) -> tuple[Float, Float, Float]:
    """Return count, mean and standard deviation of each column."""
    known = np.isfinite(values)
    n = known.sum(axis=0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, values, 0).sum(axis=0) / n
        square = np.where(known, values - mean, 0) ** 2
        return n, mean, np.sqrt(square.sum(axis=0) / np.where(n > 1, n - 1, np.nan))


def welch(a: Float, b: Float) -> tuple[Float, Interval]:
    """Return the difference of the means of two groups, a - b, and its interval by Welch's t."""
    (n, mean, sd), (m, other, spread) = moments(a), moments(b)
    with np.errstate(invalid="ignore", divide="ignore"):
        u, v = sd**2 / n, spread**2 / m
        reach = np.sqrt(u + v) * stats.t.ppf(TAILS[0], (u + v) ** 2 / (u**2 / (n - 1) + v**2 / (m - 1)))
    return mean - other, (mean - other - reach, mean - other + reach)


def hedges_g(a: Float, b: Float) -> tuple[Float, Interval]:
    """Return the difference of two groups in standard deviations of people, and its interval.

    Source: Hedges (1981), J. Educational Statistics 6(2); interval: Steiger, Fouladi (1997), noncentral t.
    """
    (n, mean, sd), (m, other, spread) = moments(a), moments(b)
    df = n + m - 2
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = np.sqrt(((n - 1) * sd**2 + (m - 1) * spread**2) / df)
        d, size = (mean - other) / pooled, np.sqrt(n * m / (n + m))
        unbiased = np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2)
        t = d * size
        low, high = _noncentral(lambda nc: special.nctdtr(df, nc, t), t, 10 + 10 * np.abs(t) / np.sqrt(df))
        # The tails of a large t underflow.
        far, reach = np.abs(t) > MAX_NONCENTRAL, stats.norm.ppf(TAILS[0]) * np.sqrt(1 + t**2 / (2 * df))
        low, high = np.where(far, t - reach, low), np.where(far, t + reach, high)
        return unbiased * d, (low / size, high / size)


def cliffs_delta(a: Float, b: Float) -> Float:
    """Return how much more often a person of `a` has the larger value than one of `b`: -1 to 1, ties count as neither.

    Source: Cliff (1993), Psychological Bulletin 114(3); it is 2 AUC - 1.
    """
    n, m = (np.isfinite(x).sum(axis=0) for x in (a, b))
    rank = ranks(np.concatenate([a, b]))[: len(a)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * (np.nansum(rank, axis=0) - n * (n + 1) / 2) / (n * m) - 1)


def ranks(values: Float) -> Float:
    """Return the rank of each value in its column, from 1; ties share their mean rank, NaN stays NaN."""
    known = np.isfinite(values)
    return np.where(known, stats.rankdata(np.where(known, values, np.inf), axis=0), np.nan)


def rank_correlation(values: Float, label: Float) -> tuple[Float, Interval]:
    """Return Spearman's rank correlation of each column with a number, and its interval.

    Source of the interval: Bonett, Wright (2000), Psychometrika 65(1).
    """
    number = np.where(np.isfinite(values), label[:, None], np.nan)
    rho, n = _correlation(ranks(values), ranks(number)), np.isfinite(values).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = stats.norm.ppf(TAILS[0]) * np.sqrt((1 + rho**2 / 2) / np.where(n > 3, n - 3, np.nan))
        centre = np.arctanh(rho)
    return rho, (np.tanh(centre - reach), np.tanh(centre + reach))


def _correlation(a: Float, b: Float) -> Float:
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (v - moments(v)[1] for v in (a, b))
        return np.asarray(np.nansum(x * y, axis=0) / np.sqrt(np.nansum(x**2, axis=0) * np.nansum(y**2, axis=0)))


def slope(values: Float, label: Float) -> tuple[Float, Interval]:
    """Return by how much each column changes per unit of a number (least squares), and its interval by Student's t."""
    x = np.where(np.isfinite(values), label[:, None], np.nan)
    n, _, sd = moments(x)
    r = _correlation(values, x)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = moments(values)[2] / sd
        reach = stats.t.ppf(TAILS[0], n - 2) * ratio * np.sqrt((1 - r**2) / (n - 2))
    return r * ratio, (r * ratio - reach, r * ratio + reach)


def eta_squared(values: Float, label: NDArray[np.intp]) -> tuple[Float, Interval]:
    """Return the share of the variance between people that lies between several groups, and its interval.

    Source of the interval: Steiger (2004), Psychological Methods 9(2), noncentral F.
    """
    groups = [values[label == k] for k in range(int(label.max()) + 1)]
    n, mean, _ = moments(values)
    parts = [moments(g) for g in groups]
    between = sum(np.where(count > 0, count * (own - mean) ** 2, 0) for count, own, _ in parts)
    df, rest = len(groups) - 1, n - len(groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = np.nansum((values - mean) ** 2, axis=0)
        f = between / df / ((total - between) / rest)
        room = (10 + np.sqrt(f)) * (4 + np.sqrt(f)) + 10 * np.sqrt(f / rest)
        ends = _noncentral(lambda nc: special.ncfdtr(df, rest, np.maximum(nc, 0), f), f * df, room)
        low, high = (np.maximum(end, 0) / (np.maximum(end, 0) + n) for end in ends)
        return between / total, (low, high)


def _noncentral(cdf: Callable[[Float], Float], centre: Float, room: Float) -> Interval:
    """Return the noncentralities at which what was observed lies at the ends of the middle 95 %."""
    low, high = (_find(cdf, tail, centre, centre - room, centre + room) for tail in TAILS)
    return low, high


def _find(cdf: Callable[[Float], Float], level: float, centre: Float, low: Float, high: Float) -> Float:
    """Return the noncentrality at which a cumulative probability, which falls from 1 to 0, is at a level.

    Far from the centre SciPy's functions sometimes are NaN where they should be 0 or 1.
    """
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        p = cdf(middle)
        below = np.where(np.isnan(p), middle < centre, p > level)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(np.isfinite(centre), (low + high) / 2, np.nan)


def smallest_effect(n: Float, m: Float) -> Float:
    """Return the smallest g that groups of `n` and `m` people show with a power of 80 % at p < 0.05."""
    with np.errstate(invalid="ignore", divide="ignore"):
        df, size = n + m - 2, np.sqrt(n * m / (n + m))
        critical = stats.t.ppf(TAILS[0], df)
        nothing = np.zeros_like(critical)
        return _find(lambda nc: special.nctdtr(df, nc, critical), 1 - POWER, critical, nothing, critical + 10) / size


def smallest_correlation(n: Float) -> Float:
    """Return the smallest correlation that `n` people show with a power of 80 % at p < 0.05."""
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = stats.norm.ppf(TAILS[0]) + stats.norm.ppf(POWER)
        return np.asarray(np.tanh(reach / np.sqrt(np.where(n > 3, n - 3, np.nan))))


def smallest_share(n: Float, groups: int) -> Float:
    """Return the smallest share of variance that `n` people in several groups show with a power of 80 % at p < 0.05."""
    with np.errstate(invalid="ignore", divide="ignore"):
        critical = stats.f.ppf(LEVEL, groups - 1, n - groups)
        bounds = np.zeros_like(critical), critical * groups + 100
        found = _find(lambda nc: special.ncfdtr(groups - 1, n - groups, nc, critical), 1 - POWER, critical, *bounds)
        return found / (found + n)
