import json

import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import ParameterError, TableError
from ridgefeat.table import assembly, load_sidecar, merge, read_table
from ridgefeat.table.merge import merge_tables, split_table
from tests.bench.helpers import make_frame, write_frame
from tests.cli.running import run
from tests.table.helpers import OTHER_WINDOW, needs_parquet, write


@pytest.fixture
def halves(prints, tmp_path):
    """Return two tables of three prints each, and one of all six."""
    files = sorted(prints.iterdir())
    files[5].write_bytes(b"")
    parts = {"a.csv": files[:3], "b.csv": files[3:], "whole.csv": files}
    return [write(some, tmp_path / name).table for name, some in parts.items()]


def test_two_halves_are_the_whole(halves, tmp_path):
    first, second, whole = halves
    summary = merge_tables([first, second], tmp_path / "m.csv", command=["ridgefeat", "merge"])
    assert (tmp_path / "m.csv").read_bytes() == whole.read_bytes()
    assert (summary.rows, summary.failures) == (6, 1)
    about, then = load_sidecar(tmp_path / "m.csv"), load_sidecar(whole)
    for key in ("rows", "failures", "flags", "reasons", "columns", "parameters", "label_kinds"):
        assert about[key] == then[key], key
    assert [m["rows"] for m in about["merged"]] == [3, 3]
    assert read_table(tmp_path / "m.csv", verify=True).equals(read_table(whole))


def test_labels_added_by_hand_are_kept_and_whole_numbers_are_not_mistaken(halves, tmp_path):
    first, second, whole = halves
    frame = pd.read_csv(second, dtype=str, keep_default_na=False).assign(note=["x", "", "y"])
    frame.assign(subject=frame.subject + ".0").to_csv(second, index=False)
    merge_tables([first, second], tmp_path / "m.csv")
    merged = read_table(tmp_path / "m.csv")
    assert merged.note.tolist() == [None, None, None, "x", None, "y"]
    assert merged.drop(columns="note").equals(read_table(whole))
    frame.assign(subject="007").to_csv(second, index=False)
    with pytest.raises(TableError, match=r"row 1, column 'subject': '007' .*it held whole numbers"):
        merge_tables([first, second], tmp_path / "n.csv")


@needs_parquet
def test_formats_mix_and_large_tables_become_parts(halves, tmp_path, monkeypatch):
    first, second, whole = halves
    monkeypatch.setattr(assembly, "PART_ROWS", 4)
    merge_tables([first, second], f"{tmp_path}/parts/")
    merge_tables([first, second], tmp_path / "m.parquet")
    table = read_table(whole)
    for made in (tmp_path / "parts", tmp_path / "m.parquet"):
        pd.testing.assert_frame_equal(read_table(made, verify=True), table)
    assert [p["rows"] for p in load_sidecar(tmp_path / "parts")["parts"]] == [4, 2]
    merge_tables([tmp_path / "parts", first], tmp_path / "again.csv", duplicates=True)
    assert len(read_table(tmp_path / "again.csv")) == 9
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_labels_that_only_some_tables_have_are_empty_in_the_others(prints, tmp_path):
    files = sorted(prints.iterdir())
    (tmp_path / "i.csv").write_text(f"file,age\n{files[0]},30\n{files[1]},old\n")
    first = write(files[:2], tmp_path / "a.csv", index=tmp_path / "i.csv").table
    merge_tables([write(files[2:], tmp_path / "b.csv").table, first], tmp_path / "m.csv")
    table = read_table(tmp_path / "m.csv")
    assert table["age"].tolist() == [None] * 4 + ["30", "old"]
    assert load_sidecar(tmp_path / "m.csv")["label_kinds"]["age"] == "text"


def test_tables_made_otherwise_are_refused_with_the_difference(prints, halves, tmp_path):
    first, second, _ = halves
    other = write(prints, tmp_path / "other.csv", recipe=OTHER_WINDOW).table
    with pytest.raises(TableError, match=r"were not made alike: .*normalisation\.window \(\d+, 40\)"):
        merge_tables([first, other], tmp_path / "m.csv")
    about = load_sidecar(second)
    about.update(version="9.9", libraries={**about["libraries"], "numpy": "0.1", "python": "2.7", "joblib": "0.1"})
    second.with_suffix(".json").write_text(json.dumps(about))
    with pytest.raises(TableError, match=r"version: [^;]*, 9\.9; numpy: [^;]*, 0\.1\. Extract"):
        merge_tables([first, second], tmp_path / "m.csv")
    about["columns"][0]["unit"] = "furlongs"
    second.with_suffix(".json").write_text(json.dumps(about))
    with pytest.raises(TableError, match=r"units: ridge_period_mean \(mm, furlongs\)"):
        merge_tables([first, second], tmp_path / "m.csv")
    assert not (tmp_path / "m.csv").exists()


