import numpy as np
import pytest

from ridgefeat.structure import Minutiae
from ridgefeat.verify import Template
from ridgefeat.verify.geometry import Motion
from ridgefeat.verify.pairing import MAX_DISTANCES, _pair_nearest


def template(*points):
    x, y, direction = np.float32(points).T
    minutiae = Minutiae(x, y, direction, np.ones(len(x), np.uint8), np.ones(len(x), np.float32))
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
    found = _pair_nearest(template((100, 100, 0)), template(*second), Motion(1.0, 0.0, 0.0, 0.0), MAX_DISTANCES[-1])
    assert found[1].tolist() == expected
