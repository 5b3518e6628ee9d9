"""Classifiers over folds: each fit on its own, a failed one kept as a row with its reason, scores out of fold."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import NDArray
from sklearn.model_selection import GridSearchCV
from sklearn.utils.validation import has_fit_parameter

from ridgefeat.bench.classifiers import build, grid_of
from ridgefeat.bench.metrics import group_numbers
from ridgefeat.bench.options import Method, Options, Progress
from ridgefeat.bench.results import MAIN_METRIC, Fold, Kind, Problem
from ridgefeat.bench.splits import inner_splits
from ridgefeat.errors import ModelError
from ridgefeat.work.engine import count_workers, spread
from ridgefeat.work.threads import one_thread

Array = NDArray[Any]
Inputs = Mapping[str, Array | str]
INNER_FOLDS = 3
MIN_PROBABILITY = 1e-6
SCORING: dict[Kind, str] = MAIN_METRIC | {"regression": "neg_mean_absolute_error"}
"""The main metric by scikit-learn's name."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of a fit: predictions and scores of the fold's test rows, or the reason why there are none."""

    method: str
    fold: Fold
    predicted: NDArray[Any] | None
    scores: NDArray[np.float64] | None
    seconds: float = 0.0
    reason: str = ""
    chosen: Mapping[str, Any] | None = None
    epochs: Any = None
    selected: NDArray[np.bool_] | None = None


def evaluate(
    problem: Problem,
    methods: Sequence[Method],
    folds: Sequence[Fold],
    options: Options,
    inputs: Inputs,
    progress: Progress | None = None,
) -> dict[str, list[Outcome]]:
    """Fit each method in every fold and score the held-out prints; return the outcomes by method.

    `options` are complete ones; `inputs` holds each kind of input (Method.input), shape (prints, columns), or why it is
    not there.
    """
    tasks = [(m, f) for m in methods for f in folds]
    found: dict[int, Outcome] = {}
    groups = group_numbers(problem.groups)

    def note(i: int, outcome: Outcome) -> None:
        found[i] = outcome
        if progress:
            progress(len(found), len(tasks), outcome.method)

    def call(i: int) -> tuple[Any, ...]:
        method, fold = tasks[i]
        missing = f"reads {method.input}, which are not there: give the images' folder with --images"
        return i, method, fold, options, inputs.get(method.input, missing), problem.y, groups

    # The slow ones first, so that no worker is left alone with one at the end.
    order = sorted(range(len(tasks)), key=lambda i: -tasks[i][0].cost)
    calls = (delayed(_numbered_fit)(*call(i)) for i in order if not tasks[i][0].in_epochs)
    for i, outcome in spread(calls, count_workers(options.jobs)):
        note(i, outcome)
    # Here and one after the other, each on every thread, so that their epochs can be followed.
    for i, (method, fold) in enumerate(tasks):
        if method.in_epochs:
            report = progress and partial(progress, len(found), len(tasks))
            with suppress(Exception):  # the fit reports it
                build(method, options)  # imports its libraries before the clock of the epochs starts
            on_epoch = _epoch_reporter(method.name, folds.index(fold), len(folds), options.epochs, report)
            with one_thread():  # but for the network's own
                outcome = _numbered_fit(*call(i), n_threads=count_workers(options.jobs), on_epoch=on_epoch)
            note(*outcome)
    return {m.name: [found[k * len(folds) + i] for i in range(len(folds))] for k, m in enumerate(methods)}


def failure(outcomes: Sequence[Outcome]) -> str:
    """Return the first reason of a method that failed in any fold; empty where it did not."""
    return next((f"fold {o.fold.number + 1}: {o.reason}" for o in outcomes if o.reason), "")


def run_fit(
    method: Method, fold: Fold, options: Options, X: Array | str, y: Array, groups: Array, **parameters: Any
) -> Outcome:
    """Fit on the fold's training rows and predict its test rows; never raises. X may be the reason why it is missing.

    `seconds` counts fitting and predicting. Building the pipeline is not counted: it imports the estimator's libraries,
    which takes longer than many fits in a worker that has just started.
    """
    if isinstance(X, str):
        return Outcome(method.name, fold, None, None, reason=X)
    started = time.perf_counter()
    try:
        with warnings.catch_warnings(action="ignore"):
            pipeline = build(method, options, **parameters)
            started = time.perf_counter()
            fitted, chosen = fit(pipeline, method, fold, options, X, y, groups)
            predicted, scores = predict_rows(fitted, X[fold.test], options)
            # With two classes our own estimators predict the one that scores higher; predict would compute that again.
            if options.kind != "regression" and (options.n_classes != 2 or ":" in method.name):
                predicted = fitted.predict(X[fold.test]).astype(np.int64)
        if not (np.isfinite(scores).all() and np.isfinite(predicted).all()):
            raise ValueError("its scores are not finite")
    # Whatever a foreign estimator raises is one classifier's failure, not the comparison's.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(method.name, fold, None, None, time.perf_counter() - started, reason)
    seconds = time.perf_counter() - started
    selected = fitted.named_steps["select"].get_support() if "select" in fitted.named_steps else None
    return Outcome(method.name, fold, predicted, scores, seconds, "", chosen, history(fitted), selected)


def fit(
    pipeline: Any, method: Method, fold: Fold, options: Options, X: Array, y: Array, groups: Array
) -> tuple[Any, Any]:
    """Return a method's pipeline fitted on the training rows, and what tuning chose (None without)."""
    train = fold.train
    grid = grid_of(method, options) if options.tune else {}
    # What sets prints aside, tests or counts them while fitting must do so by group as well.
    given = {f"{name}__groups": groups[train] for name, step in pipeline.steps if has_fit_parameter(step, "groups")}
    if not grid:
        return pipeline.fit(X[train], y[train], **given), None
    inner = inner_splits(y[train], groups[train], INNER_FOLDS, options.seed)
    search = GridSearchCV(pipeline, grid, scoring=SCORING[options.kind], cv=inner, error_score="raise")
    search.fit(X[train], y[train], **given)
    return search.best_estimator_, search.best_params_


