import numpy as np
import pytest

from ridgefeat.verify.geometry import Motion


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
