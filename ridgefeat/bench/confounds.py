"""Ridges or acquisition conditions: how much each predicts alone, and the ridges with the conditions regressed out.

With a linear classifier throughout: what a regression leaves is linearly independent of the acquisition columns, but
another classifier may find a nonlinear dependence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline

from ridgefeat.bench import metrics, statistics
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.diagnostics import Refitter
from ridgefeat.bench.estimators import Residualizer
from ridgefeat.bench.inputs import level_names
from ridgefeat.bench.metrics import Predictions, Weights
from ridgefeat.bench.options import Options
from ridgefeat.bench.pooling import PooledPredictions, fuse_predictions
from ridgefeat.bench.print_pairs import PRODUCT
from ridgefeat.bench.tables import FINGER
from ridgefeat.threshold.intervals import number_interval

ACQUISITION_COLUMNS: dict[str, tuple[str, ...]] = {
    "pressure": ("ridge_thickness_ratio", "quality_dark_share"),
    "contrast": ("quality_sigma", "quality_roi_mean")
    + ("quality_grey_mean", "quality_grey_std", "quality_grey_p10", "quality_grey_p90"),
    "size": ("ridge_area", "ridge_width", "ridge_height", "quality_area_share"),
    "position": ("quality_area_cut", "orient_core_x"),
}
"""By what they measure: how hard and how wet the finger was pressed on, how dark the image is, how much of the finger
is on it, and which part of it.

Each passed a test on simulated prints: it does not follow the ridge period of fingers that are acquired under the same
conditions, and the conditions explain most of its variance within a finger (benchmarks/acquisition_columns.py).
"""
MIXED_COLUMNS = ("ridge_thickness_ratio_sd", "ridge_white_share", "orient_core_y")
"""Columns that follow the conditions and the ridges: counted as neither."""
IMAGE_FAMILIES = ("quality",)
"""Families that describe the image; none of their columns is one of the ridges'."""
ALL = "acquisition"
"""The name of all acquisition columns together."""
RIDGES = "ridges"


@dataclass(frozen=True, eq=False)
class Confound:
    """Columns whose share in the result is measured, float32, and those that are regressed out of them."""

    name: str
    meaning: str
    columns: NDArray[Any]
    removed: NDArray[Any] | None = None
    of: str = ""
    """The confound that these are the columns of, before others were regressed out."""


def probe_confounds(refitter: Refitter) -> pd.DataFrame | None:
    """Return how well acquisition columns and ridges predict by themselves; see Comparison.confounds."""
    method = find("ridge" if refitter.problem.kind == "regression" else "logistic")
    rows, found = [], {}
    metric, weights, fuse = refitter.problem.metric, refitter.weights, refitter.options.fuse
    for confound in list_confounds(refitter):
        pooled = _predict(replace(refitter, method=method), confound)
        if pooled is None:
            continue
        own: Predictions = pooled.predictions
        found[confound.name] = own
        row: dict[str, Any] = {"classifier": method.name, "confound": confound.name, "meaning": confound.meaning}
        row["columns"] = confound.columns.shape[1]
        row |= statistics.with_ends("value", statistics.with_intervals(own, weights, [metric]).values())
        fused: Iterable[float] = (np.nan,) * 3
        if fuse is not None:
            mean = fuse_predictions(refitter.problem, {"": pooled}, fuse)[1][""].predictions
            fused = statistics.with_intervals(mean, weights, [metric]).values()
        row |= statistics.with_ends("fused", fused)
        explained = (np.nan,) * 3
        if confound.of in found:
            explained = explained_share(found[confound.of], own, weights, metric)
        rows.append(row | statistics.with_ends("explained", explained))
    return pd.DataFrame(rows) if rows else None


