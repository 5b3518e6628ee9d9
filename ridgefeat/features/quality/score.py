"""One number for quality: how well a print will compare, as the sum of the points that its figures give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.features import zones
from ridgefeat.features.explanation import Column, Part
from ridgefeat.features.ridge import thickness_ratio_sd

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

MODEL = "score.json"
"""File that holds the fitted points, and names the prints they were fitted to."""
FIGURES = {
    "quality_minutiae_center": ("minutiae", "number of minutiae around their centre of mass"),
    "minutiae_count": ("minutiae", "number of minutiae"),
    "minutiae_quality_mean": ("", "mean quality of minutiae"),
    "ridge_area": ("cm²", "area of the print"),
    "ridge_thickness_ratio_sd": ("", "spread of ridge breadth / valley breadth: low where pressure is even"),
    "quality_coherence_mean": ("", "mean coherence of the orientation field"),
    "quality_ridge_contrast": ("grey levels", "contrast of ridges and valleys"),
    "quality_black_share": ("", "share of black pixels: low where ridges do not merge"),
}
"""Columns that may enter the score, with unit and meaning; the model holds those that do."""
FALLING = ("ridge_thickness_ratio_sd", "quality_black_share")
"""Figures of which less is better; of the others more is."""
SCORE = Column(
    "quality_score",
    "",
    0,
    100,
    "how well the print will compare: 0 nothing to compare, 100 as the best quarter of prints in every figure",
    "benchmarks/fit_quality.py; ISO/IEC 29794-1",
)


def measure(fp: Fingerprint, measured: Mapping[str, float]) -> dict[str, float]:
    """Return the value of each of FIGURES, given the quality family's columns by name; NaN where undefined."""
    minutiae = fp.minutiae
    others = {
        "minutiae_count": float(len(minutiae)),
        "minutiae_quality_mean": float(minutiae.quality.mean()) if len(minutiae) else np.nan,
        "ridge_area": zones.area(fp) / 100,
        "ridge_thickness_ratio_sd": thickness_ratio_sd(fp),
    }
    return {name: others[name] if name in others else float(measured[name]) for name in FIGURES}


def points(value: float, worst: float, best: float) -> float:
    """Return the share of a figure's points that a value gives, 0 to 1: rising from worst to best, 0 if unknown.

    Examples
    --------
    >>> [points(value, 10, 30) for value in (5, 20, 40, float("nan"))]
    [0.0, 0.5, 1.0, 0.0]
    >>> points(0.25, worst=0.5, best=0.0)
    0.5
    """
    share = (value - worst) / (best - worst)
    return float(min(max(share, 0.0), 1.0)) if share == share else 0.0


def score_parts(fp: Fingerprint, measured: Mapping[str, float]) -> tuple[Part, ...]:
    """Return the parts of a print's score, given the quality family's other columns by name.

    Each figure gives between none and all of its points, and never fewer when it improves. A figure that cannot be
    measured gives none, so an image without a print scores 0.

    Notes
    -----
    Fitted by benchmarks/fit_quality.py: the points are the weights, none negative, of an ordinal logistic regression of
    a finger's mated comparison scores (of this package's comparator) on the worse of the two prints. Judged by error
    against discard in benchmarks/quality_score.py.
    """
    values = measure(fp, measured)
    parts = []
    for name, (worst, best, most) in model()["figures"].items():
        unit, meaning = FIGURES[name]
        parts.append(Part(meaning, unit, values[name], most * points(values[name], worst, best), most))
    return tuple(parts)


@cache
def model() -> dict[str, Any]:
    """Return what was fitted: `figures`, the worst value, the best value and the points of each, and `data`."""
    held: dict[str, Any] = json.loads(files("ridgefeat.features.quality").joinpath(MODEL).read_text("utf-8"))
    return held
