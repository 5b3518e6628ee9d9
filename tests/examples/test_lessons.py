"""The lessons run from top to bottom, and their claims hold."""

import math

import matplotlib
import pytest

from tests.scripts import ROOT, load_script
from tests.small_fingers import small_fingers


@pytest.fixture(autouse=True)
def _without_a_window():
    matplotlib.use("agg")


def lesson(name):
    return load_script(f"examples/{name}.py")


def test_a_split_by_print_recognises_fingers_and_one_by_person_guesses(tmp_path):
    figures = lesson("features_in_a_pipeline").main(tmp_path)
    assert figures["by_print"] > 0.9
    assert 0.2 < figures["by_person"] < 0.8


def test_a_custom_family_reaches_the_table(tmp_path, capfd):
    table = lesson("own_family").main(tmp_path)
    header, *rows = table.splitlines()
    at = header.split(",").index("symmetry_flow_mean")
    assert len(rows) == 4
    assert all(0 <= float(row.split(",")[at]) <= 90 for row in rows)
    assert "mean angle between the flow and its mirror image" in capfd.readouterr().out


@small_fingers()
def test_the_planted_leak_raises_accuracy_and_the_audit_removes_it(capfd):
    figures = lesson("find_the_leak").figures
    assert figures["leaked"] > figures["clean"] + 0.05
    assert figures["resolved"] < figures["leaked"] - 0.05
    assert "10 images are filed under several names" in capfd.readouterr().out


@small_fingers()
def test_each_finger_has_a_figure_with_its_interval(tmp_path):
    by = lesson("which_finger_is_best").main(tmp_path, people=8)
    assert sorted(by["level"]) == ["index", "middle", "thumb"]
    assert (by["roc_auc_low"] <= by["roc_auc"]).all() and (by["roc_auc"] <= by["roc_auc_high"]).all()


@small_fingers()
def test_the_border_has_a_higher_threshold_than_the_door():
    chosen = lesson("threshold_for_a_door_and_a_border").chosen
    assert all(map(math.isfinite, chosen.values()))
    assert chosen["border"] > chosen["door"]


def test_orientation_by_hand_is_near_to_the_truth_at_a_middle_width_only():
    made = lesson("orientation_field")
    by_hand, ours = (error[made.inside].mean() for error in made.errors.values())
    assert ours < by_hand < 5
    medians = dict(zip(made.widths, made.medians, strict=True))
    assert medians[8] < medians[32] < medians[2]


def test_ends_and_forks_are_minutiae_only_after_enhancement_and_away_from_the_border():
    made = lesson("from_pixels_to_minutiae")
    right = {name: made.score(points)[1] for name, points in made.candidates.items()}
    assert right["all ends and forks"] < 0.5 and min(right["away from the border"], right["ridgefeat"]) > 0.9
    assert made.without_waves[1] < 0.3
    assert made.overlap(made.fp.mask) > 0.95 > made.overlap(made.mask)
    assert made.nearest.mean() > 0.9


def test_ridges_counted_by_hand_agree_with_the_columns():
    made = lesson("count_the_ridges")
    assert (abs(made.counted["by hand"] - made.counted["ridgefeat"]) <= 1).all()
    assert (made.examiners.max(axis=1) - made.examiners.min(axis=1)).max() == 1


@small_fingers()
def test_the_second_study_reports_every_method():
    chosen = lesson("reproduce_verification_study").main(["--demo", "--fingers", "8"])["all"]
    assert list(chosen["method"]) == ["mean-distance", "bayes", "far-frr", "grid", "exact"]
    assert chosen[["far", "frr"]].stack().between(0, 1).all()
    assert chosen.set_index("method").loc["bayes", "evaluations"] == 25


def test_a_backward_pass_by_hand_prints_the_numbers_of_its_page(capsys):
    lesson("backprop_step_by_step")
    printed = capsys.readouterr().out
    page = (ROOT / "docs" / "nn.md").read_text(encoding="utf-8").replace("−", "-")
    for number in ("0.2833", "0.5704", "0.5615", "-0.4296", "-0.0477", "-0.1432", "-0.0955", "-0.3342", "0.4849"):
        assert number in printed and number in page, number


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.py")), ids=lambda p: p.stem)
def test_every_lesson_says_how_to_run_it(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert f"python examples/{path.name}" in text


def test_every_lesson_is_listed_and_those_in_cells_have_a_question_an_exercise_and_an_answer():
    page = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
    in_cells = {p.stem: text for p in ROOT.glob("examples/*.py") if "\n# %%\n" in (text := p.read_text("utf-8"))}
    for path in ROOT.glob("examples/*.py"):
        assert (f"lessons/{path.stem}.rst" if path.stem in in_cells else f"`examples/{path.name}`") in page
    for text in in_cells.values():
        assert "**Question.**" in text and "\n# Exercise\n" in text and "\n# Answer\n" in text


@small_fingers()
def test_a_set_that_was_dealt_into_blood_groups_is_recognised(tmp_path, capfd):
    made = lesson("whose_prints_are_these")
    made.PEOPLE = 8
    figures = made.main(tmp_path)
    assert figures["as_published"] > 0.7 and figures["by_person"] < 0.4
    out = capfd.readouterr().out
    assert "24 of 24 prints are prints of the public set" in out and "they are of 8 people" in out
    assert "cannot be true of these people" in out


@small_fingers()
def test_fingers_are_alike_by_their_ridges_or_by_their_day(capsys):
    found = lesson("two_fingers_of_one_person").main(people=14)
    ridges, day = found["own ridges"], found["own day"]
    assert ridges["ridges alone"] > 0.65 and abs(ridges["conditions"] - 0.5) < 0.15
    assert day["conditions"] > 0.6 and abs(day["ridges alone"] - 0.5) < 0.15
    assert day["ridges alone"] < day["ridges"] - 0.1  # what the conditions explain of them is taken off
    assert "only in the first is it the ridges" in capsys.readouterr().out
