"""Simulated subjects and the files of a set."""

import csv
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from ridgefeat.errors import LayoutError, ParameterError
from ridgefeat.sources import decode_image
from ridgefeat.synth import PATTERN_SHARES, make_master, make_subjects, read_truth, subjects, write_set
from ridgefeat.synth.files import write_truth
from ridgefeat.synth.subjects import RIDGE_DENSITY, draw_density, draw_pattern
from tests.small_fingers import small_fingers

SMALL = {"shape": (160, 140), "noise_level": 1}


@pytest.mark.parametrize("sex", ["female", "male"])
def test_densities_have_the_published_mean_and_deviation(sex):
    rng = np.random.default_rng(1)
    drawn = np.array([draw_density(sex, rng) for _ in range(4000)])
    mean, deviation = RIDGE_DENSITY[sex]
    assert drawn.mean() == pytest.approx(mean, abs=0.1)
    assert drawn.std() == pytest.approx(deviation, rel=0.06)


def test_without_a_sex_effect_both_are_drawn_alike():
    female, male = (draw_density(sex, np.random.default_rng(4), 0.0) for sex in ("female", "male"))
    assert female == male
    assert draw_density("female", np.random.default_rng(4)) > draw_density("male", np.random.default_rng(4))


def test_patterns_come_in_natural_shares_and_loops_by_hand():
    rng = np.random.default_rng(2)
    left, right = ([draw_pattern(hand, rng) for _ in range(3000)] for hand in ("left", "right"))
    for pattern, share in PATTERN_SHARES.items():
        assert (left + right).count(pattern) / 6000 == pytest.approx(share, abs=0.02)
    assert left.count("left_loop") > 10 * left.count("right_loop")
    assert right.count("right_loop") > 8 * right.count("left_loop")


@pytest.mark.parametrize("period_mm", [0.38, 0.5])
def test_ridges_have_the_period_asked_for(period_mm):
    truth = make_master("arch", rng=1, period_mm=period_mm).truth
    upper = truth.mask.copy()
    upper[len(upper) // 2 :] = False
    assert truth.period[upper].mean() * 25.4 / 500 == pytest.approx(period_mm, rel=0.04)


@small_fingers()
def test_subjects_have_fingers_and_impressions_in_order():
    made = list(make_subjects(2, seed=3, fingers=2, impressions=2, **SMALL))
    assert [(p.subject, p.hand, p.finger, p.impression) for p in made] == [
        (s, "right", finger, i) for s in (1, 2) for finger in ("thumb", "index") for i in (1, 2)
    ]
    assert {p.sex for p in made} == {"female", "male"} and len({p.sex for p in made if p.subject == 1}) == 1
    assert made[0].pattern == made[1].pattern and made[0].name == f"sim0001_{made[0].sex}_right_thumb_1"
    # A finger does not depend on how many impressions of others are made.
    _, index = islice(make_subjects(2, seed=3, fingers=2, impressions=1, **SMALL), 2)
    assert index.print.image.tobytes() == made[2].print.image.tobytes()


@small_fingers()
def test_a_set_is_images_with_resolution_an_index_and_truth(tmp_path):
    index = write_set(tmp_path / "set", 3, 1, truth=True, fingers=2, **SMALL)
    rows = list(csv.DictReader(index.open(encoding="utf-8")))
    assert len(rows) == 3 and {row["simulated"] for row in rows} == {"yes"}
    assert {row["sex"] for row in rows} <= {"female", "male"}
    made = next(make_subjects(2, seed=1, fingers=2, **SMALL)).print
    path = tmp_path / "set" / rows[0]["file"]
    written = decode_image(path.read_bytes())
    assert written.dpi == (500, 500) and np.array_equal(written.pixels, made.image)
    known = read_truth(path.with_suffix(".npz"))
    assert np.array_equal(known.period, made.truth.period)
    assert np.array_equal(known.minutiae.direction, made.truth.minutiae.direction)
    assert np.array_equal(known.singular_points.kind, made.truth.singular_points.kind)


@small_fingers()
def test_the_same_seed_writes_the_same_files(tmp_path):
    for name in ("a", "b"):
        write_set(tmp_path / name, 1, 7, truth=True, **SMALL)
    first, second = (sorted((tmp_path / name).iterdir()) for name in ("a", "b"))
    assert [p.name for p in first] == [p.name for p in second] and len(first) == 4
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


@small_fingers()
def test_an_index_is_not_overwritten_unasked_and_a_folder_that_cannot_be_written_is_named(tmp_path):
    write_set(tmp_path, 1, 1, **SMALL)
    with pytest.raises(LayoutError, match=r"index\.csv is there already"):
        write_set(tmp_path, 1, 2, **SMALL)
    assert write_set(tmp_path, 1, 2, overwrite=True, **SMALL).exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(LayoutError, match="file cannot be written: "):
        write_set(tmp_path / "file", 1, 1, **SMALL)


HEADER = b"\x93NUMPY\x01\x00\x04\x00{'(\n"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x93NUMPY\x01\x00", b"text", HEADER])
def test_what_is_no_truth_is_named(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(LayoutError, match="does not hold the truth about a print"):
        read_truth(tmp_path / "x.npz")


def test_truth_survives_a_round_trip_where_nothing_was_found(tmp_path):
    truth = next(make_subjects(1, seed=5, pattern="arch", **SMALL)).print.truth
    write_truth(tmp_path / "t.npz", truth)
    assert len(read_truth(tmp_path / "t.npz").singular_points) == 0
    assert np.array_equal(read_truth(tmp_path / "t.npz").mask, truth.mask)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": 0}, "n must be at least 1 subject, got 0"),
        ({"fingers": 11}, "fingers must lie between 1 and 10, got 11"),
        ({"impressions": 0}, "impressions must be at least 1, got 0"),
        ({"sex_effect": -1}, "sex_effect must lie between 0 and 2, got -1"),
        ({"female_share": 2}, "female_share must lie between 0 and 1, got 2"),
        ({"noise_level": 9}, "noise_level must be one of 0, 1, 2, 3, 4, got 9"),
        ({"pattern": "loop"}, "pattern must be one of arch"),
        ({"seed": 1.5}, "seed must be a whole number"),
    ],
)
def test_unusable_arguments_are_named_before_anything_is_made(changes, message):
    arguments = {"n": 1, "seed": 1, **changes}
    with pytest.raises(ParameterError, match=message):
        make_subjects(arguments.pop("n"), **arguments)


def test_six_in_ten_impressions_are_good_three_fair_and_one_poor(monkeypatch):
    monkeypatch.setattr(subjects, "_make_finger", lambda *_: SimpleNamespace(pattern="arch"))
    monkeypatch.setattr(subjects, "make_impression", lambda *_, **options: None)
    levels = [p.noise_level for p in make_subjects(200, seed=1)]
    assert np.bincount(levels) / len(levels) == pytest.approx([0, 0.6, 0.3, 0.1], abs=0.04)


def test_fingers_of_one_person_differ_by_half_a_ridge(monkeypatch):
    monkeypatch.setattr(subjects, "make_master", lambda pattern, rng, period_mm: period_mm)
    rng = np.random.default_rng(0)
    periods = [subjects._make_finger(15.0, "left", "index", "arch", rng) for _ in range(2000)]
    ridges = subjects.DIAGONAL_MM / np.array(periods)
    assert ridges.mean() == pytest.approx(15, abs=0.05) and ridges.std() == pytest.approx(0.5, rel=0.05)
