"""Comparison scores as data, checked: which are mated, whose they are, and in which direction they count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ridgefeat.errors import ScoreError

Float = NDArray[np.float64]
Codes = NDArray[np.int64]
MOST_SCORES = 200_000_000


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of comparisons, one a row.

    Attributes
    ----------
    score : ndarray of float64, shape (n,)
        In the comparator's own scale; NaN where a print could not be acquired, so that nothing was compared.
    mated : ndarray of bool, shape (n,)
        Whether both prints come from the same source (genuine); for a classifier whether the row is of the positive
        class.
    probe, reference : ndarray of int64, shape (n,), or None
        Whose the two prints are, as codes from 0. `reference` is None where a row has one subject alone.
    distance : bool
        Smaller scores speak for a match.
    """

    score: Float
    mated: NDArray[np.bool_]
    probe: Codes | None = None
    reference: Codes | None = None
    distance: bool = False

    @classmethod
    def make(
        cls,
        score: ArrayLike,
        mated: ArrayLike,
        *,
        subject_probe: ArrayLike | None = None,
        subject_reference: ArrayLike | None = None,
        distance: bool = False,
        count_failures: bool = False,
    ) -> Scores:
        """Return checked scores.

        Parameters
        ----------
        score : array_like of float, shape (n,)
            The higher, the likelier a match; the lower with `distance`.
        mated : array_like, shape (n,)
            True or 1 for mated comparisons, False or 0 for non-mated ones.
        subject_probe, subject_reference : array_like, shape (n,), optional
            Whose the prints are: numbers or text.
        distance : bool
            Whether smaller scores speak for a match.
        count_failures : bool
            NaN is a failure to acquire, to be counted against the transactions, instead of a mistake.

        Raises
        ------
        ScoreError
            For lengths that differ, one class alone, values that are not finite, constant scores, scores of reversed
            sign, and mated comparisons of different subjects.
        """
        values = _numbers(score)
        truth = _truth(mated, len(values))
        probe, reference = _codes(len(values), subject_probe, subject_reference)
        made = cls(values, truth, probe, reference, distance)
        _check_values(made, count_failures)
        _check_classes(made)
        _check_subjects(made)
        _check_direction(made)
        return made

    def __len__(self) -> int:
        return len(self.score)

    @property
    def similarity(self) -> Float:
        """The scores turned so that higher speaks for a match."""
        return -self.score if self.distance else self.score

    @property
    def compared(self) -> NDArray[np.bool_]:
        """Which rows have a score at all."""
        return np.isfinite(self.score)

    @cached_property
    def people(self) -> Codes:
        """The different subjects' codes, in order; empty where nothing is known of them."""
        known = [c for c in (self.probe, self.reference) if c is not None and len(c)]
        seen = np.zeros(1 + max((int(c.max()) for c in known), default=-1), bool)
        for codes in known:
            seen[codes] = True
        return np.flatnonzero(seen).astype(np.int64)

    @property
    def subjects(self) -> int:
        """How many different subjects there are; 0 where nothing is known of them."""
        return len(self.people)

    def select(self, which: NDArray[np.bool_]) -> Scores:
        """Return the rows that a mask picks.

        Parameters
        ----------
        which : bool, shape (rows,)
        """
        return replace(
            self,
            score=self.score[which],
            mated=self.mated[which],
            probe=None if self.probe is None else self.probe[which],
            reference=None if self.reference is None else self.reference[which],
        )


def _numbers(score: ArrayLike) -> Float:
    try:
        values = np.asarray(score, np.float64)
    except (TypeError, ValueError) as error:
        raise ScoreError(f"scores must be numbers: {error}") from None
    if values.ndim != 1 or not len(values):
        raise ScoreError(f"scores must be a list of numbers, one a comparison; got shape {values.shape}")
    if len(values) > MOST_SCORES:
        raise ScoreError(f"{len(values):,} scores are more than the {MOST_SCORES:,} that can be held; take a sample")
    return values


