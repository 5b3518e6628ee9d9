"""Log likelihood ratios judged by their cost, Cllr, and scores turned into such ratios.

Cllr is the mean information in bits that is lost by ratios that are not perfect: 0 for perfect ones, 1 for a system
that always says 1. Its minimum, by the best monotone change of the ratios, is what is lost by poor discrimination; the
rest is lost by poor calibration. Source: Brümmer, du Preez (2006), Computer Speech and Language 20(2-3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from ridgefeat.errors import ScoreError
from ridgefeat.threshold.scores import Float, Scores, deal_folds

BASES = {"natural": 1.0, "10": float(np.log(10)), "2": float(np.log(2))}
"""Logarithms in which ratios come, and what makes natural ones of them."""
FIT = "fit"
"""Instead: the scores are none, and are turned into ratios."""
INVERSE_PENALTY = 10.0
"""Of the squared slope of the calibrating curve, so that scores that never overlap get finite ratios."""


@dataclass(frozen=True)
class RatioCost:
    """The cost of log likelihood ratios in bits: Cllr, and its minimum over monotone changes of them."""

    cllr: float
    min_cllr: float

    @property
    def calibration(self) -> float:
        """What is lost by calibration."""
        return self.cllr - self.min_cllr


@dataclass(frozen=True, eq=False)
class LogRatios:
    """Scores as log likelihood ratios.

    Attributes
    ----------
    scores : Scores
    natural : ndarray of float64, shape (n,)
        Natural log likelihood ratios; NaN where nothing was compared.
    fitted : bool
        Whether they were made of the scores by `calibrate`.
    cost : RatioCost
    """

    scores: Scores
    natural: Float
    fitted: bool
    cost: RatioCost

    def table(self) -> pd.DataFrame:
        """Return a row per comparison in the order that was given: score, mated, log10_ratio."""
        s = self.scores
        return pd.DataFrame({"score": s.score, "mated": s.mated.astype(int), "log10_ratio": self.natural / BASES["10"]})


def log_ratios(scores: Scores, how: str, *, folds: int = 5, seed: int = 0) -> LogRatios:
    """Return scores as log likelihood ratios, with their cost.

    Parameters
    ----------
    scores : Scores
    how : {"natural", "10", "2", "fit"}
        The logarithm in which the scores are ratios already; or "fit", see `calibrate`.
    folds, seed : int
        Of "fit".

    Raises
    ------
    ScoreError
        If the scores are distances and said to be ratios, or too few for the folds.
    """
    if how != FIT and scores.distance:
        raise ScoreError(
            "distances are not log likelihood ratios, which rise with the evidence for a match; use --llr fit"
        )
    natural = calibrate(scores, max(2, folds), seed) if how == FIT else scores.score * BASES[how]
    there = scores.compared
    return LogRatios(scores, natural, how == FIT, ratio_cost(natural[there], scores.mated[there]))


def ratio_cost(log_ratio: Float, mated: NDArray[np.bool_]) -> RatioCost:
    """Return the cost of natural log likelihood ratios.

    Parameters
    ----------
    log_ratio : ndarray of float64, shape (n,)
        Of the first hypothesis (mated) to the second.
    mated : ndarray of bool, shape (n,)
        Which hypothesis is true; both must occur.

    Examples
    --------
    >>> cost = ratio_cost(np.log([9.0, 3, 1 / 3, 1 / 9]), np.array([True, True, False, False]))
    >>> round(cost.cllr, 3), cost.min_cllr
    (0.284, 0.0)
    """
    return RatioCost(_cost(log_ratio, mated), _cost(best_monotone(log_ratio, mated), mated))


def _cost(log_ratio: Float, mated: NDArray[np.bool_]) -> float:
    parts = (np.logaddexp(0, -log_ratio[mated]), np.logaddexp(0, log_ratio[~mated]))
    return float(sum(part.mean() for part in parts) / 2 / np.log(2))


def best_monotone(score: Float, mated: NDArray[np.bool_]) -> Float:
    """Return the natural log likelihood ratios that fit best and rise with a score; infinite at ends without overlap.

    Equal scores get equal ratios. It is isotonic regression (pool adjacent violators), judged on what it was fitted to.
    """
    _, at, count = np.unique(score, return_inverse=True, return_counts=True)
    share = isotonic_regression(np.bincount(at, mated) / count, weights=count.astype(np.float64)).x[at]
    prior = np.log(mated.sum() / (~mated).sum())
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(share) - np.log1p(-share) - prior)


def calibrate(scores: Scores, folds: int = 5, seed: int = 0) -> Float:
    """Return scores as natural log likelihood ratios, each by a curve that was drawn without either of its subjects.

    The curve is a logistic regression in which mated and non-mated scores weigh the same (Morrison 2013, Australian
    Journal of Forensic Sciences 45(2)). NaN where there was no comparison. Raises ScoreError if there are too few
    subjects for the folds.
    """
    from sklearn.linear_model import LogisticRegression

    out, there = np.full(len(scores), np.nan), scores.compared
    value = ((scores.similarity - scores.similarity[there].mean()) / scores.similarity[there].std())[:, None]
    for chosen, judged in deal_folds(scores, folds, seed):
        curve = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced")
        curve.fit(value[chosen & there], scores.mated[chosen & there])
        out[judged & there] = curve.decision_function(value[judged & there])
    counts = (int((scores.mated & there).sum()), int((~scores.mated & there).sum()))
    return np.asarray(np.clip(out, -np.log1p(counts[0]), np.log1p(counts[1])))
