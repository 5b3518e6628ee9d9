"""Classifiers put together from others' out-of-fold scores, without fitting any of them again.

A fold's members and weights come from the other folds alone: what the fold itself shows decides nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    first = gathered[names[0]]
    odds = {n: log_odds(p) for n, p in gathered.items()}
    out = []
    for i, outcome in enumerate(by_method[names[0]]):
        # Folds of another repeat test the same people; only this repeat's say nothing about them.
        inside, other = first.fold == i, _others(first, by_method[names[0]], i)
        if name == "mean":
            members = best_members(gathered, other, problem.metric)
            score = np.mean([odds[n][inside] for n in members], axis=0)
        else:
            score = _stacked([odds[n] for n in names], first.y, inside, other)
        out.append(_outcome(name, outcome, score, problem))
    return out


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


def best_members(gathered: Mapping[str, Predictions], rows: NDArray[np.bool_], metric: str) -> list[str]:
    """Return the names of those that are nearly as good as the best by the given rows alone, three to six, best first.

    Without rows the first three.
    """
    names = list(gathered)
    if not rows.any():
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


def _others(first: Predictions, outcomes: Sequence[Outcome], i: int) -> NDArray[np.bool_]:
    same = [o.fold.repeat == outcomes[i].fold.repeat and j != i for j, o in enumerate(outcomes)]
    return np.asarray(same)[first.fold]


def _stacked(
    odds: Sequence[NDArray[np.float64]], y: NDArray[np.int64], inside: NDArray[np.bool_], other: NDArray[np.bool_]
) -> NDArray[np.float64]:
    if not other.any():
        raise ValueError("stack is fitted on other folds' scores, and there is one fold alone")
    X = side_by_side(odds)
    model = fit_stack(X[other], y[other])
    return calibration.raw_scores(model, X[inside], len(model.classes_))


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
