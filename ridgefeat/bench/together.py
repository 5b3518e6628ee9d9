"""Fitted classifiers put together as one that can be stored: the mean of the best, or a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from ridgefeat.bench import calibration, ensemble
from ridgefeat.bench.evaluation import Outcome, gather
from ridgefeat.bench.results import Problem


class Together(BaseEstimator):  # type: ignore[misc]
    """Members that are fitted already, and how their answers become one.

    Parameters
    ----------
    members : list of estimator
        Fitted pipelines.
    calibrators : list of estimator
        Each member's, from scores on people that it was not fitted on; empty for numbers.
    combiner : estimator or None
        What was fitted on members' log-odds; None for their mean.
    classes : int
        0 for numbers.
    """

    def __init__(
        self, members: Sequence[Any] = (), calibrators: Sequence[Any] = (), combiner: Any = None, classes: int = 2
    ) -> None:
        self.members = members
        self.calibrators = calibrators
        self.combiner = combiner
        self.classes = classes

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the mean of the members' numbers, or the class that scores highest."""
        if not self.classes:
            return np.asarray(np.mean([m.predict(X) for m in self.members], axis=0))
        return np.asarray(self.decision_function(X).argmax(axis=1))

    def decision_function(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return scores, shape (rows, classes)."""
        odds = [
            ensemble.odds_of(calibration.apply(c, calibration.raw_scores(m, X, self.classes)))
            for m, c in zip(self.members, self.calibrators, strict=True)
        ]
        if self.combiner is None:
            return np.asarray(np.mean(odds, axis=0))
        return calibration.raw_scores(self.combiner, ensemble.side_by_side(odds), self.classes)


def put_together(
    problem: Problem, name: str, by_method: Mapping[str, Sequence[Outcome]], fitted: Mapping[str, Any]
) -> Together:
    """Return "mean" or "stack" of pipelines that were fitted on all prints.

    Parameters
    ----------
    problem : Problem
    name : "mean" or "stack"
    by_method : mapping of str to sequence of Outcome
        Each member's answers out of fold, by which members are calibrated and weighed.
    fitted : mapping of str to estimator
        The members (`choose_members`).
    """
    numbers = problem.kind == "regression"
    gathered = {n: gather(problem, by_method[n])[0] for n in fitted}
    combiner = None
    if name == "stack":
        odds = [ensemble.log_odds(p) for p in gathered.values()]
        combiner = ensemble.fit_stack(ensemble.side_by_side(odds), problem.y[_rows(by_method, fitted)])
    calibrators = [] if numbers else [calibration.fit(p.score, p.y) for p in gathered.values()]
    return Together(list(fitted.values()), calibrators, combiner, 0 if numbers else len(problem.classes))


def choose_members(problem: Problem, name: str, by_method: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """Return the members: the best few for a mean, all for a stack.

    Raises
    ------
    ValueError
        If fewer than two ran.
    """
    names = ensemble.members_of(name, by_method)
    if name == "stack":
        return names
    gathered = {n: gather(problem, by_method[n])[0] for n in names}
    every = np.ones(len(gathered[names[0]].y), np.bool_)
    return ensemble.best_members(gathered, every, problem.metric)


def _rows(by_method: Mapping[str, Sequence[Outcome]], fitted: Mapping[str, Any]) -> NDArray[np.int64]:
    return np.concatenate([o.fold.test for o in by_method[next(iter(fitted))]])
