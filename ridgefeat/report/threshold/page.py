"""Decision thresholds as a page to look at: one HTML file that needs no network and runs no script.

write_threshold_page(analysis, "report.html", title="scores.csv")
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.report.page import percent, percent_interval, render_page, write_page
from ridgefeat.report.threshold.figures import threshold_displays
from ridgefeat.threshold import BARE, MIN_ERRORS, Analysis, Choice, Figure, Rate

MEANINGS = {
    "mean-distance": "midpoint of the mean mated and the mean non-mated score; ignores error rates",
    "bayes": "Bayesian optimisation: a Gaussian process with expected improvement, optimising for {objective}",
    "far-frr": "FAR = {s.ratio:g} FRR",
    "grid": "best of {s.grid_steps} evenly spaced thresholds, by {objective}",
    "exact": "best of all thresholds, by {objective}",
    "min-cost": "lowest expected cost: {prior} of transactions mated; cost of a false accept {s.cost_false_accept:g}, "
    "of a false reject {s.cost_false_reject:g}",
    "zero-fmr": "lowest threshold without a false match",
}
OBJECTIVES = {"hter": "lowest HTER", "accuracy": "highest accuracy", "cost": "lowest expected cost"}
FIGURES = {
    "EER": "equal error rate: where FMR and FNMR meet",
    "FMR100": "FNMR at the lowest threshold with an FMR of at most 1 %",
    "FMR1000": "FNMR at the lowest threshold with an FMR of at most 0.1 %",
    "ZeroFMR": "FNMR at the lowest threshold without a false match",
    "AUC": "probability that a mated score is better than a non-mated one",
    "d'": "distance of the means in units of the mean standard deviation",
    "Cllr": "cost of the log likelihood ratios in bits: 0 if perfect, 1 for no information, more if misleading",
    "min Cllr": "the same after the best monotone change of the ratios; the rest is lost by poor calibration",
}


def write_threshold_page(
    found: Analysis, path: str | Path, *, title: str = "Scores", about: Mapping[str, str] | None = None
) -> Path:
    """Write a page about decision thresholds.

    Parameters
    ----------
    found : Analysis
        What ridgefeat.threshold.analyse returned.
    path : str or Path
        The page to write; an existing one is replaced. The same analysis gives the same bytes.
    title : str
        The page's heading.
    about : mapping of str to str, optional
        Further facts on how it was made, such as the command.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    TableError
        If the page cannot be written.
    """
    rows = _rows(found)
    subjects = f" of {found.scores.n_subjects:,} subjects" if found.scores.n_subjects else ""
    people = "subjects" if found.scores.probe is not None else "comparisons, because the table names no subjects"
    judged = f"by {found.folds} folds over {people}; every comparison once"
    page = {
        "title": title,
        "sign": "≤" if found.scores.distance else "≥",
        "headline": _headline(found),
        "answer": _answer(found),
        "remarks": found.remarks,
        "rows": sorted(rows, key=lambda row: not row["recommended"]),
        "folds": found.folds,
        "counts": f"{found.curve.n_mated:,} mated and {found.curve.n_nonmated:,} non-mated comparisons{subjects}",
        "figures": [{"name": f.name, "meaning": FIGURES[f.name], **_figure(f)} for f in found.metrics],
        "plots": threshold_displays(found).values(),
        "rule": MIN_ERRORS,
        "about": {
            **(about or {}),
            "Judged": judged if found.folds > 1 else "on the scores that chose the thresholds",
            "Intervals": f"95 %, from the variance over {people}",
            "Objective": OBJECTIVES[found.settings.objective],
            "Seed": str(found.settings.seed),
        },
    }
    return write_page(Path(path), render_page("threshold/page.html", page))


def meaning(found: Analysis, method: str) -> str:
    """Return what a method does, with its settings."""
    if method.startswith("fmr="):
        return "lowest threshold with an FMR of at most the target"
    s = found.settings
    return MEANINGS[method].format(s=s, objective=OBJECTIVES[s.objective], prior=percent(s.prior))


def _headline(found: Analysis) -> list[dict[str, str]]:
    named = {f.name: f for f in found.metrics}
    eer, choice = named["EER"], found.recommended
    facts = [
        ("threshold", f"{choice.threshold:.6g}", _threshold_interval(choice) or choice.method),
        ("equal error rate", percent(eer.value), percent_interval(eer.low, eer.high)),
        ("mated scores", f"{found.curve.n_mated:,}", ""),
        ("non-mated scores", f"{found.curve.n_nonmated:,}", ""),
        *((n.replace("'", "′"), f"{named[n].value:.4g}", _bounds(named[n])) for n in ("AUC", "d'")),
    ]
    if found.scores.n_subjects:
        facts.insert(2, ("subjects", f"{found.scores.n_subjects:,}", ""))
    return [{"name": n, "value": v, "note": t} for n, v, t in facts]


def _answer(found: Analysis) -> str:
    """Return the recommended threshold and its rates in sentences."""
    choice, point = found.recommended, found.operating_points[found.choices.index(found.recommended)]
    purpose = f"For an FMR of at most {100 * choice.target:g} %" if choice.target else f"By {choice.method}"
    interval = _threshold_interval(choice)
    judged = "On subjects that chose no threshold" if found.folds > 1 else "On the same scores"
    return (
        f"{purpose}, accept scores of {'at most' if found.scores.distance else 'at least'} {choice.threshold:.6g}"
        f"{f' (95 %: {interval})' if interval else ''}. {judged}, FMR is {_describe_rate(point.fmr)} and FNMR "
        f"{_describe_rate(point.fnmr)}."
    )


def _threshold_interval(choice: Choice) -> str:
    low, high = choice.low, choice.high
    if np.isfinite([low, high]).all():
        return f"{low:.4g} to {high:.4g}"
    return f"{low:.4g} or more" if np.isfinite(low) else f"{high:.4g} or less" if np.isfinite(high) else ""


def _describe_rate(rate: Rate) -> str:
    inner = percent_interval(rate.low, rate.high)
    return f"{percent(rate.value)} ({rate.errors:,} of {rate.count:,}{'; 95 %: ' + inner if inner else ''})"


def _rows(found: Analysis) -> list[dict[str, Any]]:
    rows = []
    methods = zip(found.choices, found.operating_points, found.thresholds()["hter_own"], strict=True)
    for number, (choice, point, own) in enumerate(methods, 1):
        cells = []
        for name in ("fmr", "fnmr", "far", "frr", "hter", "accuracy"):
            r, counted = getattr(point, name), name not in ("hter", "accuracy")
            cell: dict[str, Any] = {"value": percent(r.value), "interval": percent_interval(r.low, r.high)}
            cell["few"] = counted and r.errors < MIN_ERRORS
            cell["count"] = f"{r.errors:,} of {r.count:,}" if counted else ""
            cells.append(cell)
        row = {
            "number": number,
            "name": choice.method,
            "recommended": choice is found.recommended,
            "meaning": meaning(found, choice.method),
            "threshold": f"{choice.threshold:.6g}",
            "interval": _threshold_interval(choice),
            "evaluations": f"{choice.evaluations:,}",
            "own": percent(float(own)),
            "cells": cells,
        }
        rows.append(row)
    return rows


def _figure(one: Figure) -> dict[str, str]:
    if one.name in BARE:
        return {"value": f"{one.value:.4f}", "interval": _bounds(one), "threshold": ""}
    if not np.isfinite(one.value):
        return {"value": "–", "interval": "too few non-mated comparisons", "threshold": ""}
    ends = percent_interval(one.low, one.high)
    return {"value": percent(one.value), "interval": ends, "threshold": f"at {one.threshold:.6g}"}


def _bounds(one: Figure) -> str:
    digits = 2 if one.name == "d'" else 4
    known = np.isfinite([one.low, one.high]).all()
    return f"{one.low:.{digits}f}–{one.high:.{digits}f}" if known else ""
