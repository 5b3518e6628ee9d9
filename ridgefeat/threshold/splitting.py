"""Development and evaluation: a threshold is chosen on some people and reported on others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.threshold.scores import Scores


@dataclass(frozen=True, eq=False)
class Split:
    """The two parts; `evaluation` is None where everything is development.

    Attributes
    ----------
    across : int
        Comparisons of one part's people with the other's, which belong to neither.
    by_subject : bool
        Whether people were kept apart; False where nothing is known of them, so that comparisons were dealt out.
    """

    development: Scores
    evaluation: Scores | None
    across: int
    by_subject: bool


def split_scores(scores: Scores, share: float = 0.8, seed: int = 0) -> Split:
    """Return scores in two parts that share no subject.

    Parameters
    ----------
    scores : Scores
        All of them.
    share : float
        Of subjects that go to development, above 0; 1 leaves no evaluation part.
    seed : int
        The same seed, the same parts.

    Raises
    ------
    ScoreError
        If a part would lack mated or non-mated comparisons.
    """
    if not 0 < share <= 1:
        raise ScoreError(f"the share of development is {share}; it must lie above 0 and be 1 at most")
    if share == 1:
        return Split(scores, None, 0, scores.probe is not None)
    rng = np.random.default_rng(seed)
    if scores.probe is None:
        first: NDArray[np.bool_] = np.zeros(len(scores), np.bool_)
        for kind in (True, False):
            rows = np.flatnonzero(scores.mated == kind)
            first[rng.permutation(rows)[: round(share * len(rows))]] = True
        second = ~first
    else:
        reference = scores.probe if scores.reference is None else scores.reference
        people = scores.people
        chosen = np.zeros(1 + int(people.max()), bool)
        held = min(len(people) - 1, max(1, round(share * len(people))))
        chosen[rng.permutation(people)[:held]] = True
        ends = chosen[scores.probe], chosen[reference]
        first, second = ends[0] & ends[1], ~(ends[0] | ends[1])
    _check(scores, first, "development", share)
    _check(scores, second, "evaluation", share)
    across = int((~first & ~second).sum())
    return Split(scores.select(first), scores.select(second), across, scores.probe is not None)


def _check(scores: Scores, rows: NDArray[np.bool_], name: str, share: float) -> None:
    there = rows & scores.compared
    mated = int((there & scores.mated).sum())
    others = int(there.sum()) - mated
    if not mated or not others:
        whose = f" of {scores.subjects} subjects" if scores.subjects else ""
        raise ScoreError(
            f"with a share of {share:g} the {name} part{whose} holds {mated:,} mated and {others:,} non-mated scores, "
            "and needs both; give more subjects, another --seed, or --development 1 to choose and "
            "report on the same scores"
        )
