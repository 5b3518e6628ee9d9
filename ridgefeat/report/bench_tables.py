"""A comparison's tables as rows of text for a page: classifiers, pairs, classes, folds, controls, the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.bench.results import LESS_IS_BETTER, METRICS, Comparison
from ridgefeat.report.bench_words import METRIC_MEANINGS, between, figure, metric_name, p_value
from ridgefeat.report.page import number

if TYPE_CHECKING:
    import pandas as pd

SURE = 0.05
"""Below this corrected p two classifiers are called different."""

MOST_NAMED = 12
"""Files of a finding that are written out; the others are counted."""


def classifiers(comparison: Comparison, summary: pd.DataFrame) -> dict[str, Any]:
    """Return a summary as cells: every metric with its interval, failures with their reason."""
    kind = comparison.problem.kind
    metrics = [m for m in METRICS[kind] if m in summary.columns]
    meanings = {run.name: run.meaning for run in comparison.runs}
    rows = []
    for row in summary.to_dict("records"):
        name = str(row["classifier"])
        cells = [
            {
                "value": figure(row[m], kind),
                "interval": between(row.get(f"{m}_low"), row.get(f"{m}_high"), kind),
                "sort": _sort(row[m]),
            }
            for m in metrics
        ]
        seconds = row.get("seconds", np.nan)
        rows.append(
            {
                "name": name,
                "meaning": meanings.get(name, ""),
                "failed": row["status"] != "ok",
                "reason": str(row.get("reason") or "no reason was given"),
                "cells": cells,
                "seconds": _seconds(seconds),
                "seconds_sort": _sort(seconds),
                "best": name == comparison.best,
            }
        )
    heads = [
        {"name": metric_name(m), "meaning": METRIC_MEANINGS.get(m, ""), "less": m in LESS_IS_BETTER} for m in metrics
    ]
    return {"heads": heads, "rows": rows, "timed": "seconds" in summary.columns}


def pairs(comparison: Comparison) -> list[dict[str, Any]]:
    """Return each classifier beside the best and beside dummy, gathered by the reference."""
    table = comparison.pairs
    if table is None or table.empty:
        return []
    kind, found = comparison.problem.kind, []
    for reference, own in table.groupby("reference", sort=False):
        rows = []
        for row in own.to_dict("records"):
            rows.append(
                {
                    "classifier": str(row["classifier"]),
                    "difference": signed(row["difference"], kind),
                    "interval": _signed_between(row, kind),
                    "p": p_value(row["p"]),
                    "p_holm": p_value(row["p_holm"]),
                    "verdict": verdict(row),
                }
            )
        metric = str(own["metric"].iloc[0])
        words = f"{comparison.best}, the best" if reference in ("best", comparison.best) else str(reference)
        found.append({"reference": str(reference), "words": words, "metric": metric_name(metric), "rows": rows})
    return found


def verdict(row: Mapping[Any, Any]) -> str:
    """Return "better" or "worse" where corrected p and interval agree, "perhaps" so where only one of them says it."""
    difference, p = float(row["difference"]), float(row["p_holm"])
    if not np.isfinite(difference):
        return "unknown"
    apart = float(row["difference_low"]) > 0 or float(row["difference_high"]) < 0
    sure = p < SURE if np.isfinite(p) else apart
    if not (sure or apart):
        return "not told apart"
    word = "better" if (difference > 0) != (str(row["metric"]) in LESS_IS_BETTER) else "worse"
    return word if sure and apart else f"perhaps {word}"


def signed(value: Any, kind: str) -> str:
    """Return a difference with its sign, with a true minus."""
    if not np.isfinite(float(value)):
        return "–"
    size = figure(abs(float(value)), kind)
    return f"{'−' if float(value) < 0 else '+'}{size}"


def classes(comparison: Comparison) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and support by class, gathered by classifier, best first."""
    table = comparison.classes
    if table is None or table.empty:
        return []
    kind = comparison.problem.kind
    order = {str(n): i for i, n in enumerate(comparison.summary["classifier"])}
    found = []
    for name in sorted(dict.fromkeys(map(str, table["classifier"])), key=lambda n: order.get(n, len(order))):
        own = table[table["classifier"] == name].to_dict("records")
        rows = [
            {
                "class": str(r["class"]),
                "cells": [figure(r[m], kind) for m in ("precision", "recall", "f1")],
                "support": f"{float(r['support']):,.0f}",
            }
            for r in own
        ]
        found.append({"name": name, "rows": rows})
    return found


