"""Pairs of prints: who is paired with whom, that blocks hold nobody twice, and what is found in them."""

import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench.data import MAX_BLOCK, PAIRS_PER_PERSON, pair_prints
from ridgefeat.bench.job import Job, read_problem
from ridgefeat.errors import TableError
from tests.bench.helpers import make_frame, write_frame
from tests.cli.running import run

ABOUT = {"columns": [{"name": "ridge_a"}, {"name": "ridge_b"}]}


def people(count=60, own=1.0, fingers=("thumb", "index", "middle"), impressions=2, seed=0):
    """Prints whose first column follows the finger and, by `own`, the person."""
    rng = np.random.default_rng(seed)
    person = rng.normal(size=count)
    rows = [
        {
            "meta_source": f"{p}_{finger}_{i}",
            "subject": p,
            "sex": "fm"[p % 2],
            "finger": finger,
            "impression": i,
            "ridge_a": 5 * f + own * person[p] + 0.3 * rng.normal(),
            "ridge_b": rng.normal(),
        }
        for p in range(count)
        for f, finger in enumerate(fingers)
        for i in range(impressions)
    ]
    frame = pd.DataFrame(rows).astype({"ridge_a": np.float32, "ridge_b": np.float32})
    return pd.concat([make_frame(people=1, prints=len(frame)).filter(regex="^meta_(?!source)"), frame], axis=1)


def parts(made):
    """Return the person, finger, impression of both prints of each pair."""
    split = made["meta_source"].str.extract(r"(\d+)_(\w+)_(\d) \| (\d+)_(\w+)_(\d)")
    return [split[k].to_numpy() for k in range(6)]


def test_pairs_are_matched_by_finger_and_nobody_is_in_two_blocks():
    made, about = pair_prints(people(), ABOUT, by="subject", group="subject", differ=["impression"], match=["sex"])
    p, f, i, q, g, k = parts(made)
    same = made["same_subject"].to_numpy() == "yes"
    assert ((p == q) == same).all() and same.mean() == 0.5 and (f != g).all() and (i != k).all()
    for wanted in ({"thumb", "index"}, {"thumb", "middle"}, {"index", "middle"}):
        here = [{a, b} == wanted for a, b in zip(f, g, strict=True)]
        assert abs(same[here].mean() - 0.5) < 0.15
    blocks = pd.DataFrame({"person": [*p, *q], "block": [*made["block"]] * 2})
    assert (blocks.groupby("person")["block"].nunique() == 1).all()
    assert blocks.groupby("block")["person"].nunique().max() <= MAX_BLOCK == 4
    sex = [set(np.int64(b["person"]) % 2) for _, b in blocks.groupby("block")]
    assert all(len(s) == 1 for s in sex)
    assert made.groupby("block").size().max() <= 2 * MAX_BLOCK * PAIRS_PER_PERSON == 80
    assert [c["name"] for c in about["columns"]] == ["ridge_a", "ridge_b", "ridge_a_product", "ridge_b_product"]


def test_another_label_is_shared_by_different_people():
    made, _ = pair_prints(people(), ABOUT, by="sex", group="subject")
    p, f, _, q, g, _ = parts(made)
    same = np.int64(p) % 2 == np.int64(q) % 2
    assert (p != q).all() and (same == (made["same_sex"] == "yes")).all() and (f == g).any() and (f != g).any()


@pytest.mark.parametrize(("own", "low", "high"), [(1.0, 0.7, 1.0), (0.0, 0.4, 0.6)])
def test_bench_finds_what_fingers_of_a_person_share_and_nothing_else(tmp_path, own, low, high):
    table = write_frame(people(own=own), tmp_path / "t.csv")
    how = ("--pairs", "subject", "--classifiers", "logistic", "--fast", "-j", 1)
    run("bench", table, *how, "-o", tmp_path / "out")
    summary = pd.read_csv(tmp_path / "out/summary.csv")
    assert low < summary["roc_auc"][0] < high
    assert "A row is a pair of prints" in (tmp_path / "out/report.html").read_text()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "give --target COLUMN, or --pairs COLUMN"),
        (("--pairs", "subject", "--target", "sex"), "give --target COLUMN, or --pairs COLUMN"),
        (("--target", "sex", "--match", "sex"), "give --pairs COLUMN"),
        (("--pairs", "mother"), "the table has no label 'mother'"),
        (("--pairs", "subject", "--match", "subject"), "no two prints can be paired"),
    ],
)
def test_what_cannot_be_paired_is_one_line(tmp_path, args, words):
    table = write_frame(people(count=8), tmp_path / "t.csv")
    assert words in run("bench", table, *args, "-o", tmp_path / "out", code=2).stderr


def test_labels_that_are_missing_are_said_and_fingers_may_be_asked_to_differ(tmp_path):
    frame = people(count=40, impressions=1)
    frame.loc[frame["subject"] < 10, "sex"] = None
    how = {"table": write_frame(frame, tmp_path / "t.csv"), "target": "", "group": "subject", "pairs": "subject"}
    problem = read_problem(Job(**how, differ=("finger",), match=("sex",)))
    assert "30 prints left out of the pairs: no value of subject or finger or sex" in problem.notes
    assert {*problem.labels["same_subject"]} == {"yes", "no"}


def test_prints_of_one_finger_cannot_be_paired_by_person():
    with pytest.raises(TableError, match="several fingers"):
        pair_prints(people(fingers=("thumb",)), ABOUT, by="subject", group="subject")
