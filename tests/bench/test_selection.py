import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from ridgefeat.bench import ColumnSelector, read_criteria
from ridgefeat.bench.selection import correlate_ranks, rank_scores
from ridgefeat.errors import ParameterError
from tests.bench.helpers import make_frame, make_problem, problem_of, quick, write_frame
from tests.cli.running import run


@parametrize_with_checks([ColumnSelector(), ColumnSelector(redundancy=0.9), ColumnSelector(fdr=0.5)])
def test_it_is_an_estimator(estimator, check):
    check(estimator)


def test_reliability_goes_by_name():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=["a", "b", "unknown"])
    found = ColumnSelector(min_icc=0.6, reliability={"a": 0.59, "b": 0.6}).fit(X)
    assert found.get_feature_names_out().tolist() == ["b"] and found.transform(X).shape == (20, 1)
    with pytest.raises(ValueError, match="X as a DataFrame"):
        ColumnSelector(min_icc=0.6).fit(X.to_numpy())
    with pytest.raises(ValueError, match=r"no column has a known ICC of 0\.7"):
        ColumnSelector(min_icc=0.7, reliability={"a": 0.59}).fit(X)
    # The package's table, without being asked.
    named = X.set_axis(["ridge_period_mean", "orient_core_count", "other"], axis=1)
    assert ColumnSelector(min_icc=0.8).fit(named).get_feature_names_out().tolist() == ["ridge_period_mean"]


def test_the_most_reliable_of_a_cluster_is_kept():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 500))
    X = np.c_[one, -np.exp(one), other, one + 0.01 * rng.normal(size=500), other**3]
    icc = [0.5, 0.9, np.nan, 0.7, 0.1]
    assert ColumnSelector(redundancy=0.95, reliability=icc).fit(X).get_support().tolist() == [0, 1, 0, 0, 1]
    assert ColumnSelector(redundancy=0.95).fit(X).get_support().tolist() == [1, 0, 1, 0, 0]
    kept = ColumnSelector(redundancy=0.5, reliability=icc).fit_transform(X)
    assert np.abs(np.corrcoef(kept.T)[0, 1]) < 0.5


def spearman(X):
    return correlate_ranks(rank_scores(X))


def test_correlations_are_spearmans_over_rows_with_both():
    rng = np.random.default_rng(1)
    X = np.round(rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6)), 1)
    np.testing.assert_allclose(spearman(X), pd.DataFrame(X).corr("spearman"), atol=1e-12)
    X[rng.random(X.shape) < 0.1] = np.nan
    np.testing.assert_allclose(spearman(X), pd.DataFrame(X).corr("spearman"), atol=0.02)
    X[:, 0], X[2:, 1] = 3.0, np.nan
    assert (spearman(X)[:2] == 0).all()


@pytest.mark.parametrize("regression", [False, True])
def test_false_discoveries_are_as_few_as_asked(regression):
    shares, found = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=200)
        X = rng.normal(size=(200, 200))
        X[:, :20] += 0.5 * y[:, None]
        target = y if regression else y > 0
        kept = ColumnSelector(fdr=0.1, regression=regression).fit(X, target).get_support()
        shares.append(kept[20:].sum() / max(1, kept.sum()))
        found.append(kept[:20].mean())
    assert np.mean(shares) < 0.13 and np.mean(found) > 0.8


