import importlib
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ridgefeat as rf
from ridgefeat.errors import ImageError, ParameterError
from ridgefeat.features.family import select
from ridgefeat.fingerprint import Fingerprint, check_dpi, resample
from ridgefeat.structure import SingularPoints
from ridgefeat.synth.simple import grating, rings

STAGES = {
    "image": ("ridgefeat.fingerprint", "resample"),
    "normalised": ("ridgefeat.stages.normalisation", "normalise"),
    "gabor": ("ridgefeat.stages.gabor", "gabor_responses"),
    "mask": ("ridgefeat.stages.segmentation", "segment"),
    "orientation": ("ridgefeat.stages.orientation", "estimate_orientation"),
    "period": ("ridgefeat.stages.period", "estimate_period"),
    "enhanced": ("ridgefeat.stages.enhancement", "enhance"),
    "binary": ("ridgefeat.stages.skeleton", "binarise"),
    "skeleton": ("ridgefeat.stages.skeleton", "skeletonise"),
    "all_minutiae": ("ridgefeat.stages.minutiae", "extract_minutiae"),
    "minutiae": ("ridgefeat.stages.minutiae", "select_minutiae"),
    "singular_points": ("ridgefeat.stages.singular_points", "find_singular_points"),
    "flags": ("ridgefeat.stages.flags", "flag"),
}


@pytest.fixture
def calls(monkeypatch):
    """How often each stage's function was called."""
    counts = dict.fromkeys(STAGES, 0)
    for stage, (where, name) in STAGES.items():
        module = importlib.import_module(where)
        function = getattr(module, name)

        def counting(*args, _stage=stage, _function=function, **given):
            counts[_stage] += 1
            return _function(*args, **given)

        monkeypatch.setattr(module, name, counting)
    return counts


# Each stage once, when first asked for


def test_every_stage_is_computed_once(calls):
    fp = Fingerprint(grating((160, 160)).image, 400)
    first = {stage: getattr(fp, stage) for stage in STAGES}
    again = {stage: getattr(fp, stage) for stage in reversed(STAGES)}
    assert calls == dict.fromkeys(STAGES, 1) and all(first[stage] is again[stage] for stage in STAGES)


@pytest.mark.parametrize(
    ("asked", "needed"),
    [
        ("image", "image normalised gabor mask"),
        ("normalised", "image normalised gabor mask"),
        ("gabor", "image normalised gabor"),
        ("mask", "image normalised gabor mask"),
        ("period", "image normalised gabor mask orientation period"),
        ("singular_points", "image normalised gabor mask orientation singular_points"),
        ("flags", "image normalised gabor mask orientation period flags"),
    ],
)
def test_only_what_is_needed_is_computed(calls, asked, needed):
    fp = Fingerprint(grating((160, 160)).image)
    assert not any(calls.values())
    getattr(fp, asked)
    assert {stage for stage, count in calls.items() if count} == set(needed.split())


def test_all_features_together_compute_every_stage_at_most_once(calls):
    fp = Fingerprint(grating((160, 160)).image)
    for family in select():
        family.compute(fp)
    assert max(calls.values()) == 1


# What a print can be made of


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((5, 5), np.float32), "float32 of shape (5, 5)"),
        (np.zeros((5, 5), bool), "bool of shape (5, 5)"),
        (np.zeros((5, 5), np.uint16), "uint16 of shape (5, 5)"),
        (np.zeros((5, 5, 3), np.uint8), "uint8 of shape (5, 5, 3)"),
        (np.zeros(25, np.uint8), "uint8 of shape (25,)"),
        (np.zeros((0, 5), np.uint8), "uint8 of shape (0, 5)"),
        ([[1, 2], [3, 4]], "int64 of shape (2, 2)"),
        ("print.png", "of shape ()"),
        (None, "object of shape ()"),
    ],
)
def test_what_is_no_image_is_refused(array, words):
    message = f"^a print is a non-empty two-dimensional uint8 array, got .*{re.escape(words)}$"
    with pytest.raises(ImageError, match=message):
        Fingerprint(array)


@pytest.mark.parametrize("dpi", [0, 49.9, 5000.1, -500, float("nan"), float("inf"), (500, 10), (500, float("nan"))])
def test_a_resolution_no_sensor_has_is_refused(dpi):
    with pytest.raises(ParameterError, match="resolution must lie between 50 and 5000 dpi, got "):
        Fingerprint(np.zeros((9, 9), np.uint8), dpi)


@pytest.mark.parametrize("dpi", ["fine", None, (500,), (500, 500, 500), (500, "x"), [], {}])
def test_what_is_no_resolution_is_refused(dpi):
    with pytest.raises(ParameterError, match="resolution must be one or two numbers in dpi, got "):
        check_dpi(dpi)


def test_a_resolution_is_one_number_or_two():
    assert check_dpi(500) == (500, 500)
    assert check_dpi(np.float32(196.85)) == (pytest.approx(196.85), pytest.approx(196.85))
    assert check_dpi((199, 173)) == (199, 173) and check_dpi(np.array([50, 5000])) == (50, 5000)


@pytest.mark.parametrize("hand", ["L", "Left", "", 1, True])
def test_an_unknown_hand_is_refused(hand):
    with pytest.raises(ParameterError, match="hand must be 'left', 'right' or None, got "):
        Fingerprint(np.zeros((9, 9), np.uint8), hand=hand)


