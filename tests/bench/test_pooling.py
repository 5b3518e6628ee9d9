"""Predictions pooled over folds and fused over a person's prints."""

import numpy as np
import pytest

from ridgefeat.bench.evaluation import Outcome
from ridgefeat.bench.pooling import fuse_predictions, pool_predictions
from ridgefeat.bench.results import Fold
from ridgefeat.errors import TableError
from tests.bench.helpers import make_problem


def fused(*scores):
    """Return the fused predictions of one person from each print's score of the second class."""
    p = make_problem(people=2, prints=len(scores))  # the second person is not tested
    s = np.array(scores)
    n = len(s)
    outcome = Outcome("one", Fold(0, 0, np.arange(0), np.arange(n)), (s > 0).astype(int), np.stack([-s, s], axis=1))
    pooled = pool_predictions(p, [outcome], calibrate=False)
    return fuse_predictions(p, {"one": pooled}, "subject")[1]["one"].predictions


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((-1.0, 2.0), 1),  # a tie: the higher mean score decides
        ((-2.0, 1.0), 0),
        ((-0.1, -0.1, 9.0), 0),  # the majority, whatever the scores
        ((0.1, 0.1, -9.0), 1),
    ],
)
def test_a_person_has_the_class_of_most_prints_and_the_mean_score(scores, expected):
    p = fused(*scores)
    assert p.predicted.tolist() == [expected]
    assert p.score[0, 1] == pytest.approx(np.mean(scores)) and len(p.y) == 1


def test_prints_are_not_fused_by_a_label_with_several_targets_or_that_is_missing():
    p = make_problem(people=4)
    outcome = Outcome("one", Fold(0, 0, np.arange(0), np.arange(16)), p.y, np.zeros((16, 2)))
    pooled = {"one": pool_predictions(p, [outcome])}
    assert not pooled["one"].calibrated
    with pytest.raises(TableError, match="cannot be fused by 'hand': 'left' has several values of 'sex'"):
        fuse_predictions(p, pooled, "hand")
    with pytest.raises(TableError, match="no column 'toe' to fuse prints by"):
        fuse_predictions(p, pooled, "toe")
