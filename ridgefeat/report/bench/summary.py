"""What a page says in sentences: the headline's tiles, the summary, and what the section on confounds shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np

from ridgefeat.bench.confounds import ALL, RIDGES
from ridgefeat.bench.results import LESS_IS_BETTER, Comparison
from ridgefeat.files import count_of
from ridgefeat.report.bench.figures import interval_display
from ridgefeat.report.bench.tables import format_estimate, format_value, metric_name
from ridgefeat.report.page import join_names
from ridgefeat.report.plots import Interval

DUMMY = {
    "better": "It beats the dummy baseline, which ignores the print.",
    "possibly better": "It is better than the dummy baseline, which ignores the print, but not significantly.",
    "no difference": "It does not differ significantly from the dummy baseline, which ignores the print.",
    "possibly worse": "It is worse than the dummy baseline, which ignores the print, but not significantly.",
    "worse": "It is worse than the dummy baseline, which ignores the print.",
    "unknown": "It cannot be compared with the dummy baseline.",
}
"""Sentences on the best classifier by its verdict against the dummy baseline."""


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


def make_answers(comparison: Comparison, view: Mapping[str, Any]) -> list[str]:
    """Return in sentences which classifier is best, how good it is, whether it is ahead, and how credible that is."""
    it, best = comparison.problem, comparison.best
    if best is None:
        return ["Every classifier failed. See the reasons in the table."]
    answers = ["The split leaks: do not trust any value below."] if comparison.leaks else []
    good, guess = " and ".join(one.words for one in view["best_values"]), _describe_chance(view["chance"], it.kind)
    answers.append(f"The best classifier is “{best}”: {metric_name(it.metric)} {good}{guess}.")
    answers += _compare_best(best, view["pairs"])
    failed = comparison.summary.loc[comparison.summary["status"] != "ok", "classifier"]
    if len(failed):
        answers.append(f"{count_of(len(failed), 'classifier')} failed: {join_names(list(map(str, failed)))}.")
    answers += [
        f"{metric_name(chart.metric)} by {chart.name}. {chart.sentence}"
        for chart in view["levels"]
        if "finger" in chart.name and chart.name != it.target
    ]
    if view["confounds"]:
        answers.append(view["confounds"]["short"])
    answers.append(_judge_controls(view["controls"], it.kind))
    audit = view["audit"]
    decided = " The decisions taken are listed below the findings."
    return [*answers, audit["sentence"] + decided * bool(it.notes and (audit["leaks"] or audit["resolved"]))]


def _describe_chance(chance: float | None, kind: str) -> str:
    return "" if chance is None else f"; chance level is {format_value(chance, kind)}"


def _compare_best(best: str, pairs: Sequence[dict[str, Any]]) -> list[str]:
    """Return whether the best is better than dummy, and from which others it does not differ."""
    answers = []
    for block in pairs:
        if block["reference"] == "dummy" and best != "dummy":
            answers += [DUMMY[r["verdict"]] for r in block["rows"] if r["classifier"] == best]
            continue
        others = [r for r in block["rows"] if r["classifier"] != "dummy"]
        verdicts = ("no difference", "possibly worse")
        equal, behind = ([r["classifier"] for r in others if r["verdict"] == v] for v in verdicts)
        if equal:
            answers.append(f"It does not differ significantly from {join_names(equal)}.")
        if behind:
            answers.append(f"It is possibly better than {join_names(behind)}: test and interval disagree.")
        if others and not equal + behind:
            answers.append("It is significantly better than every other classifier.")
    return answers


def _judge_controls(controls: Sequence[dict[str, Any]], kind: str) -> str:
    if not controls:
        return "No negative control was run."
    failed = [f"{c['control']}, {c['metric']} {format_value(c['value'], kind)}" for c in controls if not c["passed"]]
    if failed:
        subject = "Negative controls are" if failed[1:] else "A negative control is"
        return (
            f"{subject} above chance ({'; '.join(failed)}). Something other than the target leaks into the features; "
            "investigate before you trust any value."
        )
    names = join_names([c["control"] for c in controls])
    return f"The negative controls are at chance level, as they should be: {names}."


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
    kind, metric = comparison.problem.kind, metric_name(comparison.problem.metric)
    classifier = str(table["classifier"].iloc[0])
    fused = bool(np.isfinite(table["fused"].to_numpy(np.float64)).any())
    verdict = _verdict(comparison, rows, chance)
    sentences = _explain_confounds(comparison, rows, chance, verdict)
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
        "rows": [r | {"cells": [format_estimate(r, c, kind) for c in columns]} for r in rows.values()],
    }


def _explain_confounds(comparison: Comparison, rows: Rows, chance: float | None, verdict: str) -> list[str]:
    """Return what the values mean, in sentences that claim no more than they show."""
    it = comparison.problem
    sentences = []
    names = join_names(list(takewhile(lambda name: name != ALL, rows)))
    if ALL in rows:
        sentences.append(
            f"{names[0].upper()}{names[1:]} alone, without any ridge column, predict “{it.target}” with "
            f"{metric_name(it.metric)} {_value(it.kind, rows[ALL])} per print{_describe_chance(chance, it.kind)}."
        )
    if RIDGES in rows and REST in rows:
        both, turned = (rows.get(name) for name in (f"{RIDGES} and {ALL}", f"{ALL}, {RIDGES} removed"))
        if chance is not None and not _beats_chance(comparison, rows[ALL], chance):
            # Conditions that know nothing alone may gain what is subtracted with the ridges.
            turned = None
        sentences.append(
            f"The ridge columns reach {_value(it.kind, rows[RIDGES])}"
            + (f", both together {_value(it.kind, both)}" if both else "")
            + f". After {names} are regressed out of the ridge columns (fitted on training {it.group}s only), they "
            f"reach {_value(it.kind, rows[REST])}"
            + (f"; the conditions with the ridges regressed out reach {_value(it.kind, turned)}." if turned else ".")
        )
        sentences.append(verdict)
    return [
        *sentences,
        "Conditions that no column measures are not removed: operator, device, place, day, moisture and order of "
        f"capture. Finger size and pressure may also be related to “{it.target}” itself; this analysis cannot separate "
        "the two effects.",
        "Do not report these values as a property of the ridges alone unless "
        f"{it.group}s that differ in “{it.target}” were recorded under the same conditions.",
    ]


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


def _value(kind: str, row: dict[Any, Any]) -> str:
    words = format_estimate(row, "value", kind)
    return words["value"] + (f" (95 % interval {words['interval']})" if words["interval"] else "")