def predict_rows(model: Any, X: NDArray[Any], options: Options) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return a fitted estimator's numbers, or the classes that score highest, and its scores of every class."""
    if options.kind == "regression":
        return model.predict(X), np.zeros((len(X), 0))
    scores = raw_scores(model, X, options.n_classes)
    return scores.argmax(axis=1), scores


def raw_scores(estimator: Any, X: Any, classes: int) -> NDArray[np.float64]:
    """Return a fitted classifier's scores, log-odds or decision values; float64, shape (rows, classes).

    Raises ModelError if it offers neither probabilities nor a decision function.
    """
    if not hasattr(estimator, "predict_proba"):
        if not hasattr(estimator, "decision_function"):
            raise ModelError(f"{type(estimator).__name__} has neither predict_proba nor decision_function")
        d = np.asarray(estimator.decision_function(X), np.float64)
        return np.stack([-d, d], axis=1) if d.ndim == 1 else d
    log_p = np.array(np.nan)
    if hasattr(estimator, "predict_log_proba"):  # its own logarithms rank what rounds to 0 or 1
        with np.errstate(divide="ignore"):
            log_p = np.asarray(estimator.predict_log_proba(X), np.float64)
    if not np.isfinite(log_p).all():
        p = np.asarray(estimator.predict_proba(X), np.float64)
        log_p = np.log(np.clip(p, MIN_PROBABILITY, 1 - MIN_PROBABILITY))
    if classes == 2:
        odds = log_p[:, 1] - log_p[:, 0]
        return np.stack([-odds, odds], axis=1)
    return log_p


def history(fitted: Any) -> list[dict[str, float]] | None:
    """Return the figures of each epoch that a pipeline's estimator kept; None where it does not train in epochs."""
    model = fitted[-1]
    kept = getattr(getattr(model, "estimator_", model), "history_", None)
    if not isinstance(kept, Mapping) or not kept:
        return None
    return [dict(zip(kept, values, strict=True)) for values in zip(*kept.values(), strict=True)]


def _numbered_fit(i: int, *given: Any, **parameters: Any) -> tuple[int, Outcome]:
    return i, run_fit(*given, **parameters)


def _epoch_reporter(
    name: str, place: int, n_folds: int, epochs: int, report: Callable[[str], None] | None
) -> Callable[[int, Mapping[str, float]], None]:
    """Return what a network calls after each epoch: it reports the figures and the time left at most."""
    started = time.monotonic()

    def on_epoch(number: int, figures: Mapping[str, float]) -> None:
        if report:
            seconds = (time.monotonic() - started) / number
            left = int(seconds * (max(0, epochs - number) + epochs * (n_folds - 1 - place)))
            where = f"{name} fold {place + 1}/{n_folds} epoch {number}"
            # Figures of the validation prints stand after a slash.
            shown = " ".join(
                f"{key} {value:.2f}" + (f"/{figures['val_' + key]:.2f}" if f"val_{key}" in figures else "")
                for key, value in figures.items()
                if key != "learning_rate" and not key.startswith("val_")
            )
            report(f"{where}: {shown}, at most {left // 60}:{left % 60:02} left")

    return on_epoch
