"""A job from tables on disk to tables in a folder."""

import numpy as np
import pandas as pd
import pytest

from ridgefeat.audit import Audit, Finding
from ridgefeat.bench import Job, Options, run, write_comparison
from ridgefeat.bench.job import settle_duplicates
from ridgefeat.errors import ParameterError, TableError
from tests.bench.helpers import make_frame, make_problem, quick, write_frame


def found(p, **sets):
    """An audit that found these sets of rows."""
    findings = tuple(Finding(kind, "leak", "made up", rows=tuple(rows), count=len(rows)) for kind, rows in sets.items())
    return Audit(findings, p.target, p.group, len(p))


def test_duplicates_are_merged_dropped_or_reported():
    p = make_problem(people=10)
    audit = found(p, identical=[(0, 4)], near_duplicate=[(5, 8)])  # people 1, 2 and 3 are one
    merged = settle_duplicates(p, audit, "merge")
    assert set(merged.groups[:12]) == {"1+2+3"} and len(set(merged.groups)) == 8
    assert "3 groups that share images were merged into 1: 1+2+3" in merged.notes[-1]
    dropped = settle_duplicates(p, audit, "drop")
    # 1 is male and 2 female, 2 female and 3 male: each pair contradicts itself and goes as a whole.
    assert len(dropped) == len(p) - 4 and len(dropped.features) == len(dropped.labels) == len(dropped)
    assert "0_0.png" not in dropped.sources
    left = settle_duplicates(p, audit, "warn")
    assert len(left) == len(p) and "too good" in left.notes[-1]
    assert settle_duplicates(p, found(p), "merge") is p
    # A finger of a dropped print (row 8) joins nobody; other pictures of one finger stay together in any case.
    audit = found(p, identical=[(0, 8)], same_finger=[(8, 12), (17, 20)], altered_copy=[(24, 28)])
    done = settle_duplicates(p, audit, "drop")
    assert len(done) == len(p) - 1 and {"3", "4", "5+6", "7+8"} <= set(done.groups)
    assert {"1+3+4", "5+6", "7+8"} <= set(settle_duplicates(p, audit, "merge").groups)


def test_two_tables_train_and_test_or_cross(tmp_path):
    one = write_frame(make_frame(people=16, effect=3.0), tmp_path / "one.csv")
    other = make_frame(people=16, effect=3.0, seed=1)
    two = write_frame(other, tmp_path / "two.csv")
    options = Options(classifiers=("logistic", "dummy"), jobs=1, diagnose=False)
    asked = {"target": "sex", "group": "subject", "options": options, "audit": False}
    with pytest.raises(TableError, match="every subject of the table to train on is in the one to test on"):
        run(Job(train=one, test=two, **asked))
    crossed = run(Job(cross=(one, two), **asked))
    assert len(crossed.folds) == 2 and set(crossed.problem.groups) >= {"one:1", "two:1"}
    assert crossed.summary["roc_auc"].iloc[0] > 0.8
    other["subject"] += 100
    write_frame(other, two)
    split = run(Job(train=one, test=two, **asked))
    assert len(split.folds) == 1 and split.calibrated and len(split.folds[0].test) == 64
    other.loc[other["subject"] == 101, "subject"] = 1  # also in training
    write_frame(other, two)
    fold, notes = (shared := run(Job(train=one, test=two, **asked))).folds[0], shared.problem.notes
    assert len(fold.test) == 64 and len(fold.train) == 60 and not set(shared.problem.groups[fold.train]) & {"1"}
    assert "4 prints left out of training: their subject or image is in" in notes[-1]
    with pytest.raises(ParameterError, match="give one table, or --train with --test"):
        run(Job(train=one, **asked))


def test_one_picture_of_two_people_is_merged_by_what_the_audit_finds(tmp_path):
    frame = make_frame(people=20, effect=3.0)
    names = [c for c in frame if frame[c].dtype == np.float32]
    frame.loc[8, ["meta_sha256", *names]] = frame.loc[0, ["meta_sha256", *names]]
    path = write_frame(frame, tmp_path / "t.csv")
    messages: list[str] = []
    options = Options(classifiers=("dummy",), jobs=1, diagnose=False)
    done = run(Job("sex", "subject", path, options=options), "typed", messages.append)
    assert "1+3" in set(done.problem.groups) and "0_0.png" in "\n".join(messages)
    assert done.reproduction.command == "typed" and "sha256 of t.csv" in done.reproduction.digests
    # Merged, no fold separates them; left as they are, folds do.
    assert [f.resolved for f in done.audit.of_kind("identical")] == [True] and not done.audit.leaks
    assert "0 leaks" in messages[0] and "1 found, resolved" in messages[0]
    left = run(Job("sex", "subject", path, on_duplicates="warn", options=options))
    assert [f.kind for f in left.audit.leaks] == ["identical"]


def test_labels_that_no_classifier_is_given_are_no_leak(tmp_path):
    frame = make_frame(people=20)
    frame.insert(1, "sexcode", (frame["sex"] == "male").astype(float))
    path = write_frame(frame, tmp_path / "t.csv")
    done = run(Job("sex", "subject", path, options=Options(classifiers=("dummy",), jobs=1, diagnose=False)))
    assert not done.audit.leaks
    assert [(f.severity, f.columns) for f in done.audit.of_kind("target_name")] == [("note", ("sexcode",))]


def test_the_audit_looks_at_folds_by_image(tmp_path):
    path = write_frame(make_frame(people=20), tmp_path / "t.csv")
    options = Options(classifiers=("dummy",), split="image", jobs=1, diagnose=False)
    done = run(Job("sex", "subject", path, options=options))
    (finding,) = done.audit.of_kind("folds")
    assert finding.severity == "leak" and "20 groups are on both sides of a fold" in finding.message
    assert "of 80 test prints" in finding.cost


def test_what_is_written_reads_back(tmp_path):
    comparison = quick(make_problem(people=12), "dummy", "tree")
    write_comparison(comparison, tmp_path / "out")
    for name in ("results", "scores", "summary"):
        assert len(pd.read_csv(tmp_path / "out" / f"{name}.csv")) == len(getattr(comparison, name))
    assert not list((tmp_path / "out").glob("*.part"))
    (tmp_path / "file").write_text("")
    with pytest.raises(TableError, match=r"output folder .* cannot be made"):
        write_comparison(comparison, tmp_path / "file")
