"""Classifiers combined from others' out-of-fold scores, without fitting any of them again: "mean" and "stack".

A fold's members and weights come from the other folds alone: what the fold itself shows decides nothing about it.
Fitted numbers are averaged by scikit-learn's VotingRegressor of frozen members. Classes are combined here:
VotingClassifier averages probabilities, and neither it nor CalibratedClassifierCV calibrates by our multinomial curve;
StackingClassifier fits every member again in each fold, or, of frozen members, fits the stack on scores of prints that
the members were fitted on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ridgefeat.bench import calibration
from ridgefeat.bench.evaluation import Outcome, gather
from ridgefeat.bench.metrics import Predictions, figure
from ridgefeat.bench.results import LESS_IS_BETTER, Problem

NEARLY = 0.02
"""How far behind the best a member of the mean may be, as a share of the main figure's whole (or of the error)."""
LEAST, MOST = 3, 6
"""Members of the mean: those that err differently make each other better, the tenth adds only time."""


def together(
    problem: Problem,
    name: str,
    by_method: Mapping[str, Sequence[Outcome]],
    gathered: Mapping[str, Predictions] | None = None,
) -> list[Outcome]:
    """Return the outcomes of "mean" or "stack" on the folds that its members ran on.

    Parameters
    ----------
    problem : Problem
    name : "mean" or "stack"
    by_method : mapping of str to sequence of Outcome
    gathered : mapping of str to Predictions, optional
        The members' answers where they are gathered already.

    Raises
    ------
    ValueError
        If fewer than two members ran, or a stack has one fold alone.
    """
    names = members_of(name, by_method)
    known = gathered or {}
    gathered = {n: known[n] if n in known else gather(problem, by_method[n])[0] for n in names}
    outcomes, first = by_method[names[0]], gathered[names[0]]
    odds = {n: log_odds(p) for n, p in gathered.items()}
    columns, score = side_by_side(list(odds.values())), np.empty_like(odds[names[0]])
    for others, own in calibration.other_folds(first.fold, [o.fold.repeat for o in outcomes]):
        if name == "mean":
            score[own] = np.mean([odds[n][own] for n in best_members(gathered, others, problem.metric)], axis=0)
        elif not len(others):
            raise ValueError("stack is fitted on other folds' scores, and there is one fold alone")
        else:
            model = fit_stack(columns[others], first.y[others])
            score[own] = calibration.raw_scores(model, columns[own], len(model.classes_))
    return [_outcome(name, o, score[first.fold == i], problem) for i, o in enumerate(outcomes)]


def members_of(name: str, by_method: Iterable[str]) -> list[str]:
    """Return the classifiers that "mean" or "stack" may draw on.

    Raises
    ------
    ValueError
        If there are fewer than two.
    """
    names = [n for n in by_method if n != "dummy"]
    if len(names) < 2:
        raise ValueError(f"{name} needs two classifiers besides dummy that ran; there are {len(names)}")
    return names


def best_members(gathered: Mapping[str, Predictions], rows: NDArray[np.intp], metric: str) -> list[str]:
    """Return the names of those that are nearly as good as the best by the given rows alone, three to six, best first.

    Without rows the first three.
    """
    names = list(gathered)
    if not len(rows):
        return names[:LEAST]
    sign = 1 if metric in LESS_IS_BETTER else -1
    found = {n: sign * figure(gathered[n].select(rows), metric) for n in names}
    names.sort(key=found.__getitem__)
    best = found[names[0]]
    limit = best + NEARLY * (best if metric in LESS_IS_BETTER else 1.0)
    near = sum(value <= limit for value in found.values())
    return names[: min(max(near, LEAST), MOST)]


def log_odds(p: Predictions) -> NDArray[np.float64]:
    """Return calibrated log-odds (of each class against all others), or the predicted numbers as one column."""
    return p.predicted[:, None].astype(np.float64) if p.kind == "regression" else odds_of(p.probability)


