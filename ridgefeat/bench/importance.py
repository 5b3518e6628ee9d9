"""Permutation importance on held-out folds, by family and by column (Breiman 2001).

sklearn.inspection.permutation_importance shuffles one column at a time and returns a drop of each fold's score; the
columns of a family are shuffled together here, and intervals need the predictions of all folds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import calibration, metrics, statistics
from ridgefeat.bench.evaluation import Task, fit, positive
from ridgefeat.bench.metrics import Predictions
from ridgefeat.bench.results import LESS_IS_BETTER, Fold, Problem

if TYPE_CHECKING:
    import pandas as pd

    from ridgefeat.bench.diagnostics import Study

MOST_COLUMNS = 200
"""Columns looked at one by one where each costs a prediction: those that most differ by target in training."""
SHOWN = 40
"""Columns that get an interval and a row."""
Answer = tuple[NDArray[Any], NDArray[np.float64]]


def permutation(study: Study) -> pd.DataFrame | None:
    """Return what shuffling each family and column among a fold's test prints takes from the main figure.

    A family's columns are shuffled together. Columns share what they know, so that a column without importance may
    still know much that others know too.
    """
    import pandas as pd
    from joblib import delayed

    from ridgefeat.work.engine import count_workers, spread

    problem, settings, X = study.problem, study.settings, study.X
    names = list(problem.features.columns)
    family_of = {name: f for f, columns in problem.families.items() for name in columns}
    blocks: dict[tuple[str, str], list[int]] = {
        ("family", f): [names.index(c) for c in columns] for f, columns in problem.families.items()
    }
    columns = _columns(problem, X) if len(names) > MOST_COLUMNS else range(len(names))
    blocks |= {("column", names[i]): [i] for i in columns}
    work = (
        delayed(_fold)(Task(study.method, f, settings, len(problem.classes)), X, problem.y, list(blocks.values()))
        for f in study.folds
    )
    try:
        answers = list(spread(work, count_workers(study.jobs), ordered=True))
    except Exception:  # an estimator that cannot be taken apart has no importances; the comparison stands
        return None
    whole = _predictions(problem, study.folds, [a[0] for a in answers])
    sign = -1 if problem.metric in LESS_IS_BETTER else 1
    base = metrics.figure(whole, problem.metric)
    shuffled = {key: _predictions(problem, study.folds, [a[1][i] for a in answers]) for i, key in enumerate(blocks)}
    drops = {key: sign * (base - metrics.figure(p, problem.metric)) for key, p in shuffled.items()}
    rows = []
    for level in ("family", "column"):
        ranked = sorted((k for k in blocks if k[0] == level), key=lambda k: -drops[k])[:SHOWN]
        for key in ranked:
            _, low, high = statistics.difference(whole, shuffled[key], study.weights, problem.metric)
            low, high = (low, high) if sign > 0 else (-high, -low)
            rows.append(
                {
                    "classifier": study.method.name,
                    "level": level,
                    "name": key[1],
                    "family": key[1] if level == "family" else family_of[key[1]],
                    "drop": drops[key],
                    "drop_low": low,
                    "drop_high": high,
                }
            )
    return pd.DataFrame(rows)


def _columns(problem: Problem, X: NDArray[Any]) -> list[int]:
    """Return the columns that differ most by target: worth a look one by one."""
    from sklearn.feature_selection import f_classif, f_regression

    values = np.nan_to_num(X[:, : problem.features.shape[1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = (f_regression if problem.kind == "regression" else f_classif)(values, problem.y)[0]
    return [int(i) for i in np.argsort(-np.nan_to_num(score), kind="stable")[:MOST_COLUMNS]]


def _fold(task: Task, X: NDArray[Any], y: NDArray[Any], blocks: list[list[int]]) -> tuple[Answer, list[Answer]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline, _ = fit(task, X, y, np.zeros(len(y)))
        before, model = pipeline[:-1], pipeline[-1]
        test = np.asarray(before.transform(X[task.fold.test]), np.float32)
        order = np.random.default_rng(task.settings.seed).permutation(len(test))
        whole = _answer(model, test, task)
        out = []
        for block in blocks:
            kept = test[:, block]
            test[:, block] = kept[order]
            out.append(_answer(model, test, task))
            test[:, block] = kept
    return whole, out


def _answer(model: Any, X: NDArray[Any], task: Task) -> Answer:
    if task.settings.kind == "regression":
        return model.predict(X), np.zeros((len(X), 0))
    scores = calibration.raw_scores(model, X, task.classes)
    return scores.argmax(axis=1), scores


def _predictions(problem: Problem, folds: Sequence[Fold], answers: Sequence[Answer]) -> Predictions:
    rows = np.concatenate([f.test for f in folds])
    fold = np.concatenate([np.full(len(f.test), i) for i, f in enumerate(folds)])
    predicted = np.concatenate([a[0] for a in answers])
    scores = np.concatenate([a[1] for a in answers])
    group = statistics.group_numbers(problem.groups)[rows]
    return Predictions(problem.kind, problem.y[rows], predicted, scores, scores, fold, group, positive(problem))