def test_a_print_in_two_tables_is_refused_or_kept_twice(halves, tmp_path):
    first, _, whole = halves
    with pytest.raises(TableError, match=r"3 prints stand in the tables twice .*101_1\.png.*--duplicates"):
        merge_tables([first, whole], tmp_path / "m.csv")
    merge_tables([first, whole], tmp_path / "m.csv", duplicates=True)
    assert load_sidecar(tmp_path / "m.csv")["duplicates"] == 3 and len(read_table(tmp_path / "m.csv")) == 9


def test_what_cannot_be_merged_says_why_and_leaves_nothing(halves, tmp_path):
    first, second, _ = halves
    for tables, output, says in [
        ([first], "m.csv", "two tables and more, got 1"),
        ([first, tmp_path / "none.csv"], "m.csv", "no such file"),
        ([first, second], "m.txt", "must end in .csv, .xlsx or .parquet"),
        ([first, second], "b.csv", "exists; --overwrite"),
    ]:
        with pytest.raises(TableError, match=says):
            merge_tables(tables, tmp_path / output)
    with pytest.raises(TableError, match="is one of the tables"):
        merge_tables([first, second], second, overwrite=True)
    assert len(read_table(second)) == 3
    lines = second.read_text().splitlines()
    for row, says in (
        ("x," * 5, "row 1, column 'meta_width': 'x' is not a number"),
        (f"{lines[2]},7", "more cells than the header"),
    ):
        second.write_text("\n".join([lines[0], row]))
        with pytest.raises(TableError, match=says):
            merge_tables([first, second], tmp_path / "m.csv")
    assert sorted(p.suffix for p in tmp_path.glob("*m.*")) == []


def test_the_command_merges_and_refuses(halves, tmp_path):
    first, second, whole = halves
    merged = run("merge", first, second, "-o", tmp_path / "m.csv")
    assert "6 prints of 2 tables; 1 have an error" in merged.stderr
    assert "stand in the tables twice" in run("merge", first, whole, "-o", tmp_path / "n.csv", code=2).stderr


@pytest.mark.parametrize("order", [1, -1])
def test_a_label_of_two_types_takes_the_wider_one(order):
    kinds = [{"age": "integer", "finger": "number"}, {"age": "text", "finger": "integer", "sex": "text"}]
    found = merge._label_kinds([{"label_kinds": k} for k in kinds[::order]])
    assert list(found.items())[:2] == [("sex", "text"), ("finger", "number")] and found["age"] == "text"


@pytest.fixture
def table(tmp_path):
    frame = make_frame(people=40)
    frame["sex"] = np.where(frame["subject"] <= 10, "female", "male")
    return write_frame(frame, tmp_path / "t.csv")


def test_people_stay_together_and_classes_are_balanced(table, tmp_path):
    printed = run("split", table, "--stratify", "sex", "-o", tmp_path / "parts")
    train, test = (read_table(tmp_path / f"parts/{name}.csv", verify=True) for name in ("train", "test"))
    assert "test: 32 prints" in printed.stderr
    by_person = test.groupby("subject")["sex"].first()
    assert (len(by_person), (by_person == "female").sum()) == (8, 2)
    assert not set(train["subject"]) & set(test["subject"])
    both = pd.concat([train, test]).sort_values("meta_sha256", ignore_index=True)
    pd.testing.assert_frame_equal(both, read_table(table).sort_values("meta_sha256", ignore_index=True))
    about = load_sidecar(tmp_path / "parts/test.csv")
    assert (about["rows"], about["split"]["seed"], about["split"]["stratify"]) == (32, 42, "sex")
    pair = ["--train", tmp_path / "parts/train.csv", "--test", tmp_path / "parts/test.csv", "--target", "sex"]
    run("bench", *pair, "--classifiers", "dummy,logistic,lda,stack", "--fast", "-j", 1, "-o", tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "Trained on 128 prints of 32 subjects, tested on 32 prints of 8 subjects." in page


def test_what_cannot_be_divided(table, tmp_path):
    with pytest.raises(ParameterError, match="between 0 and 1, got 2"):
        split_table(table, tmp_path / "p", test=2)
    with pytest.raises(TableError, match="no label 'toe' to divide it by"):
        split_table(table, tmp_path / "p", stratify="toe")
    with pytest.raises(TableError, match=r"40 subjects of .* cannot be divided: The test_size = 1"):
        split_table(table, tmp_path / "p", test=0.01, stratify="sex")
    split_table(table, tmp_path / "p")
    with pytest.raises(TableError, match="exists"):
        split_table(table, tmp_path / "p")
