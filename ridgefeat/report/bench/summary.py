"""What a page says first: the headline's tiles, and sentences on the best classifier and its credibility."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ridgefeat.bench.results import Comparison
from ridgefeat.report.bench.figures import LevelChart
from ridgefeat.report.bench.words import count_of, format_interval, format_value, join_names, metric_name

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


def find_best_values(comparison: Comparison) -> list[BestValue]:
    """Return the best classifier's main metric per print, and per fused unit where prints were fused."""
    it = comparison.problem
    found = []
    for unit, summary in (("print", comparison.summary), (comparison.fuse or it.group, comparison.fused_summary)):
        own = None if summary is None else summary[summary["classifier"] == comparison.best]
        if own is None or own.empty or own["status"].iloc[0] != "ok":
            continue
        row = own.iloc[0]
        interval = format_interval(row.get(f"{it.metric}_low"), row.get(f"{it.metric}_high"), it.kind)
        found.append(BestValue(unit, format_value(row[it.metric], it.kind), interval))
    return found


def make_headline(
    comparison: Comparison, best_values: Sequence[BestValue], chance: float | None, audit: dict[str, Any]
) -> list[dict[str, str]]:
    """Return the tiles below the title, each with a name, a value and a note."""
    it, best = comparison.problem, comparison.best
    metric = metric_name(it.metric)
    facts = [("best classifier", best or "none", "all failed" if best is None else f"ranked by {metric}")]
    facts += [
        (f"{metric} per {one.unit}", one.value, f"95 %: {one.interval}" if one.interval else "no interval")
        for one in best_values
    ]
    if chance is not None:
        facts.append(("chance level", format_value(chance, it.kind), f"{metric} of guessing"))
    shared = "none in both training and test" if not comparison.leaks else "some in both training and test"
    facts += [
        ("prints", f"{len(it):,}", f"{it.features.shape[1]:,} columns each"),
        (f"{it.group}s", f"{len(np.unique(it.groups)):,}", shared),
    ]
    if comparison.leaks:
        facts.append(("audit", "leaks", "caused by the split"))
    elif audit["run"]:
        facts.append(("audit", audit["short"], audit["note"]))
    return [{"name": n, "value": v, "note": t} for n, v, t in facts]


def make_answers(
    comparison: Comparison,
    best_values: Sequence[BestValue],
    chance: float | None,
    pairs: Sequence[dict[str, Any]],
    levels: Sequence[LevelChart],
    confounds: dict[str, Any] | None,
    controls: Sequence[dict[str, Any]],
    audit: dict[str, Any],
) -> list[str]:
    """Return in sentences which classifier is best, how good it is, whether it is ahead, and how credible that is."""
    it, best = comparison.problem, comparison.best
    if best is None:
        return ["Every classifier failed. See the reasons in the table."]
    answers = ["The split leaks: do not trust any value below."] if comparison.leaks else []
    answers += [_how_good(comparison, best_values, chance), *_compare_best(best, pairs)]
    failed = comparison.summary.loc[comparison.summary["status"] != "ok", "classifier"]
    if len(failed):
        answers.append(f"{count_of(len(failed), 'classifier')} failed: {join_names(list(map(str, failed)))}.")
    answers += [
        f"{metric_name(chart.metric)} by {chart.name}. {chart.sentence}"
        for chart in levels
        if "finger" in chart.name and chart.name != it.target
    ]
    if confounds:
        answers.append(confounds["short"])
    answers.append(_judge_controls(controls))
    decided = " The decisions taken are listed below the findings." if audit["leaks"] and it.notes else ""
    return [*answers, audit["sentence"] + decided]


def _how_good(comparison: Comparison, best_values: Sequence[BestValue], chance: float | None) -> str:
    it = comparison.problem
    parts = [
        f"{one.value} per {one.unit}" + (f" (95 % interval {one.interval})" if one.interval else "")
        for one in best_values
    ]
    guess = f"; chance level is {format_value(chance, it.kind)}" if chance is not None else ""
    return f"The best classifier is “{comparison.best}”: {metric_name(it.metric)} {' and '.join(parts)}{guess}."


def _compare_best(best: str, pairs: Sequence[dict[str, Any]]) -> list[str]:
    """Return whether the best is better than dummy, and from which others it does not differ."""
    answers = []
    for block in pairs:
        if block["reference"] == "dummy" and best != "dummy":
            own = [r for r in block["rows"] if r["classifier"] == best]
            if own:
                answers.append(DUMMY[own[0]["verdict"]])
        elif block["reference"] in ("best", best):
            answers += _compare_others([r for r in block["rows"] if r["classifier"] != "dummy"])
    return answers


def _compare_others(rows: Sequence[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    answers = []
    equal = [r["classifier"] for r in rows if r["verdict"] == "no difference"]
    behind = [r["classifier"] for r in rows if r["verdict"] == "possibly worse"]
    if equal:
        answers.append(f"It does not differ significantly from {join_names(equal)}.")
    if behind:
        answers.append(f"It is possibly better than {join_names(behind)}: test and interval disagree.")
    return answers or ["It is significantly better than every other classifier."]


def _judge_controls(controls: Sequence[dict[str, Any]]) -> str:
    if not controls:
        return "No negative control was run."
    failed = [f"{c['name']}, {c['metric']} {c['value']}" for c in controls if not c["passed"]]
    if failed:
        subject = "Negative controls are" if failed[1:] else "A negative control is"
        return (
            f"{subject} above chance ({'; '.join(failed)}). Something other than the target leaks into the features; "
            "investigate before you trust any value."
        )
    return f"The negative controls are at chance level, as they should be: {join_names([c['name'] for c in controls])}."
