"""What a page says in sentences: the headline's tiles, the summary, and what the section on confounds shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np

from ridgefeat.bench.confounds import ALL, RIDGES
from ridgefeat.bench.results import LESS_IS_BETTER, Comparison
from ridgefeat.files import count_of
from ridgefeat.report.bench.figures import interval_display
from ridgefeat.report.bench.tables import format_estimate, format_value, metric_name
from ridgefeat.report.page import join_names, render_page
from ridgefeat.report.plots import Interval


class BestValue(NamedTuple):
    """The best classifier's main metric for a unit (a print, a person), as text."""

    unit: str
    value: str
    interval: str

    @property
    def words(self) -> str:
        """The value per unit, with its interval."""
        return f"{self.value} per {self.unit}" + (f" (95 % interval {self.interval})" if self.interval else "")


def find_best_values(comparison: Comparison) -> list[BestValue]:
    """Return the best classifier's main metric per print, and per fused unit where prints were fused."""
    it = comparison.problem
    found = []
    for unit, summary in (("print", comparison.summary), (comparison.fuse or it.group, comparison.fused_summary)):
        rows = [] if summary is None else summary[summary["classifier"] == comparison.best].to_dict("records")
        found += [BestValue(unit, **format_estimate(row, it.metric, it.kind)) for row in rows]
    return found


def describe_sides(comparison: Comparison) -> str:
    """Return how many prints and people one fold was trained and tested on; empty where there are several."""
    it = comparison.problem
    if len(comparison.folds) != 1:
        return ""
    (fold,) = comparison.folds
    trained, tested = (
        f"{count_of(len(rows), 'print')} of {count_of(len(np.unique(it.groups[rows].astype(str))), it.group)}"
        for rows in (fold.train, fold.test)
    )
    left = len(it) - len(fold.train) - len(fold.test)
    out = f"; {count_of(left, 'print')} left out of training, because the test set has the same {it.group} or image"
    return f"Trained on {trained}, tested on {tested}{out if left else ''}."


def judge(comparison: Comparison, view: Mapping[str, Any]) -> dict[str, str]:
    """Return in one sentence what was found and whether it can be trusted, and its kind: good, doubtful or bad."""
    it, audit = comparison.problem, view["audit"]
    if comparison.best is None:
        return {"kind": "bad", "words": "There is no result: every classifier failed."}
    reasons = ["prints of one person are in both training and test"] if comparison.leaks else []
    reasons += [f"the leak audit found {count_of(audit['leaks'], 'leak')}"] if audit["leaks"] else []
    reasons += ["a negative control is above chance"] if not all(c["passed"] for c in view["controls"]) else []
    if reasons:
        return {"kind": "bad", "words": f"Do not trust these values: {join_names(reasons)}."}
    row = comparison.summary[comparison.summary["classifier"] == comparison.best].iloc[0].to_dict()
    shown = {"value": row[it.metric], "value_low": row[f"{it.metric}_low"], "value_high": row[f"{it.metric}_high"]}
    good = f"{metric_name(it.metric)} {view['best_values'][0].words}"
    if view["chance"] is not None and not _beats_chance(comparison, shown, view["chance"]):
        words = f"These prints do not show that “{it.target}” can be predicted: {good} does not exclude chance."
        return {"kind": "doubtful", "words": words}
    found = f"“{it.target}” is predicted for {it.group}s that the classifier has not seen: {good}."
    if not audit["run"]:
        return {"kind": "doubtful", "words": f"{found} But no leak audit ran."}
    if audit["warnings"]:
        doubt = f"Read the {count_of(audit['warnings'], 'warning')} of the leak audit first."
        return {"kind": "doubtful", "words": f"{found} {doubt}"}
    return {"kind": "good", "words": found}


REST = f"{RIDGES}, {ALL} removed"
MIN_PERCENT = 10
"""Percentage of an advantage below which the sentence says that hardly any of it is lost."""

Rows = dict[str, dict[Any, Any]]


def describe_confounds(comparison: Comparison, chance: float | None) -> dict[str, Any] | None:
    """Return the section's sentences, figure and rows; None where nothing was measured."""
    table = comparison.confounds
    if table is None or table.empty:
        return None
    rows = {str(r["confound"]): r for r in table.to_dict("records")}
    it, metric = comparison.problem, metric_name(comparison.problem.metric)
    classifier = str(table["classifier"].iloc[0])
    fused = bool(np.isfinite(table["fused"].to_numpy(np.float64)).any())
    verdict = _verdict(comparison, rows, chance)
    estimate, conditions = partial(format_estimate, kind=it.kind), rows.get(ALL)
    # Conditions that know nothing alone may gain what is subtracted with the ridges.
    is_spurious = conditions and chance is not None and not _beats_chance(comparison, conditions, chance)
    said = {
        "names": join_names(list(takewhile(lambda name: name != ALL, rows))),
        "conditions": conditions,
        "ridges": rows.get(RIDGES),
        "rest": rows.get(REST),
        "both": rows.get(f"{RIDGES} and {ALL}"),
        "turned": None if is_spurious else rows.get(f"{ALL}, {RIDGES} removed"),
        "verdict": verdict,
        "target": it.target,
        "group": it.group,
        "metric": metric,
        "chance": chance,
        "estimate": estimate,
        "value": partial(format_value, kind=it.kind),
    }
    sentences = render_page("bench/confounds.md", said).split("\n")
    columns = ("value", "fused") if fused else ("value",)
    values = [Interval(name, r["value"], r["value_low"], r["value_high"]) for name, r in rows.items()]
    alt = f"Metric of acquisition conditions and of ridges, {classifier}; the dashed line is chance level"
    drawn = f"Per print: {classifier}", values, metric, alt, "Dashed: chance level."
    return {
        "sentences": sentences,
        # What the conditions explain by themselves, and whether the ridges keep anything without them.
        "short": " ".join(w for w in (sentences[0], verdict) if w),
        "figure": interval_display("confounds", *drawn, mark=chance, tall=True),
        "metric": metric,
        "fused": fused,
        "rows": [r | {"cells": [estimate(r, c) for c in columns]} for r in rows.values()],
    }


def _verdict(comparison: Comparison, rows: Rows, chance: float | None) -> str:
    """Return whether the ridges keep more than nothing, and which fraction the conditions explain."""
    if chance is None or RIDGES not in rows or REST not in rows:
        return ""
    rest = rows[REST]
    after = "After these conditions are regressed out, the ridge columns"
    if not _beats_chance(comparison, rest, chance):
        return (
            f"{after} do not differ significantly from chance: these prints do not show that the ridges carry "
            "information beyond the acquisition conditions."
        )
    words = f"{after} are above chance: they carry information that the measured conditions do not explain."
    share, low, high = (100 * np.clip(rest[f"explained{end}"], 0, 1) for end in ("", "_low", "_high"))
    if not np.isfinite(share):
        return words
    part = "hardly any" if share < MIN_PERCENT else f"about {round(share, -1):.0f} %"
    bounds = f" (95 % interval {low:.0f} to {high:.0f} %)" if high > 0 else ""
    return f"{words} The conditions account for {part}{bounds} of the ridges’ advantage over chance, to second order."


def _beats_chance(comparison: Comparison, row: dict[Any, Any], chance: float) -> bool:
    if comparison.problem.metric in LESS_IS_BETTER:
        return bool(row["value_high"] < chance)
    return bool(row["value_low"] > chance)
