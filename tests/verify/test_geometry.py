import numpy as np
import pytest

from ridgefeat.structure import Minutiae
from ridgefeat.verify import compare, template_from_minutiae
from ridgefeat.verify.geometry import AMPLITUDE, LENGTH, NOISE, OUTLIER, ROUNDS, Deformation, Motion
from ridgefeat.verify.pairing import MAX_RESIDUALS, MIN_DEFORMED
from tests.verify.helpers import random_minutiae


def test_motion_is_recovered_inverted_and_scaled():
    x, y = np.random.default_rng(0).uniform(0, 300, (2, 20)).astype(np.float32)
    true = Motion(np.cos(0.3), np.sin(0.3), 12.0, -40.0)
    found = Motion.fit(x, y, *true.apply(x, y), np.ones(20, np.float32))
    assert found.rotation == pytest.approx(-0.3, abs=1e-4)
    assert np.allclose(found.invert(*true.apply(x, y)), (x, y), atol=1e-2)
    # The centre of cell (10, 4) of a grid of 3 px, moved as a point and through the matrix of the grid.
    u, v = true.apply(np.float32([13.0]), np.float32([31.0]))
    assert found.on_grid(3) @ [4, 10, 1] == pytest.approx([(u[0] - 1) / 3, (v[0] - 1) / 3], abs=1e-3)


def test_points_of_weight_zero_do_not_move_the_fit():
    x, y = np.float32([0, 10, 0, 99]), np.float32([0, 0, 10, 99])
    found = Motion.fit(x, y, x + np.float32([2, 2, 2, 50]), y, np.float32([1, 1, 1, 0]))
    assert (found.shift_x, found.rotation) == (pytest.approx(2, abs=1e-4), pytest.approx(0, abs=1e-5))


def stretch(x, y):
    """A smooth displacement of up to 20 px, as of a thumb that was rolled while it was pressed down."""
    return 20 * np.sin(x / 90).astype(np.float32), 14 * np.cos(y / 110).astype(np.float32)


def test_the_constants_of_skin():
    assert (LENGTH, AMPLITUDE, NOISE, ROUNDS, OUTLIER) == (120, 20, 3, 3, 3)
    assert (MAX_RESIDUALS, MIN_DEFORMED) == ((20, 16, 12), 3)


@pytest.mark.parametrize("outliers", [0, 4])
def test_a_smooth_displacement_is_recovered_whatever_a_few_wrong_pairs_say(outliers):
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 300, (2, 40)).astype(np.float32)
    right, down = stretch(x, y)
    right[:outliers] += 25
    field = Deformation.fit(x, y, right, down)
    at = rng.uniform(40, 260, (2, 200)).astype(np.float32)
    error = np.hypot(*(a - b for a, b in zip(field.at(*at), stretch(*at), strict=True)))
    assert np.percentile(error, 90) < 3


def test_stretched_minutiae_are_paired():
    m = random_minutiae(4, 40, side=300)
    right, down = stretch(m.x, m.y)
    stretched = Minutiae(m.x + right, m.y + down, m.direction, m.kind, m.quality)
    found = compare(template_from_minutiae(m), template_from_minutiae(stretched))
    assert found.paired_fraction > 0.9 and np.mean(found.first == found.second) > 0.95
