from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench import Job, Options, compare, ensemble, evaluation, run, splits, write_comparison
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.data import make_problem as problem_of
from ridgefeat.bench.diagnostics import shuffle_target
from ridgefeat.bench.inputs import make_inputs
from ridgefeat.bench.pooling import pool_predictions
from ridgefeat.bench.results import METRICS
from ridgefeat.errors import ParameterError, TableError
from tests.bench.helpers import make_about, make_frame, make_problem, write_frame

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
    lows, highs = summary["roc_auc_low"][:-1], summary["roc_auc_high"][:-1]
    assert (lows <= summary["roc_auc"][:-1]).all() and (summary["roc_auc"][:-1] <= highs).all()


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


def test_diagnostics_point_at_the_column_that_tells(comparison):
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


def test_what_is_written_reads_back(comparison, tmp_path):
    write_comparison(comparison, tmp_path / "out")
    for name in ("results", "scores", "summary"):
        assert len(pd.read_csv(tmp_path / "out" / f"{name}.csv")) == len(getattr(comparison, name))
    assert not list((tmp_path / "out").glob("*.part"))
    (tmp_path / "file").write_text("")
    with pytest.raises(TableError, match=r"output folder .* cannot be made"):
        write_comparison(comparison, tmp_path / "file")


def test_the_same_whatever_the_number_of_workers():
    p = make_problem(people=20)
    options = {"classifiers": ("tree", "kmeans"), "folds": 2, "diagnose": False, "samples": 50}
    one, two = (compare(p, Options(jobs=j, **options)) for j in (1, 2))
    pd.testing.assert_frame_equal(one.scores, two.scores)
    pd.testing.assert_frame_equal(one.summary.drop(columns="seconds"), two.summary.drop(columns="seconds"))


def test_a_fold_decides_nothing_about_its_own_ensemble():
    p = make_problem(people=30, effect=2.0)
    folds = splits.make_folds(p)
    methods = [find(n) for n in ("logistic", "naive-bayes", "tree")]
    by_method = evaluation.evaluate(p, methods, folds, Options(jobs=1), make_inputs(p, Options()))

    def mean(problem):
        return ensemble.evaluate_ensemble(
            problem, "mean", {n: pool_predictions(problem, o) for n, o in by_method.items()}
        )

    before, y = mean(p), p.y.copy()
    y[folds[0].test] = 1 - y[folds[0].test]
    after = mean(replace(p, y=y))
    assert np.array_equal(before[0].scores, after[0].scores)
    assert not np.array_equal(before[1].scores, after[1].scores)


@pytest.mark.parametrize("target", ["age", "finger"])
def test_numbers_and_labels_that_differ_within_a_person(target):
    frame = make_frame(people=24, prints=6)
    p = problem_of(frame, make_about(frame), target=target, group="subject")
    names = ("dummy", "ridge" if target == "age" else "logistic", "tree", "mean")
    done = compare(p, Options(classifiers=names, folds=3, jobs=1, samples=100, diagnose=target == "age"))
    assert (done.summary["status"] == "ok").all()
    assert set(METRICS[p.kind]) <= set(done.summary)
    best = done.summary.set_index("classifier").loc[names[1]]
    assert best["mae"] < 4 if target == "age" else best["roc_auc"] > 0.95
    shuffled, meaning = shuffle_target(p, 0)
    if target == "finger":
        assert "among the prints of each subject" in meaning
        for g in set(p.groups):
            assert sorted(shuffled.y[p.groups == g]) == sorted(p.y[p.groups == g])
    else:
        assert "between subjects" in meaning and not np.array_equal(shuffled.y, p.y)


def test_a_group_of_merged_duplicates_does_not_keep_the_target_from_being_shuffled_between_groups():
    frame = make_frame(people=30, prints=4)
    p = problem_of(frame, make_about(frame), target="sex", group="subject")
    groups = p.groups.copy()
    women, men = (np.unique(groups[p.y == code])[0] for code in (0, 1))
    groups[groups == women] = men
    shuffled, meaning = shuffle_target(replace(p, groups=groups), 0)
    assert "between subjects" in meaning and (shuffled.y != p.y).mean() > 0.2


