"""Cores and deltas of fields written down as formulas."""

import numpy as np
import pytest

from ridgefeat.stages.singular_points import SingularPointParams, find_singular_points
from ridgefeat.structure import CORE, DELTA, OrientationField
from tests.stages.helpers import swing

SHAPE = (300, 260)


def field(*points, upright=0.0):
    """Sherlock and Monro's zero-pole model: half the sum of the angles about cores less those about deltas."""
    rows, columns = np.indices(SHAPE).astype(float)
    angle = np.full(SHAPE, upright)
    for x, y, charge in points:
        angle += charge * np.arctan2(y - rows, columns - x) / 2
    return OrientationField(np.mod(angle, np.pi).astype(np.float32), np.ones(SHAPE, np.float32))


def find(*points, mask=None, upright=0.0, **params):
    mask = np.ones(SHAPE, bool) if mask is None else mask
    return find_singular_points(field(*points, upright=upright), mask, SingularPointParams(**params))


@pytest.mark.parametrize(("charge", "kind"), [(1, CORE), (-1, DELTA)])
@pytest.mark.parametrize("place", [(130.0, 150.0), (71.0, 203.0)])
def test_one_point_is_found_in_its_place(charge, kind, place):
    points = find((*place, charge))
    assert points.kind.tolist() == [kind]
    assert np.hypot(points.x[0] - place[0], points.y[0] - place[1]) < 4


@pytest.mark.parametrize("degrees", [0, 60, 135, 200, 300])
def test_a_cores_direction_is_where_its_ridges_open(degrees):
    # At a core theta = (phi + c) / 2; along its opening phi = phi0 the ridges run radially: phi0 = c.
    opening = np.deg2rad(degrees)
    points = find((130.0, 150.0, 1), upright=opening / 2)
    assert swing(points.direction[0], opening) < 8 and 0 <= points.direction[0] < 2 * np.pi


def test_a_deltas_direction_is_one_of_its_three_arms():
    # Radial where phi = -phi / 2 + c (mod pi): three arms, 120 degrees apart.
    turned = np.deg2rad(20)
    points = find((130.0, 150.0, -1), upright=turned)
    arms = 2 / 3 * turned + np.deg2rad([0, 120, 240])
    assert swing(points.direction[0], arms).min() < 8


def test_loop_and_whorl():
    loop = find((120.0, 120.0, 1), (170.0, 220.0, -1))
    assert (len(loop.cores), len(loop.deltas)) == (1, 1)
    whorl = find((130.0, 110.0, 1), (130.0, 170.0, 1), (60.0, 240.0, -1), (200.0, 240.0, -1))
    assert (len(whorl.cores), len(whorl.deltas)) == (2, 2)
    assert whorl.kind.tolist() == [CORE, CORE, DELTA, DELTA] and whorl.cores.y[0] < whorl.cores.y[1]


def test_a_close_core_and_delta_cancel():
    pair = (120.0, 150.0, 1), (140.0, 150.0, -1)
    assert len(find(*pair, pair_distance=2.0, smoothing=2.0)) == 2
    assert not len(find(*pair, pair_distance=30.0, smoothing=2.0))
    # Of three points the nearest two cancel.
    points = find((100.0, 150.0, 1), (118.0, 150.0, -1), (150.0, 150.0, 1), pair_distance=40.0, smoothing=2.0)
    assert points.kind.tolist() == [CORE] and points.x[0] == pytest.approx(150, abs=6)


def test_points_outside_or_at_the_edge_are_left_out():
    left = np.zeros(SHAPE, bool)
    left[:, :120] = True
    assert not len(find((130.0, 150.0, 1), mask=left))
    assert not len(find((112.0, 150.0, 1), mask=left, border=20.0))
    assert len(find((90.0, 150.0, 1), mask=left, border=20.0)) == 1
    assert not len(find((130.0, 150.0, 1), mask=np.zeros(SHAPE, bool)))


def test_coherence_counts_on_rings_of_16_to_24_px_not_at_the_point_itself():
    core = field((130.0, 150.0, 1))
    rows, columns = np.indices(SHAPE)
    away = np.hypot(columns - 130, rows - 150)
    for coherent, expected in ((away > 14, 1), (away < 14, 0)):
        seen = OrientationField(core.angle, coherent.astype(np.float32))
        assert len(find_singular_points(seen, np.ones(SHAPE, bool))) == expected


def test_places_without_coherence_hardly_count_in_the_smoothed_field():
    angle, coherence = np.zeros(SHAPE, np.float32), np.ones(SHAPE, np.float32)
    blot = np.s_[140:164, 120:144]
    angle[blot] = np.random.default_rng(0).uniform(0, 3, (24, 24))
    params = SingularPointParams(pair_distance=0.0, smoothing=4.0)
    inside = np.ones(SHAPE, bool)
    assert len(find_singular_points(OrientationField(angle, coherence), inside, params))
    coherence[blot] = 0
    assert not len(find_singular_points(OrientationField(angle, coherence), inside, params))
