"""What drives a result: which classifier measures it, with how many people, and where nothing is to be found."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench import Options, diagnostics, metrics, splits
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.diagnostics import shuffle_target
from tests.bench.helpers import make_frame, make_problem, problem_of


def refitter(p, folds=2):
    options = Options(jobs=1).complete(p)
    weights = metrics.group_weights(len(set(p.groups)), 0, 40)
    X = p.features.to_numpy(np.float32)
    return diagnostics.Refitter(p, find("logistic"), options, splits.make_folds(p, folds=folds), X, weights)


@pytest.mark.parametrize(
    ("metric", "values", "chosen"),
    [
        ("roc_auc", (0.80, 0.781, 0.60), "tree"),
        ("roc_auc", (0.80, 0.779, 0.60), "random-forest"),
        ("mae", (5.0, 5.09, 1.0), "tree"),
        ("mae", (5.0, 5.11, 1.0), "random-forest"),
    ],
)
def test_the_quickest_that_is_nearly_as_good_measures_what_drives_it(metric, values, chosen):
    names = ["random-forest", "tree", "dummy"]
    comparison = SimpleNamespace(
        summary=pd.DataFrame({"classifier": names, metric: values}), problem=SimpleNamespace(metric=metric)
    )
    assert diagnostics.choose_method(comparison, [find(n) for n in names]).name == chosen


def test_a_learning_curve_goes_from_a_tenth_of_the_people_to_all_and_two_of_each_class_at_least():
    rows = diagnostics.learning_curve(refitter(make_problem(people=80)))
    assert sorted(set(rows["groups"])) == [4, 8, 16, 28, 40]
    r = refitter(make_problem(people=20))
    train = diagnostics._first_groups(r, r.folds[0], 0.01)
    assert len(set(r.problem.groups[train])) == 4 and r.problem.y[train].mean() == 0.5


def test_a_target_belongs_to_groups_if_95_of_100_prints_have_their_groups_label():
    p = make_problem(people=100, prints=4)
    for wrong, where in ((20, "between subjects"), (21, "among the prints of each subject")):
        y = p.y.copy()
        y[1 : 4 * wrong : 4] = 1 - y[1 : 4 * wrong : 4]
        assert where in shuffle_target(replace(p, y=y), 0)[1]


@pytest.mark.parametrize("target", ["sex", "finger"])
def test_a_target_is_shuffled_between_people_or_among_their_prints(target):
    p = problem_of(make_frame(people=24, prints=6), target)
    shuffled, meaning = shuffle_target(p, 0)
    assert not np.array_equal(shuffled.y, p.y)
    if target == "sex":
        assert "between subjects" in meaning and len({(g, y) for g, y in zip(p.groups, shuffled.y, strict=True)}) == 24
    else:
        assert "among the prints of each subject" in meaning
        assert all(sorted(shuffled.y[p.groups == g]) == sorted(p.y[p.groups == g]) for g in set(p.groups))


def test_importances_are_of_the_200_columns_that_differ_most_and_40_are_shown():
    p = make_problem(people=12, prints=2, columns=202, effect=3.0)
    r = refitter(p)
    assert len(diagnostics._most_different(p, r.X)) == 200 and diagnostics._most_different(p, r.X)[0] == 0
    rows = diagnostics.permutation_importance(r)
    assert rows["level"].value_counts().to_dict() == {"column": 40, "family": 2}


def test_controls_know_nothing_by_construction():
    p = make_problem(people=60, effect=4.0)
    p = replace(p, features=p.features.assign(ridge_known=(3 * p.y).astype(np.float32)))
    rows = diagnostics.controls(refitter(p)).set_index("control")
    assert rows.index.tolist() == ["shuffled target", "random column", "acquisition order"]
    assert rows["passed"].all() and (rows["chance"] == 0.5).all()
    drawn = rows.iloc[:2]
    assert (drawn["value_low"] < drawn["value"]).all() and (drawn["value"] < drawn["value_high"]).all()
    assert diagnostics.CONTROL_DRAWS == 10 and "range of 10 draws" in rows["meaning"].iloc[0]


def test_a_table_sorted_by_its_target_fails_the_control_of_order():
    frame = make_frame(people=60, effect=0.0).sort_values("sex", kind="stable").reset_index(drop=True)
    rows = diagnostics.controls(refitter(problem_of(frame))).set_index("control")
    assert rows["passed"].to_dict() == {"shuffled target": True, "random column": True, "acquisition order": False}
    in_turn = diagnostics.controls(refitter(problem_of(make_frame(people=12, effect=0.0)))).set_index("control")
    assert in_turn.loc["acquisition order", "value_high"] < 0.5 and in_turn["passed"].all()
    few = diagnostics.controls(refitter(problem_of(make_frame(people=4, effect=0.0)))).set_index("control")
    assert few["passed"]["acquisition order"] and np.isnan(few["value_low"]["acquisition order"])  # no interval


@pytest.mark.parametrize(
    ("metric", "values", "passed"),
    [
        ("roc_auc", [0.45, 0.55], True),
        ("roc_auc", [0.51, 0.55], False),
        ("roc_auc", [0.3, 0.49], True),  # cross-validation of nothing falls below chance
        ("r2", [-0.3, -0.1], True),
        ("r2", [0.01, 0.1], False),
    ],
)
def test_a_control_fails_if_its_range_is_above_chance(monkeypatch, metric, values, passed):
    p = problem_of(make_frame(people=12), "age" if metric == "r2" else "sex")
    method = find("ridge" if metric == "r2" else "logistic")
    drawn = iter(values * 10)
    monkeypatch.setattr(diagnostics.metrics, "figure", lambda *_: next(drawn))
    assert diagnostics.controls(replace(refitter(p), method=method))["passed"].iloc[0] == passed


def test_importances_of_a_quantity_are_what_the_error_grows_by():
    r = replace(refitter(problem_of(make_frame(people=30), "age")), method=find("ridge"))
    rows = diagnostics.permutation_importance(r)
    best = rows[rows["level"] == "column"].iloc[0]
    assert best["name"] == "texture_made_1" and best["drop_low"] > 0
    assert (rows["drop_low"] <= rows["drop"]).all() and (rows["drop"] <= rows["drop_high"]).all()
