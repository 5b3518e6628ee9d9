"""Ridge density, period, breadth and gaps of closed-form waves."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ridgefeat.features import ridge as squares
from ridgefeat.features.ridge import ridge
from ridgefeat.features.ridge import squares as square_columns
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.structure import MM_PER_PX, OrientationField, SingularPoints
from ridgefeat.synth.simple import grating, rings
from tests.features.helpers import agree, values_of

values = values_of(ridge)
DIAGONAL_MM = 7.0711


def wave(period, degrees, shape=(400, 400)):
    return Fingerprint(grating(shape, period, np.deg2rad(degrees)).image)


def bars(period, degrees, duty, shape=(300, 300)):
    """Ridges of even grey that take up a share of the period, their edges one pixel soft."""
    y, x = np.indices(shape)
    across = x * np.sin(np.deg2rad(degrees)) + y * np.cos(np.deg2rad(degrees))
    off = np.abs((across / period + 0.5) % 1 - 0.5)
    return np.round(30 + 200 * np.clip((off - duty / 2) * period + 0.5, 0, 1)).astype(np.uint8)


def disc(shape, radius):
    y, x = np.indices(shape)
    return np.hypot(x - shape[1] / 2, y - shape[0] / 2) < radius


# Period


@pytest.mark.parametrize(("period", "degrees"), [(7, 45), (9, 0), (9, 30), (9, 90), (12, 120)])
def test_the_period_in_mm(period, degrees):
    found, mm = values(wave(period, degrees)), period * MM_PER_PX
    agree(found, "ridge_", {"period_mean": mm, "density_line": 10 / mm, "period_r2c3_mean": mm}, rel=0.01)
    agree(found, "ridge_period_", dict.fromkeys(("p10", "p50", "p90"), mm), rel=0.015)
    assert found["ridge_period_sd"] < 0.01 * mm


def test_period_across_and_down_show_an_uneven_scale():
    image = rings((400, 400)).image
    even, uneven = values(Fingerprint(image)), values(Fingerprint(image, dpi=(500, 450)))
    assert even["ridge_period_ratio"] == pytest.approx(1, abs=0.02)
    assert uneven["ridge_period_ratio"] == pytest.approx(0.9, abs=0.03)
    assert uneven["ridge_period_down"] == pytest.approx(9 * 25.4 / 450, rel=0.03)
    upright = values(wave(9, 90))
    assert upright["ridge_period_across"] == pytest.approx(9 * MM_PER_PX, rel=0.01)
    assert np.isnan(upright["ridge_period_down"]) and np.isnan(upright["ridge_period_ratio"])


# Counts along diagonals


FULL = np.ones((300, 300), bool)
ACROSS = -np.cos(2 * np.pi * np.add(*np.indices(FULL.shape)) / (9 * np.sqrt(2))).astype(np.float32)
"""Ridges 9 px apart along one diagonal."""


IN_9 = DIAGONAL_MM / (9 * MM_PER_PX)
"""Such ridges along the diagonal of a square."""


def counted(enhanced, mask, at=150):
    return squares.count_ridges(enhanced, mask, np.float32([at]), np.float32([at]))[0]


@pytest.mark.parametrize("period", [7, 9, 12])
@pytest.mark.parametrize("degrees", [45, 135])
def test_ridges_along_the_diagonal(period, degrees):
    mean = values(wave(period, degrees))["ridge_density_mean"]
    assert mean == pytest.approx(DIAGONAL_MM / (period * MM_PER_PX), abs=0.25)


def test_a_square_hardly_visible_has_no_count():
    assert counted(ACROSS, FULL) == pytest.approx(IN_9, abs=0.6) and np.isnan(counted(ACROSS, FULL, 10))
    part = FULL.copy()
    part[:, 180:] = False
    # 80 of 98 px to the left of 180: still enough, and made up for.
    assert counted(ACROSS, part) == pytest.approx(IN_9, abs=0.9)
    part[:, 155:] = False
    assert np.isnan(counted(ACROSS, part))
    # One visible diagonal is not enough.
    assert np.isnan(counted(ACROSS, np.abs(np.add(*np.indices(FULL.shape)) - 300) < 12))


def test_a_diagonal_along_a_ridges_flank_crosses_none():
    rows, columns = np.indices(FULL.shape)
    enhanced = np.sin(2 * np.pi * (rows - columns) / (9 * np.sqrt(2))).astype(np.float32)
    trembling = enhanced + np.float32(0.03) * np.where((rows + columns) % 6 < 3, 1, -1).astype(np.float32)
    assert counted(trembling, FULL) == pytest.approx(IN_9, abs=0.6)


def pretend(enhanced, *cores, hand=None, mask=None):
    return SimpleNamespace(
        enhanced=enhanced,
        mask=np.ones(enhanced.shape, bool) if mask is None else mask,
        hand=hand,
        singular_points=SingularPoints.make(*np.broadcast_arrays(*np.transpose(cores), 1, 0)),
    )


def by_square(print_):
    """The columns of the squares by name, without the prefix."""
    names = [c.name for group, function in ridge.groups if function is square_columns for c in group]
    return {n.removeprefix("ridge_density_"): v for n, v in zip(names, square_columns(print_), strict=True)}


def three_densities():
    """Finer ridges left above the core, middling ones right above, coarser below."""
    y, x = np.indices((500, 400)).astype(np.float32)
    period = np.where(y > 260, 12, np.where(x < 200, 7, 9))
    return np.cos(2 * np.pi * (x + y) / (period * np.sqrt(2))).astype(np.float32)


@pytest.mark.parametrize(("hand", "radial", "ulnar"), [("right", 7, 9), ("left", 9, 7)])
def test_the_thumbs_side_depends_on_the_hand(hand, radial, ulnar):
    found = by_square(pretend(three_densities(), (200, 200), hand=hand))
    count = {p: DIAGONAL_MM / (p * MM_PER_PX) for p in (7, 9, 12)}
    # Squares overlap the line between two densities a little.
    agree(found, "", {"radial": count[radial], "ulnar": count[ulnar]}, abs=1.6)
    assert found["left"] > found["right"] + 2
    assert found["proximal"] == pytest.approx(count[12], abs=1)
    three = [found[side] for side in ("left", "right", "proximal")]
    agree(found, "", {"distal": (three[0] + three[1]) / 2, "spread": max(three) - min(three)})


def test_without_the_hand_radial_and_ulnar_are_unknown():
    fp = wave(9, 45)
    swapped = {"ridge_density_radial": "ridge_density_ulnar", "ridge_density_ulnar": "ridge_density_radial"}
    unknown = values(fp)
    assert np.isnan([unknown[n] for n in swapped]).all() and np.isfinite(unknown["ridge_density_left"])
    left, right = (values(Fingerprint(fp.original, hand=hand)) for hand in ("left", "right"))
    assert all(np.array_equal(left[n], right[swapped.get(n, n)], equal_nan=True) for n in left)


def test_the_spread_of_what_is_seen():
    enhanced = three_densities()
    upper = np.zeros(enhanced.shape, bool)
    upper[:260] = True
    found = by_square(pretend(enhanced, (200, 200), mask=upper))
    assert np.isnan(found["proximal"]) and found["spread"] == pytest.approx(abs(found["left"] - found["right"]))
    upper[:, 200:] = False
    found = by_square(pretend(enhanced, (200, 200), mask=upper))
    assert np.isfinite(found["left"]) and np.isnan(found["spread"])


def test_the_topmost_core_carries_the_squares():
    upper, lower = (200, 200), (200, 330)
    a, b, both = (by_square(pretend(three_densities(), *cores)) for cores in ([upper], [lower], [upper, lower]))
    assert a["left"] > b["left"] + 2
    assert np.array_equal(list(both.values()), list(a.values()), equal_nan=True)


# Breadth and gaps


@pytest.mark.parametrize("degrees", [23, 45, 112])
@pytest.mark.parametrize("duty", [0.3, 0.5, 0.65])
def test_thickness_ratio_of_a_known_duty_cycle(duty, degrees):
    found = values(Fingerprint(bars(12, degrees, duty)))
    assert found["ridge_thickness_ratio"] == pytest.approx(duty / (1 - duty), rel=0.15)
    assert found["ridge_breadth_mean"] == pytest.approx(duty * 12 * MM_PER_PX, rel=0.08)
    both = found["ridge_breadth_mean"] + found["ridge_valley_breadth_mean"]
    assert both == pytest.approx(found["ridge_period_mean"], rel=0.01)
    assert found["ridge_breadth_sd"] < 0.1 * found["ridge_breadth_mean"]


def gaps(image):
    found = values(Fingerprint(image))
    return [found[f"ridge_{n}"] for n in ("white_share", "pore_density", "white_line_density", "white_line_length")]


def test_drawn_white_lines_are_counted_and_measured():
    clean = grating((300, 300), 10, 0.3).image
    lined = clean.copy()
    for k in range(3):
        cv2.line(lined, (60 + 80 * k, 40), (80 + 80 * k, 260), 255, 3)
    before, after = gaps(clean), gaps(lined)
    cm2 = 300 * 300 * MM_PER_PX**2 / 100
    assert before[2:] == [0, 0] and after[2] == pytest.approx(3 / cm2, rel=0.05)
    assert after[3] == pytest.approx(3 * np.hypot(20, 220) * MM_PER_PX / cm2, rel=0.12)
    assert after[0] > before[0] + 0.02


def test_drawn_pores_are_counted():
    clean = grating((300, 300), 10, 0.3).image
    line = Fingerprint(clean).skeleton
    porous, kept = clean.copy(), []
    for y, x in np.random.default_rng(0).permutation(20 + 1 + np.argwhere(line[21:280, 21:280])):
        if len(kept) < 40 and all(np.hypot(x - a, y - b) > 25 for a, b in kept):
            kept.append((x, y))
            cv2.circle(porous, (int(x), int(y)), 2, 255, -1)
    length_cm = line.sum() * 1.11 * MM_PER_PX / 10
    before, after = gaps(clean), gaps(porous)
    assert len(kept) > 30 and after[1] - before[1] == pytest.approx(len(kept) / length_cm, rel=0.25)
    assert after[2:] == [0, 0]


# Extent


def test_area_and_box():
    print_ = np.where(disc((360, 360), 120), grating((360, 360), 9, 0.6).image, 255).astype(np.uint8)
    fp = Fingerprint(print_)
    found = values(fp)
    rows, columns = np.flatnonzero(fp.mask.any(1)), np.flatnonzero(fp.mask.any(0))
    sides = {"height": np.ptp(rows) + 1, "width": np.ptp(columns) + 1}
    expected = {name: side * MM_PER_PX for name, side in sides.items()}
    agree(found, "ridge_", {**expected, "area": fp.mask.sum() * MM_PER_PX**2 / 100}, rel=1e-5)
    assert found["ridge_area"] == pytest.approx(np.pi * (120 * MM_PER_PX) ** 2 / 100, rel=0.2)


def test_length_of_ridge_by_area_is_one_over_the_period_on_all_angles_together():
    found = values(Fingerprint(rings((400, 400), 9.0).image))
    assert found["ridge_length_density"] == pytest.approx(1 / (9 * MM_PER_PX), rel=0.05)


def gap_counts(*given, margin=0):
    """Pores and white lines counted on level ridges 9 px apart, with light gaps (ridge, first column, length).

    The print ends `margin` px from the sides of the image, and its ridges are light in the last 5 px of it.
    """
    line = np.zeros((180, 200), bool)
    line[4::9] = True
    inked = line.copy()
    for ridge_number, column, length in given:
        inked[4 + 9 * ridge_number, column : column + length] = False
    mask = np.ones(line.shape, bool)
    if margin:
        mask[:, :margin] = mask[:, -margin:] = False
        inked[:, : margin + 5] = inked[:, -margin - 5 :] = False
    field = OrientationField(np.zeros(line.shape, np.float32), np.ones(line.shape, np.float32))
    fp = SimpleNamespace(skeleton=line & mask, mask=mask, period=np.full(line.shape, 9, np.float32), orientation=field)
    _, pores, lines, _ = squares.gap_figures(fp, inked)
    inner = 200 - (2 * margin + 18 if margin else 0)  # a period less on both sides
    length_cm, area_cm2 = 20 * inner * MM_PER_PX / 10, mask.sum() * MM_PER_PX**2 / 100
    return round(pores * length_cm, 3), round(lines * area_cm2, 3)


def test_a_pore_is_a_gap_of_at_most_12_px_and_a_white_line_crosses_three_ridges():
    assert [gap_counts((3, 50, length)) for length in (12, 13)] == [(1, 0), (0, 0)]
    assert gap_counts((3, 50, 3), (4, 50, 3)) == (2, 0)
    assert gap_counts((3, 50, 3), (4, 50, 3), (5, 50, 3)) == (3, 1)
    assert gap_counts((3, 50, 3), margin=10) == (1, 0)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90])
def test_the_length_of_ridges_does_not_depend_on_their_direction(degrees):
    assert values(wave(9.0, degrees))["ridge_length_density"] == pytest.approx(1 / (9 * MM_PER_PX), rel=0.04)


@pytest.mark.parametrize(("count", "known"), [(29, False), (30, True)])
def test_the_period_across_needs_30_points(count, known):
    angle = np.zeros((40, 48), np.float32)
    points = np.argwhere(np.ones((10, 12)))[:count] * 4
    angle[tuple(points.T)] = np.pi / 2
    field = OrientationField(angle, np.ones_like(angle))
    fp = SimpleNamespace(mask=np.ones(angle.shape, bool), period=np.full(angle.shape, 9, np.float32), orientation=field)
    across, down = squares.period(fp)[5:7]
    assert np.isfinite(across) == known and down == pytest.approx(9 * MM_PER_PX)
