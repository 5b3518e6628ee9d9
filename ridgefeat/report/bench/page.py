"""A comparison of classifiers as a page to look at: one HTML file that needs no network.

write_bench_page(comparison, "report.html")

One small script sorts tables; the page reads the same without it.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from ridgefeat._version import __version__
from ridgefeat.bench.results import Comparison
from ridgefeat.report.bench import figures as bench_figures
from ridgefeat.report.bench import figures as bench_training
from ridgefeat.report.bench import tables as bench_tables
from ridgefeat.report.bench.tables import audit_words, confounds
from ridgefeat.report.bench.words import between, figure, listed, metric_name, plural, sensitive_topic
from ridgefeat.report.display import Display, by_name
from ridgefeat.report.page import render_page, write_page


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
    script = resources.files("ridgefeat.report").joinpath("bench_script.html").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = {"script": Markup(script), "script_digest": digest, "version": __version__, **_page(comparison)}
    return write_page(Path(path), render_page("bench_page.html", page))


def bench_displays(comparison: Comparison) -> dict[str, Display]:
    """Return the page's figures by name, such as "roc", to be drawn on axes of one's own or saved as files."""
    taken = confounds(comparison)
    displays = [
        bench_figures.ranking(comparison),
        *bench_figures.curves(comparison),
        *bench_figures.matrices(comparison),
        *(one["chart"] for one in bench_figures.levels(comparison)),
        *bench_figures.importances(comparison),
        *bench_figures.ablation(comparison),
        taken and taken["figure"],
        bench_training.learning(comparison),
        *bench_training.epochs(comparison),
    ]
    return by_name(one for one in displays if one)


def _page(comparison: Comparison) -> dict[str, Any]:
    it = comparison.problem
    failed = int((comparison.summary["status"] != "ok").sum())
    fused = comparison.fused_summary
    levels, taken = bench_figures.levels(comparison), confounds(comparison)
    page = {
        "title": f"{plural(len(comparison.summary), 'classifier')} compared on “{it.target}”",
        "leaks": comparison.leaks,
        "best": comparison.best,
        "metric": metric_name(it.metric),
        "failed": failed,
        "headline": _headline(comparison),
        "answers": _answers(comparison, levels, taken),
        "problem": bench_tables.problem(comparison),
        "ranking": bench_figures.ranking(comparison),
        "table": bench_tables.classifiers(comparison, comparison.summary),
        "fuse": comparison.fuse or it.group,
        "fused": None if fused is None or fused.empty else bench_tables.classifiers(comparison, fused),
        "pairs": bench_tables.pairs(comparison),
        "curves": bench_figures.curves(comparison),
        "matrices": bench_figures.matrices(comparison),
        "classes": bench_tables.classes(comparison),
        "levels": [one["chart"] for one in levels],
        "carried": [*bench_figures.importances(comparison), *bench_figures.ablation(comparison)],
        "carrier": _carrier(comparison),
        "taken": taken,
        "learning": bench_training.learning(comparison),
        "epochs": bench_training.epochs(comparison),
        "controls": bench_tables.controls(comparison),
        "audit": audit_words(comparison.audit),
        "folds": bench_tables.folds(comparison),
        "making": bench_tables.making(comparison),
        "topic": sensitive_topic(it.target),
    }
    return page | {"sections": _sections(page)}


def _carrier(comparison: Comparison) -> str | None:
    """Return the one classifier that importances and families were measured with."""
    tables = [t for t in (comparison.importances, comparison.ablation) if t is not None and not t.empty]
    names = {str(n) for t in tables for n in t["classifier"]}
    return names.pop() if len(names) == 1 else None


def _sections(page: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the anchors and names of the sections that the page has."""
    known = (
        ("classifiers", "Classifiers", True),
        ("fused", f"By {page['fuse']}", page["fused"]),
        ("pairs", "Side by side", page["pairs"]),
        ("curves", "Curves", page["curves"]),
        ("errors", "Confusion", page["matrices"] or page["classes"]),
        ("levels", "By label", page["levels"]),
        ("importances", "What carries it", page["carried"]),
        ("taken", "Ridges or circumstances", page["taken"]),
        ("learning", "Learning curve", page["learning"]),
        ("epochs", "Training", page["epochs"]),
        ("controls", "Controls", True),
        ("audit", "Audit", True),
        ("data", "Data and folds", True),
        ("making", "Make it again", True),
        ("limits", "Limits", True),
    )
    return [(anchor, name) for anchor, name, there in known if there]


