"""The orientation family on fields that are formulas and on drawn and synthetic prints."""

from types import SimpleNamespace

import numpy as np
import pytest

from ridgefeat.features.orient import orient, ridge_count
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.pattern import CLASSES
from ridgefeat.structure import CORE, DELTA, MM_PER_PX, OrientationField, SingularPoints
from ridgefeat.synth.simple import grating
from tests.features.helpers import agree, values_of

values = values_of(orient)
SHAPE = (400, 400)
MIDDLE = 199.5


def points(*given):
    """SingularPoints from (x, y, kind, direction in degrees)."""
    a = np.array(given, np.float32).reshape(-1, 4)
    order = np.lexsort((a[:, 1], a[:, 2]))
    x, y, kind, degrees = a[order].T
    return SingularPoints.make(x, y, kind, np.deg2rad(degrees))


def pretend(angle, *singular, coherence=1.0, mask=None, enhanced=None):
    """What the family needs of a print, without the stages."""
    angle = np.broadcast_to(np.asarray(angle, float), SHAPE)
    return SimpleNamespace(
        mask=np.ones(SHAPE, bool) if mask is None else mask,
        orientation=OrientationField(np.mod(angle, np.pi).astype(np.float32), np.full(SHAPE, coherence, np.float32)),
        singular_points=points(*singular),
        enhanced=np.zeros(SHAPE, np.float32) if enhanced is None else enhanced,
        pattern=dict.fromkeys(CLASSES, 0.2),
    )


def circles(x0=MIDDLE, y0=MIDDLE):
    y, x = np.indices(SHAPE)
    return np.arctan2(y0 - y, x - x0) + np.pi / 2, np.hypot(x - x0, y - y0)


# Statistics


@pytest.mark.parametrize("degrees", [0, 22.5, 60, 90, 157.5])
def test_parallel_ridges(degrees):
    found = values(pretend(np.deg2rad(degrees), coherence=0.7))
    mean = {"mean_cos": np.cos(2 * np.deg2rad(degrees)), "mean_sin": np.sin(2 * np.deg2rad(degrees))}
    agree(found, "orient_", {"coherence_mean": 0.7, "coherence_p10": 0.7})
    agree(found, "orient_", {"coherence_sd": 0, "resultant": 1, **mean}, abs=1e-5)
    agree(found, "orient_", {"dispersion": 0}, abs=0.3)
    agree(found, "orient_", {"entropy": 0}, abs=1e-6)
    agree(found, "orient_", {"curvature_mean": 0}, abs=1e-4)


def test_the_flow_histogram_has_its_bins_centred_on_their_names():
    for k in range(8):
        name = f"orient_flow_a{22.5 * k:05.1f}".replace(".", "d")
        for off in (-11, 0, 11):
            found = values(pretend(np.deg2rad(22.5 * k + off)))
            assert found[name] == pytest.approx(1)
    angle, radius = circles()
    even = values(pretend(angle, mask=radius < 190))
    bins = [v for n, v in even.items() if n.startswith("orient_flow_a")]
    assert len(bins) == 8 and bins == pytest.approx([1 / 8] * 8, abs=0.03)
    assert even["orient_entropy"] == pytest.approx(3, abs=0.02) and even["orient_resultant"] < 0.02
    assert even["orient_dispersion"] > 75


def test_dispersion_is_the_angles_own_deviation():
    spread = np.random.default_rng(0).normal(0.8, np.deg2rad(12), SHAPE)
    assert values(pretend(spread))["orient_dispersion"] == pytest.approx(12, rel=0.1)


def test_zones_and_grid_name_their_places():
    upright = np.zeros(SHAPE)
    upright[:, 200:] = np.pi / 2
    agree(values(pretend(upright)), "orient_", {"flow_r1c1_cos": 1, "flow_r4c4_cos": -1})
    agree(values(pretend(upright)), "orient_", {"field_r3c1_cos": 1, "field_r3c5_cos": -1})
    below = np.zeros(SHAPE)
    below[250:] = np.pi / 4
    # 2.5 mm are 49 px: rows 3 and 4 of the grid lie 249 and 298 px down.
    found = values(pretend(below, (200, 200, CORE, 270)))
    agree(found, "orient_field_", {"r1c3_sin": 0, "r5c3_sin": 1}, abs=1e-6)


def test_the_grid_is_unknown_outside_the_print():
    mask = np.zeros(SHAPE, bool)
    mask[100:300, 100:300] = True
    found = values(pretend(0.0, (150, 200, CORE, 270), mask=mask))
    assert np.isnan(found["orient_field_r3c1_cos"]) and np.isfinite(found["orient_field_r3c3_cos"])
    assert np.isfinite(found["orient_field_r3c5_cos"])


# Curvature


