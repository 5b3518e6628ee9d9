"""A comparison of classifiers as a page: one HTML file that works offline; and as sentences for a methods section.

write_bench_page(comparison, "report.html")

All that the page shows is computed once, by `make_view`; the template and `bench_displays` read it. One small script
sorts tables; the page reads the same without it. Of the checklists METRICS (Kocak et al., Insights into Imaging 15:8,
2024) and CLEAR (Kocak et al., Insights into Imaging 14:75, 2023), written for features of medical images, the methods
section answers what a program can.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import resources
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ridgefeat.bench.diagnostics import ALL, RIDGES
from ridgefeat.bench.results import LESS_IS_BETTER, Comparison
from ridgefeat.files import count_of
from ridgefeat.report.audit import describe_audit
from ridgefeat.report.bench import figures, tables
from ridgefeat.report.bench.figures import interval_display
from ridgefeat.report.bench.tables import format_estimate, format_value, metric_name
from ridgefeat.report.display import Display, by_name
from ridgefeat.report.page import embed_script, find_topic, join_names, render_page, write_page
from ridgefeat.report.plots import Interval

REST = f"{RIDGES}, {ALL} removed"
MIN_PERCENT = 10
"""Percentage of an advantage below which the sentence says that hardly any of it is lost."""
Rows = dict[str, dict[Any, Any]]


def make_view(comparison: Comparison) -> dict[str, Any]:
    """Compute all that is shown of a comparison, each part once, by the template's names; nothing is drawn yet.

    A part that the comparison does not have is None or empty.
    """
    it, fused = comparison.problem, comparison.fused_summary
    chance = figures.find_chance(comparison)
    measured = [t for t in (comparison.importances, comparison.ablation) if t is not None and not t.empty]
    measured_with = {str(name) for table in measured for name in table["classifier"]}
    view: dict[str, Any] = {
        "title": f"{count_of(len(comparison.summary), 'classifier')} compared on “{it.target}”",
        "metric": metric_name(it.metric),
        "fuse": comparison.fuse or it.group,
        "topic": find_topic(it.target),
        "best": comparison.best,
        "best_values": find_best_values(comparison),
        "leaks": comparison.leaks,
        "failed": int((comparison.summary["status"] != "ok").sum()),
        "chance": chance,
        "value": partial(tables.format_value, kind=it.kind),
        "estimate": partial(tables.format_estimate, kind=it.kind),
        "difference": partial(tables.format_difference, kind=it.kind),
        "metric_name": metric_name,
        "seconds": tables.format_seconds,
        "sort_key": tables.sort_key,
        "problem": tables.describe_problem(comparison),
        "classifiers": tables.list_classifiers(comparison, comparison.summary),
        "fused": None if fused is None or fused.empty else tables.list_classifiers(comparison, fused),
        "ranking": figures.make_ranking(comparison, chance),
        "pairs": tables.list_pairs(comparison),
        "curves": figures.make_curves(comparison),
        "matrices": figures.make_confusion_matrices(comparison),
        "classes": tables.list_classes(comparison),
        "levels": figures.make_level_charts(comparison),
        "importances": figures.make_importances(comparison),
        "ablations": figures.make_ablations(comparison),
        "measured_with": measured_with.pop() if len(measured_with) == 1 else None,
        "confounds": describe_confounds(comparison, chance),
        "learning": figures.make_learning_curve(comparison, chance),
        "training": figures.make_training_curves(comparison),
        "controls": tables.list_controls(comparison),
        "audit": describe_audit(comparison.audit),
        "folds": tables.list_folds(comparison),
        "selection": tables.describe_selection(comparison),
        "reproduction": tables.describe_reproduction(comparison),
    }
    view["verdict"] = judge(comparison, view)
    view["answers"] = render_page("bench/answers.md", view).strip().split("\n")
    return view


def write_bench_page(comparison: Comparison, path: str | Path) -> Path:
    """Write a page about a comparison.

    Parameters
    ----------
    comparison : Comparison
        What was found. A table that it does not have is left out of the page.
    path : str or Path
        The page to write; an existing one is replaced. The same comparison gives the same bytes.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    TableError
        If the page cannot be written.
    """
    script = resources.files("ridgefeat.report.bench").joinpath("script.html").read_text(encoding="utf-8")
    return write_page(path, "bench/page.html", make_view(comparison) | embed_script(script))


def write_methods(comparison: Comparison, path: str | Path) -> Path:
    """Write what was done and found as Markdown, to be edited for a paper.

    Parameters
    ----------
    comparison : Comparison
    path : str or Path
        The file to write; an existing one is replaced.

    Returns
    -------
    Path

    Raises
    ------
    TableError
        If it cannot be written.
    """
    it, asked = comparison.problem, {"select": "", "harmonise": None, "within": (), "tune": False}
    own = {
        "comparison": comparison,
        "missing": float(np.isnan(it.features.to_numpy()).mean()),
        "fewest": min(len(set(it.groups[f.train])) for f in comparison.folds),
        "options": asked | {"imbalance": "none", "samples": "?"} | dict(comparison.reproduction.options),
    }
    return write_page(path, "bench/methods.md", make_view(comparison) | own)


def bench_displays(comparison: Comparison) -> dict[str, Display]:
    """Return the page's figures by name, such as "roc", to be drawn on axes of one's own or saved as files."""
    view = make_view(comparison)
    levels = [level.display for level in view["levels"]]
    shown = [view["ranking"], *view["curves"], *view["matrices"], *levels, *view["importances"], *view["ablations"]]
    shown += [view["confounds"] and view["confounds"]["figure"], view["learning"], *view["training"]]
    return by_name(one for one in shown if one)


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
    conditions = rows.get(ALL)
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
        "estimate": partial(format_estimate, kind=it.kind),
        "value": partial(format_value, kind=it.kind),
    }
    sentences = render_page("bench/confounds.md", said).split("\n")
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
        "rows": list(rows.values()),
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
