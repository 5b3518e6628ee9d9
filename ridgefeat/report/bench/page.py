"""A comparison of classifiers as a page: one HTML file that works offline; and as sentences for a methods section.

write_bench_page(comparison, "report.html")

All that the page shows is computed once, by `make_view`; the template and `bench_displays` read it. One small script
sorts tables; the page reads the same without it. Of the checklists METRICS (Kocak et al., Insights into Imaging 15:8,
2024) and CLEAR (Kocak et al., Insights into Imaging 14:75, 2023), written for features of medical images, the methods
section answers what a program can.
"""

from __future__ import annotations

from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.bench.results import Comparison
from ridgefeat.files import count_of
from ridgefeat.report.audit import describe_audit
from ridgefeat.report.bench import figures, summary, tables
from ridgefeat.report.bench.tables import metric_name
from ridgefeat.report.display import Display, by_name
from ridgefeat.report.page import embed_script, find_topic, render_page, write_page

CALIBRATED = "Probabilities were calibrated on prints of other folds."


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
        "best_values": summary.find_best_values(comparison),
        "leaks": comparison.leaks,
        "sides": summary.describe_sides(comparison),
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
        "confounds": summary.describe_confounds(comparison, chance),
        "learning": figures.make_learning_curve(comparison, chance),
        "training": figures.make_training_curves(comparison),
        "controls": tables.list_controls(comparison),
        "audit": describe_audit(comparison.audit),
        "folds": tables.list_folds(comparison),
        "selection": tables.describe_selection(comparison),
        "reproduction": tables.describe_reproduction(comparison),
    }
    view["verdict"] = summary.judge(comparison, view)
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
        "several": len(comparison.folds) > 1,
        "probabilities": CALIBRATED if comparison.calibrated and it.classes else "",
    }
    return write_page(path, "bench/methods.md", make_view(comparison) | own)


def bench_displays(comparison: Comparison) -> dict[str, Display]:
    """Return the page's figures by name, such as "roc", to be drawn on axes of one's own or saved as files."""
    view = make_view(comparison)
    levels = [level.display for level in view["levels"]]
    shown = [view["ranking"], *view["curves"], *view["matrices"], *levels, *view["importances"], *view["ablations"]]
    shown += [view["confounds"] and view["confounds"]["figure"], view["learning"], *view["training"]]
    return by_name(one for one in shown if one)
