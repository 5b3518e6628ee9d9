"""A comparison's tables as rows of text for a page: classifiers, pairs, classes, folds, controls, the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.bench.confounds import ALL
from ridgefeat.bench.results import LESS_IS_BETTER, METRICS, Comparison
from ridgefeat.report.bench.figures import chance, interval_display
from ridgefeat.report.bench.words import METRIC_MEANINGS, between, figure, listed, metric_name, p_value, plural
from ridgefeat.report.page import number
from ridgefeat.report.plots import Interval

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


MOST_SETS, MOST_FILES = 40, 12
"""Sets of a finding, and files of a set, that are written out; the others are counted."""

TITLES = {
    "groups": "Groups",
    "folds": "Folds",
    "identical": "Identical pictures",
    "near_duplicate": "Near-duplicate pictures",
    "same_finger": "One finger under several names",
    "label_conflict": "Conflicting labels",
    "altered_copy": "Altered copies",
    "column": "A column tells the answer",
    "column_pair": "Two columns tell the answer",
    "missing": "Gaps in columns",
    "file": "Traits of the files",
    "order": "Order of the rows",
    "target_name": "A column named like the target",
    "target": "The target",
    "not_checked": "Not checked",
}
ORDER = {"leak": 0, "warning": 1, "note": 2}


def audit_words(audit: Any) -> dict[str, Any]:
    """Return the audit for a page: its findings, how many there are, and a sentence about them.

    Parameters
    ----------
    audit : Audit or None
        Its `findings` are read.
    """
    if audit is None:
        told = "No audit was run: nobody looked for leaks."
        return {"run": False, "leaks": 0, "findings": [], "short": "not run", "sentence": told}
    findings = sorted(audit.findings, key=lambda f: ORDER.get(f.severity, len(ORDER)))
    counts = {s: sum(f.severity == s for f in findings) for s in ORDER}
    parts = [plural(counts["leak"], "leak")] if counts["leak"] else []
    parts += [plural(counts["warning"], "warning")] if counts["warning"] else []
    told = (
        "The leak audit found nothing." if not findings else f"The leak audit found {' and '.join(parts) or 'no leak'}"
    )
    if findings:
        worst = findings[0]
        told += f"; the first: {worst.message}." if parts else ", but something to note."
    return {
        "run": True,
        "leaks": counts["leak"],
        "findings": [_finding(f) for f in findings],
        "short": parts[0] if parts else "no leak",
        "note": f"and {parts[1]}; see below" if parts[1:] else "see below" if findings else "nothing was found",
        "sentence": told,
    }


def _finding(one: Any) -> dict[str, Any]:
    sets = [list(s) for s in one.files]
    cells = [
        {"names": s[:MOST_FILES], "more": max(0, len(s) - MOST_FILES), "groups": _groups(one, i)}
        for i, s in enumerate(sets[:MOST_SETS])
    ]
    return {
        "severity": str(one.severity),
        "title": TITLES.get(one.kind, str(one.kind).replace("_", " ").capitalize()),
        "message": _sentence(one.message),
        "cost": _sentence(one.cost),
        "sets": cells,
        "count": plural(sum(map(len, sets)), "file") + (f" in {len(sets)} sets" if len(sets) > 1 else ""),
        "more": max(0, len(sets) - MOST_SETS),
        "columns": list(one.columns),
    }


def _groups(one: Any, index: int) -> str:
    """Return whose the files of a set are, where they are several people's."""
    names = list(dict.fromkeys(one.groups[index])) if index < len(one.groups) else []
    return ", ".join(names[:MOST_FILES]) if len(names) > 1 else ""


def _sentence(text: str) -> str:
    """Return a message as a sentence of a page: with a capital, and a full stop."""
    text = text.strip()
    return text and text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


RIDGES, REST = "ridges", f"ridges, {ALL} removed"


