"""Endings, bifurcations and false ones, on drawn centre lines and drawn prints."""

import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.minutiae import (
    NOWHERE,
    STEPS_X,
    STEPS_Y,
    MinutiaeParams,
    branches,
    extract_minutiae,
    neighbour_codes,
    select_minutiae,
    walk,
)
from ridgefeat.structure import BIFURCATION, CORE, DELTA, ENDING, OrientationField, SingularPoints
from ridgefeat.synth.simple import dislocated_grating, grating
from tests.stages.helpers import swing

SHAPE = (120, 160)
PERIOD = 9
FAR = {"pair_distance": 2.0}


def lines(rows=range(15, 110, PERIOD)):
    """Level centre lines over the whole width."""
    skeleton = np.zeros(SHAPE, bool)
    skeleton[list(rows)] = True
    return skeleton


def one_ending():
    """The same, of which one ends at (80, 60) from the left."""
    skeleton = lines()
    skeleton[60, 81:] = False
    return skeleton


def found(skeleton, angle=0.0, explained=1.0, height=1.0, missed=None, **params):
    """Minutiae of a skeleton in a print of full quality, or with waves of less height or explained variance."""
    shape = skeleton.shape
    waves = np.where(np.random.default_rng(0).random(shape) < 0.5, -1, 1).astype(np.float32)
    field = OrientationField(np.full(shape, angle, np.float32), np.ones(shape, np.float32))
    chosen = MinutiaeParams(**params)
    every = extract_minutiae(
        skeleton=skeleton,
        normalised=waves * np.float32(explained) + np.float32(1 - explained) * waves[::-1],
        enhanced=waves * np.float32(height),
        orientation=field,
        period=np.full(shape, PERIOD, np.float32),
        mask=np.ones(shape, bool),
        missed=missed,
        params=chosen,
    )
    return select_minutiae(every, chosen)


def only(minutiae):
    assert len(minutiae) == 1
    m = minutiae
    return float(m.x[0]), float(m.y[0]), float(m.direction[0]), int(m.kind[0])


def test_lines_across_the_whole_print_have_none_nor_has_a_spur():
    skeleton = lines()
    assert not len(found(skeleton))
    skeleton[57:60, 80] = True
    assert not len(found(skeleton))


@pytest.mark.parametrize(("ridge", "degrees"), [(np.s_[:81], 180), (np.s_[80:], 0)])
def test_an_ending_points_into_the_ridge_that_ends(ridge, degrees):
    skeleton = lines()
    skeleton[60] = False
    skeleton[60, ridge] = True
    x, y, direction, kind = only(found(skeleton))
    assert (x, y, kind) == (80, 60, ENDING) and swing(direction, np.deg2rad(degrees)) < 1


