"""Comparison scores as checked data: values, mated or not, subjects, direction; and folds over subjects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ridgefeat.brief import Brief
from ridgefeat.errors import ScoreError

Float = NDArray[np.float64]
Codes = NDArray[np.int64]
MAX_SCORES = 200_000_000


@dataclass(frozen=True, eq=False, repr=False)
class Scores(Brief):
    """Comparison scores, one per row.

    Attributes
    ----------
    score : ndarray of float64, shape (n,)
        In the comparator's own scale; NaN for a failure to acquire, so that nothing was compared.
    mated : ndarray of bool, shape (n,)
        Whether both prints come from the same source; for a classifier, whether the row is of the positive class.
    probe, reference : ndarray of int64, shape (n,), or None
        Subjects of the two prints, as codes from 0. `reference` is None if a row has only one subject.
    distance : bool
        Whether smaller scores indicate a match.
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
            Similarities; dissimilarities with `distance`.
        mated : array_like, shape (n,)
            True or 1 for mated comparisons, False or 0 for non-mated ones.
        subject_probe, subject_reference : array_like, shape (n,), optional
            Subjects of the prints: integers or text.
        distance : bool
            Whether smaller scores indicate a match.
        count_failures : bool
            Whether to count NaN as a failure to acquire; otherwise NaN is an error.

        Raises
        ------
        ScoreError
            For lengths that differ, one class alone, values that are not finite, constant scores, scores of reversed
            sign, and mated comparisons of different subjects.

        Examples
        --------
        >>> scores = Scores.make(
        ...     [7.5, 1.2, 0.3], [1, 0, 0], subject_probe=["ann", "ann", "bob"], subject_reference=["ann", "bob", "cy"]
        ... )
        >>> len(scores), scores.n_subjects, scores.mated.tolist(), scores.reference.tolist()
        (3, 3, [True, False, False], [0, 1, 2])
        >>> scores.select(scores.score > 1).score
        array([7.5, 1.2])
        >>> Scores.make([0.1, 0.2, 0.9], [1, 1, 0], distance=True).similarity
        array([-0.1, -0.2, -0.9])
        """
        values = _numbers(score)
        probe, reference = _codes(len(values), subject_probe, subject_reference)
        made = cls(values, _truth(mated, len(values)), probe, reference, distance)
        _check_values(made, count_failures)
        if probe is not None and reference is not None and (wrong := made.mated & (probe != reference)).any():
            raise ScoreError(
                f"{int(wrong.sum())} comparisons are mated but of two different subjects, first in row "
                f"{1 + int(wrong.argmax())}; correct mated or the subjects"
            )
        _check_direction(made)
        return made

    def __len__(self) -> int:
        return len(self.score)

    @property
    def similarity(self) -> Float:
        """The scores with the sign with which higher values indicate a match."""
        return -self.score if self.distance else self.score

    @property
    def compared(self) -> NDArray[np.bool_]:
        """Which rows have a score."""
        return np.isfinite(self.score)

    @cached_property
    def subject_codes(self) -> Codes:
        """The distinct subjects' codes in order; empty if subjects are unknown."""
        known = [np.flatnonzero(np.bincount(c)) for c in (self.probe, self.reference) if c is not None]
        return np.unique(np.concatenate([np.zeros(0, np.int64), *known]))

    @property
    def n_subjects(self) -> int:
        """Number of distinct subjects; 0 if subjects are unknown."""
        return len(self.subject_codes)

    def select(self, which: NDArray[Any]) -> Scores:
        """Return the rows that a mask (bool, shape (n,)) or their numbers (`which`) select."""
        columns = {name: getattr(self, name) for name in ("score", "mated", "probe", "reference")}
        chosen: dict[str, Any] = {name: None if held is None else held[which] for name, held in columns.items()}
        return replace(self, **chosen)


def _numbers(score: ArrayLike) -> Float:
    try:
        values = np.asarray(score, np.float64)
    except (TypeError, ValueError) as error:
        raise ScoreError(f"scores must be numbers: {error}") from None
    if values.ndim != 1 or not len(values):
        raise ScoreError(f"scores must be a list of numbers, one per comparison; got shape {values.shape}")
    if len(values) > MAX_SCORES:
        raise ScoreError(f"{len(values):,} scores are more than the {MAX_SCORES:,} that can be held; take a sample")
    return values


def _truth(mated: ArrayLike, count: int) -> NDArray[np.bool_]:
    truth = np.asarray(mated)
    if truth.shape != (count,):
        raise ScoreError(f"there are {count} scores, but mated has shape {truth.shape}; give one value per score")
    if truth.dtype != bool:
        known = np.unique(truth) if truth.dtype.kind in "iuf" else np.unique(truth.astype(str))
        if truth.dtype.kind not in "iuf" or not np.isin(known, [0, 1]).all():
            shown = ", ".join(map(str, known[:5]))
            raise ScoreError(f"mated must hold 1 and 0 (or True and False); it holds {shown}")
    return truth.astype(bool)


