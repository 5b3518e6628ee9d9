from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench import Options, compare, ensemble, evaluation, splits
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.inputs import make_inputs
from ridgefeat.bench.pooling import pool_predictions
from ridgefeat.bench.results import METRICS
from ridgefeat.errors import ParameterError
from tests.bench.helpers import make_frame, make_problem, problem_of, quick

QUICK = ("dummy", "logistic", "naive-bayes", "mean", "stack")


@pytest.fixture(scope="module")
def comparison():
    options = Options(classifiers=(*QUICK, "tests.bench.helpers:Sulky"), fuse="subject", jobs=1, samples=100)
    return compare(make_problem(people=40, effect=3.0), options)


def test_a_known_effect_is_found_and_the_failing_is_a_row_with_its_reason(comparison):
    summary = comparison.summary.set_index("classifier")
    assert summary.loc["logistic", "roc_auc"] > 0.85
    assert summary.loc["dummy", "roc_auc"] == 0.5
    assert summary.index[-1] == "tests.bench.helpers:Sulky"
    assert summary.iloc[-1]["status"] == "failed" and np.isnan(summary.iloc[-1]["roc_auc"])
    assert summary.iloc[-1]["reason"] == "fold 1: RuntimeError: will not"
    assert comparison.best == summary.index[0]
    # The area of a constant is 0.5 whoever is drawn: there is nothing to estimate.
    assert np.isnan(summary.loc["dummy", "roc_auc_low"])
    known = summary[:-1].drop("dummy")
    assert (known["roc_auc_low"] <= known["roc_auc"]).all() and (known["roc_auc"] <= known["roc_auc_high"]).all()


def test_a_result_that_is_too_good_raises_an_alarm_by_itself():
    """Without an audit too; a little effect raises none."""
    found = {effect: quick(make_problem(people=40, effect=effect), "lda").audit for effect in (0.5, 9.0)}
    assert found[0.5] is None
    assert [f.kind for f in found[9.0].findings] == ["too_good", "not_checked", "not_checked"]


def test_every_print_is_scored_once_by_each_and_out_of_fold(comparison):
    p, scores = comparison.problem, comparison.scores
    assert len(scores) == 5 * len(p)
    assert (scores.groupby("classifier")["source"].nunique() == len(p)).all()
    one = scores[scores["classifier"] == "logistic"].set_index("source").loc[p.sources]
    assert (one["y_true"].to_numpy() == p.y_true).all() and (one["group"].to_numpy() == p.groups).all()
    assert np.allclose(one["p_female"] + one["p_male"], 1)
    women = one[one["y_true"] == "female"]
    assert women["score"].mean() > one["score"].mean()  # female is the positive class
    for f in comparison.folds:
        assert set(one["fold"].iloc[f.test]) == {f.number}


def test_results_agree_with_scores(comparison):
    from sklearn.metrics import roc_auc_score

    fold = comparison.scores.query("classifier == 'logistic' and fold == 2")
    row = comparison.results.query("classifier == 'logistic' and fold == 2").iloc[0]
    assert row["roc_auc"] == pytest.approx(roc_auc_score(fold["y_true"] == "female", fold["score"]))
    assert row["accuracy"] == pytest.approx((fold["y_true"] == fold["y_pred"]).mean())
    assert (comparison.results["shared_groups"] == 0).all() and len(comparison.results) == 30


def test_a_persons_mean_tells_more_than_a_print(comparison):
    assert len(comparison.fused_scores) == 5 * 40
    one = comparison.summary.set_index("classifier").loc["logistic", "roc_auc"]
    assert comparison.fused_summary.set_index("classifier").loc["logistic", "roc_auc"] > one


def test_diagnostics_point_at_the_informative_column(comparison):
    columns = comparison.importances[comparison.importances["level"] == "column"]
    assert columns["name"].iloc[0] == "ridge_made_0" and columns["drop_low"].iloc[0] > 0.1
    alone = comparison.ablation[comparison.ablation["how"] == "alone"].set_index("family")["value"]
    assert alone["ridge"] > 0.8 > alone["texture"]
    curve = comparison.learning.groupby("groups")["value"].mean()
    assert len(curve) == 5 and curve.iloc[-1] > curve.iloc[0]
    control = comparison.controls.set_index("control").loc["shuffled target"]
    assert control["chance"] == 0.5 and control["value"] < 0.75
    levels = comparison.levels.query("classifier == 'logistic' and column == 'hand'")
    assert levels["level"].tolist() == ["left", "right"] and (levels["prints"] == 80).all()
    both = comparison.levels.query("classifier == 'logistic' and column == 'hand+finger'")
    assert both["level"].tolist() == ["left index", "left little", "right index", "right little"]
    assert (both["prints"] == 40).all() and both["roc_auc"].notna().all()


