"""Permutation importance on held-out folds, by family and by column (Breiman 2001).

sklearn.inspection.permutation_importance shuffles one column at a time and returns a drop of each fold's score; the
columns of a family are shuffled together here, and intervals need the predictions of all folds.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import calibration, metrics, statistics
from ridgefeat.bench.classifiers import build
from ridgefeat.bench.diagnostics import Refitter
from ridgefeat.bench.evaluation import Outcome, fit
from ridgefeat.bench.options import Method, Options
from ridgefeat.bench.pooling import pool_predictions
from ridgefeat.bench.results import LESS_IS_BETTER, Fold, Problem

if TYPE_CHECKING:
    import pandas as pd

MAX_COLUMNS = 200
"""Columns looked at one by one where each costs a prediction: those that most differ by target in training."""
SHOWN = 40
"""Columns that get an interval and a row."""


def permutation_importance(refitter: Refitter) -> pd.DataFrame | None:
    """Return what shuffling each family and column among a fold's test prints takes from the main figure.

    A family's columns are shuffled together. Columns share what they know, so that a column without importance may
    still know much that others know too.
    """
    import pandas as pd
    from joblib import delayed

    from ridgefeat.work.engine import count_workers, spread

    problem, options, X = refitter.problem, refitter.options, refitter.X
    names = list(problem.features.columns)
    family_of = {name: f for f, columns in problem.families.items() for name in columns}
    blocks: dict[tuple[str, str], list[int]] = {
        ("family", f): [names.index(c) for c in columns] for f, columns in problem.families.items()
    }
    columns = _columns(problem, X) if len(names) > MAX_COLUMNS else range(len(names))
    blocks |= {("column", names[i]): [i] for i in columns}
    work = (
        delayed(_shuffle_blocks)(refitter.method, f, options, X, problem.y, list(blocks.values()))
        for f in refitter.folds
    )
    try:
        outcomes = list(spread(work, count_workers(options.jobs), ordered=True))
    except Exception:  # an estimator that cannot be taken apart has no importances; the comparison stands
        return None
    # Of each fold first the whole, then each block shuffled.
    whole, *rest = (pool_predictions(problem, o, calibrate=False).predictions for o in zip(*outcomes, strict=True))
    sign = -1 if problem.metric in LESS_IS_BETTER else 1
    base = metrics.figure(whole, problem.metric)
    shuffled = dict(zip(blocks, rest, strict=True))
    drops = {key: sign * (base - metrics.figure(p, problem.metric)) for key, p in shuffled.items()}
    rows = []
    for level in ("family", "column"):
        ranked = sorted((k for k in blocks if k[0] == level), key=lambda k: -drops[k])[:SHOWN]
        for key in ranked:
            _, low, high = statistics.difference(whole, shuffled[key], refitter.weights, problem.metric)
            low, high = (low, high) if sign > 0 else (-high, -low)
            rows.append(
                {
                    "classifier": refitter.method.name,
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
    return [int(i) for i in np.argsort(-np.nan_to_num(score), kind="stable")[:MAX_COLUMNS]]


def _shuffle_blocks(
    method: Method, fold: Fold, options: Options, X: NDArray[Any], y: NDArray[Any], blocks: list[list[int]]
) -> list[Outcome]:
    """Return a fold's outcome, then that with each block of columns shuffled in the test rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline, _ = fit(build(method, options), method, fold, options, X, y, np.zeros(len(y)))
        before, model = pipeline[:-1], pipeline[-1]
        test = np.asarray(before.transform(X[fold.test]), np.float32)
        order = np.random.default_rng(options.seed).permutation(len(test))
        out = [_predict(method, fold, options, model, test)]
        for block in blocks:
            kept = test[:, block]
            test[:, block] = kept[order]
            out.append(_predict(method, fold, options, model, test))
            test[:, block] = kept
    return out


def _predict(method: Method, fold: Fold, options: Options, model: Any, X: NDArray[Any]) -> Outcome:
    if options.kind == "regression":
        return Outcome(method.name, fold, model.predict(X), np.zeros((len(X), 0)))
    scores = calibration.raw_scores(model, X, options.n_classes)
    return Outcome(method.name, fold, scores.argmax(axis=1), scores)
