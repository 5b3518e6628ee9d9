"""Cores and deltas of fields written down as formulas."""

import numpy as np
import pytest

from ridgefeat.stages.singular_points import (
    SingularPointParams,
    find_missed_points,
    find_singular_points,
    joined,
    without_turn,
)
from ridgefeat.structure import CORE, DELTA, OrientationField, SingularPoints
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


# Points that the field does not turn around


def flow(*points, upright=0.0, weight=1.0):
    """The same field on fine cells, which lie in the middle of 4 x 4 pixels."""
    angle = field(*points, upright=upright).angle[2::4, 2::4]
    return np.complex64(weight * np.exp(2j * angle))


def missed(*points, upright=0.0, weight=1.0, found=None, **params):
    found = found or SingularPoints.empty()
    return find_missed_points(found, flow(*points, upright=upright, weight=weight), SingularPointParams(**params))


DOWN = -np.pi / 4
"""Turn of the whole field by which a core opens downwards, as a loop's does."""


@pytest.mark.parametrize("weight", [1.0, 0.4])
@pytest.mark.parametrize("place", [(130.0, 150.0), (110.0, 120.0)])
def test_a_missed_core_is_found_in_its_place_however_faint(place, weight):
    points = missed((*place, 1), upright=DOWN, weight=weight)
    assert points.kind.tolist() == [CORE] and np.hypot(points.x[0] - place[0], points.y[0] - place[1]) < 4
    assert swing(points.direction[0], 1.5 * np.pi) < 10 and 0 <= points.direction[0] < 2 * np.pi


def test_a_core_and_delta_that_cancel_are_found_again():
    pair = (130.0, 130.0, 1), (134.0, 154.0, -1)
    assert not len(find(*pair))
    points = missed(*pair)
    assert points.kind.tolist() == [CORE, DELTA]
    assert np.hypot(points.x - [130, 134], points.y - [130, 154]).max() < 10


@pytest.mark.parametrize(("likeness", "alone", "confirmed"), [(0.45, 0, 0), (0.6, 0, 1), (0.8, 1, 1)])
def test_a_missed_core_needs_half_a_cores_symmetry_and_a_delta_or_more(likeness, alone, confirmed):
    core = flow((130.0, 130.0, 1), upright=DOWN)
    doubtful = np.where(np.random.default_rng(0).random(core.shape) < (1 + likeness) / 2, core, -core)
    assert len(find_missed_points(SingularPoints.empty(), doubtful)) == alone
    delta = SingularPoints.make([140], [190], [DELTA], [0])
    assert find_missed_points(delta, doubtful).kind.tolist() == [CORE] * confirmed
    limits = SingularPointParams(min_symmetry=0.9, min_symmetry_alone=0.9)
    assert not len(find_missed_points(delta, doubtful, limits))


def test_bent_and_parallel_ridges_and_no_print_have_no_missed_points():
    assert not len(missed()) and not len(missed((130.0, 150.0, 1), upright=DOWN, weight=0.0))
    x = np.indices(SHAPE)[1] - 130.0
    arch = np.complex64(np.exp(-2j * np.arctan(np.sin(np.pi * x / 180)))[::4, ::4])
    assert not len(find_missed_points(SingularPoints.empty(), arch))


@pytest.mark.parametrize("point", [(130.0, 150.0, 1), (131.0, 151.0, -1)])
def test_a_field_that_does_not_turn_around_a_point_is_wrong_there(point):
    points = SingularPoints.make([130, 60], [150, 80], [CORE, CORE], [0, 0])
    assert without_turn(points, field(point)).x.tolist() == [60]
    assert not len(without_turn(SingularPoints.empty(), field(point)))


def test_joined_points_are_in_order():
    points = joined(
        SingularPoints.make([5], [9], [DELTA], [0]), SingularPoints.make([1, 2], [8, 7], [CORE, DELTA], [0, 0])
    )
    assert points.kind.tolist() == [CORE, DELTA, DELTA] and points.y.tolist() == [8, 7, 9]