def _truth(mated: ArrayLike, count: int) -> NDArray[np.bool_]:
    truth = np.asarray(mated)
    if truth.shape != (count,):
        raise ScoreError(f"there are {count} scores, but mated has shape {truth.shape}; give one value a score")
    if truth.dtype != bool:
        known = np.unique(truth) if truth.dtype.kind in "iuf" else np.unique(truth.astype(str))
        if truth.dtype.kind not in "iuf" or not np.isin(known, [0, 1]).all():
            shown = ", ".join(map(str, known[:5]))
            raise ScoreError(f"mated must hold 1 and 0 (or True and False); it holds {shown}")
    return truth.astype(bool)


def _codes(count: int, *given: ArrayLike | None) -> tuple[Codes | None, Codes | None]:
    """Return both columns of subjects in one numbering."""
    columns = [None if one is None else np.asarray(one) for one in given]
    for column in columns:
        if column is not None and column.shape != (count,):
            raise ScoreError(f"there are {count} scores, but subjects have shape {column.shape}; give one a score")
    known = [column for column in columns if column is not None]
    if not known:
        return None, None
    if len({c.dtype.kind in "iu" for c in known}) > 1 or any(c.dtype.kind not in "iu" for c in known):
        known = [c.astype(str) for c in known]
    # Both ends of a comparison must share one numbering: the same person probes and is probed.
    codes = _numbered(np.concatenate(known))
    if len(known) == 1:
        return codes, None
    return codes[:count], codes[count:]


def _numbered(names: NDArray[Any]) -> Codes:
    """Return codes from 0 in the order of the names; small whole numbers need no sorting."""
    if names.dtype.kind in "iu" and len(names) and names.min() >= 0 and names.max() < 4 * len(names):
        seen = np.zeros(int(names.max()) + 1, bool)
        seen[names] = True
        return np.asarray((np.cumsum(seen) - 1)[names], np.int64)
    return np.asarray(np.unique(names, return_inverse=True)[1], np.int64)


def _check_values(made: Scores, count_failures: bool) -> None:
    infinite = np.isinf(made.score)
    if infinite.any():
        raise ScoreError(
            f"{int(infinite.sum())} scores are infinite, first in row {1 + int(infinite.argmax())}; give finite scores"
        )
    missing = np.isnan(made.score)
    if missing.any() and not count_failures:
        raise ScoreError(
            f"{int(missing.sum())} of {len(made):,} scores are missing (NaN), first in row "
            f"{1 + int(missing.argmax())}; remove them, or count them as failures to acquire: --failures "
            "(count_failures=True)"
        )


def _check_classes(made: Scores) -> None:
    there = made.compared
    mated = int(made.mated[there].sum())
    others = int(there.sum()) - mated
    if not mated or not others:
        lacking = "mated" if not mated else "non-mated"
        raise ScoreError(
            f"there are {mated:,} mated and {others:,} non-mated scores: without {lacking} ones there is no error rate "
            "to weigh against the other; give both kinds"
        )
    values = made.score[there]
    if values.min() == values.max():
        raise ScoreError(f"all {len(values):,} scores are {values[0]:g}: no threshold can tell anything apart")


def _check_subjects(made: Scores) -> None:
    if made.probe is None or made.reference is None:
        return
    wrong = made.mated & (made.probe != made.reference)
    if wrong.any():
        raise ScoreError(
            f"{int(wrong.sum())} comparisons are mated but of two different subjects, first in row "
            f"{1 + int(wrong.argmax())}; correct mated or the subjects"
        )


def _check_direction(made: Scores) -> None:
    from sklearn.metrics import roc_auc_score

    there = made.compared
    values, truth = made.similarity[there], made.mated[there]
    mated, others = values[truth], values[~truth]
    if mated.mean() >= others.mean() and np.median(mated) >= np.median(others):
        return
    auc = roc_auc_score(truth, values)
    # A comparator that is merely useless lies within chance of 0.5; one far below it is read the wrong way round.
    chance = np.sqrt((len(values) + 1) / (12 * len(mated) * len(others)))
    if auc < 0.5 - 4 * chance:
        advice = (
            "they look like similarities: leave out --distance (distance=False)"
            if made.distance
            else "they look like distances: give --distance (distance=True)"
        )
        raise ScoreError(
            f"mated comparisons score worse than non-mated ones (AUC {auc:.3f}), so the scores' sign is "
            f"reversed; {advice}, or the labels are swapped"
        )


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