@pytest.mark.parametrize(("side", "degrees"), [("left", 0), ("right", 180)])
def test_a_bifurcation_points_into_the_valley_between_its_branches(side, degrees):
    skeleton = lines([15, 24, 96, 105])
    skeleton[60, :81] = True
    for k in range(1, 79):
        skeleton[60 + min(k // 2, 8), 80 + k] = skeleton[60 - min(k // 2, 8), 80 + k] = True
    if side == "right":
        skeleton = skeleton[:, ::-1].copy()
    x, y, direction, kind = only(found(skeleton))
    assert kind == BIFURCATION and abs(x - (80 if side == "left" else 79)) <= 2
    assert abs(y - 60) <= 1 and swing(direction, np.deg2rad(degrees)) < 1


def test_the_direction_is_the_fields_and_the_sense_the_skeletons():
    for field, expected in ((172, 172), (8, 188)):
        _, _, direction, _ = only(found(one_ending(), angle=np.deg2rad(field)))
        assert swing(direction, np.deg2rad(expected)) < 1


@pytest.mark.parametrize("drawn", ["spur", "island"])
def test_what_a_short_ridge_joins_is_removed_for_the_ridge_not_the_distance(drawn):
    skeleton = lines()
    if drawn == "spur":
        skeleton[52:60, 80] = True
        skeleton[51] = False
    else:
        skeleton[60] = False
        skeleton[60, 76:84] = True
    assert len(found(skeleton, pair_distance=0.0, link_length=0.0)) == 2
    assert not len(found(skeleton, pair_distance=0.0, link_length=1.5))


@pytest.mark.parametrize(
    ("gap", "params", "expected"), [(2, {}, 0), (3, {}, 0), (12, {}, 2), (20, {}, 2), (12, FAR, 0)]
)
def test_a_short_break_is_none_and_a_long_one_two_endings(gap, params, expected):
    skeleton = lines()
    skeleton[60, 80 : 80 + gap] = False
    assert len(found(skeleton, **params)) == expected


@pytest.mark.parametrize(("degrees", "expected"), [(50, 0), (70, 2)])
def test_close_minutiae_are_opposite_beyond_120_degrees(degrees, expected):
    skeleton = lines()
    skeleton[60, 79:82] = False
    left = np.indices(SHAPE)[1] < 80  # the ending to the left points at 180 degrees, the other at `degrees`
    assert len(found(skeleton, angle=np.where(left, 0, np.deg2rad(degrees)))) == expected


def test_of_minutiae_within_0_6_of_the_pair_distance_that_agree_within_60_degrees_the_best_alone_is_kept():
    skeleton = lines()
    skeleton[60:62, 81:] = skeleton[60:62] = False
    skeleton[60, :81] = skeleton[62, :79] = True  # 2.83 px apart
    below = np.indices(SHAPE)[0] > 60
    for pair_distance, degrees, expected in ((0.5, 0, 2), (0.55, 0, 1), (0.55, 55, 1), (0.55, 65, 2)):
        angle = np.where(below, np.deg2rad(degrees), 0)
        assert len(found(skeleton, angle=angle, pair_distance=pair_distance)) == expected


@pytest.mark.parametrize("cut", [0, 5, 12])
def test_endings_at_the_images_border_are_none(cut):
    skeleton = lines()
    skeleton[:, :cut] = skeleton[:, SHAPE[1] - cut :] = False
    assert not len(found(skeleton, border=cut + 2))


def test_a_print_the_waves_do_not_explain_has_none():
    skeleton = one_ending()
    sure, doubtful = found(skeleton), found(skeleton, explained=0.6, min_quality=0)
    assert 95 < sure.quality[0] <= 100 and 0 <= doubtful.quality[0] < 0.9 * sure.quality[0]
    assert not len(found(skeleton, explained=0.0, min_quality=30))


def test_low_waves_lower_the_quality():
    # A full sine wave's mean absolute value is 2 / pi.
    low = found(one_ending(), height=0.25, min_quality=0)
    assert low.quality[0] == pytest.approx(100 * 0.25 * np.pi / 2, rel=0.02)


def test_the_best_few_are_kept_at_a_lower_confidence_and_no_more():
    skeleton = lines()
    for k in range(6):
        skeleton[33 + PERIOD * k, 60 + 20 * (k % 2) :] = False
    poor = {"explained": 0.3}
    assert not len(found(skeleton, **poor, min_count=0))
    everything = found(skeleton, **poor, min_quality=0)
    assert len(everything) == 6
    few = found(skeleton, **poor, min_count=4)
    np.testing.assert_array_equal(few.x, everything.x[:4])
    assert not len(found(skeleton, **poor, min_count=4, doubtful_quality=57))
    assert len(found(skeleton, min_count=4)) == 6


def test_the_best_come_first_and_types_are_those_of_the_structure():
    m = Fingerprint(dislocated_grating((200, 200), 9.0, 0.4).image).minutiae
    assert [a.dtype.str[1:] for a in (m.x, m.y, m.direction, m.kind, m.quality)] == ["f4", "f4", "f4", "u1", "f4"]
    assert (np.diff(m.quality) <= 0).all()


@pytest.mark.parametrize(("kind", "away", "remain"), [(CORE, 20, 0), (CORE, 28, 1), (DELTA, 20, 1)])
def test_endings_near_a_missed_core_are_invented(kind, away, remain):
    fp = Fingerprint(dislocated_grating((241, 241), 9.0, np.pi / 2).image)  # an ending at (120, 120)
    fp.__dict__["_missed_points"] = SingularPoints.make([120], [120 + away], [kind], [0])
    assert len(fp.minutiae) == remain
    assert len(found(one_ending(), missed=fp._missed_points, core_distance=0.0)) == 1


@pytest.mark.parametrize("degrees", [0, 30, 90, 145, 180, 250, 315])
@pytest.mark.parametrize("kind", [ENDING, BIFURCATION])
def test_one_minutia_in_a_drawn_print(kind, degrees):
    made = dislocated_grating((200, 200), 9.0, np.deg2rad(degrees), kind, at=(104.0, 96.0))
    x, y, direction, found_kind = only(Fingerprint(made.image).minutiae)
    assert np.hypot(x - 104, y - 96) < 6 and swing(direction, np.deg2rad(degrees)) < 6
    assert found_kind == kind


@pytest.mark.parametrize("shape", [(240, 320), (241, 317)])
@pytest.mark.parametrize("degrees", [0, 45, 90, 135])
def test_ridges_cut_by_the_images_border_do_not_end_there(shape, degrees):
    for period in (7.0, 9.0, 12.0):
        assert not len(Fingerprint(grating(shape, period, np.deg2rad(degrees)).image).minutiae)


def drawn(*rows):
    return np.array([[c == "#" for c in row] for row in rows])


def walked(skeleton, x, y, step, steps):
    start = np.array([x], np.int32), np.array([y], np.int32), np.array([step], np.uint8)
    xs, ys = walk(neighbour_codes(skeleton), *start, steps)
    return list(zip(xs[:, 0].tolist(), ys[:, 0].tolist(), strict=True))


def test_steps_turn_counter_clockwise_on_the_page_from_the_right():
    angle = np.arctan2(-STEPS_Y, STEPS_X)
    assert np.rad2deg(angle) % 360 == pytest.approx(np.arange(8) * 45)


@pytest.mark.parametrize("k", range(8))
def test_a_neighbour_sets_its_bit(k):
    image = np.zeros((3, 3), bool)
    image[1, 1] = image[1 + STEPS_Y[k], 1 + STEPS_X[k]] = True
    codes = neighbour_codes(image)
    assert codes[1, 1] == 1 << k and codes[1 + STEPS_Y[k], 1 + STEPS_X[k]] == 1 << (k + 4) % 8
    assert np.count_nonzero(codes) == 2


def test_pixels_off_the_skeleton_have_no_code_and_the_border_has_no_neighbours():
    full = np.ones((3, 4), bool)
    assert neighbour_codes(full)[1, 1] == 255
    # Right, bottom and bottom right.
    assert neighbour_codes(full)[0, 0] == 0b11000001
    assert not neighbour_codes(np.zeros((3, 4), bool)).any()


def test_ridges_that_leave_are_the_crossing_number_of_every_neighbourhood():
    count, first = branches()
    for code in range(1, 255):
        on = np.array([(code >> k) & 1 for k in range(8)])
        crossing = np.abs(np.diff(np.append(on, on[0]))).sum() // 2
        assert count[code] == crossing
        used = first[code][: count[code]]
        assert all((code >> step) & 1 for step in used) and len(set(used.tolist())) == count[code]
        assert (first[code][count[code] :] == NOWHERE).all()
    assert (count[0], count[255]) == (0, 1)


def test_a_walker_follows_a_line_stays_at_its_end_and_goes_straight_on_at_a_crossing():
    path = walked(drawn(".......", ".##....", "...#...", "....##.", "......."), 1, 1, 0, 8)
    assert path[:5] == [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3)] and set(path[4:]) == {(5, 3)}
    cross = drawn("...#...", "...#...", "...#...", "#######", "...#...", "...#...")
    assert walked(cross, 0, 3, 0, 6)[-1] == (6, 3)
    # No first step means staying.
    assert set(walked(drawn("...", ".#.", "..."), 1, 1, NOWHERE, 4)) == {(1, 1)}


def test_walkers_of_one_call_do_not_mind_each_other():
    lines = drawn("........", ".######.", "........", ".###....", "........")
    x, y, first = np.array([1, 6, 1], np.int32), np.array([1, 1, 3], np.int32), np.array([0, 4, 0], np.uint8)
    xs, ys = walk(neighbour_codes(lines), x, y, first, 9)
    assert xs.shape == ys.shape == (10, 3)
    assert xs[-1].tolist() == [6, 1, 3] and (ys == y).all()
    assert [len(set(way)) for way in xs.T.tolist()] == [6, 6, 3]