def test_ten_prints_of_a_person_count_once():
    """Columns that are a person's own, and nothing of the target."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 10)
    X = rng.normal(size=(40, 300))[group] + 0.3 * rng.normal(size=(400, 300))
    y = (np.arange(40) % 2)[group]
    by_print, by_person = (ColumnSelector(fdr=0.05).fit(X, y, groups=g).get_support().sum() for g in (None, group))
    assert by_print > 50 and by_person <= 2


def test_something_is_left_where_nothing_is_relevant():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    X[:, 2] = 1.0
    assert ColumnSelector(fdr=0.01).fit(X, np.arange(60) % 2).get_support().sum() == 1


def test_gaps_stay_and_a_pipeline_works():
    rng = np.random.default_rng(0)
    y = np.arange(100) % 2
    X = rng.normal(size=(100, 4))
    X[:, 0] += 3 * y
    X[0, 0] = np.nan
    made = ColumnSelector(fdr=0.01, redundancy=0.9).fit(X, y)
    assert made.get_support().tolist() == [1, 0, 0, 0] and np.isnan(made.transform(X)[0, 0])
    pipeline = make_pipeline(ColumnSelector(fdr=0.01), LogisticRegression()).fit(X[1:], y[1:])
    assert pipeline.score(X[1:], y[1:]) > 0.85


def test_nothing_leaks_from_test_people():
    """Labels shuffled between people: 500 columns of chance, of which the best are chosen inside the folds."""
    frame = make_frame(people=40, effect=0.0, columns=500)
    values = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        sex = rng.permutation(np.array(["female", "male"], object)[np.arange(40) % 2])
        problem = problem_of(frame.assign(sex=sex[frame["subject"] - 1]))
        done = quick(problem, "logistic", select=ColumnSelector(fdr=0.5, reliability=None), folds=4)
        values.append(done.summary["roc_auc"][0])
    assert abs(np.mean(values) - 0.5) < 0.1


def test_a_comparison_says_which_columns_were_chosen():
    problem = make_problem(effect=3.0)
    icc = {"ridge_made_0": 0.9, "texture_made_1": 0.8, "ridge_made_2": 0.1}
    select = ColumnSelector(min_icc=0.5, fdr=0.05, reliability=icc)
    done = quick(problem, "dummy", "logistic", select=select, diagnose=True)
    chosen = done.selection.set_index("column")
    assert chosen.index[0] == "ridge_made_0" and chosen.loc["ridge_made_0", ["folds", "of"]].tolist() == [2, 2]
    assert chosen["folds"].drop(["ridge_made_0", "texture_made_1"]).eq(0).all() and chosen["icc"].notna().sum() == 3
    by_fold = done.results.pivot(index="fold", columns="classifier", values="columns")
    assert by_fold["dummy"].equals(by_fold["logistic"]) and by_fold["logistic"].sum() == chosen["folds"].sum()
    # Columns that were not chosen carry nothing, and the controls of columns that have no name are still made.
    drops = done.importances[done.importances["level"] == "column"].set_index("name")["drop"]
    assert drops["ridge_made_0"] > 0.1 and drops["texture_made_5"] == 0
    assert set(done.controls["control"]) == {"shuffled target", "random column", "acquisition order"}
    assert set(done.ablation.loc[done.ablation["how"] == "alone", "family"]) == {"ridge", "texture"}
    assert quick(problem, "dummy").selection is None
    assert "ICC at least 0.5 (given)" in done.reproduction.options["select"]


def test_tuning_chooses_inside_the_inner_folds():
    done = quick(make_problem(effect=3.0), "logistic", select=ColumnSelector(redundancy=0.9, fdr=0.05), tune=True)
    assert done.summary["status"].eq("ok").all() and done.selection["folds"].max() == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("icc=1", "no criterion 'icc'; there are: min_icc, redundancy, fdr"),
        ("fdr=2", "'fdr=2' needs a number from 0 to 1, such as fdr=0.05"),
        ("fdr", "needs a number"),
        ("", "names no criterion"),
    ],
)
def test_criteria_that_are_none(text, message):
    with pytest.raises(ParameterError, match=message):
        read_criteria(text)


def test_the_command(tmp_path):
    table = write_frame(make_frame(people=24, effect=3.0), tmp_path / "t.csv")
    known = tmp_path / "r.csv"
    known.write_text("column,icc\nridge_made_0,0.9\nridge_made_2,0.2\n")
    how = ["bench", table, "--target", "sex", "--classifiers", "dummy,logistic", "--folds", 3, "--fast", "-j", 1]
    how += ["--reliability", known, "--json"]
    done = run(*how, "-o", tmp_path / "out", "--select", "min_icc=0.6,fdr=5%")
    record = json.loads(done.stdout)["selection"]
    assert record[0] == {"column": "ridge_made_0", "family": "ridge", "icc": 0.9, "folds": 3, "of": 3}
    assert pd.read_csv(tmp_path / "out" / "selection.csv")["folds"].tolist() == [3, 0, 0, 0, 0, 0]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "1 of 6 columns in at least one of 3 folds, 1 in every one" in page
    assert "give --select" in run(*how, "-o", tmp_path / "none", code=2).stderr
    said = run(*how, "-o", tmp_path / "none", "--select", "min_icc=0.95", code=2).stderr
    assert "none of 6 columns has an ICC of 0.95 or more" in said and "(it has 2 of them)" in said


def test_criteria_in_words():
    words = "ICC at least 0.6 (FCJ2020), false discovery rate 0.05"
    assert ColumnSelector(min_icc=0.6, fdr=0.05).describe() == words
