"""95 % intervals of a figure from its variance over subjects; exact where nothing or little varied.

A resample of subjects without an error cannot make one, and with few subjects percentiles of a bootstrap are too
narrow. So a fraction is treated as a binomial one of as many independent observations as have its variance, fewer where
the variance itself rests on few subjects. benchmarks/coverage.py measures how often the intervals hold the truth.
Source: Korn, Graubard (1998), Confidence intervals for proportions with small expected number of positive counts
estimated from survey data, Survey Methodology 24(2); Clopper, Pearson (1934), Biometrika 26(4).
"""

from __future__ import annotations

import numpy as np
from scipy.stats import beta, norm, t

Interval = tuple[float, float]
NONE: Interval = (float("nan"), float("nan"))
LEVEL = 0.95
MIN_SUBJECTS = 5
"""Subjects below which nothing has an interval: fewer do not show how much people differ."""
MIN_EVENTS = 3
"""Subjects' worth of errors, or of successes, below which the variance of a fraction is not trusted by itself."""


def binomial_interval(value: float, effective: float) -> Interval:
    """Return Clopper and Pearson's interval of a fraction among so many independent observations, whole or not."""
    if not np.isfinite([value, effective]).all():
        return NONE
    hits, misses = value * effective, (1 - value) * effective
    low = float(beta.ppf((1 - LEVEL) / 2, hits, misses + 1)) if hits > 0 else 0.0
    high = float(beta.ppf((1 + LEVEL) / 2, hits + 1, misses)) if misses > 0 else 1.0
    # Of less than one observation, rounding may leave the value outside.
    return min(low, value), max(high, value)


def fraction_interval(value: float, variance: float, subjects: int) -> Interval:
    """Return the interval of a fraction (accuracy, area under the curve) with a variance over subjects.

    With fewer than three subjects' worth of errors it is at most as sure as one observation per subject. NaN with fewer
    than 5 subjects, or where nothing varies between 0 and 1, as in the area under the curve of a constant.
    """
    inside = 0 < value < 1
    if subjects < MIN_SUBJECTS or not (variance > 0 or not inside):
        return NONE
    effective = shrink(value * (1 - value) / variance, subjects) if inside else subjects
    if min(value, 1 - value) * subjects < MIN_EVENTS:
        effective = min(effective, subjects)
    return binomial_interval(value, effective)


def shrink(effective: float, subjects: int) -> float:
    """Return an effective number of observations, less the more its variance is itself uncertain."""
    return effective * float(norm.ppf((1 + LEVEL) / 2) / t_quantile(subjects)) ** 2


def number_interval(value: float, variance: float, subjects: int) -> Interval:
    """Return the interval of an unbounded figure by Student's t; NaN with fewer than 5 subjects or without variance."""
    if subjects < MIN_SUBJECTS or not variance > 0:
        return NONE
    reach = t_quantile(subjects) * variance**0.5
    return value - reach, value + reach


def t_quantile(subjects: int) -> float:
    """Return Student's quantile for a figure whose variance rests on so many subjects."""
    return float(t.ppf((1 + LEVEL) / 2, subjects - 1))