def odds_of(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-odds of each class against all others, finite whatever the probability."""
    clipped = np.clip(probability, calibration.LEAST_PROBABILITY, 1 - calibration.LEAST_PROBABILITY)
    out: NDArray[np.float64] = np.log(clipped) - np.log1p(-clipped)
    return out


def side_by_side(odds: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return members' log-odds as columns; one of each where there are two classes."""
    return np.concatenate([o[:, 1:] if o.shape[1] == 2 else o for o in odds], axis=1)


def fit_stack(X: NDArray[np.float64], y: NDArray[np.int64]) -> Any:
    """Return the logistic regression on members' log-odds."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.1, max_iter=500).fit(X, y)


def _outcome(name: str, member: Outcome, score: NDArray[np.float64], problem: Problem) -> Outcome:
    if problem.kind == "regression":
        return Outcome(name, member.fold, score[:, 0], np.zeros((len(score), 0)), 0.0)
    # Calibrated odds speak of the classes as frequent as they are; even odds against that are the fair cut.
    prior = np.log(np.bincount(problem.y[member.fold.train], minlength=score.shape[1]) / len(member.fold.train))
    cut = score - (prior - np.log1p(-np.exp(prior)))
    return Outcome(name, member.fold, cut.argmax(axis=1), score, 0.0)


class FrozenEnsemble(BaseEstimator):  # type: ignore[misc]
    """The mean of fitted classifiers' calibrated log-odds, or a logistic regression on them.

    Parameters
    ----------
    members, calibrators : list of estimator
        Fitted pipelines, and each one's calibrator, from scores of people that it was not fitted on.
    combiner : estimator or None
        What was fitted on the members' log-odds; None for their mean.
    """

    def __init__(self, members: Sequence[Any] = (), calibrators: Sequence[Any] = (), combiner: Any = None) -> None:
        self.members = members
        self.calibrators = calibrators
        self.combiner = combiner

    def decision_function(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return scores, shape (rows, classes)."""
        classes = len(self.calibrators[0].classes_)
        odds = [
            odds_of(calibration.apply(c, calibration.raw_scores(m, X, classes)))
            for m, c in zip(self.members, self.calibrators, strict=True)
        ]
        if self.combiner is None:
            return np.asarray(np.mean(odds, axis=0))
        return calibration.raw_scores(self.combiner, side_by_side(odds), classes)


def build_ensemble(
    problem: Problem, name: str, by_method: Mapping[str, Sequence[Outcome]], fitted: Mapping[str, Any], X: NDArray[Any]
) -> Any:
    """Return "mean" or "stack" of pipelines that were fitted on all prints.

    Parameters
    ----------
    problem : Problem
    name : "mean" or "stack"
    by_method : mapping of str to sequence of Outcome
        Each member's answers out of fold, by which members are calibrated and weighed.
    fitted : mapping of str to estimator
        The members (`select_members`).
    X : ndarray of float32, shape (prints, columns)
        What they were fitted on.
    """
    if problem.kind == "regression":
        from sklearn.ensemble import VotingRegressor
        from sklearn.frozen import FrozenEstimator

        return VotingRegressor([(n, FrozenEstimator(m)) for n, m in fitted.items()]).fit(X, problem.y)
    gathered = [gather(problem, by_method[n])[0] for n in fitted]
    combiner = None
    if name == "stack":
        combiner = fit_stack(side_by_side([log_odds(p) for p in gathered]), gathered[0].y)
    return FrozenEnsemble(list(fitted.values()), [calibration.fit(p.score, p.y) for p in gathered], combiner)


def select_members(problem: Problem, name: str, by_method: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """Return the members: the best few for a mean, all for a stack.

    Raises
    ------
    ValueError
        If fewer than two ran.
    """
    names = members_of(name, by_method)
    if name == "stack":
        return names
    gathered = {n: gather(problem, by_method[n])[0] for n in names}
    return best_members(gathered, np.arange(len(gathered[names[0]].y)), problem.metric)