def test_imbalance_is_met_in_training_alone():
    frame = make_frame(people=60, effect=2.0)
    frame = frame[(frame["sex"] == "male") | (frame["subject"] % 8 == 0)]
    p = problem_of(frame, make_about(frame), target="sex", group="subject")
    recall = {}
    for how in ("none", "weights", "under", "over"):
        options = Options(classifiers=("logistic",), folds=3, jobs=1, imbalance=how, diagnose=False, samples=20)
        done = compare(p, options)
        recall[how] = done.summary["recall"].iloc[0]
        assert len(done.scores) == len(p)
    assert all(recall["none"] + 0.2 < recall[how] for how in ("weights", "under", "over")), recall


def test_pixels_without_images_and_unknown_names():
    p = make_problem(people=10)
    done = compare(p, Options(classifiers=("dummy", "pixels-rbf-svm"), folds=2, jobs=1, diagnose=False))
    assert "--images" in done.summary["reason"].iloc[1]
    with pytest.raises(ParameterError, match="unknown classifier 'svm'; there are: dummy, logistic"):
        compare(p, Options(classifiers=("svm",)))
    with pytest.raises(ParameterError, match="cannot be imported"):
        compare(p, Options(classifiers=("no.such:Thing",)))
    with pytest.raises(ParameterError, match="no method fit"):
        compare(p, Options(classifiers=("json:loads",)))


def test_two_tables_train_and_test_or_cross(tmp_path):
    one = write_frame(make_frame(people=16, effect=3.0), tmp_path / "one.csv")
    other = make_frame(people=16, effect=3.0, seed=1)
    two = write_frame(other, tmp_path / "two.csv")
    options = Options(classifiers=("logistic", "dummy"), jobs=1, diagnose=False)
    asked = {"target": "sex", "group": "subject", "options": options, "audit": False}
    with pytest.raises(TableError, match="16 of the subjects stand in training and in test"):
        run(Job(train=one, test=two, **asked))
    crossed = run(Job(cross=(one, two), **asked))
    assert len(crossed.folds) == 2 and set(crossed.problem.groups) >= {"one:1", "two:1"}
    assert crossed.summary["roc_auc"].iloc[0] > 0.8
    other["subject"] += 100
    write_frame(other, two)
    split = run(Job(train=one, test=two, **asked))
    assert len(split.folds) == 1 and not split.calibrated and len(split.folds[0].test) == 64
    with pytest.raises(ParameterError, match="give one table, or --train with --test"):
        run(Job(train=one, **asked))


def test_one_picture_of_two_people_is_merged_by_what_the_audit_finds(tmp_path):
    frame = make_frame(people=20, effect=3.0)
    names = [c for c in frame if frame[c].dtype == np.float32]
    frame.loc[8, ["meta_sha256", *names]] = frame.loc[0, ["meta_sha256", *names]]
    path = write_frame(frame, tmp_path / "t.csv")
    said: list[str] = []
    options = Options(classifiers=("dummy",), jobs=1, diagnose=False)
    done = run(Job("sex", "subject", path, options=options), "typed", said.append)
    assert "1+3" in set(done.problem.groups) and "0_0.png" in "\n".join(said)
    assert done.reproduction.command == "typed" and "sha256 of t.csv" in done.reproduction.digests
    assert done.audit is not None


def test_the_audit_looks_at_folds_by_image(tmp_path):
    path = write_frame(make_frame(people=20), tmp_path / "t.csv")
    options = Options(classifiers=("dummy",), split="image", jobs=1, diagnose=False)
    done = run(Job("sex", "subject", path, options=options))
    (finding,) = done.audit.of_kind("folds")
    assert finding.severity == "leak" and "20 groups are on both sides of a fold" in finding.message
    assert "of 80 test prints" in finding.cost


def test_a_mean_of_nothing_is_a_row_with_its_reason():
    done = compare(make_problem(people=12), Options(("mean",), folds=2, jobs=1, diagnose=False, samples=20))
    assert len(done.results) == 2 and (done.results["status"] == "failed").all()
    assert "needs two classifiers besides dummy that ran; there are 0" in done.summary["reason"].iloc[0]