def test_it_shows_what_it_is_and_at_500_dpi_the_pixels_stay_as_they_are():
    image = grating((60, 50)).image
    assert np.array_equal(Fingerprint(image).image, image) and np.array_equal(Fingerprint(image, 500).original, image)
    assert repr(Fingerprint(np.zeros((30, 20), np.uint8))) == "<Fingerprint 20x30 px, 500x500 dpi>"
    named = rf.Fingerprint(np.zeros((103, 96), np.uint8), (199, 173.5), source="a.png")
    assert repr(named) == "<Fingerprint 'a.png', 96x103 px, 199x173.5 dpi>"


# Resampling


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 120), st.integers(1, 120), st.floats(100, 2000), st.floats(100, 2000))
def test_the_working_image_is_at_500_dpi(rows, columns, dpi_x, dpi_y):
    shape = resample(np.full((rows, columns), 90, np.uint8), dpi_x, dpi_y).shape
    assert shape[0] == max(1, round(rows * 500 / dpi_y))
    assert shape[1] == max(1, round(columns * 500 / dpi_x))


def test_an_image_that_shrinks_in_one_direction_alone_is_averaged():
    stripes = np.tile(np.array([255, 0, 0, 0], np.uint8), (20, 10))
    assert np.abs(resample(stripes, 2000, 250) - 255 / 4).max() < 1


@pytest.mark.parametrize("dpi", [(250, 250), (1000, 1000), (199, 173), (569, 569), (1000, 250)])
def test_an_uneven_scale_is_corrected(dpi):
    made = rings((320, 320), 9.0).image
    size = round(320 * dpi[0] / 500), round(320 * dpi[1] / 500)
    taken = cv2.resize(made, size, interpolation=cv2.INTER_AREA if min(dpi) < 500 else cv2.INTER_CUBIC)
    fp = Fingerprint(taken, dpi)
    assert np.abs(np.array(fp.image.shape) - 320).max() <= 1
    level = fp.orientation.angle
    ring = fp.mask & (np.hypot(*(np.indices(fp.mask.shape) - 159.5)) < 140)
    upright, flat = ring & (np.cos(2 * level) < -0.9), ring & (np.cos(2 * level) > 0.9)
    assert np.nanmean(fp.period[upright]) == pytest.approx(9, rel=0.03)
    assert np.nanmean(fp.period[flat]) == pytest.approx(9, rel=0.03)


@pytest.mark.parametrize("dpi", [(500, 500), (250, 250), (1000, 1000), (199, 173), (333, 777)])
def test_points_lead_back_to_the_original_pixels(dpi):
    image = np.zeros((160, 140), np.uint8)
    places = [(20, 31), (101, 77), (70, 140)]
    for x, y in places:
        image[y, x] = 255
    found = []
    working = Fingerprint(image, dpi).image
    rows, columns = np.indices(working.shape)
    for x, y in places:
        u, v = (x + 0.5) * 500 / dpi[0] - 0.5, (y + 0.5) * 500 / dpi[1] - 0.5
        weight = np.where(np.hypot(rows - v, columns - u) < 20, working, 0).astype(float)
        found.append([np.average(at, weights=weight) for at in (columns, rows)])
    x, y = np.array(found, np.float32).T
    points = SingularPoints(x, y, np.ones(3, np.uint8), np.zeros(3, np.float32))
    back = np.column_stack(points.original_xy(*dpi))
    assert np.abs(back - places).max() < 0.6


def test_a_print_has_at_most_six_million_pixels_at_500_dpi():
    Fingerprint(np.zeros((2400, 2500), np.uint8))
    for shape, dpi in (((2401, 2500), 500), ((1201, 1250), 250), ((1201, 5000), (1000, 250))):
        with pytest.raises(ImageError, match="too large for a print"):
            Fingerprint(np.zeros(shape, np.uint8), dpi)


@pytest.mark.parametrize("dpi", [1000, 1969])
@pytest.mark.parametrize("name", ["whorl", "left_loop"])
def test_finer_scans_give_the_same_features(name, dpi):
    """One scene, sampled as sensors of three resolutions do; LBP and histograms of grey levels see the rounding."""
    print_ = cv2.imread(str(Path(__file__).parent / "data" / f"{name}.png"), 0)
    rows, columns = print_.shape
    scene = cv2.resize(print_, (8 * columns, 8 * rows), interpolation=cv2.INTER_CUBIC)
    sensed = {
        d: Fingerprint(
            cv2.resize(scene, (round(columns * d / 500), round(rows * d / 500)), interpolation=cv2.INTER_AREA), d
        )
        for d in (500, dpi)
    }
    coarse, fine = (rf.extract(fp, ["ridge", "orient", "gabor", "minutiae"]) for fp in sensed.values())
    assert sensed[dpi].original.shape != sensed[500].original.shape == sensed[dpi].image.shape
    assert sensed[dpi].flags == sensed[500].flags
    difference = (fine - coarse).abs() / np.maximum(coarse.abs(), 0.05)
    assert (fine.isna() == coarse.isna()).all()
    assert difference.median() < 0.001 and difference.max() < 0.05, difference.nlargest(3)
