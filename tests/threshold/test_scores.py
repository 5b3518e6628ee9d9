"""Scores that cannot be evaluated are refused with advice; splits keep subjects apart."""

import numpy as np
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import Scores, split_scores
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


def test_parts_share_no_subject_and_lose_only_cross_comparisons():
    scores = normal_scores(0, subjects=40)
    split = split_scores(scores, 0.75, seed=2)
    one, two = set(split.development.subject_codes), set(split.evaluation.subject_codes)
    assert not one & two and (len(one), len(two)) == (30, 10)
    assert len(split.development) + len(split.evaluation) + split.n_cross == len(scores)
    assert split.n_cross == 30 * 10
    again = split_scores(scores, 0.75, seed=2)
    assert np.array_equal(again.evaluation.score, split.evaluation.score)


def test_without_subjects_each_kind_is_split_at_random():
    split = split_scores(Scores.make(GOOD, TRUTH), 0.8)
    assert not split.by_subject and split.n_cross == 0
    assert (split.development.mated.sum(), split.evaluation.mated.sum()) == (32, 8)


def test_one_subject_at_the_minimum_is_left_for_each_part():
    scores = Scores.make([9, 1, 8, 2, 7, 0, 9, 3], [1, 0] * 4, subject_probe=np.repeat(np.arange(4), 2))
    for share, counts in ((0.95, (3, 1)), (0.05, (1, 3)), (0.5, (2, 2))):
        split = split_scores(scores, share)
        assert (split.development.n_subjects, split.evaluation.n_subjects) == counts


def test_too_few_subjects_for_two_parts_are_refused():
    with pytest.raises(ScoreError, match=r"evaluation part of 4 subjects .* --development 1"):
        split_scores(normal_scores(0, subjects=4), 0.8)
    assert split_scores(normal_scores(0, subjects=4), 1.0).evaluation is None
    with pytest.raises(ScoreError, match="share of development is 0"):
        split_scores(normal_scores(0), 0.0)
