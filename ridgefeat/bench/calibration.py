"""Scores to probabilities, learned from people whom the classifier was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ridgefeat.bench.metrics import Bools, Floats, Ints
from ridgefeat.errors import ModelError

MIN_PROBABILITY = 1e-6
RELIABILITY_BINS = 10
INVERSE_PENALTY = 1e3
"""Inverse strength of the penalty: just enough that separable scores give finite slopes."""


def raw_scores(estimator: Any, X: Any, classes: int) -> Floats:
    """Return a fitted classifier's scores, log-odds or decision values; float64, shape (rows, classes).

    Raises ModelError if it offers neither probabilities nor a decision function.
    """
    if not hasattr(estimator, "predict_proba"):
        if not hasattr(estimator, "decision_function"):
            raise ModelError(f"{type(estimator).__name__} has neither predict_proba nor decision_function")
        d = np.asarray(estimator.decision_function(X), np.float64)
        return np.stack([-d, d], axis=1) if d.ndim == 1 else d
    log_p = np.array(np.nan)
    if hasattr(estimator, "predict_log_proba"):  # its own logarithms rank what rounds to 0 or 1
        with np.errstate(divide="ignore"):
            log_p = np.asarray(estimator.predict_log_proba(X), np.float64)
    if not np.isfinite(log_p).all():
        p = np.asarray(estimator.predict_proba(X), np.float64)
        log_p = np.log(np.clip(p, MIN_PROBABILITY, 1 - MIN_PROBABILITY))
    if classes == 2:
        odds = log_p[:, 1] - log_p[:, 0]
        return np.stack([-odds, odds], axis=1)
    return log_p


def fit(scores: Floats, y: Ints) -> Any:
    """Return a calibrator: a logistic curve through the scores (Platt 1999), or its form for several classes.

    CalibratedClassifierCV draws another curve: it moves the labels towards each other before it fits one, and fits
    several classes each on its own.
    """
    curve = make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, max_iter=500))
    return curve.fit(_input(scores), y)


def apply(calibrator: Any, scores: Floats) -> Floats:
    """Return calibrated probabilities, shape (rows, classes)."""
    return np.asarray(calibrator.predict_proba(_input(scores)))


def _input(scores: Floats) -> Floats:
    return scores[:, 1:] if scores.shape[1] == 2 else scores


def transfer(
    learned: Floats, y: Ints, scores: Floats, parts: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
) -> Floats | None:
    """Return probabilities of all scores; None where a class is missing from what a curve is learned from.

    Each part names rows of `learned` and `y` that a curve is drawn through, and the rows of `scores` that it is for.
    """
    out = np.empty_like(scores)
    for source, rows in parts:
        if len(np.unique(y[source])) < scores.shape[1]:
            return None
        out[rows] = apply(fit(learned[source], y[source]), scores[rows])
    return out


def decide(probability: Floats, share: Floats) -> Ints:
    """Return each row's class: the one whose probability is largest relative to its share in training.

    This is the rule of every class that ridgefeat reports. The most probable class would be the frequent one for nearly
    all prints. With equal shares the rule is the largest probability. A tie goes to the most frequent class.

    Examples
    --------
    >>> decide(np.array([[0.7, 0.3], [0.9, 0.1]]), np.array([0.8, 0.2]))
    array([1, 0])
    """
    # Rounded, so that a probability which differs from the share by rounding errors is a tie.
    return np.asarray((np.round(probability / share, 3) + 1e-4 * share).argmax(axis=1))


def own(scores: Floats) -> Floats:
    """Return the classifier's own scores as probabilities: log-odds undone, decision values as if they were those."""
    if scores.shape[1] == 2:
        p = expit(scores[:, 1])
        return np.stack([1 - p, p], axis=1)
    return np.asarray(softmax(scores, axis=1))


def reliability(probability: Floats, happened: Bools) -> list[dict[str, float]]:
    """Return bins of equal counts: bin, predicted (mean probability), observed (share), count.

    calibration_curve(strategy="quantile") parts at interpolated quantiles instead, so that counts differ, keeps equal
    probabilities in one bin, so that bins are lost, and gives no counts.
    """
    order = np.argsort(probability, kind="stable")
    bins = [b for b in np.array_split(order, min(RELIABILITY_BINS, len(order))) if len(b)]
    return [
        {"bin": i, "predicted": float(probability[b].mean()), "observed": float(happened[b].mean()), "count": len(b)}
        for i, b in enumerate(bins)
    ]
