"""Whether a result is due to the ridges or to acquisition, on tables of which it is known."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench.diagnostics import ACQUISITION_COLUMNS, MIXED_COLUMNS, acquisition_columns, explained_share
from ridgefeat.bench.metrics import Predictions, group_weights
from ridgefeat.features import select
from ridgefeat.report.bench.page import describe_confounds
from tests.bench.helpers import make_frame, problem_of, quick
from tests.scripts import ROOT, load_script
from tests.small_fingers import small_fingers

RIDGES = ["ridge_period_mean", "ridge_period_sd", "texture_made_1", "texture_made_3"]


def table(ridges, pressure, seed=0, people=60, prints=4):
    """Return a table in which ridge columns predict the sex by themselves, or follow a pressure that does."""
    rng = np.random.default_rng(seed)
    frame = make_frame(people=people, prints=prints, columns=2).drop(columns=["ridge_made_0", "texture_made_1"])
    woman = (frame["sex"] == "female").to_numpy()
    pressed = pressure * woman + rng.normal(size=len(frame))
    values = {"ridge_thickness_ratio": pressed, "quality_sigma": rng.normal(size=len(frame))}
    values["quality_made_1"] = np.arange(len(frame)) % 7  # neither of acquisition nor of the ridges
    for name in RIDGES:
        values[name] = ridges * woman + 1.5 * pressed + 0.7 * pressed**2 + rng.normal(size=len(frame))
    return pd.concat([frame, pd.DataFrame(values).astype(np.float32)], axis=1)


def compared(frame):
    return quick(problem_of(frame), "dummy", "logistic", folds=3, fuse="subject", samples=100, diagnose=True)


@pytest.fixture(scope="module")
def pressed():
    return compared(table(ridges=0.0, pressure=1.2))


@pytest.fixture(scope="module")
def ridged():
    return compared(table(ridges=2.0, pressure=0.0))


def test_ridges_that_only_follow_the_pressure_know_nothing_without_it(pressed):
    found = pressed.confounds.set_index("confound")
    assert found.loc["pressure", "value_low"] > 0.6 and found.loc["ridges", "value_low"] > 0.6
    rest = found.loc["ridges, acquisition removed"]
    assert rest["value_low"] < 0.5 < rest["value_high"]
    assert found.loc["contrast", "value"] < 0.62 and found.loc["ridges, contrast removed", "value"] > 0.7
    sentences = describe_confounds(pressed, 0.5)["sentences"]
    assert sentences[0].startswith("Pressure and contrast alone, without any ridge column, predict “sex”")
    assert "do not show that the ridges carry information beyond" in sentences[2]
    assert rest["explained"] > 0.5 and rest["explained_low"] < rest["explained"] < 1 <= rest["explained_high"]
    assert found.loc["acquisition, ridges removed", "value"] < found.loc["acquisition", "value"]
    assert found.loc["ridges and acquisition", "columns"] == 4 + 2
    assert found["explained"].notna().sum() == found.index.str.endswith("removed").sum() - 2  # not of families


def test_ridges_that_predict_by_themselves_still_do(ridged):
    found = ridged.confounds.set_index("confound")
    assert found.loc["ridges, acquisition removed", "value_low"] > 0.7
    assert found.loc["finger", "value"] < 0.6 and found.loc["acquisition", "value"] < 0.65
    assert found["fused"].notna().all() and found.loc["ridges", "columns"] == 4
    drawn = describe_confounds(ridged, 0.5)
    assert "account for hardly any (95 % interval 0 to 10 %) of the ridges’ advantage" in drawn["sentences"][2]
    # What is subtracted with the ridges is no finding about the conditions.
    assert found.loc["acquisition, ridges removed", "value_low"] > 0.6
    assert "the conditions with the ridges regressed out" not in drawn["sentences"][1]
    assert drawn["fused"] and [r["confound"] for r in drawn["rows"]] == list(found.index)


def test_families_are_added_from_the_best_on(ridged):
    rows = ridged.ablation
    alone = rows[rows["how"] == "alone"].sort_values("value", ascending=False)["family"].tolist()
    added = rows[rows["how"] == "added"]
    assert added["family"].tolist() == alone[1:-1] and added["columns"].is_monotonic_increasing


def test_a_table_without_such_columns_is_not_asked():
    assert compared(make_frame(people=20)).confounds is None


def test_of_a_number_it_is_the_explained_variance():
    frame = table(ridges=0.0, pressure=0.0)
    frame["age"] = 40 + 3 * frame["ridge_thickness_ratio"].astype(float)
    found = quick(problem_of(frame, "age"), "ridge", folds=3, diagnose=True).confounds.set_index("confound")
    assert found["explained"]["ridges, pressure removed"] > 0.9 > 0.2 > found["explained"]["ridges, contrast removed"]


def test_chance_among_several_classes_is_one_over_their_number():
    rng, people = np.random.default_rng(0), np.arange(400)
    y, none = rng.integers(4, size=400), np.zeros((400, 4))
    guessed = [np.where(rng.random(400) < known, y, rng.integers(4, size=400)) for known in (0.3, 0.1)]
    more, less = ((g == y).mean() for g in guessed)
    whole, rest = (Predictions("multiclass", y, g, none, none, 0 * people, people) for g in guessed)
    found = explained_share(whole, rest, group_weights(400, 0, 100), "accuracy")
    assert more < 0.5 and found[0] == pytest.approx((more - less) / (more - 0.25))


def test_every_acquisition_column_is_one_that_ridgefeat_has():
    names = [c.name for f in select(None) for c in f.all_columns()]
    taken = [*MIXED_COLUMNS, *(n for own in ACQUISITION_COLUMNS.values() for n in own)]
    assert set(taken) <= set(names) and len(taken) == len(set(taken))
    assert list(acquisition_columns(names)) == list(ACQUISITION_COLUMNS)


def test_confounds_are_standardised_within_levels_too():
    frame = table(ridges=0.0, pressure=2.0)
    frame.loc[:5, "hand"] = None
    frame["ridge_thickness_ratio"] += (20 * (frame["finger"] == "index")).astype(np.float32)
    done = quick(problem_of(frame), "logistic", folds=3, within=("finger",), diagnose=True)
    found = done.confounds.set_index("confound")
    assert found.loc["pressure", "value"] > 0.85 and found["value"].notna().all()


@small_fingers()
def test_which_columns_are_conditions_as_the_benchmark_measures_it(monkeypatch):
    script = load_script("benchmarks/acquisition_columns.py")
    monkeypatch.setattr(script.rf, "extract", partial(script.rf.extract, families=["ridge", "quality"]))
    rows = script.simulate(10, impressions=2, jobs=1)
    sharp, period = (script.measure(rows, name) for name in ("quality_ridge_sharpness", "ridge_period_mean"))
    assert sharp["correlation"] < -0.85 and period["correlation"] > 0.95
    assert not script.is_condition({"correlation": -0.3, "explained": 0.9})
    assert not script.is_condition({"correlation": 0.1, "explained": 0.4})
    assert script.is_condition({"correlation": -0.1, "explained": 0.9})
    assert (script.MAX_CORRELATION, script.MIN_EXPLAINED) == (0.2, 0.5)


def test_the_list_is_what_the_benchmark_found():
    lines = (ROOT / "benchmarks/results/acquisition_columns.md").read_text().splitlines()
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in lines if line.startswith("| ")]
    chosen = {name for name, _, _, condition, _ in cells if condition == "yes"}
    assert chosen == {name for own in ACQUISITION_COLUMNS.values() for name in own}
