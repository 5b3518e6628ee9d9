import numpy as np
import pandas as pd

from ridgefeat.bench import Options, evaluation, metrics, splits, tables
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.inputs import make_inputs
from ridgefeat.bench.pooling import pool_predictions
from tests.bench.helpers import FINGERS, make_problem


def test_a_level_has_a_row_from_five_groups_on():
    p = make_problem(people=20)
    people = p.labels["subject"]
    p.labels["place"] = np.where(people <= 4, "four", np.where(people <= 9, "five", "others"))
    p.labels.loc[people <= 6, "finger"] = None
    options = Options(jobs=1)
    found = evaluation.evaluate(p, [find("naive-bayes")], splits.make_folds(p), options, make_inputs(p, options))
    pooled = {n: pool_predictions(p, o) for n, o in found.items()}
    weights = metrics.group_weights(20, 0, 300)
    rows = tables.by_level(p, pooled, weights)
    assert set(rows.loc[rows["column"] == "place", "level"]) == {"five", "others"}
    assert {"hand", "finger", "hand+finger"} <= set(rows["column"])
    assert set(rows.loc[rows["column"] == "hand+finger", "level"]) == {
        f"{h} {f}" for h in ("left", "right") for f in FINGERS
    }
    pd.testing.assert_frame_equal(rows, tables.by_level(p, pooled, weights[:200]))  # no more samples than that


def test_labels_of_2_to_25_values_group_prints():
    p = make_problem(people=30)
    n = np.arange(len(p))
    p.labels["many"], p.labels["few"], p.labels["one"] = n % 26, n % 25, 1
    assert [c for c in tables.level_columns(p) if c in ("many", "few", "one")] == ["few"]
    assert not {"subject", "meta_source"} & set(tables.level_columns(p))
