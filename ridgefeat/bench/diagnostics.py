"""What carries the result: learning curve, families alone and left out, negative controls, importances.

All are measured with one classifier, the quickest that is about as good as the best, for they need many fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import importance, metrics, statistics, tables
from ridgefeat.bench.confounds import carriers
from ridgefeat.bench.evaluation import Inputs, Outcome, Progress, evaluate, failed, gather
from ridgefeat.bench.method import FEATURES, Method, Settings
from ridgefeat.bench.metrics import Predictions, Weights
from ridgefeat.bench.results import LESS_IS_BETTER, Comparison, Fold, Problem
from ridgefeat.bench.splits import strata_of

if TYPE_CHECKING:
    import pandas as pd

NEARLY = 0.02
"""How far behind the best a quicker classifier may be, as a share of the main figure's whole (or of the error)."""
SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Shares of the training groups along the learning curve."""
KNOWS_NOTHING = "orient_core_delta_ridges"
"""Ridges between core and delta: differs between patterns, not between the people of most labels."""


def diagnose(
    comparison: Comparison,
    methods: Sequence[Method],
    settings: Settings,
    inputs: Inputs,
    jobs: int | None,
    progress: Progress | None,
    samples: int,
) -> Comparison:
    """Return the comparison with learning curve, importances, families, carriers and controls, as far as can be."""
    method = choose(comparison, methods)
    if method is None:
        return comparison
    problem = comparison.problem
    groups = len(np.unique(problem.groups.astype(str)))
    weights = statistics.group_weights(groups, settings.seed, statistics.samples_for(len(problem), samples))
    # One repeat is enough to see what carries a result.
    folds = tuple(f for f in comparison.folds if f.repeat == 0)
    X = np.asarray(inputs[method.input])
    study = Study(problem, method, settings, folds, X, weights, jobs, comparison.fuse)
    steps: dict[str, Any] = {
        "learning": learning_curve,
        "ablation": ablation,
        "carriers": carriers,
        "importances": importance.permutation,
        "controls": controls,
    }
    found = {}
    for i, (name, step) in enumerate(steps.items()):
        if progress:
            progress(i, len(steps), name)
        found[name] = step(study)
    if progress:
        progress(len(steps), len(steps), "")
    return replace(comparison, **found)


def choose(comparison: Comparison, methods: Sequence[Method]) -> Method | None:
    """Return the quickest feature classifier that is nearly as good as the best of them; dummy only if alone."""
    able = {m.name: m for m in methods if m.input == FEATURES and m.name != "dummy"}
    summary = comparison.summary[comparison.summary["classifier"].isin(able)]
    metric = comparison.problem.metric
    summary = summary[summary[metric].notna()]
    if summary.empty:
        return None
    values = summary[metric]
    near = values <= values.min() * (1 + NEARLY) if metric in LESS_IS_BETTER else values >= values.max() - NEARLY
    # By declared cost, not by the clock, so that the same input gives the same choice.
    names = summary["classifier"][near]
    return min((able[n] for n in names), key=lambda m: m.cost)


def learning_curve(study: Study) -> pd.DataFrame | None:
    """Return the main figure by number of training groups; see Comparison.learning."""
    import pandas as pd

    rows = []
    for share in SHARES:
        folds = [replace(f, train=_first_groups(study, f, share)) for f in study.folds]
        p = study.predictions(study.problem, study.X, folds)
        if p is None:
            continue
        for i, fold in enumerate(folds):
            rows.append(
                {
                    "classifier": study.method.name,
                    "groups": len(set(study.problem.groups[fold.train])),
                    "repeat": fold.repeat,
                    "fold": fold.number,
                    "value": metrics.figure(p.select(p.fold == i), study.problem.metric),
                }
            )
    return pd.DataFrame(rows) if rows else None


def _first_groups(study: Study, fold: Fold, share: float) -> NDArray[np.int64]:
    """Return the training rows of a share of each stratum's groups, at least two groups of each."""
    rng = np.random.default_rng(study.settings.seed + fold.number)
    names = study.problem.groups[fold.train].astype(str)
    strata = strata_of(study.problem)[fold.train]
    chosen: set[str] = set()
    for stratum in np.unique(strata):
        own = np.unique(names[strata == stratum])
        chosen |= set(rng.permutation(own)[: max(2, round(share * len(own)))])
    # Where a group holds every stratum, each would add its own share.
    every = rng.permutation(np.unique(names))
    most = max(4, round(share * len(every)))
    if len(chosen) > 1.5 * most:
        chosen = set(every[:most])
    return fold.train[np.isin(names, list(chosen))]


def ablation(study: Study) -> pd.DataFrame | None:
    """Return the main figure of each family alone, of all but it, and added one by one; see Comparison.ablation."""
    import pandas as pd

    families = study.problem.families
    whole = study.predictions(study.problem, study.X, study.folds)
    if len(families) < 2 or whole is None:
        return None
    family_of = np.array([f for f, names in families.items() for _ in names], object)
    levels = np.ones(study.levels.shape[1], bool)  # the level's number always stays

    def row(how: str, family: str, keep: NDArray[np.bool_]) -> list[dict[str, Any]]:
        p = study.predictions(study.problem, study.X[:, np.r_[keep, levels]], study.folds)
        if p is None:
            return []
        value = statistics.with_intervals(p, study.weights, [study.problem.metric]).values()
        away = statistics.difference(p, whole, study.weights, study.problem.metric)
        told = {"classifier": study.method.name, "how": how, "family": family, "columns": int(keep.sum())}
        told |= dict(zip(("value", "value_low", "value_high"), value, strict=True))
        return [told | dict(zip(("difference", "difference_low", "difference_high"), away, strict=True))]

    rows = [r for f in families for r in row("alone", f, family_of == f)]
    rows += [r for f in families for r in row("without", f, family_of != f)]
    sign = 1 if study.problem.metric in LESS_IS_BETTER else -1
    order = [r["family"] for r in sorted(rows, key=lambda r: sign * r["value"]) if r["how"] == "alone"]
    for count in range(2, len(order)):
        rows += row("added", order[count - 1], np.isin(family_of, order[:count]))
    return pd.DataFrame(rows) if rows else None


