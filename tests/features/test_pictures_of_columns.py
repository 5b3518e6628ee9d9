"""Every column of every family shows what it was measured on, or says why it is empty."""

import warnings

import numpy as np
import pytest

from ridgefeat.features import Column, Family, explain, families
from ridgefeat.features.family import BUILT_IN
from ridgefeat.features.layers import Area, Bars, Field, Frames, Histogram, Marks, zone_frames
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.synth import make_impression, make_master
from ridgefeat.synth.simple import grating
from tests.features.helpers import noise


@pytest.fixture(scope="module")
def prints():
    made = make_impression(make_master("right_loop", rng=7, period_mm=0.46), rng=8, noise_level=1)
    drawn = {"strip": grating((40, 700), 9, 1.2).image, "small": grating((70, 70), 9, 1.2).image}
    drawn |= {"noise": noise((220, 200)), "blank": np.full((90, 80), 255, np.uint8)}
    right = {"loop": Fingerprint(made.image, made.dpi, hand="right"), "no hand": Fingerprint(made.image, made.dpi)}
    return right | {name: Fingerprint(image) for name, image in drawn.items()}


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_column_has_a_picture_or_says_why_not(prints, name):
    family = families()[name]
    for which, fp in prints.items():
        values = dict(zip((c.name for c in family.all_columns()), family.compute(fp).tolist(), strict=True))
        for column in family.all_columns():
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                layers, reason = family._picture(fp, column, values)
            assert layers or not fp.mask.any(), (which, column.name)
            assert values[column.name] == values[column.name] or reason, (which, column.name)
            if not fp.mask.any():
                assert reason == "no print was found in the image"


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_function_of_a_family_declares_its_picture(name):
    family = families()[name]
    assert {function for _, function in family.groups} == set(family.pictures)


def of(found, kind):
    return next(layer for layer in found.layers if isinstance(layer, kind))


def test_what_counts_for_a_value_is_what_is_chosen(prints):
    fp = prints["loop"]
    frames = of(explain(fp, "ridge_density_radial"), Frames)
    assert list(frames.chosen) == [0]  # a right hand's thumb is on the left
    assert float(frames.texts[0]) == pytest.approx(explain(fp, "ridge_density_radial").value, abs=0.06)
    endings = explain(fp, "minutiae_endings")
    assert of(endings, Marks).chosen.sum() == endings.value
    period = explain(fp, "ridge_period_mean")
    assert np.nanmean(of(period, Field).values) == pytest.approx(period.value, rel=0.02)
    assert of(period, Histogram).mark == period.value
    distance = explain(fp, "orient_core_delta_distance")
    x0, y0, x1, y1 = next(layer for layer in distance.layers if getattr(layer, "chosen", None) == [0]).ends[0]
    assert np.hypot(x1 - x0, y1 - y0) * 0.0508 == pytest.approx(distance.value, rel=1e-5)
    ring = explain(fp, "texture_ring_4")
    bars = of(ring, Bars)
    assert [bars.numbers[i] for i in bars.chosen] == [ring.value]
    score = explain(fp, "quality_score")
    assert sum(of(score, Bars).numbers) == pytest.approx(score.value, rel=1e-5)


@pytest.mark.parametrize(
    ("which", "column", "reason"),
    [
        ("no hand", "ridge_density_radial", "the label hand is not known"),
        ("strip", "ridge_density_left", "less than 60% of a diagonal of the square lies in the print"),
        ("strip", "minutiae_spacing_mean", "minutiae were found, and it takes three"),
        ("strip", "orient_core_x", "no core was found"),
        ("loop", "orient_core_core_distance", "only one core was found"),
        ("strip", "texture_wavelet_energy_level1_diagonal", "too small for four levels"),
        ("blank", "quality_fda_mean", "no print was found in the image"),
    ],
)
def test_an_empty_value_has_its_reason(prints, which, column, reason):
    found = explain(prints[which], column)
    assert np.isnan(found.value) and reason in found.reason
    assert not explain(prints["loop"], "ridge_period_mean").reason


def test_a_zone_is_where_its_values_come_from(prints):
    fp = prints["loop"]
    frames = zone_frames(fp, "ridge_period_r2c3_mean")
    left, top, width, height = frames.corners[next(iter(frames.chosen))].round().astype(int)
    inside = fp.period[top : top + height, left : left + width][fp.mask[top : top + height, left : left + width]]
    assert inside.mean() * 0.0508 == pytest.approx(explain(fp, "ridge_period_r2c3_mean").value, rel=0.02)


def test_a_family_without_pictures_shows_the_outline(prints):
    family = Family("own", "A user's own family.")
    family.columns(Column("own_one", "", 0, 1, "always one"))(lambda fp: [1])
    (layer,) = family.explain(prints["loop"], "own_one").layers
    assert isinstance(layer, Area) and (layer.inside == prints["loop"].mask).all()


def test_percentile_and_context_place_a_value_among_others(prints):
    from dataclasses import replace

    found = explain(prints["loop"], "ridge_period_mean")
    others = np.array([0, found.value, found.value, 9, np.nan], np.float32)
    among = replace(found, among=others)
    assert np.isnan(found.percentile) and among.percentile == pytest.approx(50)
    assert among.context["among"] == "percentile 50 of 4 prints with a value, 5 in the table"
    assert among.context["range"] == "0.1 to 1.5 mm"
    assert (
        "in FCJ2020" in found.context["reliability"]
        and "reliability" not in explain(prints["no hand"], "ridge_density_radial").context
    )
