"""Impressions: placement carries the truth, each parameter has its effect, and seeds decide everything."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.errors import ParameterError
from ridgefeat.stages.grid import edge_distance
from ridgefeat.structure import Minutiae
from ridgefeat.synth import ImpressionParams, draw_params, make_impression, make_master, make_print
from ridgefeat.synth.placement import Placement, carry_fields, carry_points
from tests.small_fingers import small_fingers
from tests.synth.helpers import turn, values_at

CLEAN = ImpressionParams()


@pytest.fixture(scope="module")
def master():
    return make_master("right_loop", rng=12)


def points(x, y, direction):
    return Minutiae.make(*np.broadcast_arrays(x, y, direction, 1, 100))


def pressed(master, rng=3, **changes):
    """A clean impression but for some changes."""
    return make_impression(master, rng=rng, params=dataclasses.replace(CLEAN, **changes))


@small_fingers()
def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, second, other = (make_print(seed, shape=(160, 140)) for seed in (5, 5, 6))
    assert first.image.shape == (160, 140)
    assert pickle.dumps(first) == pickle.dumps(second)
    assert first.image.tobytes() != other.image.tobytes()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_placement_undoes_itself(seed):
    rng = np.random.default_rng(seed)
    placement = Placement(
        (180.0, 200.0), (190.0, 210.0), rng.uniform(-0.6, 0.6), *rng.uniform(-15, 15, 2), rng.uniform(-0.2, 0.2)
    )
    x, y = rng.uniform(20, 340, (2, 50))
    back = placement.to_impression(*placement.to_master(x, y))
    assert np.abs(np.subtract(back, (x, y))).max() < 0.01


@pytest.mark.parametrize("rotation", [0.0, 0.5, -1.2])
def test_rotation_turns_orientation_and_direction_by_the_same_angle(rotation):
    placement = Placement((50.0, 50.0), (50.0, 50.0), rotation)
    angle, period = np.full((101, 101), 2.9, np.float32), np.full((101, 101), 9.0, np.float32)
    orientation, carried = carry_fields(angle, period, placement.maps((101, 101)))
    difference = 2 * turn(orientation.angle, 2.9 + rotation)
    assert np.abs(difference[10:-10, 10:-10]).max() < 0.01
    assert np.abs(carried[10:-10, 10:-10] - 9).max() < 0.02
    turned = carry_points(points([70], [50], 1.0), placement)
    assert turned.direction[0] == pytest.approx((1.0 + rotation) % (2 * np.pi), abs=0.01)
    assert turned.x[0] == pytest.approx(50 + 20 * np.cos(rotation), abs=0.05)
    assert turned.y[0] == pytest.approx(50 - 20 * np.sin(rotation), abs=0.05)


def test_distorted_directions_follow_the_distorted_orientation():
    placement = Placement((180.0, 200.0), (180.0, 200.0), 0.3, 12.0, -9.0, 0.12, 40.0, 50.0, 1.6)
    angle, period = np.full((400, 360), 0.7, np.float32), np.full((400, 360), 9.0, np.float32)
    orientation, carried = carry_fields(angle, period, placement.maps((400, 360)))
    x, y = np.meshgrid(np.arange(60, 300, 20.0), np.arange(60, 340, 20.0))
    moved = carry_points(points(x.ravel(), y.ravel(), 0.7), placement)
    moved = moved.select((np.abs(moved.x - 180) < 150) & (np.abs(moved.y - 200) < 170))
    assert np.abs(2 * turn(values_at(orientation.angle, moved), moved.direction)).max() < 0.03
    assert np.ptp(orientation.angle[60:-60, 60:-60]) > 0.05 and np.ptp(carried[60:-60, 60:-60]) > 0.3


def ink(master, **changes):
    made = pressed(master, **changes)
    return 1 - made.image[made.truth.mask].mean() / 255


def test_pressure_thickens_ridges(master):
    dry, plain, wet = (ink(master, pressure=p) for p in (-0.6, 0.0, 0.6))
    assert dry < plain - 0.05 < plain + 0.05 < wet and plain == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("change", [{"pores": 1.0}, {"creases": 1.0}, {"scratches": 8}])
def test_white_lines_and_pores_only_take_ink_away(master, change):
    assert change.keys() != {"creases"} or master.creases
    assert ink(master, **change) < ink(master) - 0.0003


def test_noise_blur_smudge_and_roughness_leave_their_mark(master):
    clean = pressed(master)
    for change in ({"noise": 20.0}, {"roughness": 0.8}, {"smudge": 1.0}, {"unevenness": 0.8}):
        other = pressed(master, **change)
        both = clean.truth.mask & other.truth.mask
        assert np.abs(other.image[both].astype(int) - clean.image[both].astype(int)).mean() > 2, change
    steep = [np.abs(np.diff(p.image.astype(int), axis=0)).mean() for p in (clean, pressed(master, blur=2.0))]
    assert steep[1] < 0.8 * steep[0]


def test_noise_levels_grow_worse(master):
    clean = make_impression(master, rng=1, params=CLEAN)
    placed = ("rotation", "shift_x", "shift_y", "distortion", "contact", "contact_x", "contact_y")
    as_clean = {name: getattr(CLEAN, name) for name in placed}
    agreement = []
    for level in (1, 2, 3, 4):
        drawn = [draw_params(level, np.random.default_rng(seed)) for seed in range(6)]
        images = [make_impression(master, rng=1, params=dataclasses.replace(d, **as_clean)).image for d in drawn]
        inside = clean.truth.mask
        agreement.append(np.mean([np.corrcoef(image[inside], clean.image[inside])[0, 1] for image in images]))
    assert agreement[0] > agreement[1] + 0.05 > agreement[2] + 0.1 and agreement[2] > agreement[3] + 0.05 > 0.1


def test_partial_contact_leaves_less_print_and_fewer_minutiae(master):
    whole, part = (pressed(master, 2, contact=contact).truth for contact in (1.0, 0.5))
    assert part.mask.sum() < 0.5 * whole.mask.sum()
    assert 0 < len(part.minutiae) < len(whole.minutiae)


def test_outside_the_mask_a_clean_print_is_white_or_its_background_grey(master):
    made = pressed(master, 2, blur=0.0)
    assert made.image[~made.truth.mask].min() > 200 and made.image[made.truth.mask].min() < 10
    assert pressed(master, 2, noise=20.0).image[~made.truth.mask].std() < 6  # a quarter of that on ridges
    made = pressed(master, 2, background="grey")
    assert 80 < np.median(made.image[~made.truth.mask]) < 230


def test_resolution_scales_the_image_and_not_the_truth(master):
    made = pressed(master, 2, dpi=250.0)
    assert (made.image.shape, made.truth.mask.shape, made.dpi) == ((200, 180), (400, 360), 250)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_master("swirl", rng=1), "pattern must be one of arch, .* got 'swirl'"),
        (lambda: make_master(rng=1, period_mm=0.1), "period_mm must lie between 0.3 and 0.8 mm, got 0.1"),
        (lambda: make_master(rng=1, shape=(10, 10)), "shape must be rows and columns between 128 and 1024"),
        (lambda: ImpressionParams(pressure=3), "pressure must lie between -1 and 1, got 3"),
        (lambda: ImpressionParams(noise=float("nan")), "noise must lie between 0 and 80, got nan"),
        (lambda: ImpressionParams(rotation=float("nan")), "rotation must lie between"),
        (lambda: ImpressionParams(background="blue"), "background must be white, grey or dirty, got 'blue'"),
        (lambda: draw_params(5, np.random.default_rng(1)), "noise_level must be one of 0, 1, 2, 3, 4, got 5"),
        (lambda: make_print(-1), "seed must be a whole number, 0 or more, got -1"),
        (lambda: make_impression(None, rng=1, shape=(5, 5)), "shape must be rows and columns between 64 and 1024 px"),
    ],
)
def test_unusable_arguments_are_named(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


@pytest.mark.parametrize("seed", [1, 2])
def test_true_minutiae_lie_6_px_inside_the_contact(seed):
    truth = make_impression(make_master("whorl", rng=seed), rng=seed, noise_level=1).truth
    assert edge_distance(truth.mask, truth.minutiae.x, truth.minutiae.y).min() > 5.5


@pytest.mark.parametrize(
    ("change", "darker"),
    [({"residue": 0.8}, 20), ({"frame": True}, 100), ({"writing": True}, 100), ({"light": 0.5}, 60)],
)
def test_what_surrounds_a_print_is_in_the_image_and_not_in_the_truth(master, change, darker):
    clean, other = pressed(master, 2), pressed(master, 2, **change)
    outside = ~clean.truth.mask
    assert (clean.image[outside].astype(int) - other.image[outside]).max() > darker
    np.testing.assert_array_equal(other.truth.mask, clean.truth.mask)
    np.testing.assert_array_equal(other.truth.minutiae.x, clean.truth.minutiae.x)


def test_scars_are_of_the_finger():
    scarred = next(m for m in (make_master("whorl", rng=seed) for seed in range(20)) if m.scars)
    clean = make_impression(scarred, rng=0, params=CLEAN)
    seen = [make_impression(scarred, rng=0, params=dataclasses.replace(CLEAN, scars=depth)) for depth in (0.5, 1.0)]
    lighter = [(s.image.astype(int) - clean.image)[clean.truth.mask] for s in seen]
    assert lighter[0].min() >= 0 and 60 < lighter[0].max() < lighter[1].max()
    assert (lighter[1] > 100).mean() < 0.05