def controls(study: Study) -> pd.DataFrame:
    """Return what is found where nothing is to be found; see Comparison.controls."""
    import pandas as pd

    rows = []
    problem = study.problem
    metric = "r2" if problem.kind == "regression" else problem.metric
    chance = {"binary": 0.5, "multiclass": 1 / max(1, len(problem.classes)), "regression": 0.0}[problem.kind]
    shuffled, meaning = shuffle_target(problem, study.settings.seed)
    p = study.predictions(shuffled, study.X, study.folds)
    if p is not None:
        figure = statistics.with_intervals(p, study.weights, [metric])
        rows.append(_control("shuffled target", meaning, study.method.name, metric, figure, chance))
    if problem.kind == "binary" and KNOWS_NOTHING in problem.features:
        figure = _alone(problem, problem.features[KNOWS_NOTHING].to_numpy(np.float64), study.weights)
        meaning = f"{KNOWS_NOTHING} by itself, no classifier: for most labels it should know nothing"
        rows.append(_control(KNOWS_NOTHING, meaning, "", "roc_auc", figure, 0.5))
    return pd.DataFrame(rows)


BELONGS = 0.95
"""Share of prints with their group's label above which the label is one of groups, not of prints."""


def shuffle_target(problem: Problem, seed: int) -> tuple[Problem, str]:
    """Return the problem with the target given to the wrong groups, or prints of a group where it differs in them."""
    rng = np.random.default_rng(seed)
    numbers = statistics.group_numbers(problem.groups)
    first = np.unique(numbers, return_index=True)[1]
    # Merged duplicates may bring two labels into one group; the label belongs to the group all the same.
    if (problem.y == problem.y[first][numbers]).mean() >= BELONGS:
        y = rng.permutation(problem.y[first])[numbers]
        return replace(problem, y=y), f"{problem.target} shuffled between {problem.group}s: nothing is left to find"
    order = np.lexsort((rng.random(len(numbers)), numbers))
    place = np.argsort(numbers, kind="stable")
    y = problem.y.copy()
    y[place] = problem.y[order]
    return replace(problem, y=y), f"{problem.target} shuffled among the prints of each {problem.group}"


def _alone(problem: Problem, values: NDArray[np.float64], weights: Weights) -> dict[str, float]:
    known = np.isfinite(values)
    numbers = statistics.group_numbers(problem.groups)[known]
    y = problem.y[known] == problem.classes.index(str(problem.positive))
    fold = np.zeros(len(y), np.int64)
    once = metrics.areas(y, values[known], fold, np.ones((1, weights.shape[1])), numbers)
    low, high = statistics.interval(metrics.areas(y, values[known], fold, weights, numbers))
    return {"roc_auc": float(once[0]), "roc_auc_low": low, "roc_auc_high": high}


def _control(
    name: str, meaning: str, classifier: str, metric: str, figure: Mapping[str, float], chance: float
) -> dict[str, Any]:
    value, low, high = figure[metric], figure[f"{metric}_low"], figure[f"{metric}_high"]
    return {
        "control": name,
        "meaning": meaning,
        "classifier": classifier,
        "metric": metric,
        "value": value,
        "value_low": low,
        "value_high": high,
        "chance": chance,
        # Of a number, worse than its mean is no finding either.
        "passed": bool(low <= chance <= high) if metric != "r2" else bool(low <= chance),
    }


@dataclass(frozen=True, eq=False)
class Study:
    """What every diagnostic needs."""

    problem: Problem
    method: Method
    settings: Settings
    folds: tuple[Fold, ...]
    X: NDArray[Any]
    weights: Weights
    jobs: int | None
    fuse: str | None = None

    @property
    def levels(self) -> NDArray[Any]:
        """The number of each print's level as a column, where columns are standardised within levels; else none."""
        return self.X[:, self.problem.features.shape[1] :]

    def fused(self, p: Predictions | None) -> Predictions | None:
        """Return the mean over the prints of each value of `fuse`; None where nothing is to be fused."""
        if self.fuse is None or p is None:
            return None
        rows = np.concatenate([f.test for f in self.folds])
        outcomes = [Outcome(self.method.name, f, None, None, 0.0) for f in self.folds]
        told = tables.Told(p, rows, outcomes, False)
        return tables.fused(self.problem, {self.method.name: told}, self.fuse)[1][self.method.name].predictions

    def predictions(self, problem: Problem, X: NDArray[Any], folds: Sequence[Fold]) -> Predictions | None:
        """Return out-of-fold predictions; None if any fit fails."""
        inputs = {self.method.input: X}
        outcomes = evaluate(problem, [self.method], folds, self.settings, inputs, jobs=self.jobs)
        return None if failed(outcomes) else gather(problem, outcomes)[0]