def test_circles_bend_by_one_over_the_radius_and_rays_diverge_by_it():
    angle, radius = circles(y0=-250.0)
    inner = 1 / (radius[::8, ::8] * MM_PER_PX)
    found = values(pretend(angle))
    expected = {"mean": inner.mean(), "p50": np.median(inner), "p90": np.percentile(inner, 90)}
    agree(found, "orient_curvature_", expected, rel=0.02)
    assert found["orient_divergence_mean"] < 0.02 * found["orient_curvature_mean"]
    rays = values(pretend(angle + np.pi / 2))
    agree(rays, "orient_divergence_", {"mean": inner.mean()}, rel=0.02)
    assert rays["orient_curvature_mean"] < 0.02 * rays["orient_divergence_mean"]


# Singular points


def test_core_and_delta_are_measured_from_each_other():
    none = values(pretend(0.0))
    assert (none["orient_cores"], none["orient_deltas"]) == (0, 0)
    assert all(np.isnan(v) for n, v in none.items() if n.startswith("orient_core_"))
    found = values(pretend(0.0, (220, 150, CORE, 250), (170, 270, DELTA, 90), (390, 390, DELTA, 90)))
    assert (found["orient_cores"], found["orient_deltas"]) == (1, 2)
    px = {"x": 220 - MIDDLE, "y": 150 - MIDDLE, "delta_distance": 130, "delta_dx": -50, "delta_dy": 120}
    agree(found, "orient_core_", {name: v * MM_PER_PX for name, v in px.items()}, rel=1e-4)
    agree(found, "orient_core_", {"cos": np.cos(np.deg2rad(250)), "sin": np.sin(np.deg2rad(250))}, abs=1e-5)
    assert np.isnan(found["orient_core_core_distance"])


def test_the_cores_of_a_whorl_are_measured():
    found = values(pretend(0.0, (200, 170, CORE, 90), (212, 210, CORE, 270)))
    expected = {"core_distance": np.hypot(12, 40) * MM_PER_PX, "y": (170 - MIDDLE) * MM_PER_PX}
    agree(found, "orient_core_", expected, rel=1e-4)


# Ridges counted


def stripes(period, phase=0.0):
    """Level ridges, enhanced: negative on a ridge; at phase 0 the row 0 is a ridge's middle."""
    rows = np.arange(SHAPE[0])[:, None]
    return np.broadcast_to(-np.cos(2 * np.pi * (rows / period + phase)), SHAPE).astype(np.float32)


@pytest.mark.parametrize("period", [8.0, 11.0])
def test_ridges_between_two_points(period):
    full = np.ones(SHAPE, bool)
    # From valley to valley, k ridges apart.
    for k in (0, 1, 7, 20):
        ends = (100.0, 2.5 * period), (140.0, (2.5 + k) * period)
        assert ridge_count(stripes(period), full, *ends) == k
    # The points' own ridges are not counted.
    assert ridge_count(stripes(period), full, (100.0, 2 * period), (100.0, 9 * period)) == 6
    assert ridge_count(stripes(period), full, (100.0, 9 * period), (100.0, 2 * period)) == 6
    # Nor those that the line runs along.
    assert ridge_count(stripes(period), full, (50.0, 2 * period), (300.0, 2 * period)) == 0


def test_a_line_that_leaves_the_print_has_no_count():
    mask = np.ones(SHAPE, bool)
    mask[150:160] = False
    assert np.isnan(ridge_count(stripes(9), mask, (100.0, 100.0), (100.0, 200.0)))
    assert np.isnan(ridge_count(stripes(9), ~mask | mask, (100.0, 100.0), (500.0, 100.0)))
    # The column counts from core to delta.
    core, delta = (200, 5.5 * 9, CORE, 270), (260, 20.5 * 9, DELTA, 90)
    assert values(pretend(0.0, core, delta, enhanced=stripes(9)))["orient_core_delta_ridges"] == 15


# Pattern class


@pytest.mark.parametrize("expected", CLASSES)
def test_the_most_probable_class_is_1_and_its_probability_is_given(expected):
    print_ = pretend(0.0)
    print_.pattern = {name: 0.6 if name == expected else 0.1 for name in CLASSES}
    found = values(print_)
    assert [found[f"orient_pattern_{name}"] for name in CLASSES] == [float(name == expected) for name in CLASSES]
    assert found["orient_pattern_probability"] == pytest.approx(0.6)


def test_no_print_has_no_class_and_a_grating_is_an_arch_with_high_coherence():
    blank = values(pretend(0.0, mask=np.zeros(SHAPE, bool)))
    assert all(np.isnan(v) for name, v in blank.items() if name.startswith("orient_pattern_"))
    found = values(Fingerprint(grating((300, 300), 9.0, 0.7).image))
    assert found["orient_pattern_arch"] == 1 and found["orient_coherence_mean"] > 0.97
    assert found["orient_resultant"] > 0.999
