"""Classifiers over folds: each fit on its own, a failing one kept as a row with its reason, scores out of fold."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import calibration
from ridgefeat.bench.classifiers import build, grid_of
from ridgefeat.bench.method import Method, Settings
from ridgefeat.bench.metrics import Predictions
from ridgefeat.bench.results import Fold, Kind, Problem
from ridgefeat.bench.splits import inner_splits
from ridgefeat.bench.statistics import group_numbers
from ridgefeat.work.engine import count_workers
from ridgefeat.work.threads import one_thread

Progress = Callable[[int, int, str], None]
Inputs = Mapping[str, "NDArray[Any] | str"]
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
            if task.settings.kind == "regression":
                predicted, scores = fitted.predict(test), np.zeros((len(test), 0))
            else:
                scores = calibration.raw_scores(fitted, test, task.classes)
                # Of two classes ours call the one that scores higher; asking again would cost the same again.
                own = task.classes == 2 and ":" not in task.method.name
                predicted = (scores.argmax(axis=1) if own else fitted.predict(test)).astype(np.int64)
        if not (np.isfinite(scores).all() and np.isfinite(predicted).all()):
            raise ValueError("its scores are not finite")
    # Whatever a foreign estimator raises is one classifier's failure, not the comparison's.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(task.method.name, task.fold, None, None, time.perf_counter() - started, reason)
    seconds = time.perf_counter() - started
    return Outcome(task.method.name, task.fold, predicted, scores, seconds, "", chosen, history(fitted))


def history(fitted: Any) -> list[dict[str, float]] | None:
    """Return what a pipeline's estimator wrote down each epoch; None where it does not train in epochs."""
    model = fitted[-1] if hasattr(fitted, "__getitem__") else fitted
    model = getattr(model, "estimator_", model)
    told = getattr(model, "history_", None)
    if not isinstance(told, Mapping) or not told:
        return None
    return [dict(zip(told, values, strict=True)) for values in zip(*told.values(), strict=True)]


def fit(task: Task, X: NDArray[Any], y: NDArray[Any], groups: NDArray[Any]) -> tuple[Any, Any]:
    """Return the pipeline fitted on the training rows, and what tuning chose (None without)."""
    from sklearn.utils.validation import has_fit_parameter

    train = task.fold.train
    pipeline = build(task.method, task.settings)
    grid = grid_of(task.method, task.settings) if task.tune else {}
    # Whoever sets prints aside while fitting must do so by group as well.
    given = {"model__groups": groups[train]} if has_fit_parameter(pipeline[-1], "groups") else {}
    if not grid:
        return pipeline.fit(X[train], y[train], **given), None
    from sklearn.model_selection import GridSearchCV

    inner = inner_splits(y[train], groups[train], INNER_FOLDS, task.settings.seed)
    search = GridSearchCV(pipeline, grid, scoring=SCORING[task.settings.kind], cv=inner, error_score="raise")
    search.fit(X[train], y[train], **given)
    return search.best_estimator_, search.best_params_


def evaluate(
    problem: Problem,
    methods: Sequence[Method],
    folds: Sequence[Fold],
    settings: Settings,
    inputs: Inputs,
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
    inputs : mapping of str to ndarray, shape (prints, columns), or str
        What each kind of input (Method.input) is, or why it is not there.
    tune : bool
        Search each method's grid in folds by group within the training rows.
    jobs : int or None
        Worker processes; None for every core.
    progress : callable, optional
        Told (done, total, name of the last one).
    """
    settings = replace(settings, kind=problem.kind, classes=max(2, len(problem.classes)))
    tasks = [Task(m, f, settings, len(problem.classes), tune) for m in methods for f in folds]
    found: dict[int, Outcome] = {}

    def done(i: int, outcome: Outcome) -> None:
        found[i] = outcome
        if progress:
            progress(len(found), len(tasks), outcome.method)

    # The slow ones first, so that no worker is left alone with one at the end.
    order = sorted(range(len(tasks)), key=lambda i: -tasks[i].method.cost)
    arguments = ((i, tasks[i], _input(tasks[i], inputs)) for i in order if not tasks[i].method.epochs)
    for i, outcome in _outcomes(arguments, problem, jobs):
        done(i, outcome)
    # Here and one after the other, each on every thread, so that their epochs can be followed.
    groups = group_numbers(problem.groups)
    for i in (i for i, t in enumerate(tasks) if t.method.epochs):
        say = progress and partial(progress, len(found), len(tasks))
        task = _followed(tasks[i], [t.fold for t in tasks if t.method is tasks[i].method], jobs, say)
        with one_thread():
            outcome = _numbered(i, task, _input(task, inputs), problem.y, groups)
        done(*outcome)
    return [found[i] for i in range(len(tasks))]


def _input(task: Task, inputs: Inputs) -> NDArray[Any] | str:
    missing = f"reads {task.method.input}, which are not there: give the images' folder with --images"
    return inputs.get(task.method.input, missing)


def _followed(task: Task, folds: Sequence[Fold], jobs: int | None, say: Callable[[str], None] | None) -> Task:
    """Return the task with its threads counted and its epochs told of; `folds` are all that the method is fitted on."""
    place = next(i for i, fold in enumerate(folds) if fold is task.fold)
    most, started = task.settings.epochs, time.monotonic()

    def on_epoch(number: int, line: Mapping[str, float]) -> None:
        if say:
            seconds = (time.monotonic() - started) / number
            left = seconds * (max(0, most - number) + most * (len(folds) - 1 - place))
            where = f"{task.method.name} fold {place + 1}/{len(folds)} epoch {number}"
            say(f"{where}: {_figures(line)}, at most {int(left) // 60}:{int(left) % 60:02} left")

    return replace(task, settings=replace(task.settings, threads=count_workers(jobs), on_epoch=on_epoch))


def _figures(line: Mapping[str, float]) -> str:
    """Return an epoch's figures in a few words, with those of the validation prints after a slash."""
    shown = []
    for name, value in line.items():
        if name != "learning_rate" and not name.startswith("val_"):
            beside = f"/{line['val_' + name]:.2f}" if f"val_{name}" in line else ""
            shown.append(f"{name} {value:.2f}{beside}")
    return " ".join(shown)


def _numbered(i: int, task: Task, X: NDArray[Any] | str, y: NDArray[Any], groups: NDArray[Any]) -> tuple[int, Outcome]:
    if isinstance(X, str):
        return i, Outcome(task.method.name, task.fold, None, None, 0.0, X)
    return i, run_task(task, X, y, groups)


def _outcomes(arguments: Any, problem: Problem, jobs: int | None) -> Any:
    from joblib import delayed

    from ridgefeat.work.engine import spread

    groups = group_numbers(problem.groups)
    calls = (delayed(_numbered)(i, task, X, problem.y, groups) for i, task, X in arguments)
    yield from spread(calls, count_workers(jobs))


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
    calibrated = calibration.across_folds(scores, y, fold, repeat_of)
    return (calibration.own(scores), False) if calibrated is None else (calibrated, True)


def positive(problem: Problem) -> int:
    """Return the positive class's number; 1 where there is none."""
    return problem.classes.index(problem.positive) if problem.positive in problem.classes else 1
