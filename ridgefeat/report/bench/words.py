"""What a comparison's figures are called, mean and look like; which targets call for sober words."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgefeat.report.page import number

METRIC_NAMES = {
    "roc_auc": "ROC AUC",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "average_precision": "Average precision",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "r2": "R²",
}

METRIC_MEANINGS = {
    "roc_auc": "how often a print of one class scores above a print of the other; 0.5 is guessing, 1 is never wrong. "
    "With several classes: the mean of each against the rest",
    "balanced_accuracy": "the mean of each class's share that was told rightly, so that a large class does not drown "
    "a small one; guessing gives one over the number of classes",
    "accuracy": "share of prints told rightly. Always naming the largest class already gives that class's share: "
    "compare with dummy",
    "average_precision": "precision averaged over all cut-offs; guessing gives the class's share",
    "f1": "harmonic mean of precision and recall",
    "precision": "share of those called a class that have that label",
    "recall": "share of those with that label that are found",
    "brier": "mean squared error of the probabilities; less is better",
    "log_loss": "the logarithm's penalty on the probabilities; less is better",
    "mae": "how far a prediction lies from the label, on average, in the label's own unit; less is better",
    "rmse": "the same, where far misses weigh more; less is better",
    "r2": "share of the label's variation that is predicted; 0 is always saying the mean, below 0 is worse than that",
}

SENSITIVE = {
    "sex": "sex",
    "gender": "sex",
    "age": "age",
    "age_group": "age",
    "birth_year": "age",
    "population": "population",
    "ancestry": "population",
    "ethnicity": "population",
    "race": "population",
    "nationality": "population",
    "country": "population",
    "region": "population",
}
"""Targets about which a page says more, and as what."""


def sensitive_topic(target: str) -> str:
    """Return as what a target calls for sober words: "sex", "age", "population", or "" where it does not."""
    return SENSITIVE.get(target.lower(), "")


def metric_name(metric: str) -> str:
    """Return a metric's name for people."""
    return METRIC_NAMES.get(metric, metric.replace("_", " "))


def figure(value: Any, kind: str) -> str:
    """Return a metric's value: three decimals for shares, three digits for a number in the target's unit."""
    if value is None or not np.isfinite(float(value)):
        return "–"
    return number(float(value)) if kind == "regression" else f"{float(value):.3f}"


def between(low: Any, high: Any, kind: str) -> str:
    """Return an interval as "a to b"; empty where unknown."""
    if low is None or high is None or not np.isfinite([float(low), float(high)]).all():
        return ""
    return f"{figure(low, kind)} to {figure(high, kind)}"


def p_value(p: Any) -> str:
    """Return a p value as it is usually written."""
    if p is None or not np.isfinite(float(p)):
        return "–"
    return "< 0.001" if float(p) < 0.001 else f"{float(p):.3f}"


def listed(names: list[str]) -> str:
    """Return names as "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