def _headline(comparison: Comparison) -> list[dict[str, str]]:
    it, best = comparison.problem, comparison.best
    metric = metric_name(it.metric)
    facts = [("best classifier", best or "none", "all failed" if best is None else f"ranked by {metric}")]
    for words, summary in (("a print", comparison.summary), ("", comparison.fused_summary)):
        value = None if best is None or summary is None else _value(comparison, summary, best)
        if value:
            what = words or f"a {comparison.fuse or it.group}"
            facts.append((f"{metric}, {what}", value[0], f"95 %: {value[1]}" if value[1] else "no interval"))
    level = bench_figures.chance(comparison)
    if level is not None:
        facts.append(("guessing", figure(level, it.kind), f"{metric} without looking"))
    kept = "never" if not comparison.leaks else "some"
    facts += [
        ("prints", f"{len(it):,}", f"{it.features.shape[1]:,} columns each"),
        (f"{it.group}s", f"{len(np.unique(it.groups)):,}", f"{kept} on both sides of a split"),
    ]
    found = audit_words(comparison.audit)
    if comparison.leaks:
        facts.append(("audit", "leaks", "by the split itself"))
    elif found["run"]:
        facts.append(("audit", found["short"], found["note"]))
    return [{"name": n, "value": v, "note": t} for n, v, t in facts]


def _value(comparison: Comparison, summary: Any, name: str) -> tuple[str, str] | None:
    """Return a classifier's main figure and its interval as text."""
    it = comparison.problem
    own = summary[(summary["classifier"] == name) & (summary["status"] == "ok")]
    if own.empty:
        return None
    row = own.iloc[0]
    low, high = row.get(f"{it.metric}_low"), row.get(f"{it.metric}_high")
    return figure(row[it.metric], it.kind), between(low, high, it.kind)


def _answers(comparison: Comparison, levels: list[dict[str, Any]], taken: dict[str, Any] | None) -> list[str]:
    """Return in sentences which is best, how good, whether it is ahead, and whether to believe it."""
    best = comparison.best
    if best is None:
        return ["Every classifier failed. The table says why."]
    told = [_how_good(comparison, best), *_ahead(comparison, best)]
    if comparison.leaks:
        told.insert(0, "The split leaks: believe none of the figures below.")
    failed = comparison.summary.loc[comparison.summary["status"] != "ok", "classifier"]
    if len(failed):
        told.append(f"{plural(len(failed), 'classifier')} failed: {listed(list(map(str, failed)))}.")
    for chart in levels:
        if "finger" in chart["name"] and chart["name"] != comparison.problem.target:
            told.append(f"By {chart['name']}, {metric_name(chart['metric'])}. {chart['told']}")
    if taken:
        told.append(taken["short"])
    controls = bench_tables.controls(comparison)
    if controls:
        amiss = [c["name"] for c in controls if not c["passed"]]
        told.append(
            f"Negative controls that know something: {listed(amiss)}. Find out why before you believe any figure."
            if amiss
            else f"Negative controls know nothing, as they should: {listed([c['name'] for c in controls])}."
        )
    else:
        told.append("No negative control was run.")
    found = audit_words(comparison.audit)
    decided = " What was decided stands below the findings." if found["leaks"] and comparison.problem.notes else ""
    told.append(found["sentence"] + decided)
    return told


def _how_good(comparison: Comparison, best: str) -> str:
    it = comparison.problem
    parts = []
    for what, summary in (
        ("a print", comparison.summary),
        (f"a {comparison.fuse or it.group}", comparison.fused_summary),
    ):
        value = None if summary is None else _value(comparison, summary, best)
        if value:
            parts.append(f"{value[0]} {what}" + (f" (95 % interval {value[1]})" if value[1] else ""))
    level = bench_figures.chance(comparison)
    guess = f"; guessing gives {figure(level, it.kind)}" if level is not None else ""
    return f"Best is “{best}”. Its {metric_name(it.metric)}: {' and '.join(parts)}{guess}."


def _ahead(comparison: Comparison, best: str) -> list[str]:
    """Return whether the best is better than dummy, and which others it cannot be told from."""
    told = []
    for block in bench_tables.pairs(comparison):
        if block["reference"] == "dummy" and best != "dummy":
            own = [r for r in block["rows"] if r["classifier"] == best]
            if own:
                told.append(f"Beside dummy, which does not look at the print, it is {own[0]['verdict']}.")
        elif block["reference"] in ("best", best):
            told += _beside_best([r for r in block["rows"] if r["classifier"] != "dummy"])
    return told


def _beside_best(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    told = []
    equal = [r["classifier"] for r in rows if r["verdict"] == "not told apart"]
    behind = [r["classifier"] for r in rows if r["verdict"] == "perhaps worse"]
    if equal:
        told.append(f"These prints do not tell it apart from {listed(equal)}.")
    if behind:
        told.append(f"It is perhaps ahead of {listed(behind)}: test and interval do not agree.")
    return told or ["It is ahead of every other classifier."]