def confounds(comparison: Comparison) -> dict[str, Any] | None:
    """Return words, figure and rows; None where nothing was measured."""
    table = comparison.confounds
    if table is None or table.empty:
        return None
    rows = {str(r["confound"]): r for r in table.to_dict("records")}
    metric = metric_name(comparison.problem.metric)
    fused = bool(np.isfinite(table["fused"].to_numpy(np.float64)).any())
    told = str(table["classifier"].iloc[0])
    values = [Interval(name, r["value"], r["value_low"], r["value_high"]) for name, r in rows.items()]
    shown = f"What circumstances and ridges tell, {told}; the dashed line is guessing"
    reading, mark = "Dashed: guessing.", chance(comparison)
    said = words(comparison, rows)
    return {
        "words": said,
        # What the circumstances tell by themselves, and whether anything is left of the ridges without them.
        "short": " ".join(w for w in (said[0], _verdict(comparison, rows, mark)) if w),
        "figure": interval_display(
            "confounds", f"A print: {told}", values, metric, shown, reading, mark=mark, tall=True
        ),
        "metric": metric,
        "fused": fused,
        "rows": [_row(comparison, r, fused) for r in rows.values()],
    }


def words(comparison: Comparison, rows: dict[str, dict[Any, Any]]) -> list[str]:
    """Return what the figures mean, in sentences that claim no more than they show."""
    it = comparison.problem
    guess = chance(comparison)
    told = []
    kinds = [k for k in rows if k not in (ALL, "finger") and not k.startswith(RIDGES) and not k.endswith(" removed")]
    if ALL in rows:
        names = listed(kinds)
        told.append(
            f"{names[0].upper()}{names[1:]} together, without any column of the ridges, tell “{it.target}” with "
            f"{metric_name(it.metric)} {_value(it.kind, rows[ALL])} a print"
            + (f"; guessing gives {figure(guess, it.kind)}." if guess is not None else ".")
        )
    if RIDGES in rows and REST in rows:
        told.append(
            f"The ridges’ own columns tell it with {_value(it.kind, rows[RIDGES])}. With {listed(kinds)} regressed out "
            f"of them, as learned from the training {it.group}s alone, they tell it with {_value(it.kind, rows[REST])}."
        )
        told.append(_verdict(comparison, rows, guess))
    told.append(
        "What no column measures is not taken out: operator, device, place and day, moisture, or the order of capture. "
        f"And how large a finger is or how hard it is pressed may go with “{it.target}” by nature: this table cannot "
        "part the body’s share from the capture’s."
    )
    told.append(
        "For a court: these figures must not be given as a property of ridges alone, unless the "
        f"{it.group}s that differ in “{it.target}” were recorded alike, which only whoever recorded them can say."
    )
    return told


def _verdict(comparison: Comparison, rows: dict[str, dict[Any, Any]], guess: float | None) -> str:
    """Return what is left, and whether it is more than nothing."""
    it = comparison.problem
    if guess is None or RIDGES not in rows or REST not in rows:
        return ""
    whole, rest = rows[RIDGES], rows[REST]
    down = it.metric in LESS_IS_BETTER
    more = rest["value_high"] < guess if down else rest["value_low"] > guess
    if not more:
        return (
            "What is left cannot be told from guessing: these prints do not show that the ridges tell anything beyond "
            "the way they were taken."
        )
    range_ = whole["value"] - guess
    share = (whole["value"] - rest["value"]) / range_ if range_ else 0.0
    part = "hardly any" if share < 0.1 else f"about {round(100 * share, -1):.0f} %"
    return (
        "What is left is more than guessing, so the ridges carry something that these circumstances, as far as they "
        f"are measured here and to second order, do not explain; but {part} of what the ridges tell beyond guessing "
        "goes with the circumstances."
    )


def _value(kind: str, row: dict[Any, Any]) -> str:
    interval = between(row["value_low"], row["value_high"], kind)
    return figure(row["value"], kind) + (f" (95 % interval {interval})" if interval else "")


def _row(comparison: Comparison, row: dict[Any, Any], fused: bool) -> dict[str, Any]:
    kind = comparison.problem.kind
    names = ("value", "fused") if fused else ("value",)
    cells = [
        {"value": figure(row[n], kind), "interval": between(row[f"{n}_low"], row[f"{n}_high"], kind)} for n in names
    ]
    return {"name": row["confound"], "meaning": row["meaning"], "columns": f"{row['columns']:,}", "cells": cells}
