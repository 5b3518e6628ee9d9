"""What drives a result: learning curve, families alone and left out, importances, negative controls, and confounds.

All are measured with one classifier, the quickest that is about as good as the best, because they need many fits.

Confounds say whether it is the ridges or the acquisition conditions: how much each predicts alone, and the ridges with
the conditions regressed out. They are measured with a linear classifier throughout: what a regression leaves is
linearly independent of the acquisition columns, but another classifier may find a nonlinear dependence.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import delayed
from numpy.typing import NDArray
from sklearn.feature_selection import f_classif, f_regression
from sklearn.pipeline import make_pipeline

from ridgefeat.bench import metrics
from ridgefeat.bench.classifiers import build, find
from ridgefeat.bench.data import PRODUCT
from ridgefeat.bench.ensemble import TOLERANCE
from ridgefeat.bench.estimators import Residualizer
from ridgefeat.bench.evaluation import Outcome, evaluate, failure, fit, predict_rows
from ridgefeat.bench.inputs import FINGER, level_names
from ridgefeat.bench.metrics import Predictions, Weights
from ridgefeat.bench.options import FEATURES, Method, Options
from ridgefeat.bench.pooling import PooledPredictions, fuse_predictions, pool_predictions
from ridgefeat.bench.results import LESS_IS_BETTER, Comparison, Fold, Problem
from ridgefeat.bench.splits import strata_of
from ridgefeat.threshold.intervals import number_interval
from ridgefeat.work.engine import count_workers, spread

TRAINING_SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Shares of the training groups along the learning curve."""
CONTROL_DRAWS = 10
"""Draws of a negative control: if all of them lie above chance, that is not an accident (1 in 1,000)."""
CONSTANT_SHARE = 0.95
"""Share of prints with their group's label above which the label is one of groups, not of prints."""
MAX_COLUMNS = 200
"""Columns looked at one by one where each costs a prediction: those that most differ by target in training."""
SHOWN = 40
"""Columns that get an interval and a row."""
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


def choose_method(comparison: Comparison, methods: Sequence[Method]) -> Method | None:
    """Return the quickest feature classifier that is within TOLERANCE of the best of them; dummy never."""
    able = {m.name: m for m in methods if m.input == FEATURES and m.name != "dummy"}
    summary = comparison.summary[comparison.summary["classifier"].isin(able)]
    metric = comparison.problem.metric
    summary = summary[summary[metric].notna()]
    if summary.empty:
        return None
    values = summary[metric]
    near = values <= values.min() * (1 + TOLERANCE) if metric in LESS_IS_BETTER else values >= values.max() - TOLERANCE
    # By declared cost, not by the clock, so that the same input gives the same choice.
    return min((able[n] for n in summary["classifier"][near]), key=lambda m: m.cost)


@dataclass(frozen=True, eq=False)
class Refitter:
    """Fits one classifier again, on other columns, folds or targets."""

    problem: Problem
    method: Method
    options: Options
    folds: tuple[Fold, ...]
    X: NDArray[Any]
    """What the method reads, shape (prints, columns)."""
    weights: Weights
    """Of the bootstrap, shape (samples, groups)."""

    @property
    def levels(self) -> NDArray[Any]:
        """The number of each print's level as a column, where columns are standardised within levels; else none."""
        return self.X[:, self.problem.features.shape[1] :]

    def pool(self, problem: Problem, X: NDArray[Any], folds: Sequence[Fold]) -> PooledPredictions | None:
        """Return out-of-fold predictions, not calibrated; None if any fit fails."""
        outcomes = evaluate(problem, [self.method], folds, self.options, {self.method.input: X})[self.method.name]
        return None if failure(outcomes) else pool_predictions(problem, outcomes, calibrate=False)

    def without_selection(self) -> Refitter:
        """Return one that uses all columns, for those that are not the problem's own."""
        return replace(self, options=replace(self.options, select=None))