def _codes(count: int, *given: ArrayLike | None) -> tuple[Codes | None, Codes | None]:
    """Return both columns of subjects in one numbering."""
    columns = [None if one is None else np.asarray(one) for one in given]
    known = [column for column in columns if column is not None]
    for column in known:
        if column.shape != (count,):
            raise ScoreError(f"there are {count} scores, but subjects have shape {column.shape}; give one per score")
    if not known:
        return None, None
    if any(column.dtype.kind not in "iu" for column in known):
        known = [c.astype(str) for c in known]
    # Both columns share one numbering: the same subject is probe here and reference there.
    codes = number(np.concatenate(known))
    return codes[:count], codes[count:] if len(known) > 1 else None


def number(names: NDArray[Any]) -> Codes:
    """Return codes from 0 without gaps, in the order of the names."""
    if names.dtype.kind in "iu" and names.min() >= 0 and names.max() <= 8 * len(names):
        return np.asarray((np.cumsum(np.bincount(names) > 0) - 1)[names], np.int64)  # quicker than sorting
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
    mated = int(made.mated[~missing].sum())
    nonmated = int((~missing).sum()) - mated
    if not mated or not nonmated:
        lacking = "mated" if not mated else "non-mated"
        raise ScoreError(
            f"there are {mated:,} mated and {nonmated:,} non-mated scores: without {lacking} ones one of the two error "
            "rates is undefined; give both kinds"
        )
    values = made.score[~missing]
    if values.min() == values.max():
        raise ScoreError(f"all {len(values):,} scores are {values[0]:g}: no threshold can separate them")


def _check_direction(made: Scores) -> None:
    from sklearn.metrics import roc_auc_score

    compared = made.compared
    values, truth = made.similarity[compared], made.mated[compared]
    mated, nonmated = values[truth], values[~truth]
    if mated.mean() >= nonmated.mean() and np.median(mated) >= np.median(nonmated):
        return
    auc = roc_auc_score(truth, values)
    # A useless comparator has an AUC within chance of 0.5; far below that, the sign is reversed.
    chance = np.sqrt((len(values) + 1) / (12 * len(mated) * len(nonmated)))
    if auc < 0.5 - 4 * chance:
        distances = "distances: give --distance (distance=True)"
        kind = "similarities: leave out --distance (distance=False)" if made.distance else distances
        raise ScoreError(
            f"mated comparisons score worse than non-mated ones (AUC {auc:.3f}), so the sign of the scores is "
            f"reversed; they look like {kind}, or swap the labels"
        )


def deal_folds(scores: Scores, folds: int = 5, seed: int = 0) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Deal subjects into folds. Yield which comparisons to choose a threshold on, and which to judge by it.

    A comparison of subjects of two folds is judged by a threshold that was chosen without either fold, so that every
    comparison is judged once, by a threshold that has seen neither subject. If subjects are unknown, comparisons are
    dealt.

    Parameters
    ----------
    scores : Scores
    folds : int
        Number of folds, 2 or more; at most one per subject is made.
    seed : int
        The same seed gives the same folds.

    Raises
    ------
    ScoreError
        If a threshold would have to be chosen without mated or without non-mated comparisons.

    Examples
    --------
    >>> p, q = np.triu_indices(6)
    >>> scores = Scores.make(p == q, p == q, subject_probe=p, subject_reference=q)
    >>> [(int(chosen.sum()), int(judged.sum())) for chosen, judged in deal_folds(scores, 3)]
    [(10, 3), (3, 4), (3, 4), (10, 3), (3, 4), (10, 3)]
    """
    rng = np.random.default_rng(seed)
    if scores.probe is None:
        fold = np.empty(len(scores), np.int16)
        for kind in (True, False):
            rows = np.flatnonzero(scores.mated == kind)
            fold[rng.permutation(rows)] = np.arange(len(rows)) % folds
        probe = reference = fold
    else:
        codes = scores.subject_codes
        of_subject = np.zeros(1 + int(codes.max()), np.int16)
        of_subject[rng.permutation(codes)] = np.arange(len(codes)) % folds
        probe = of_subject[scores.probe]
        reference = probe if scores.reference is None else of_subject[scores.reference]
    block = np.minimum(probe, reference) * folds + np.maximum(probe, reference)
    counted = [(scores.mated == kind) & scores.compared for kind in (True, False)]
    counts = np.array([np.bincount(block[rows], minlength=folds**2) for rows in counted])
    for one in np.flatnonzero(np.bincount(block)):
        i, k = divmod(int(one), folds)
        is_apart = np.array([not {i, k} & set(divmod(other, folds)) for other in range(folds**2)])
        mated, nonmated = counts[:, is_apart].sum(axis=1)
        if not mated or not nonmated:
            size = f" of {scores.n_subjects} subjects" if scores.n_subjects else ""
            raise ScoreError(
                f"with {folds} folds{size} a threshold would be chosen from {mated:,} mated and {nonmated:,} non-mated "
                "comparisons, but needs both; give more subjects, or --folds 1 to choose and report on the same scores"
            )
        yield is_apart[block], block == one
