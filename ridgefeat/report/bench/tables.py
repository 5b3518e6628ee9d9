"""A comparison as text: metrics and their values; rows of classifiers, pairs, classes, folds, controls; the problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ridgefeat.bench.results import LESS_IS_BETTER, METRICS, Comparison
from ridgefeat.report.page import describe_simulated, interval, number

ALPHA = 0.05
"""Corrected p below which two classifiers differ significantly."""
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


def group_rows(table: pd.DataFrame | None, column: str) -> Iterable[tuple[Any, pd.DataFrame]]:
    """Return a table's rows by the values of a column, in the table's order; nothing where there is no table."""
    return () if table is None or table.empty else table.groupby(column, sort=False)


def list_classifiers(comparison: Comparison, summary: pd.DataFrame) -> dict[str, Any]:
    """Return a summary's metrics and rows, each with what its classifier is."""
    metrics = [m for m in METRICS[comparison.problem.kind] if m in summary.columns]
    meanings = {run.name: run.meaning for run in comparison.runs}
    return {
        "heads": [{"metric": m, "name": metric_name(m), "less": m in LESS_IS_BETTER} for m in metrics],
        "rows": [r | {"meaning": meanings.get(r["classifier"], "")} for r in summary.to_dict("records")],
        "timed": "seconds" in summary.columns,
    }


def list_pairs(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the differences to the best classifier and to dummy, grouped by that reference, each with its verdict."""
    found = []
    for reference, own in group_rows(comparison.pairs, "reference"):
        rows = [row | {"verdict": decide_verdict(row)} for row in own.to_dict("records")]
        title = f"{comparison.best}, the best" if reference in ("best", comparison.best) else reference
        metric = metric_name(own["metric"].iloc[0])
        found.append({"reference": reference, "words": title, "metric": metric, "rows": rows})
    return found


def decide_verdict(row: Mapping[Any, Any]) -> str:
    """Return the verdict on a difference: significant where corrected p and interval agree, else "possibly …".

    Examples
    --------
    >>> row = {"difference": 0.1, "difference_low": 0.05, "difference_high": 0.15, "metric": "roc_auc"}
    >>> decide_verdict({**row, "p_holm": 0.01}), decide_verdict({**row, "p_holm": 0.2})
    ('better', 'possibly better')
    """
    difference, p = float(row["difference"]), float(row["p_holm"])
    if not np.isfinite(difference):
        return "unknown"
    apart = float(row["difference_low"]) > 0 or float(row["difference_high"]) < 0
    sure = p < ALPHA if np.isfinite(p) else apart
    if not (sure or apart):
        return "no difference"
    word = "better" if (difference > 0) != (str(row["metric"]) in LESS_IS_BETTER) else "worse"
    return word if sure and apart else f"possibly {word}"


def list_classes(comparison: Comparison) -> list[dict[Any, Any]]:
    """Return the rows of precision, recall, F1 and support by class, those of the best classifier first."""
    if comparison.classes is None:
        return []
    order = comparison.summary["classifier"].tolist()
    return sorted(comparison.classes.to_dict("records"), key=lambda row: order.index(row["classifier"]))


def list_folds(comparison: Comparison) -> list[dict[str, Any]]:
    """Return each fold's sizes and the number of groups in both training and test."""
    groups, found = comparison.problem.groups, []
    for f in comparison.folds:
        sides = f.train, f.test, set(groups[f.train]), set(groups[f.test])
        sizes = [len(side) for side in sides]
        found.append({"name": f"{f.repeat + 1}, {f.number + 1}", "sizes": sizes, "shared": len(f.shared_groups)})
    return found


def list_controls(comparison: Comparison) -> list[dict[Any, Any]]:
    """Return the negative controls, each with its metric's name."""
    rows = [] if comparison.controls is None else comparison.controls.to_dict("records")
    return [row | {"metric": metric_name(row["metric"])} for row in rows]


def describe_problem(comparison: Comparison) -> dict[str, Any]:
    """Return counts of prints, groups, classes and columns, and the decisions taken."""
    it = comparison.problem
    spread = ""
    if it.kind == "regression":
        low, middle, high = (number(v) for v in np.percentile(it.y, [0, 50, 100]))
        spread = f"{low} to {high}, median {middle}"
    counted: list[dict[str, Any]] = []
    for i, name in enumerate(it.classes):
        own = it.groups[it.y == i]
        fraction = f"{100 * len(own) / len(it):.0f} %"
        counted.append({"name": name, "prints": len(own), "groups": len(set(own)), "fraction": fraction})
    return {name: getattr(it, name) for name in ("target", "group", "kind", "families")} | {
        "prints": len(it),
        "groups": len(set(it.groups)),
        "columns": it.features.shape[1],
        "classes": counted,
        "largest": max(counted, key=lambda c: c["prints"], default=None),
        "spread": spread,
        "notes": list(it.notes),
        "simulated": describe_simulated(it.labels),
    }


def describe_reproduction(comparison: Comparison) -> dict[str, Any]:
    """Return what reproduces the comparison."""
    it = comparison.reproduction
    return vars(it) | {
        "command": it.command or "run from Python",
        "digests": {k.removesuffix("_digest"): v for k, v in it.digests.items() if v},
        "options": {k.replace("_", " "): _option(v) for k, v in it.options.items()},
    }


def _option(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def sort_key(value: float) -> str:
    """Return a number by which a page's script sorts; empty if unknown."""
    return f"{value:.9g}" if np.isfinite(value) else ""


def format_seconds(value: float) -> str:
    """Return seconds, in tenths below 100."""
    return "–" if not np.isfinite(value) else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def describe_selection(comparison: Comparison) -> dict[str, Any] | None:
    """Return in how many folds each column was chosen, and how; None without a selection."""
    frame = comparison.selection
    if frame is None:
        return None
    of = int(frame["of"].iloc[0])
    return {
        "how": comparison.reproduction.options.get("select", ""),
        "columns": len(frame),
        "of": of,
        "always": int((frame["folds"] == of).sum()),
        "rows": frame[frame["folds"] > 0].to_dict("records"),
    }
