"""Scores that cannot be evaluated are refused with advice; splits keep subjects apart."""

import numpy as np
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import Scores, deal_folds
from tests.threshold.helpers import normal_scores

GOOD = np.concatenate([np.linspace(0, 1, 40), np.linspace(0.8, 2, 40)])
TRUTH = np.repeat([0, 1], 40)


@pytest.mark.parametrize(
    ("score", "mated", "message"),
    [
        ([1, 2, 3], [1, 1, 1], "3 mated and 0 non-mated"),
        ([1, 2, np.nan], [1, 0, 1], "missing .NaN., first in row 3.*--failures"),
        ([1, 2, np.inf], [1, 0, 1], "infinite, first in row 3"),
        ([4, 4, 4], [1, 0, 1], "all 3 scores are 4"),
        (-GOOD, TRUTH, "sign of the scores is reversed; they look like distances: give --distance"),
        ([1, 2], [1, 2], "mated must hold 1 and 0"),
        ([1, 2], ["a", "b"], "mated must hold 1 and 0"),
        ([1, 2, 3], [1, 0], "3 scores, but mated has shape"),
        (["a", "b"], [1, 0], "must be numbers"),
        ([], [], "got shape"),
    ],
)
def test_bad_scores_are_refused(score, mated, message):
    with pytest.raises(ScoreError, match=message):
        Scores.make(score, mated)


def test_reversed_distances_are_refused():
    with pytest.raises(ScoreError, match="leave out --distance"):
        Scores.make(GOOD, TRUTH, distance=True)


def test_a_useless_comparator_is_not_taken_for_a_reversed_one():
    rng = np.random.default_rng(0)
    for _ in range(30):
        Scores.make(rng.normal(size=200), np.arange(200) % 2)


def test_a_mated_comparison_of_two_subjects_is_refused():
    with pytest.raises(ScoreError, match="two different subjects, first in row 1"):
        Scores.make([2, 1], [1, 0], subject_probe=["a", "a"], subject_reference=["b", "b"])


def ends(scores, rows):
    return set(scores.probe[rows]) | set(scores.reference[rows])


@pytest.mark.parametrize("folds", [3, 5])
def test_every_comparison_is_judged_once_by_a_threshold_that_saw_neither_subject(folds):
    scores = normal_scores(0, subjects=40)
    dealt = list(deal_folds(scores, folds, seed=2))
    assert (sum(judged.astype(int) for _, judged in dealt) == 1).all()
    assert len(dealt) == folds * (folds + 1) // 2
    for chosen, judged in dealt:
        assert not ends(scores, chosen) & ends(scores, judged)
        # All comparisons within the other folds choose.
        other = np.setdiff1d(scores.subject_codes, [*ends(scores, judged)])
        assert (chosen == (np.isin(scores.probe, other) & np.isin(scores.reference, other))).all()
    again = [judged for _, judged in deal_folds(scores, folds, seed=2)]
    assert all(np.array_equal(a, b) for a, (_, b) in zip(again, dealt, strict=True))


def test_without_subjects_each_kind_is_dealt_at_random():
    scores = Scores.make(GOOD, TRUTH)
    for chosen, judged in deal_folds(scores, 5):
        assert (chosen ^ judged).all() and scores.mated[judged].sum() == scores.mated.sum() / 5


def test_too_few_subjects_to_choose_without_two_folds_are_refused():
    with pytest.raises(ScoreError, match=r"with 3 folds of 3 subjects .* 8 mated and 0 non-mated .* --folds 1"):
        list(deal_folds(normal_scores(0, subjects=3), 3))