def test_pairs_are_against_best_and_dummy(comparison):
    pairs = comparison.pairs
    assert set(pairs["reference"]) == {"best", "dummy"}
    best = pairs[pairs["reference"] == "best"]
    assert (best["against"] == comparison.best).all() and comparison.best not in set(best["classifier"])
    dummy = pairs.query("reference == 'dummy' and classifier == 'logistic'").iloc[0]
    assert dummy["difference_low"] > 0.1 and dummy["p"] <= dummy["p_holm"] < 0.05


def test_the_same_whatever_the_number_of_workers():
    p = make_problem(people=20)
    one, two = (quick(p, "tree", "kmeans", jobs=j) for j in (1, 2))
    pd.testing.assert_frame_equal(one.scores, two.scores)
    pd.testing.assert_frame_equal(one.summary.drop(columns="seconds"), two.summary.drop(columns="seconds"))


def test_a_fold_decides_nothing_about_its_own_ensemble():
    p = make_problem(people=30, effect=2.0)
    folds = splits.make_folds(p)
    methods = [find(n) for n in ("logistic", "naive-bayes", "tree")]
    by_method = evaluation.evaluate(p, methods, folds, Options(jobs=1), make_inputs(p, Options()))

    def mean(problem):
        pooled = {n: pool_predictions(problem, o) for n, o in by_method.items()}
        return ensemble.evaluate_ensemble(problem, "mean", pooled)

    before, y = mean(p), p.y.copy()
    y[folds[0].test] = 1 - y[folds[0].test]
    after = mean(replace(p, y=y))
    assert np.array_equal(before[0].scores, after[0].scores)
    assert not np.array_equal(before[1].scores, after[1].scores)


@pytest.mark.parametrize("target", ["age", "finger"])
def test_numbers_and_labels_that_differ_within_a_person(target):
    p = problem_of(make_frame(people=24, prints=6), target)
    names = ("dummy", "ridge" if target == "age" else "logistic", "tree", "mean")
    done = quick(p, *names, folds=3, diagnose=target == "age")
    assert (done.summary["status"] == "ok").all()
    assert set(METRICS[p.kind]) <= set(done.summary)
    best = done.summary.set_index("classifier").loc[names[1]]
    assert best["mae"] < 4 if target == "age" else best["roc_auc"] > 0.95


def test_imbalance_is_handled_in_training_alone():
    frame = make_frame(people=60, effect=2.0)
    frame = frame[(frame["sex"] == "male") | (frame["subject"] % 8 == 0)]
    p = problem_of(frame)
    recall = {}
    for how in ("none", "weights", "under", "over"):
        done = quick(p, "logistic", folds=3, imbalance=how)
        recall[how] = done.summary["recall"].iloc[0]
        assert len(done.scores) == len(p)
    assert all(recall["none"] + 0.2 < recall[how] for how in ("weights", "under", "over")), recall


def test_unknown_names():
    p = make_problem(people=10)
    for name, message in (
        ("svm", "unknown classifier 'svm'; there are: dummy, logistic"),
        ("no.such:Thing", "cannot be imported"),
        ("json:loads", "no method fit"),
    ):
        with pytest.raises(ParameterError, match=message):
            quick(p, name)


def test_a_mean_of_nothing_is_a_row_with_its_reason_and_the_first_repeat_says_what_drives_the_result():
    done = quick(make_problem(people=12), "dummy", "tree", repeats=2, diagnose=True)
    assert set(done.results["repeat"]) == {0, 1} and set(done.learning["repeat"]) == {0}
    done = quick(make_problem(people=12), "mean")
    assert len(done.results) == 2 and (done.results["status"] == "failed").all()
    assert "needs two classifiers besides dummy that ran; there are 0" in done.summary["reason"].iloc[0]
