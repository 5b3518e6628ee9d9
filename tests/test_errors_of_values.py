"""The standard error of every value: what it depends on, where it stands in a table, and who does not take it for a
feature."""

import json

import numpy as np
import pandas as pd
import pytest

import ridgefeat as rf
from ridgefeat import bench
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.features import select
from ridgefeat.reliability import ErrorModel
from ridgefeat.synth import write_set
from ridgefeat.table import describe_foreign, load_sidecar, read_table
from tests.cli.running import run
from tests.small_fingers import small_fingers

NAMES = [c.name for family in select() for c in family.all_columns()]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("errors")
    with small_fingers():
        write_set(folder / "prints", 3, seed=3, fingers=1, impressions=1, noise_level=1)
    how = ("--families", "ridge,quality", "-j", 1, "-q")
    run("extract", folder / "prints", "--index", folder / "prints/index.csv", "-o", folder / "se.csv", "--errors", *how)
    run("extract", folder / "prints", "--index", folder / "prints/index.csv", "-o", folder / "plain.csv", *how)
    return folder


def test_worse_and_smaller_prints_have_larger_errors():
    values = np.ones((3, len(NAMES)))
    at = [NAMES.index("quality_score"), NAMES.index("ridge_area")]
    values[:, at] = [[90, 2.5], [60, 2.5], [90, 1.0]]
    good, poor, small = ErrorModel.make().of(NAMES, values).astype(float)
    families = np.array([n.partition("_")[0] for n in NAMES])
    for family in np.unique(families):
        known = (families == family) & (good > 0)
        assert known.mean() > 0.7 * (families == family).mean()
        assert np.nanmedian(poor[known] / good[known]) > 1.05 and np.nanmedian(small[known] / good[known]) > 1.0


def test_a_missing_value_has_no_error_nor_has_a_family_of_ones_own():
    values = np.array([np.nan, 1.0, 80.0, 2.0])
    found = ErrorModel.make().of(["ridge_period_mean", "edge_black", "quality_score", "ridge_area"], values)
    assert np.isnan(found).tolist() == [True, True, False, False]
    unreadable = ErrorModel.make().of(["ridge_period_mean", "quality_score", "ridge_area"], [0.5, np.nan, np.nan])
    assert np.isnan(unreadable).all()


def test_errors_stand_after_the_features_and_change_nothing_else(made):
    header = pd.read_csv(made / "se.csv", nrows=0).columns.tolist()
    plain = pd.read_csv(made / "plain.csv", nrows=0).columns.tolist()
    features = [c["name"] for c in load_sidecar(made / "se.csv")["columns"]]
    assert header == [*plain, *(f"{n}_se" for n in features)]
    pd.testing.assert_frame_equal(read_table(made / "se.csv"), read_table(made / "plain.csv"))
    se = read_table(made / "se.csv", columns=["ridge_period_mean_se"])["ridge_period_mean_se"]
    assert se.dtype == np.float32 and (se > 0).all() and (se < 0.1).all()


def test_the_same_in_python(made):
    table = read_table(made / "se.csv", columns=["ridge_period_mean_se"])
    fp = rf.read(made / "prints" / table["meta_source"][0])
    found = fp.features(["ridge", "quality"], errors=True)
    assert found["ridge_period_mean_se"] == table["ridge_period_mean_se"][0]
    assert rf.explain(fp, "ridge_period_mean").error == pytest.approx(found["ridge_period_mean_se"])
    assert "ridge_period_mean_se" not in fp.features(["ridge"])


def test_no_command_takes_an_error_for_a_feature(made):
    run("merge", made / "se.csv", made / "se.csv", "-o", made / "both.csv", "--duplicates")
    both = pd.read_csv(made / "both.csv")
    assert len(both) == 6 and both["ridge_period_mean_se"].notna().all()
    assert "standard errors" in run("merge", made / "se.csv", made / "plain.csv", "-o", made / "x.csv", code=2).stderr
    again = run("extract", made / "prints", "--like", made / "se.json", "-o", made / "like.csv", "-j", 1, "-q")
    assert again.exit_code == 0 and "ridge_area_se" in pd.read_csv(made / "like.csv", nrows=0)
    bare = made / "bare.csv"
    bare.write_bytes((made / "se.csv").read_bytes())
    names = [c["name"] for c in describe_foreign(bare, ["ridge_*"])["columns"]]
    assert "ridge_area" in names and not [n for n in names if n.endswith("_se")]


def test_classifiers_get_no_errors(made):
    frame, about = bench.load(made / "se.csv")
    names = [c["name"] for c in about["columns"]]
    assert list(frame.columns.intersection(names)) == names and not [n for n in frame if n.endswith("_se")]
    # A table read by hand may hold them: six prints of each sex, errors that would give it away.
    both = pd.concat([pd.read_csv(made / "se.csv")] * 4, ignore_index=True)
    both["sex"], both["subject"] = ["female", "male"] * 6, np.arange(12).astype(str)
    both["ridge_area_se"] = np.arange(12) % 2
    problem = bench.make_problem(both, about, target="sex", group="subject")
    assert "ridge_area" in problem.features and not [n for n in problem.features if n.endswith("_se")]


def test_of_ones_own_sensor(made, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("column,icc,within_sd\nridge_period_mean,0.9,0.02\n")
    fp = rf.read(next((made / "prints").glob("*.png")))
    ours, usual = (fp.features(["ridge", "quality"], errors=e) for e in (own, True))
    ratio = dict(ErrorModel.make().deviations)["ridge_period_mean"] / 0.02
    assert usual["ridge_period_mean_se"] / ours["ridge_period_mean_se"] == pytest.approx(ratio, rel=1e-5)
    assert np.isnan(ours["ridge_area_se"])
    how = ("extract", made / "prints", "-o", tmp_path / "t.csv", "-j", 1, "-q", "--families", "ridge,quality")
    run(*how, "--errors", "--reliability", own)
    assert json.loads((tmp_path / "t.json").read_text())["errors"]["source"] == "own.csv"
    own.write_text("column,icc\nridge_period_mean,0.9\n")
    with pytest.raises(TableError, match="no column 'within_sd'"):
        ErrorModel.make(own)


def test_what_errors_need():
    with pytest.raises(ParameterError, match="quality_score and ridge_area; add the family quality"):
        rf.extract(np.zeros((90, 90), np.uint8), ["ridge"], errors=True)
    assert "give --errors too" in run("extract", "x", "-o", "t.csv", "--reliability", "r.csv", code=2).stderr
