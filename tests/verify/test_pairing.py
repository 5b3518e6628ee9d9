import numpy as np
import pytest

from ridgefeat.structure import Minutiae
from ridgefeat.verify import Template
from ridgefeat.verify.pairing import MAX_DISTANCES, Geometry, _pair_nearest, count_averaged, relaxed_pairs
from tests.verify.helpers import move, random_minutiae


def test_relaxation_keeps_pairs_that_fit_one_motion_and_weakens_others():
    m = random_minutiae(4, 20)
    alike = np.full((20, 20), 0.05, np.float32)
    np.fill_diagonal(alike, 0.5)
    alike[0, 1] = 0.5
    pairs = relaxed_pairs(alike, Geometry.from_minutiae(m), Geometry.from_minutiae(move(m, 0.7, 30, 5)))
    by_pair = dict(zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.strength, strict=True))
    # A pair that none supports keeps half its strength in each of three rounds.
    assert by_pair[0, 1] == pytest.approx(0.5 / 8, abs=0.01)
    assert by_pair[0, 0] > 2 * by_pair[0, 1] and len(pairs.first) == 40


def test_between_4_and_10_pairs_are_averaged_and_at_most_100_relaxed():
    assert [count_averaged(n, 150) for n in (4, 20, 150)] == [4, 7, 10] and count_averaged(150, 4) == 4
    geometry = Geometry.from_minutiae(random_minutiae(5, 60))
    alike = np.random.default_rng(0).random((60, 60), np.float32)
    assert len(relaxed_pairs(alike, geometry, geometry).first) == 100


def template(*points):
    minutiae = Minutiae.make(*np.broadcast_arrays(*np.transpose(points), 1, 1))
    return Template(minutiae, np.ones((40, 40), bool))


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ([(113.9, 100, 0)], [0]),
        ([(114.1, 100, 0)], []),
        ([(100, 100, np.deg2rad(29.9))], [0]),
        ([(100, 100, np.deg2rad(30.1))], []),
        # 25 degrees weigh as much as 6 px.
        ([(102, 100, np.deg2rad(25)), (107, 100, 0)], [1]),
        ([(102, 100, np.deg2rad(25)), (109, 100, 0)], [0]),
    ],
)
def test_minutiae_pair_within_14_px_and_30_degrees_of_the_nearest(second, expected):
    x, y, direction = np.float32(second).T
    found = _pair_nearest(100 - x[None], 100 - y[None], -direction[None], MAX_DISTANCES[-1])
    assert found[1].tolist() == expected
