"""Uncertainty of figures: bootstrap over groups, and tests that allow for training data shared by folds.

scipy.stats.bootstrap draws single observations and knows no clusters: applied to prints its intervals would be too
narrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ridgefeat.bench.metrics import Predictions, Weights, figures
from ridgefeat.threshold.intervals import fraction_interval, number_interval

SAMPLES = 1000
MIN_SAMPLES = 40
MAX_WEIGHTS = 50_000_000
"""Maximal number of weights, rows times samples, in memory (400 MB)."""
MIN_DEFINED_SHARE = 0.5
"""Share of samples in which a figure must be defined for its interval to be given."""


def group_weights(groups: int, seed: int, samples: int = SAMPLES) -> Weights:
    """Return how often each group is drawn in each bootstrap sample; float64, shape (samples, groups)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1 / groups), samples).astype(np.float64)


def samples_for(rows: int, asked: int) -> int:
    """Return how many bootstrap samples a table of so many rows gets: fewer where all would not fit into memory.

    The rows' weights in all samples are held at once. From 50,000 rows on there are fewer than 1,000, but intervals are
    then so narrow that their ends need not be known as well.
    """
    return min(asked, max(MIN_SAMPLES, MAX_WEIGHTS // max(1, rows)))


SHARED_TRAINING = 2.0**0.5
"""How much wider an interval is where folds train each other.

In cross-validation two people each help to train the fold that tests the other, so that what they have in common by
chance counts twice, but a bootstrap of the finished scores takes it for two independent observations: the variance of a
figure of what was learned from noise is twice the bootstrap's (benchmarks/bench_calibration.py measures it). Where much
can be learned the intervals are wider than necessary.
"""
NUMBERS = frozenset({"mae", "rmse", "r2", "brier"})
"""Metrics that are not a fraction of prints or pairs; all but r2 are errors, which are never negative."""


def variance(samples: NDArray[np.float64], groups: int) -> float:
    """Return a figure's variance over groups; NaN where it is defined in too few bootstrap samples."""
    known = samples[np.isfinite(samples)]
    if len(known) < MIN_DEFINED_SHARE * len(samples):
        return float("nan")
    return float(known.var() * groups / max(1, groups - 1))


def with_intervals(p: Predictions, weights: Weights, metrics: Sequence[str]) -> dict[str, float]:
    """Return each metric with its 95 % interval: <metric>, <metric>_low, <metric>_high; NaN below 5 groups."""
    present = np.unique(p.group)
    # Groups without a print in the selection are left out.
    renumbered = replace(p, group=np.searchsorted(present, p.group))
    once, drawn = figures(renumbered, None, metrics), figures(renumbered, weights[:, present], metrics)
    factor = widening(p) ** 2
    out: dict[str, float] = {}
    for name in metrics:
        value = float(once[name][0])
        make = number_interval if name in NUMBERS else fraction_interval
        low, high = make(value, factor * variance(drawn[name], len(present)), len(present))
        out |= with_ends(name, (value, low if name == "r2" else max(low, 0.0), high))
    return out


def with_ends(name: str, values: Iterable[float]) -> dict[str, float]:
    """Return a value and the ends of its interval by their names in a table: name, name_low, name_high."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def widening(p: Predictions) -> float:
    """Return how much wider than the bootstrap's an interval must be: 1 where one fit predicted everything."""
    return SHARED_TRAINING if len(np.unique(p.fold)) > 1 else 1.0


def difference(a: Predictions, b: Predictions, weights: Weights, metric: str) -> tuple[float, float, float]:
    """Return metric(a) - metric(b) and its 95 % interval, both under the same bootstrap samples; NaN if all agree."""
    only, groups = (metric,), len(np.unique(a.group))
    point = float(figures(a, None, only)[metric][0] - figures(b, None, only)[metric][0])
    drawn = figures(a, weights, only)[metric] - figures(b, weights, only)[metric]
    return point, *number_interval(point, widening(a) ** 2 * variance(drawn, groups), groups)


def corrected_t(differences: NDArray[np.float64], test_over_train: float) -> float:
    """Return the two-sided p value of folds' mean difference being zero, from those of all folds of all repeats.

    `test_over_train` are the prints (or groups) in a test fold over those in training. Folds share most of their
    training data, so that the plain t test is too optimistic: the variance of the mean is taken as (1/n + test/train)
    s² instead of s²/n, the corrected resampled t test of Nadeau and Bengio (2003).
    """
    d = differences[np.isfinite(differences)]
    n = len(d)
    if n < 2:
        return float("nan")
    variance = d.var(ddof=1)
    if variance == 0:
        return 1.0 if d.mean() == 0 else 0.0
    t = d.mean() / np.sqrt((1 / n + test_over_train) * variance)
    return float(2 * stats.t.sf(abs(t), n - 1))


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Return p values adjusted for their number (Holm 1979); NaN stays NaN and does not count."""
    values = np.asarray(p, np.float64)
    out = np.full(len(values), np.nan)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    out[order] = np.minimum(1, np.maximum.accumulate(values[order] * factors)) if len(order) else []
    return out


def group_numbers(names: NDArray[Any]) -> NDArray[np.int64]:
    """Return each row's group as a number from 0, in the order of the names; int64, shape (rows,)."""
    return np.unique(names.astype(str), return_inverse=True)[1].astype(np.int64)