def learning_curve(refitter: Refitter) -> pd.DataFrame | None:
    """Return the main figure by number of training groups; see Comparison.learning."""
    rows = []
    for share in TRAINING_SHARES:
        folds = [replace(f, train=_first_groups(refitter, f, share)) for f in refitter.folds]
        p = refitter.pool(refitter.problem, refitter.X, folds)
        if p is None:
            continue
        for i, fold in enumerate(folds):
            row = {"classifier": refitter.method.name, "groups": len(set(refitter.problem.groups[fold.train]))}
            value = metrics.figure(p.select(p.fold == i), refitter.problem.metric)
            rows.append({**row, "repeat": fold.repeat, "fold": fold.number, "value": value})
    return pd.DataFrame(rows) if rows else None


def _first_groups(refitter: Refitter, fold: Fold, share: float) -> NDArray[np.int64]:
    """Return the training rows of a share of each stratum's groups, at least two groups of each."""
    rng = np.random.default_rng(refitter.options.seed + fold.number)
    names = refitter.problem.groups[fold.train].astype(str)
    strata = strata_of(refitter.problem)[fold.train]
    chosen: set[str] = set()
    for stratum in np.unique(strata):
        own = np.unique(names[strata == stratum])
        chosen |= set(rng.permutation(own)[: max(2, round(share * len(own)))])
    # Where a group holds every stratum, each would add its own share.
    every = rng.permutation(np.unique(names))
    size = max(4, round(share * len(every)))
    if len(chosen) > 1.5 * size:
        chosen = set(every[:size])
    return fold.train[np.isin(names, list(chosen))]


def ablation(refitter: Refitter) -> pd.DataFrame | None:
    """Return the main figure of each family alone, of all but it, and added one by one; see Comparison.ablation."""
    families = refitter.problem.families
    whole = refitter.pool(refitter.problem, refitter.X, refitter.folds)
    if len(families) < 2 or whole is None:
        return None
    family_of = np.array([f for f, names in families.items() for _ in names], object)
    levels = np.ones(refitter.levels.shape[1], bool)  # the level's number always stays

    def make_row(how: str, family: str, keep: NDArray[np.bool_]) -> list[dict[str, Any]]:
        select = refitter.options.select and refitter.options.select.of(keep)
        own = replace(refitter, options=replace(refitter.options, select=select))
        p = own.pool(refitter.problem, refitter.X[:, np.r_[keep, levels]], refitter.folds)
        if p is None:
            return []
        value = metrics.with_intervals(p, refitter.weights, [refitter.problem.metric]).values()
        away = metrics.difference(p, whole, refitter.weights, refitter.problem.metric)
        row = {"classifier": refitter.method.name, "how": how, "family": family, "columns": int(keep.sum())}
        return [row | metrics.with_ends("value", value) | metrics.with_ends("difference", away)]

    rows = [r for f in families for r in make_row("alone", f, family_of == f)]
    rows += [r for f in families for r in make_row("without", f, family_of != f)]
    sign = 1 if refitter.problem.metric in LESS_IS_BETTER else -1
    order = [r["family"] for r in sorted(rows, key=lambda r: sign * r["value"]) if r["how"] == "alone"]
    for count in range(2, len(order)):
        rows += make_row("added", order[count - 1], np.isin(family_of, order[:count]))
    return pd.DataFrame(rows) if rows else None


