"""Decision thresholds as a page to look at: one HTML file that needs no network and runs no script.

write_threshold_page(analysis, "report.html", title="scores.csv")
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat._version import __version__
from ridgefeat.report.page import percent, percent_interval, render_page, write_page
from ridgefeat.report.threshold.figures import threshold_displays
from ridgefeat.threshold import MIN_ERRORS, Analysis, Figure, Part, Rate

MEANINGS = {
    "mean-distance": "midpoint of the mean mated and the mean non-mated score; ignores error rates",
    "bayes": "Bayesian optimisation: a Gaussian process with expected improvement, optimising for {objective}",
    "far-frr": "FAR = {ratio} FRR",
    "grid": "best of {steps} evenly spaced thresholds, by {objective}",
    "exact": "best of all thresholds, by {objective}",
    "min-cost": "lowest expected cost: {prior} of transactions mated; cost of a false accept {accept}, of a false "
    "reject {reject}",
    "zero-fmr": "lowest threshold without a false match on development",
}
OBJECTIVES = {"hter": "lowest HTER", "accuracy": "highest accuracy", "cost": "lowest expected cost"}
FIGURES = {
    "EER": "equal error rate: where FMR and FNMR meet",
    "FMR100": "FNMR at the lowest threshold with an FMR of at most 1 %",
    "FMR1000": "FNMR at the lowest threshold with an FMR of at most 0.1 %",
    "ZeroFMR": "FNMR at the lowest threshold without a false match",
    "AUC": "probability that a mated score is better than a non-mated one",
    "d'": "distance of the means in units of the mean standard deviation",
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
    parts = found.parts[::-1]
    page = {
        "title": title,
        "version": __version__,
        "sign": "≤" if found.parts[0].scores.distance else "≥",
        "headline": _headline(found),
        "answers": _answers(found),
        "remarks": found.remarks,
        "parts": [{"name": p.name, "rows": _rows(found, p), "counts": _describe_counts(p)} for p in parts],
        "figures": [
            {"name": f.name, "meaning": FIGURES[f.name], "cells": [_figure(_named(p, f.name)) for p in parts]}
            for f in parts[0].figures
        ],
        "names": [p.name for p in parts],
        "plots": threshold_displays(found).values(),
        "rule": MIN_ERRORS,
        "about": {**(about or {}), **_making(found)},
    }
    return write_page(Path(path), render_page("threshold/page.html", page))


def meaning(found: Analysis, method: str) -> str:
    """Return what a method does, with its settings."""
    if method.startswith("fmr="):
        return "lowest threshold with an FMR on development of at most the target"
    s = found.settings
    return MEANINGS[method].format(
        objective=OBJECTIVES[s.objective],
        ratio=f"{s.ratio:g}",
        steps=s.grid_steps,
        prior=percent(s.prior),
        accept=f"{s.cost_false_accept:g}",
        reject=f"{s.cost_false_reject:g}",
    )


def _headline(found: Analysis) -> list[dict[str, str]]:
    part = found.reported
    eer, area, d = (_named(part, n) for n in ("EER", "AUC", "d'"))
    facts = [
        ("equal error rate", percent(eer.value), percent_interval(eer.low, eer.high) or f"on {part.name}"),
        ("mated scores", f"{part.curve.n_mated:,}", f"on {part.name}"),
        ("non-mated scores", f"{part.curve.n_nonmated:,}", f"on {part.name}"),
        ("AUC", f"{area.value:.4f}", _bounds(area)),
        ("d′", f"{d.value:.2f}", _bounds(d)),
    ]
    if part.scores.n_subjects:
        facts.insert(1, ("subjects", f"{part.scores.n_subjects:,}", f"on {part.name}"))
    return [{"name": n, "value": v, "note": t} for n, v, t in facts]


def _answers(found: Analysis) -> list[str]:
    part = found.reported
    sign = "at most" if part.scores.distance else "at least"
    answers = []
    for choice, operation in zip(found.choices, part.operating_points, strict=True):
        if choice.target:
            answers.append(
                f"For an FMR of {100 * choice.target:g} %, accept scores of {sign} {choice.threshold:.6g}. On "
                f"{part.name}, FMR is then {_describe_rate(operation.fmr)} and FNMR {_describe_rate(operation.fnmr)}."
            )
    names = [c.method for c in found.choices]
    sought = [n for n in ("bayes", "grid", "mean-distance") if n in names]
    if "exact" in names and sought:
        dev = found.parts[0]
        losses = {
            n: float(found.settings.loss(dev.curve)[dev.curve.index(found.choices[names.index(n)].threshold)])
            for n in ["exact", *sought]
        }
        more = ", ".join(f"{n} {_loss(found, losses[n])}" for n in sought)
        what = {"hter": "HTER", "accuracy": "Fraction of errors", "cost": "Expected cost"}[found.settings.objective]
        answers.append(
            f"{what} on development: exact {_loss(found, losses['exact'])}; {more}. None can be lower than exact."
        )
    return answers


def _loss(found: Analysis, value: float) -> str:
    return f"{value:.4g}" if found.settings.objective == "cost" else percent(value)


def _describe_rate(rate: Rate) -> str:
    inner = percent_interval(rate.low, rate.high)
    return f"{percent(rate.value)} ({rate.errors:,} of {rate.count:,}{'; 95 %: ' + inner if inner else ''})"


def _rows(found: Analysis, part: Part) -> list[dict[str, Any]]:
    rows = []
    for number, (choice, operation) in enumerate(zip(found.choices, part.operating_points, strict=True), 1):
        rates = [getattr(operation, n) for n in ("fmr", "fnmr", "far", "frr", "hter", "accuracy")]
        rows.append(
            {
                "number": number,
                "name": choice.method,
                "meaning": meaning(found, choice.method),
                "threshold": f"{choice.threshold:.6g}",
                "evaluations": f"{choice.evaluations:,}",
                "cells": [
                    {
                        "value": percent(r.value),
                        "few": i < 4 and r.errors < MIN_ERRORS,
                        "interval": percent_interval(r.low, r.high),
                        "count": f"{r.errors:,} of {r.count:,}" if i < 4 else "",
                    }
                    for i, r in enumerate(rates)
                ],
            }
        )
    return rows


def _describe_counts(part: Part) -> str:
    subjects = f" of {part.scores.n_subjects:,} subjects" if part.scores.n_subjects else ""
    return f"{part.curve.n_mated:,} mated and {part.curve.n_nonmated:,} non-mated comparisons{subjects}"


def _named(part: Part, name: str) -> Figure:
    return next(f for f in part.figures if f.name == name)


def _figure(one: Figure) -> dict[str, str]:
    if one.name in ("AUC", "d'"):
        return {"value": f"{one.value:.4f}", "interval": _bounds(one), "threshold": ""}
    return {
        "value": percent(one.value),
        "interval": percent_interval(one.low, one.high),
        "threshold": f"at {one.threshold:.6g}",
    }


def _bounds(one: Figure) -> str:
    digits = 2 if one.name == "d'" else 4
    known = np.isfinite([one.low, one.high]).all()
    return f"{one.low:.{digits}f}–{one.high:.{digits}f}" if known else ""


def _making(found: Analysis) -> dict[str, str]:
    s, split = found.settings, found.split
    people = "subjects" if split.by_subject else "comparisons"
    if split.evaluation is None:
        dealt = "none: thresholds are selected and evaluated on the same scores"
    elif split.by_subject:
        first, last = (f"{part.scores.n_subjects:,}" for part in (found.parts[0], found.parts[-1]))
        dealt = f"{first} subjects for development, {last} for evaluation"
    else:
        dealt = "by comparison, because the table has no subjects"
    replicates = len(found.reported.replicates.fmr) - 1
    return {
        "Split": dealt,
        "Left out": f"{split.n_cross:,} comparisons between the two parts" if split.n_cross else "nothing",
        "Intervals": f"95 %, {replicates:,} bootstrap replicates over {people}" if replicates else "none",
        "Objective": OBJECTIVES[s.objective],
        "Seed": str(s.seed),
    }