def folds(comparison: Comparison) -> list[dict[str, Any]]:
    """Return each fold's sizes and the groups that stand on both sides."""
    groups = comparison.problem.groups
    return [
        {
            "repeat": f.repeat + 1,
            "number": f.number + 1,
            "cells": [
                f"{len(f.train):,}",
                f"{len(f.test):,}",
                f"{len(np.unique(groups[f.train])):,}",
                f"{len(np.unique(groups[f.test])):,}",
            ],
            "shared": len(f.shared_groups),
        }
        for f in comparison.folds
    ]


def controls(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the negative controls: what should know nothing, and whether it did."""
    table = comparison.controls
    if table is None or table.empty:
        return []
    kind = comparison.problem.kind
    return [
        {
            "name": str(row["control"]).replace("_", " "),
            "meaning": str(row.get("meaning") or ""),
            "classifier": str(row["classifier"]),
            "metric": metric_name(str(row["metric"])),
            "value": figure(row["value"], kind),
            "interval": between(row["value_low"], row["value_high"], kind),
            "chance": figure(row["chance"], kind),
            "passed": bool(row["passed"]),
        }
        for row in table.to_dict("records")
    ]


def problem(comparison: Comparison) -> dict[str, Any]:
    """Return what was told from what: counts of prints, groups, classes and columns, and decisions taken."""
    it = comparison.problem
    counted = []
    if it.kind == "regression":
        low, middle, high = (number(float(v)) for v in np.percentile(np.asarray(it.y, np.float64), [0, 50, 100]))
        spread = f"{low} to {high}, median {middle}"
    else:
        counts = np.bincount(np.asarray(it.y, np.int64), minlength=len(it.classes))
        holders = [len(np.unique(it.groups[it.y == i])) for i in range(len(it.classes))]
        counted = [
            {"name": name, "prints": f"{int(n):,}", "groups": f"{g:,}", "share": f"{100 * n / max(1, len(it)):.0f} %"}
            for name, n, g in zip(it.classes, counts, holders, strict=True)
        ]
        spread = ""
    return {
        "target": it.target,
        "group": it.group,
        "kind": it.kind,
        "prints": f"{len(it):,}",
        "groups": f"{len(np.unique(it.groups)):,}",
        "columns": f"{it.features.shape[1]:,}",
        "families": [{"name": n, "columns": len(c)} for n, c in it.families.items()],
        "classes": counted,
        "largest": max(counted, key=lambda c: int(c["prints"].replace(",", ""))) if counted else None,
        "spread": spread,
        "notes": list(it.notes),
        "simulated": _simulated(it.labels),
    }


def making(comparison: Comparison) -> dict[str, Any]:
    """Return what makes the same again."""
    it = comparison.reproduction
    return {
        "command": it.command or "from Python",
        "split": it.split,
        "seed": it.seed,
        "versions": {str(k): str(v) for k, v in it.versions.items()},
        "digests": {str(k).removesuffix("_digest"): str(v) for k, v in it.digests.items() if v},
        "options": {str(k).replace("_", " "): _option(v) for k, v in it.options.items() if v not in (None, "", (), [])},
    }


def _option(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)


def _simulated(labels: pd.DataFrame) -> str:
    if "simulated" not in labels.columns or not len(labels):
        return "none"
    made = labels["simulated"].astype("string").fillna("") == "yes"
    return "all" if made.all() else "some" if made.any() else "none"


def _sort(value: Any) -> str:
    return f"{float(value):.9g}" if value is not None and np.isfinite(float(value)) else ""


def _seconds(value: Any) -> str:
    if value is None or not np.isfinite(float(value)):
        return "–"
    return f"{float(value):,.1f}" if float(value) < 100 else f"{float(value):,.0f}"


def _signed_between(row: Mapping[Any, Any], kind: str) -> str:
    low, high = float(row["difference_low"]), float(row["difference_high"])
    return f"{signed(low, kind)} to {signed(high, kind)}" if np.isfinite([low, high]).all() else ""