def permutation_importance(refitter: Refitter) -> pd.DataFrame | None:
    """Return what shuffling each family and column among a fold's test prints takes from the figure (Breiman 2001).

    Columns share what they know, so that a column without importance may still know much that others know too.
    sklearn.inspection.permutation_importance shuffles one column at a time and returns a drop of each fold's score;
    here the columns of a family are shuffled together, and intervals need the predictions of all folds.
    """
    problem, options, X = refitter.problem, refitter.options, refitter.X
    names = list(problem.features.columns)
    family_of = {name: f for f, own in problem.families.items() for name in own}
    blocks = {("family", f): [names.index(c) for c in own] for f, own in problem.families.items()}
    columns = _most_different(problem, X) if len(names) > MAX_COLUMNS else range(len(names))
    blocks |= {("column", names[i]): [i] for i in columns}
    given = list(blocks.values()), refitter.method, options, X, problem.y, metrics.group_numbers(problem.groups)
    work = (delayed(_shuffle_blocks)(f, *given) for f in refitter.folds)
    try:
        outcomes = list(spread(work, count_workers(options.jobs), ordered=True))
    except Exception:  # an estimator that cannot be taken apart has no importances; the comparison stands
        return None
    # Of each fold first the whole, then each block shuffled.
    whole, *rest = (pool_predictions(problem, o, calibrate=False) for o in zip(*outcomes, strict=True))
    sign = -1 if problem.metric in LESS_IS_BETTER else 1
    base = metrics.figure(whole, problem.metric)
    shuffled = dict(zip(blocks, rest, strict=True))
    drops = {key: sign * (base - metrics.figure(p, problem.metric)) for key, p in shuffled.items()}
    rows = []
    for level in ("family", "column"):
        ranked = sorted((k for k in blocks if k[0] == level), key=lambda k: -drops[k])[:SHOWN]
        for key in ranked:
            _, low, high = metrics.difference(whole, shuffled[key], refitter.weights, problem.metric)
            low, high = (low, high) if sign > 0 else (-high, -low)
            row: dict[str, Any] = {"classifier": refitter.method.name, "level": level, "name": key[1]}
            row["family"] = key[1] if level == "family" else family_of[key[1]]
            rows.append(row | metrics.with_ends("drop", (drops[key], low, high)))
    return pd.DataFrame(rows)


def _most_different(problem: Problem, X: NDArray[Any]) -> list[int]:
    """Return the columns that differ most by target: worth a look one by one."""
    values = np.nan_to_num(X[:, : problem.features.shape[1]])
    with warnings.catch_warnings(action="ignore"):
        score = (f_regression if problem.kind == "regression" else f_classif)(values, problem.y)[0]
    return [int(i) for i in np.argsort(-np.nan_to_num(score), kind="stable")[:MAX_COLUMNS]]


def _shuffle_blocks(
    fold: Fold, blocks: list[list[int]], method: Method, options: Options, X: NDArray[Any], *labels: NDArray[Any]
) -> list[Outcome]:
    """Return a fold's outcome, then that with each block of columns shuffled in the test rows; labels: y, groups."""
    with warnings.catch_warnings(action="ignore"):
        pipeline, _ = fit(build(method, options), method, fold, options, X, *labels)
        last = -2 if "select" in pipeline.named_steps else -1
        before, model = pipeline[:last], pipeline[last:]
        test = np.asarray(before.transform(X[fold.test]), np.float32)
        order = np.random.default_rng(options.seed).permutation(len(test))
        out = [Outcome(method.name, fold, *predict_rows(model, test, options))]
        for block in blocks:
            kept = test[:, block]
            test[:, block] = kept[order]
            out.append(Outcome(method.name, fold, *predict_rows(model, test, options)))
            test[:, block] = kept
    return out


def controls(refitter: Refitter) -> pd.DataFrame:
    """Return what is found where nothing is to be found by construction; see Comparison.controls."""
    problem, seed = refitter.problem, refitter.options.seed
    metric = "r2" if problem.kind == "regression" else problem.metric
    rng = np.random.default_rng(seed)
    n = len(problem.groups)

    def alone(column: NDArray[Any]) -> Predictions | None:
        X = np.concatenate([column[:, None].astype(np.float32), refitter.levels], axis=1)
        return refitter.without_selection().pool(problem, X, refitter.folds)

    shuffled = [shuffle_target(problem, seed + i) for i in range(CONTROL_DRAWS)]
    of_shuffled = [refitter.pool(p, refitter.X, refitter.folds) for p, _ in shuffled]
    of_random = [alone(rng.normal(size=n)) for _ in range(CONTROL_DRAWS)]
    order = alone(np.arange(n))
    draws = f"range of {CONTROL_DRAWS} draws"
    rows = [
        ("shuffled target", f"{shuffled[0][1]}: nothing is left to find; {draws}", _range(of_shuffled, metric)),
        ("random column", f"one column of random numbers in place of the features; {draws}", _range(of_random, metric)),
    ]
    if order is not None:
        value, low, high = metrics.with_intervals(order, refitter.weights, [metric]).values()
        rows.append(("acquisition order", "the row's place in the table in place of the features", (value, low, high)))
    chance = {"binary": 0.5, "multiclass": 1 / max(1, len(problem.classes)), "regression": 0.0}[problem.kind]
    return pd.DataFrame(
        {
            "control": name,
            "meaning": meaning,
            "classifier": refitter.method.name,
            "metric": metric,
            **metrics.with_ends("value", found),
            "chance": chance,
            # Below chance is no finding: where there is nothing to learn, predictions of held-out groups err slightly
            # towards the class that training has more of.
            "passed": not found[1] > chance,
        }
        for name, meaning, found in rows
        if np.isfinite(found[0])
    )


