"""Names, meanings and text forms of a comparison's metrics; which targets are sensitive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ridgefeat.report.page import interval, number

METRIC_NAMES = {
    "roc_auc": "ROC AUC",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "average_precision": "Average precision",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "brier": "Brier score",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "r2": "R²",
}

METRIC_MEANINGS = {
    "roc_auc": "probability that a print of one class scores above a print of the other; 0.5 is chance level, 1 is "
    "perfect. With several classes: the mean over classes, each against the rest",
    "balanced_accuracy": "mean over classes of the fraction classified correctly, so that a large class does not "
    "outweigh a small one; chance level is one over the number of classes",
    "accuracy": "fraction of prints classified correctly. Always predicting the largest class already reaches the "
    "fraction of that class: compare with the dummy classifier",
    "average_precision": "precision averaged over all thresholds; chance level is the fraction of the class",
    "f1": "harmonic mean of precision and recall",
    "precision": "fraction of the prints predicted as a class that have that label",
    "recall": "fraction of the prints with a label that are predicted as such",
    "brier": "mean squared error of the probabilities; lower is better",
    "mae": "mean distance of the prediction from the label, in the label's unit; lower is better",
    "rmse": "the same, with large errors weighted more; lower is better",
    "r2": "fraction of the label's variance that is explained; always predicting the mean gives 0",
}

_POPULATION = ("population", "ancestry", "ethnicity", "race", "nationality", "country", "region")
SENSITIVE = {
    **dict.fromkeys(("sex", "gender"), "sex"),
    **dict.fromkeys(("age", "age_group", "birth_year"), "age"),
    **dict.fromkeys(_POPULATION, "population"),
}
"""Targets about which a page adds warnings, and under which topic."""


def find_topic(target: str) -> str:
    """Return which sensitive topic a target is: "sex", "age", "population", or "" for none.

    Examples
    --------
    >>> find_topic("Gender"), find_topic("finger")
    ('sex', '')
    """
    return SENSITIVE.get(target.lower(), "")


def metric_name(metric: str) -> str:
    """Return a metric's name as a page writes it.

    Examples
    --------
    >>> metric_name("roc_auc"), metric_name("top_5")
    ('ROC AUC', 'top 5')
    """
    return METRIC_NAMES.get(metric, metric.replace("_", " "))


def format_value(value: float | None, kind: str) -> str:
    """Return a metric's value: three decimals for fractions, three digits for a number in the target's unit.

    Examples
    --------
    >>> format_value(0.8124, "binary"), format_value(12.345, "regression"), format_value(None, "binary")
    ('0.812', '12.3', '–')
    """
    if value is None or not np.isfinite(value):
        return "–"
    return number(value) if kind == "regression" else f"{value:.3f}"


def format_estimate(row: Mapping[Any, Any], name: str, kind: str) -> dict[str, str]:
    """Return the cells `name`, `name`_low and `name`_high of a row as text: a value, and "a to b", empty if unknown.

    Examples
    --------
    >>> format_estimate({"f1": 0.81, "f1_low": 0.78, "f1_high": 0.84}, "f1", "binary")
    {'value': '0.810', 'interval': '0.780 to 0.840'}
    """
    form = partial(format_value, kind=kind)
    return {"value": form(row[name]), "interval": interval(row, name, form)}


def format_difference(value: float, kind: str) -> str:
    """Return a difference with its sign, with a true minus.

    Examples
    --------
    >>> format_difference(-0.0123, "binary"), format_difference(0.2, "binary")
    ('−0.012', '+0.200')
    """
    return "–" if not np.isfinite(value) else ("−" if value < 0 else "+") + format_value(abs(value), kind)


def format_p_value(p: float) -> str:
    """Return a p value with three decimals.

    Examples
    --------
    >>> format_p_value(0.0312), format_p_value(0.0004), format_p_value(float("nan"))
    ('0.031', '< 0.001', '–')
    """
    return "–" if not np.isfinite(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def join_names(names: Sequence[str]) -> str:
    """Return names as an enumeration.

    Examples
    --------
    >>> join_names(["a", "b", "c"]), join_names(["a"]), join_names([])
    ('a, b and c', 'a', '')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
