"""Classifiers over folds: each fit on its own, a failing one kept as a row with its reason, scores out of fold."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import calibration
from ridgefeat.bench.classifiers import Method, Settings, build, grid_of
from ridgefeat.bench.metrics import Predictions
from ridgefeat.bench.results import Fold, Kind, Problem
from ridgefeat.bench.splits import inner_splits
from ridgefeat.bench.statistics import group_numbers
from ridgefeat.table.jobs import one_thread

Progress = Callable[[int, int, str], None]
INNER_FOLDS = 3
SCORING: dict[Kind, str] = {
    "binary": "roc_auc",
    "multiclass": "balanced_accuracy",
    "regression": "neg_mean_absolute_error",
}


@dataclass(frozen=True, eq=False)
class Task:
    """One fit: a classifier on a fold."""

    method: Method
    fold: Fold
    settings: Settings
    classes: int
    tune: bool = False


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a fit: predictions and scores of the fold's test rows, or the reason why not."""

    method: str
    fold: Fold
    predicted: NDArray[Any] | None
    scores: NDArray[np.float64] | None
    seconds: float
    reason: str = ""
    chosen: Mapping[str, Any] | None = None
    epochs: Any = None


def run_task(task: Task, X: NDArray[Any], y: NDArray[Any], groups: NDArray[Any]) -> Outcome:
    """Fit on the fold's training rows, predict its test rows; never raises."""
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted, chosen = fit(task, X, y, groups)
            test = X[task.fold.test]
            predicted = fitted.predict(test)
            if task.settings.kind == "regression":
                scores = np.zeros((len(test), 0))
            else:
                scores = calibration.raw_scores(fitted, test, task.classes)
                predicted = predicted.astype(np.int64)
        if not (np.isfinite(scores).all() and np.isfinite(predicted).all()):
            raise ValueError("its scores are not finite")
    # Whatever a foreign estimator raises is one classifier's failure, not the comparison's.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(task.method.name, task.fold, None, None, time.perf_counter() - started, reason)
    seconds = time.perf_counter() - started
    epochs = getattr(fitted, "epochs_", None)
    return Outcome(task.method.name, task.fold, predicted, scores, seconds, "", chosen, epochs)


def fit(task: Task, X: NDArray[Any], y: NDArray[Any], groups: NDArray[Any]) -> tuple[Any, Any]:
    """Return the pipeline fitted on the training rows, and what tuning chose (None without)."""
    train = task.fold.train
    pipeline = build(task.method, task.settings)
    grid = grid_of(task.method, task.settings) if task.tune else {}
    if not grid:
        return pipeline.fit(X[train], y[train]), None
    from sklearn.model_selection import GridSearchCV

    inner = inner_splits(y[train], groups[train], INNER_FOLDS, task.settings.seed)
    search = GridSearchCV(pipeline, grid, scoring=SCORING[task.settings.kind], cv=inner, error_score="raise")
    search.fit(X[train], y[train])
    return search.best_estimator_, search.best_params_


def evaluate(
    problem: Problem,
    methods: Sequence[Method],
    folds: Sequence[Fold],
    settings: Settings,
    inputs: Mapping[str, NDArray[Any]],
    *,
    tune: bool = False,
    jobs: int | None = 1,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Return the outcome of every method on every fold, by method and then fold.

    Parameters
    ----------
    problem : Problem
    methods : sequence of Method
    folds : sequence of Fold
    settings : Settings
    inputs : mapping of str to ndarray, shape (prints, columns)
        What each kind of input (Method.input) is.
    tune : bool
        Search each method's grid in folds by group within the training rows.
    jobs : int or None
        Worker processes; None for every core.
    progress : callable, optional
        Told (done, total, name of the last one).
    """
    settings = replace(settings, kind=problem.kind, classes=max(2, len(problem.classes)))
    tasks = [Task(m, f, settings, len(problem.classes), tune) for m in methods for f in folds]
    # The slow ones first, so that no worker is left alone with one at the end.
    order = sorted(range(len(tasks)), key=lambda i: -tasks[i].method.cost)
    found: dict[int, Outcome] = {}
    arguments = ((i, tasks[i], inputs.get(tasks[i].method.input)) for i in order)
    for i, outcome in _outcomes(arguments, problem, jobs):
        found[i] = outcome
        if progress:
            progress(len(found), len(tasks), outcome.method)
    return [found[i] for i in range(len(tasks))]


def _numbered(
    i: int, task: Task, X: NDArray[Any] | None, y: NDArray[Any], groups: NDArray[Any]
) -> tuple[int, Outcome]:
    if X is None:
        reason = f"reads {task.method.input}, which are not there: give the images' folder with --images"
        return i, Outcome(task.method.name, task.fold, None, None, 0.0, reason)
    # Sums in another order would make the figures hang on the number of threads.
    with one_thread():
        return i, run_task(task, X, y, groups)


def _outcomes(arguments: Any, problem: Problem, jobs: int | None) -> Any:
    from joblib import Parallel, delayed

    groups = group_numbers(problem.groups)
    if jobs == 1:
        yield from (_numbered(i, task, X, problem.y, groups) for i, task, X in arguments)
        return
    parallel = Parallel(n_jobs=-1 if jobs is None else jobs, return_as="generator_unordered", batch_size=1)
    yield from parallel(delayed(_numbered)(i, task, X, problem.y, groups) for i, task, X in arguments)


def failed(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the first reason of every method that failed on any fold."""
    reasons: dict[str, str] = {}
    for o in outcomes:
        if o.reason:
            reasons.setdefault(o.method, f"fold {o.fold.number + 1}: {o.reason}")
    return reasons


def gather(problem: Problem, outcomes: Sequence[Outcome]) -> tuple[Predictions, NDArray[np.int64], bool]:
    """Return one method's predictions over all folds, the row that each is of, and whether they are calibrated."""
    rows = np.concatenate([o.fold.test for o in outcomes])
    fold = np.concatenate([np.full(len(o.fold.test), i) for i, o in enumerate(outcomes)])
    predicted = np.concatenate([np.asarray(o.predicted) for o in outcomes])
    scores = np.concatenate([np.asarray(o.scores) for o in outcomes])
    y = problem.y[rows]
    probability, calibrated = scores, False
    if problem.kind != "regression":
        probability, calibrated = probabilities(scores, y, fold, [o.fold.repeat for o in outcomes])
    group = group_numbers(problem.groups)[rows]
    return (
        Predictions(problem.kind, y, predicted, scores, probability, fold, group, positive(problem)),
        rows,
        calibrated,
    )


def probabilities(
    scores: NDArray[np.float64], y: NDArray[np.int64], fold: NDArray[np.int64], repeat_of: Sequence[int]
) -> tuple[NDArray[np.float64], bool]:
    """Return probabilities calibrated across the folds of each repeat, or the scores' own where that cannot be."""
    repeat = np.asarray(repeat_of)[fold]
    out = np.empty_like(scores)
    for r in np.unique(repeat):
        inside = repeat == r
        got = calibration.across_folds(scores[inside], y[inside], fold[inside])
        if got is None:
            return calibration.own(scores), False
        out[inside] = got
    return out, True


def positive(problem: Problem) -> int:
    """Return the positive class's number; 1 where there is none."""
    return problem.classes.index(problem.positive) if problem.positive in problem.classes else 1