def _range(drawn: Sequence[Predictions | None], metric: str) -> tuple[float, float, float]:
    """Return the median, the lowest and the highest figure; NaN where no draw could be predicted."""
    values = [metrics.figure(p, metric) for p in drawn if p is not None]
    return (float(np.median(values)), min(values), max(values)) if values else (np.nan,) * 3


def shuffle_target(problem: Problem, seed: int) -> tuple[Problem, str]:
    """Return the problem with the target given to the wrong groups, or prints of a group where it differs in them."""
    rng = np.random.default_rng(seed)
    numbers = metrics.group_numbers(problem.groups)
    first = np.unique(numbers, return_index=True)[1]
    # Merged duplicates may bring two labels into one group; the label belongs to the group all the same.
    if (problem.y == problem.y[first][numbers]).mean() >= CONSTANT_SHARE:
        y = rng.permutation(problem.y[first])[numbers]
        return replace(problem, y=y), f"{problem.target} shuffled between {problem.group}s"
    order = np.lexsort((rng.random(len(numbers)), numbers))
    place = np.argsort(numbers, kind="stable")
    y = problem.y.copy()
    y[place] = problem.y[order]
    return replace(problem, y=y), f"{problem.target} shuffled among the prints of each {problem.group}"


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
        own = _predict(replace(refitter, method=method), confound)
        if own is None:
            continue
        found[confound.name] = own
        row: dict[str, Any] = {"classifier": method.name, "confound": confound.name, "meaning": confound.meaning}
        row["columns"] = confound.columns.shape[1]
        row |= metrics.with_ends("value", metrics.with_intervals(own, weights, [metric]).values())
        fused: Iterable[float] = (np.nan,) * 3
        if fuse is not None:
            mean = fuse_predictions(refitter.problem, {"": own}, fuse)[1][""]
            fused = metrics.with_intervals(mean, weights, [metric]).values()
        row |= metrics.with_ends("fused", fused)
        explained = (np.nan,) * 3
        if confound.of in found:
            explained = explained_share(found[confound.of], own, weights, metric)
        rows.append(row | metrics.with_ends("explained", explained))
    return pd.DataFrame(rows) if rows else None


def explained_share(whole: Predictions, rest: Predictions, weights: Weights, metric: str) -> tuple[float, float, float]:
    """Return which share of a result above chance is lost from `whole` to `rest`, with its 95 % interval.

    Of numbers it is the share of R². NaN where `whole` is not above chance itself.
    """
    name = "r2" if whole.kind == "regression" else metric
    chance = {"r2": 0.0, "roc_auc": 0.5}.get(name, 1 / max(2, whole.score.shape[1]))
    if not metrics.with_intervals(whole, weights, (name,))[f"{name}_low"] > chance:
        return (np.nan,) * 3
    once = [float(metrics.figures(p, None, (name,))[name][0]) for p in (whole, rest)]
    first, second = (metrics.figures(p, weights, (name,))[name] for p in (whole, rest))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(first > chance, (first - second) / (first - chance), np.nan)
    value, groups = (once[0] - once[1]) / (once[0] - chance), len(np.unique(whole.group))
    spread = metrics.widening(whole) ** 2 * metrics.variance(shares, groups)
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
