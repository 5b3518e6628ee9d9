"""Classifiers combined from others' out-of-fold scores, without fitting any of them again: "mean" and "stack".

A fold's members and weights come from the other folds alone: what the fold itself shows decides nothing about it.
Fitted numbers are averaged by scikit-learn's VotingRegressor of frozen members. Classes are combined here:
VotingClassifier averages probabilities, and neither it nor CalibratedClassifierCV calibrates by our multinomial curve;
StackingClassifier fits every member again in each fold, or, of frozen members, fits the stack on scores of prints that
the members were fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from ridgefeat.bench.evaluation import MIN_PROBABILITY, Outcome, raw_scores
from ridgefeat.bench.metrics import Floats, Ints, Predictions, figure
from ridgefeat.bench.pooling import PooledPredictions, apply_calibrator, fit_calibrator, sources
from ridgefeat.bench.results import LESS_IS_BETTER, Problem

TOLERANCE = 0.02
"""Distance behind the best classifier that counts as a tie: share of the main metric's range, or of the error."""
MIN_MEMBERS, MAX_MEMBERS = 3, 6
"""Members of the mean: those that make different errors improve each other; the tenth adds only time."""


def evaluate_ensemble(
    problem: Problem,
    name: str,
    pooled: Mapping[str, PooledPredictions],
    inner: Mapping[str, PooledPredictions] | None = None,
) -> list[Outcome]:
    """Return the outcomes of "mean" or "stack" in the folds that its members ran in.

    `pooled` holds the classifiers that did not fail; dummy is left out. `inner` holds their predictions in folds of the
    training rows, where these choose and weight members instead of the other folds. Raises ValueError if fewer than two
    members ran, or there is nothing that a stack can be fitted on.
    """
    members = _members(name, {n: p for n, p in pooled.items() if inner is None or n in inner})
    learned = members if inner is None else {n: inner[n] for n in members}
    whole = next(p for n, p in pooled.items() if n in members)
    odds = {n: log_odds(p) for n, p in members.items()}
    columns, score = as_columns(list(odds.values())), np.empty_like(log_odds(whole))
    for source, own in sources(whole, None if inner is None else inner[next(iter(members))]):
        if name == "mean":
            best = best_members(learned, source, problem.metric, (inner or pooled).get("dummy"))
            score[own] = np.mean([odds[n][own] for n in best], axis=0)
        elif not len(source):
            raise ValueError("stack is fitted on other folds' scores, and there is one fold alone")
        else:
            others = as_columns([log_odds(p.select(source)) for p in learned.values()])
            model = fit_stack(others, next(iter(learned.values())).y[source])
            score[own] = raw_scores(model, columns[own], len(model.classes_))
    parts = [score[whole.fold == i] for i in range(len(whole.folds))]
    if problem.kind == "regression":
        found = [(part[:, 0], np.zeros((len(part), 0))) for part in parts]
    else:
        found = [(part.argmax(axis=1), part) for part in parts]
    return [Outcome(name, fold, *one) for fold, one in zip(whole.folds, found, strict=True)]


def _members(name: str, pooled: Mapping[str, PooledPredictions]) -> dict[str, PooledPredictions]:
    """Return the predictions that "mean" or "stack" may use; raise ValueError if there are fewer than two."""
    members = {n: p for n, p in pooled.items() if n != "dummy"}
    if len(members) < 2:
        raise ValueError(f"{name} needs two classifiers besides dummy that ran; there are {len(members)}")
    return members


def best_members(
    members: Mapping[str, Predictions], rows: NDArray[np.intp], metric: str, dummy: Predictions | None = None
) -> list[str]:
    """Return the names of three to six that are within TOLERANCE of the best in the given rows alone, best first.

    Those that are worse than dummy are left out, unless all are. Without rows the first three.
    """
    names = list(members)
    if not len(rows):
        return names[:MIN_MEMBERS]
    sign = 1 if metric in LESS_IS_BETTER else -1
    found = {n: sign * figure(members[n].select(rows), metric) for n in names}
    names.sort(key=found.__getitem__)
    best = found[names[0]]
    limit = best + TOLERANCE * (best if metric in LESS_IS_BETTER else 1.0)
    near = sum(value <= limit for value in found.values())
    chosen = names[: min(max(near, MIN_MEMBERS), MAX_MEMBERS)]
    worst = np.inf if dummy is None else sign * figure(dummy.select(rows), metric)
    return [n for n in chosen if found[n] <= worst] or chosen[:1]


def log_odds(p: Predictions) -> Floats:
    """Return calibrated log-odds (of each class against all others), or the predicted numbers as one column."""
    return p.predicted[:, None].astype(np.float64) if p.kind == "regression" else odds_of(p.probability)


def odds_of(probability: Floats) -> Floats:
    """Return log-odds of each class against all others, finite whatever the probability."""
    clipped = np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.log(clipped) - np.log1p(-clipped)


def as_columns(odds: Sequence[Floats]) -> Floats:
    """Return members' log-odds as columns; one of each where there are two classes."""
    return np.concatenate([o[:, 1:] if o.shape[1] == 2 else o for o in odds], axis=1)


def fit_stack(X: Floats, y: Ints) -> Any:
    """Return the logistic regression on members' log-odds."""
    return LogisticRegression(C=0.1, max_iter=500).fit(X, y)


class FrozenEnsemble(BaseEstimator):  # type: ignore[misc]
    """The mean of fitted pipelines' calibrated log-odds, or (`combiner`) a logistic regression on them.

    Each member has its own calibrator, from scores of people that it was not fitted on.
    """

    def __init__(self, members: Sequence[Any] = (), calibrators: Sequence[Any] = (), combiner: Any = None) -> None:
        self.members = members
        self.calibrators = calibrators
        self.combiner = combiner

    def decision_function(self, X: NDArray[Any]) -> Floats:
        """Return scores, shape (rows, classes)."""
        classes = len(self.calibrators[0].classes_)
        odds = [
            odds_of(apply_calibrator(c, raw_scores(m, X, classes)))
            for m, c in zip(self.members, self.calibrators, strict=True)
        ]
        if self.combiner is None:
            return np.asarray(np.mean(odds, axis=0))
        return raw_scores(self.combiner, as_columns(odds), classes)


def select_members(problem: Problem, name: str, pooled: Mapping[str, PooledPredictions]) -> list[str]:
    """Return the members of an ensemble that is fitted on all prints: the best few for a mean, all for a stack."""
    members = _members(name, pooled)
    if name == "stack":
        return list(members)
    rows = np.arange(len(next(iter(members.values())).y))
    return best_members(members, rows, problem.metric, pooled.get("dummy"))


def build_ensemble(
    problem: Problem, name: str, pooled: Mapping[str, PooledPredictions], fitted: Mapping[str, Any], X: NDArray[Any]
) -> Any:
    """Return "mean" or "stack" of the members (`select_members`), pipelines that were fitted on all rows of X.

    Their predictions out of fold, in `pooled`, calibrate and weight them.
    """
    if problem.kind == "regression":
        return VotingRegressor([(n, FrozenEstimator(m)) for n, m in fitted.items()]).fit(X, problem.y)
    members = [pooled[n] for n in fitted]
    combiner = None
    if name == "stack":
        combiner = fit_stack(as_columns([log_odds(p) for p in members]), members[0].y)
    return FrozenEnsemble(list(fitted.values()), [fit_calibrator(p.score, p.y) for p in members], combiner)
