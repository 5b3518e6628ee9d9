"""The filters for cores and deltas on the flow around an ideal point."""

import numpy as np
import pytest

from ridgefeat.stages.symmetry import DEVIATION, MARGIN, deep_inside, symmetry

Y, X = np.mgrid[:41, :41] - 20
ANGLE = np.arctan2(-Y, X)


def at_the_point(sense, share=1.0, turned=0.0):
    """Return both responses at a core (sense 1) or a delta (-1) of which a sector alone has ridges."""
    flow = np.exp(1j * (sense * ANGLE + turned)) * (np.abs(ANGLE) <= share * np.pi) * (np.hypot(X, Y) > 0)
    core, delta = symmetry(flow.astype(np.complex64), DEVIATION)
    return core[20, 20], delta[20, 20]


@pytest.mark.parametrize("degrees", [0, 90, 200])
def test_a_core_answers_with_the_direction_in_which_it_opens_and_a_delta_not_at_all(degrees):
    turned = np.deg2rad(degrees)
    core, delta = at_the_point(1, turned=turned)
    assert core == pytest.approx(np.exp(1j * turned), abs=1e-4) and abs(delta) < 1e-4
    core, delta = at_the_point(-1, turned=turned)
    assert delta == pytest.approx(np.exp(1j * turned), abs=1e-4) and abs(core) < 1e-4


@pytest.mark.parametrize(("share", "response"), [(0.5, 1.0), (0.3, 1.0), (0.125, 0.5)])
def test_a_response_is_reduced_where_less_than_a_quarter_of_the_window_has_ridges(share, response):
    assert abs(at_the_point(1, share)[0]) == pytest.approx(response, abs=0.02)


def test_no_point_is_searched_for_within_16_px_of_the_edge():
    flow = np.zeros((20, 20), np.complex64)
    flow[2:18, 3:17] = 1
    rows, columns = np.nonzero(deep_inside(flow))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 13, 7, 12) and MARGIN == 4
