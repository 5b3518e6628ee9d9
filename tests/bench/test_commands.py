"""The commands bench, train and predict."""

import csv
import io
import json

import pandas as pd
import pytest

from ridgefeat.cli.model import META
from tests.bench.helpers import make_frame, write_frame
from tests.cli.running import run


@pytest.fixture
def table(tmp_path):
    return write_frame(make_frame(people=24, effect=3.0), tmp_path / "t.csv")


def test_bench_writes_tables_and_page_and_prints_a_table(table, tmp_path):
    out = tmp_path / "out"
    how = ["--within", "finger", "--fuse", "subject", "--folds", 3, "--fast", "-j", 1]
    done = run("bench", table, "--target", "sex", "-o", out, "--classifiers", "dummy,logistic", *how)
    assert {"results.csv", "scores.csv", "summary.csv", "report.html"} <= {p.name for p in out.iterdir()}
    lines = done.stdout.splitlines()
    assert lines[0].split("  ")[0] == "classifier" and "by subject" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["logistic", "dummy"]
    assert "Leak audit" in done.stderr and done.stderr.count("on both sides: none") == 3
    scores = pd.read_csv(out / "scores.csv")
    assert list(scores)[:8] == ["source", "group", "y_true", "classifier", "repeat", "fold", "y_pred", "score"]


def test_a_failing_classifier_is_a_row_and_exit_code_1(table, tmp_path):
    given = ["--classifiers", "dummy,pixels-rbf-svm", "--folds", 2, "--fast", "-j", 1, "-q"]
    done = run("bench", table, "--target", "sex", "-o", tmp_path / "out", *given, code=1)
    assert "failed" in done.stdout and "--images" in done.stdout and "Leak audit" not in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--target", "sx"], "no target column 'sx'"),
        (["--target", "sex", "--within", "toe"], "no column 'toe' to standardise within"),
        (["--target", "sex", "--epochs", "0"], "epochs must be 1 or more, got 0"),
        (["--target", "sex", "--jobs", "0"], "jobs must be 1 or more, or -1 for every core, got 0"),
    ],
)
def test_unusable_input_is_a_message_without_a_traceback(table, tmp_path, args, message):
    done = run("bench", table, "-o", tmp_path / "out", "-j", 1, "--classifiers", "dummy", *args, code=2)
    assert message in done.stderr and "Traceback" not in done.output


def test_train_and_predict(table, tmp_path):
    model = tmp_path / "m.skops"
    how = [table, "--target", "sex", "--within", "finger", "-o", model, "--folds", 3, "-j", 1]
    printed = run("train", *how)
    assert "pca-lda fitted on 96 prints of 24 subjects" in printed.stderr
    card = tmp_path / "m.md"
    assert "96 prints of 24 subjects" in card.read_text(encoding="utf-8")
    card.write_text("completed by hand")
    again = run("train", *how, "--overwrite")
    assert "kept as it was" in again.stderr and card.read_text() == "completed by hand"
    done = run("predict", model, table)
    assert done.stdout.splitlines()[0] == "source,predicted,p_female,p_male,no_answer"
    assert len(done.stdout.splitlines()) == 97 and "no answer for" in done.stderr
    run("predict", model, table, "-o", tmp_path / "predictions.csv")
    assert (tmp_path / "predictions.csv").read_text() == done.stdout
    other = write_frame(make_frame(columns=4), tmp_path / "other.csv")
    assert "were not made alike: columns only in the first" in run("predict", model, other, code=2).stderr
    assert "is not a ridgefeat model" in run("predict", table, table, code=2).stderr


@pytest.mark.parametrize("classifier", ["pca-lda", "logistic", "rbf-svm", "knn", "gradient-boosting"])
def test_predict_reads_a_table_in_parts(table, tmp_path, monkeypatch, classifier):
    from ridgefeat.table import reading

    model = tmp_path / "m.skops"
    run("train", table, "--target", "sex", "--classifier", classifier, "-o", model, "--folds", 2, "-j", 1, "-q")
    whole = run("predict", model, table).stdout
    rows = reading.iterate_table
    monkeypatch.setattr(reading, "iterate_table", lambda path, **which: rows(path, **which, rows=7))
    assert run("predict", model, table).stdout == whole