def explained_share(whole: Predictions, rest: Predictions, weights: Weights, metric: str) -> tuple[float, float, float]:
    """Return which share of a result above chance is lost from `whole` to `rest`, with its 95 % interval.

    Of numbers it is the share of R². NaN where `whole` is not above chance itself.
    """
    name = "r2" if whole.kind == "regression" else metric
    chance = {"r2": 0.0, "roc_auc": 0.5}.get(name, 1 / max(2, whole.score.shape[1]))
    if not statistics.with_intervals(whole, weights, (name,))[f"{name}_low"] > chance:
        return (np.nan,) * 3
    once = [float(metrics.figures(p, None, (name,))[name][0]) for p in (whole, rest)]
    first, second = (metrics.figures(p, weights, (name,))[name] for p in (whole, rest))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(first > chance, (first - second) / (first - chance), np.nan)
    value, groups = (once[0] - once[1]) / (once[0] - chance), len(np.unique(whole.group))
    spread = statistics.widening(whole) ** 2 * statistics.variance(shares, groups)
    return value, *number_interval(value, spread, groups)


def list_confounds(refitter: Refitter) -> list[Confound]:
    """Return each kind of acquisition column, all, the finger, the ridges, both, and each with the other removed."""
    problem = refitter.problem
    kinds = acquisition_columns(problem.features.columns)
    if not kinds:
        return []
    values = problem.features.to_numpy(np.float32)
    at = {name: i for i, name in enumerate(problem.features.columns)}

    def take(names: Sequence[str]) -> NDArray[Any]:
        return values[:, [at[n] for n in names]]

    taken = [n for names in kinds.values() for n in names]
    by_kind = {kind: take(names) for kind, names in kinds.items()}
    everything = take(taken)
    found = [Confound(kind, f"{kind} alone", columns) for kind, columns in by_kind.items()]
    found.append(Confound(ALL, f"{', '.join(kinds)} together", everything))
    if known := [c for c in FINGER if c in problem.labels and c != problem.target]:
        finger = pd.get_dummies(level_names(problem.labels, known)).to_numpy(np.float32)
        if finger.shape[1] > 1:
            found.append(Confound("finger", "which finger of which hand, without the print", finger))
    by_family = {
        family: own
        for family, names in problem.families.items()
        if family not in IMAGE_FAMILIES
        and (own := [n for n in names if n not in taken and n.removesuffix(PRODUCT) not in MIXED_COLUMNS])
    }
    if not by_family:
        return found
    ridges = take([n for names in by_family.values() for n in names])
    both = np.concatenate([ridges, everything], axis=1)
    found += [
        Confound(RIDGES, f"the other columns of {', '.join(by_family)}", ridges),
        Confound(f"{RIDGES} and {ALL}", "both together", both),
        Confound(f"{ALL}, {RIDGES} removed", f"{ALL} with the ridges regressed out", everything, ridges, ALL),
    ]
    found += [
        Confound(f"{RIDGES}, {kind} removed", f"the ridges with {kind} regressed out", ridges, removed, RIDGES)
        for kind, removed in {**by_kind, ALL: everything}.items()
    ]
    if len(by_family) > 1:
        found += [
            Confound(f"{f}, {ALL} removed", f"{f} alone with {ALL} regressed out", take(names), everything)
            for f, names in by_family.items()
        ]
    return found


def acquisition_columns(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the acquisition columns of each kind among some names, in their order; kinds without any left out."""
    names = list(names)
    found = {kind: [n for n in names if n.removesuffix(PRODUCT) in own] for kind, own in ACQUISITION_COLUMNS.items()}
    return {kind: own for kind, own in found.items() if own}


def _predict(refitter: Refitter, confound: Confound) -> PooledPredictions | None:
    parts = [confound.columns]
    if confound.removed is not None:
        n_removed = confound.removed.shape[1]
        parts.append(confound.removed)
        make: Any = refitter.method.classify or refitter.method.regress

        def made(options: Options) -> Any:
            return make_pipeline(Residualizer(n_removed), make(options))

        refitter = replace(refitter, method=replace(refitter.method, classify=made, regress=made))
    X = np.concatenate([*parts, refitter.levels], axis=1)
    return refitter.without_selection().pool(refitter.problem, X, refitter.folds)
