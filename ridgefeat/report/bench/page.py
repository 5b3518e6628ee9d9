"""A comparison of classifiers as a page: one HTML file that works offline.

write_bench_page(comparison, "report.html")

All that the page shows is computed once, as a `BenchView`; the template and `bench_displays` read it. One small script
sorts tables; the page reads the same without it.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ridgefeat._version import __version__
from ridgefeat.bench.results import Comparison
from ridgefeat.report.bench import figures, summary, tables
from ridgefeat.report.bench.confounds import describe_confounds
from ridgefeat.report.bench.words import count_of, find_topic, metric_name
from ridgefeat.report.display import Display, by_name
from ridgefeat.report.page import render_page, write_page


@dataclass(frozen=True, eq=False)
class BenchView:
    """All that is shown of a comparison; the template reads the attributes by these names.

    Attributes
    ----------
    title, metric, fuse, topic : str
        The heading; the main metric's name; what prints are fused by; the sensitive topic that the target is, if any.
    best, measured_with : str or None
        The best classifier; the one that importances and ablations were measured with.
    leaks : bool
    failed : int
        Number of classifiers that failed.
    chance : float or None
        The main metric of guessing.
    problem, classifiers, audit, reproduction : dict
    fused, confounds : dict or None
    pairs, classes, controls, folds : list of dict
        Rows of text; empty where the comparison has no such table.
    ranking, learning : Display or None
    curves, matrices, importances, ablations, training : list of Display
    levels : list of LevelChart
    headline : list of dict
        The tiles below the title.
    answers : list of str
        The summary, in sentences.
    """

    title: str
    metric: str
    fuse: str
    topic: str
    best: str | None
    leaks: bool
    failed: int
    chance: float | None
    problem: dict[str, Any]
    classifiers: dict[str, Any]
    fused: dict[str, Any] | None
    ranking: Display | None
    pairs: list[dict[str, Any]]
    curves: list[Display]
    matrices: list[Display]
    classes: list[dict[str, Any]]
    levels: list[figures.LevelChart]
    importances: list[Display]
    ablations: list[Display]
    measured_with: str | None
    confounds: dict[str, Any] | None
    learning: Display | None
    training: list[Display]
    controls: list[dict[str, Any]]
    audit: dict[str, Any]
    folds: list[dict[str, Any]]
    reproduction: dict[str, Any]
    headline: list[dict[str, str]]
    answers: list[str]

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Anchors and titles of the sections that the page has."""
        known = (
            ("classifiers", "Classifiers", True),
            ("fused", f"By {self.fuse}", self.fused),
            ("pairs", "Pairwise comparison", self.pairs),
            ("curves", "Curves", self.curves),
            ("errors", "Confusion matrices", self.matrices or self.classes),
            ("levels", "Subgroups", self.levels),
            ("importances", "What drives the result", self.importances or self.ablations),
            ("confounds", "Ridges or acquisition conditions?", self.confounds),
            ("learning", "Learning curve", self.learning),
            ("training", "Training", self.training),
            ("controls", "Negative controls", True),
            ("audit", "Leak audit", True),
            ("data", "Data and folds", True),
            ("reproduce", "Reproduce", True),
            ("limits", "Limits", True),
        )
        return [(anchor, title) for anchor, title, present in known if present]

    @property
    def displays(self) -> dict[str, Display]:
        """The figures by name, in the page's order."""
        shown = [
            self.ranking,
            *self.curves,
            *self.matrices,
            *(level.display for level in self.levels),
            *self.importances,
            *self.ablations,
            self.confounds and self.confounds["figure"],
            self.learning,
            *self.training,
        ]
        return by_name(one for one in shown if one)


def make_view(comparison: Comparison) -> BenchView:
    """Compute all that is shown of a comparison, each part once; nothing is drawn yet."""
    it, fused = comparison.problem, comparison.fused_summary
    chance = figures.find_chance(comparison)
    best_values = summary.find_best_values(comparison)
    pairs = tables.list_pairs(comparison)
    levels = figures.make_level_charts(comparison)
    confounds = describe_confounds(comparison, chance)
    controls = tables.list_controls(comparison)
    audit = tables.describe_audit(comparison.audit)
    return BenchView(
        title=f"{count_of(len(comparison.summary), 'classifier')} compared on “{it.target}”",
        metric=metric_name(it.metric),
        fuse=comparison.fuse or it.group,
        topic=find_topic(it.target),
        best=comparison.best,
        leaks=comparison.leaks,
        failed=int((comparison.summary["status"] != "ok").sum()),
        chance=chance,
        problem=tables.describe_problem(comparison),
        classifiers=tables.list_classifiers(comparison, comparison.summary),
        fused=None if fused is None or fused.empty else tables.list_classifiers(comparison, fused),
        ranking=figures.make_ranking(comparison, chance),
        pairs=pairs,
        curves=figures.make_curves(comparison),
        matrices=figures.make_confusion_matrices(comparison),
        classes=tables.list_classes(comparison),
        levels=levels,
        importances=figures.make_importances(comparison),
        ablations=figures.make_ablations(comparison),
        measured_with=_find_measuring_classifier(comparison),
        confounds=confounds,
        learning=figures.make_learning_curve(comparison, chance),
        training=figures.make_training_curves(comparison),
        controls=controls,
        audit=audit,
        folds=tables.list_folds(comparison),
        reproduction=tables.describe_reproduction(comparison),
        headline=summary.make_headline(comparison, best_values, chance, audit),
        answers=summary.make_answers(comparison, best_values, chance, pairs, levels, confounds, controls, audit),
    )


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
    view = make_view(comparison)
    script = resources.files("ridgefeat.report.bench").joinpath("script.html").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = {"script": Markup(script), "script_digest": digest, "version": __version__, "sections": view.sections}
    return write_page(Path(path), render_page("bench/page.html", page | vars(view)))


def bench_displays(comparison: Comparison) -> dict[str, Display]:
    """Return the page's figures by name, such as "roc", to be drawn on axes of one's own or saved as files."""
    return make_view(comparison).displays


def _find_measuring_classifier(comparison: Comparison) -> str | None:
    """Return the one classifier that importances and ablations were measured with."""
    tables = [t for t in (comparison.importances, comparison.ablation) if t is not None and not t.empty]
    names = {str(n) for t in tables for n in t["classifier"]}
    return names.pop() if len(names) == 1 else None