def test_no_column_is_read_that_is_not_needed(table, tmp_path, monkeypatch):
    from ridgefeat import table as tables

    read, whole = [], tables.read_table

    def noted(path, **which):
        read.append(whole(path, **which))
        return read[-1]

    monkeypatch.setattr(tables, "read_table", noted)
    given = [table, "--families", "ridge", "--group", "subject", "-j", 1]
    run("train", *given, "--target", "sex", "--within", "finger", "-o", tmp_path / "m.skops", "--folds", 2)
    labels = [*META, "subject", "sex", "finger"]
    assert [c for c in read[0] if not c.startswith("ridge_")] == labels
    more = ["--classifiers", "dummy", "--folds", 2, "--fast", "-o", tmp_path / "out"]
    run("bench", *given, *more, "--target", "sex")
    assert {c for c in read[1] if "_made_" in c} == {c for c in read[0] if "_made_" in c}
    assert {"meta_sha256", "hand", "age"} <= set(read[1])
    # A feature of another family can be the target.
    run("train", *given, "--target", "texture_made_1", "--classifier", "ridge", "-o", tmp_path / "other.skops")
    assert [c for c in read[2] if c.startswith("texture_")] == ["texture_made_1"]
    other = ["--classifiers", "dummy,ridge", "--folds", 2, "--fast", "-o", tmp_path / "other"]
    assert "ridge" in run("bench", *given, *other, "--target", "texture_made_1").stdout
    printed = run("train", *given, "--target", "nothing", "-o", tmp_path / "n.skops", code=2).stderr
    assert "has no target column 'nothing'; it has: subject, sex, hand, finger, age" in printed
    printed = run("bench", table, "--families", "x", *given[3:], *more, "--overwrite", "--target", "sex", code=2).stderr
    assert "no family x; it has: ridge, texture" in printed


def test_bench_on_dask_gives_the_same_figures(table, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs the extra `dask`")
    given = ["--target", "sex", "--classifiers", "dummy,logistic", "--folds", 2, "--fast", "-q"]
    run("bench", table, "-o", tmp_path / "one", *given, "-j", 1)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        run("bench", table, "-o", tmp_path / "two", *given, "--engine", f"dask={cluster.scheduler_address}")
    assert (tmp_path / "one/scores.csv").read_bytes() == (tmp_path / "two/scores.csv").read_bytes()
    assert "engine must be" in run("bench", table, "-o", tmp_path / "x", *given, "--engine", "x", code=2).stderr


def test_results_as_json_are_the_results(table, tmp_path):
    how = ("--target", "sex", "--folds", 2, "-j", 1, "--json", "-q")

    def printed_by(*args):
        return json.loads(run(*args).stdout)

    printed = printed_by("bench", table, *how, "--classifiers", "dummy,logistic", "--fast", "-o", tmp_path / "out")
    assert printed["target"] == "sex" and printed["best"] == "logistic" and printed["fused"] is None
    summary = pd.read_csv(tmp_path / "out" / "summary.csv").set_index("classifier")[printed["metric"]]
    shown = {r["classifier"]: r[printed["metric"]] for r in printed["classifiers"]}
    assert shown == pytest.approx(summary.to_dict(), abs=1e-9)
    made = printed_by("train", table, *how, "--classifier", "logistic", "-o", tmp_path / "m.skops")
    assert made["model"] == str(tmp_path / "m.skops") and made["prints"] == 96
    plain = list(csv.DictReader(io.StringIO(run("predict", made["model"], table, "-q").stdout)))
    assert printed_by("predict", made["model"], table, "--json", "-q") == plain
    counted = printed_by("predict", made["model"], table, "-o", tmp_path / "p.csv", "--json", "-q")
    assert counted["prints"] == 96 and counted["predictions"] == str(tmp_path / "p.csv")
