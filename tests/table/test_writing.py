import csv
import hashlib
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import TableError
from ridgefeat.params import Params
from ridgefeat.sources import find_prints
from ridgefeat.table import assembly, load_sidecar, outliers, read_table, row, writing
from ridgefeat.table.assembly import journal_of
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import META

RECIPE = Recipe.make(["ridge"])


def write(prints, output, mode="new", recipe=RECIPE, **how):
    return writing.write_table(find_prints([prints]), recipe, output, jobs=how.pop("jobs", 1), mode=mode, **how)


class Stopped(Exception):
    pass


def interrupt(prints, output, after=2, **how):
    """Run until some prints are done, then end as Ctrl-C would."""

    def progress(done, failed, total):
        if done >= after:
            raise Stopped

    with pytest.raises(Stopped):
        write(prints, output, progress=progress, **how)
    assert not output.exists()


@pytest.fixture
def whole(prints, tmp_path):
    """Return the bytes of the table that an undisturbed run writes."""
    write(prints, tmp_path / "whole.csv")
    return (tmp_path / "whole.csv").read_bytes()


def test_a_table_has_meta_cells_labels_and_features(prints, tmp_path):
    summary = write(prints, tmp_path / "t.csv")
    rows = list(csv.reader((tmp_path / "t.csv").read_text().splitlines()))
    assert rows[0] == [*META, "subject", "impression", *(c.name for c in RECIPE.columns())]
    assert [r[0] for r in rows[1:]] == [f"{n}_{i}.png" for n in (101, 102, 103) for i in (1, 2)]
    assert (summary.rows, summary.failures, summary.kept) == (6, 0, 0)
    assert summary.flags["resolution_assumed"] == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["prints", "t.csv", "t.json"]


def test_the_sidecar_says_how_the_table_was_made(prints, tmp_path):
    write(prints, tmp_path / "t.csv", inputs=["prints"], command=["ridgefeat", "extract"])
    about = load_sidecar(tmp_path / "t.csv")
    assert about["table"]["sha256"] == hashlib.sha256((tmp_path / "t.csv").read_bytes()).hexdigest()
    assert about["command"] == ["ridgefeat", "extract"] and about["inputs"] == ["prints"]
    assert about["rows"] == 6 and about["failures"] == 0
    assert about["parameters"] == Params().to_dict() and about["parameters_digest"] == Params().digest
    assert {"name", "unit", "low", "high", "meaning", "source"} == set(about["columns"][0])
    assert about["libraries"]["numpy"] == np.__version__
    assert about["label_kinds"] == {"subject": "integer", "impression": "integer"}


def test_a_failed_print_keeps_its_row_and_is_counted_by_kind(prints, tmp_path):
    for name in ("104_1.png", "104_2.png"):
        (prints / name).write_bytes(b"")
    summary = write(prints, tmp_path / "t.csv")
    table = read_table(tmp_path / "t.csv")
    assert summary.failures == 2 and [n for n, _ in summary.reasons.values()] == [2]
    assert table.meta_error.notna().tolist() == [False] * 6 + [True] * 2
    assert table.iloc[-1][[c.name for c in RECIPE.columns()]].isna().all()


@pytest.mark.parametrize("after", [1, 3, 5])
def test_an_interrupted_run_resumes_to_the_same_bytes(prints, tmp_path, whole, after):
    output = tmp_path / "t.csv"
    interrupt(prints, output, after)
    seen = []
    summary = write(prints, output, "resume", jobs=1, progress=lambda done, failed, total: seen.append(done))
    assert output.read_bytes() == whole
    assert summary.kept == seen[0] == after
    assert not journal_of(output, False).folder.exists()


def test_a_run_that_was_ended_between_table_and_sidecar_resumes(prints, tmp_path, whole, monkeypatch):
    output = tmp_path / "t.csv"

    def stop(*_):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(assembly, "json_bytes", stop)
        with pytest.raises(Stopped):
            write(prints, output)
    assert output.exists() and not output.with_suffix(".json").exists()
    write(prints, output, "resume")
    assert output.read_bytes() == whole and load_sidecar(output)["rows"] == 6


def test_two_workers_write_the_same_bytes(prints, tmp_path, whole):
    write(prints, tmp_path / "t.csv", jobs=2)
    assert (tmp_path / "t.csv").read_bytes() == whole


def test_what_is_there_is_not_replaced_unasked(prints, tmp_path, whole):
    with pytest.raises(TableError, match=r"whole.csv exists; --overwrite replaces it, --resume completes"):
        write(prints, tmp_path / "whole.csv")
    interrupt(prints, tmp_path / "t.csv")
    with pytest.raises(TableError, match="an unfinished run is there; --resume continues it, --overwrite"):
        write(prints, tmp_path / "t.csv")
    write(prints, tmp_path / "t.csv", "overwrite")
    write(prints, tmp_path / "t.csv", "overwrite")
    assert (tmp_path / "t.csv").read_bytes() == whole


def test_resuming_a_finished_table_does_nothing_more(prints, tmp_path, whole):
    before = (tmp_path / "whole.csv").stat().st_mtime_ns
    summary = write(prints, tmp_path / "whole.csv", "resume")
    assert (summary.rows, summary.kept) == (6, 6)
    assert (tmp_path / "whole.csv").stat().st_mtime_ns == before
    (tmp_path / "whole.csv").write_bytes(whole + b"x")
    with pytest.raises(TableError, match="was changed since it was written"):
        write(prints, tmp_path / "whole.csv", "resume")


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (Recipe.make(["ridge"], Params().updated(["normalisation.window=40"])), r"normalisation\.window \(\d+, 40\)"),
        (Recipe.make(["ridge", "orient"]), "columns only in the second: orient_"),
        (Recipe.make(["ridge"], dpi=600), r"dpi: None, now \[600"),
        (Recipe.make(["ridge"], layout="plain"), "layout: auto, now plain"),
    ],
)
def test_resume_refuses_another_recipe_and_names_the_difference(prints, tmp_path, recipe, says):
    interrupt(prints, tmp_path / "t.csv")
    with pytest.raises(TableError, match=f"cannot resume: the unfinished run .*{says}"):
        write(prints, tmp_path / "t.csv", "resume", recipe)


def test_resume_refuses_other_inputs(prints, tmp_path):
    interrupt(prints, tmp_path / "t.csv")
    os.utime(prints / "101_1.png", ns=(0, 0))
    with pytest.raises(TableError, match="files were renamed, changed or labelled otherwise"):
        write(prints, tmp_path / "t.csv", "resume")
    (prints / "101_1.png").unlink()
    with pytest.raises(TableError, match="inputs: 6 prints, now 5"):
        write(prints, tmp_path / "t.csv", "resume")


@pytest.mark.parametrize("damage", ["cut short", "a page of zeros", "other rows"])
def test_a_part_that_did_not_reach_the_disk_whole_is_done_again(prints, tmp_path, whole, damage):
    output = tmp_path / "t.csv"
    interrupt(prints, output, 3)
    first, second, *_ = sorted(journal_of(output, False).folder.glob("*.npz"))
    good = first.read_bytes()
    if damage == "cut short":
        first.write_bytes(good[:100])
    elif damage == "a page of zeros":
        first.write_bytes(good[: len(good) // 2] + bytes(256) + good[len(good) // 2 + 256 :])
    else:
        shutil.copy(second, first.with_name("000000000-000000002.npz"))
        first.unlink()
    assert write(prints, output, "resume").kept == 2
    assert output.read_bytes() == whole


def test_a_damaged_manifest_says_what_to_do(prints, tmp_path):
    output = tmp_path / "t.csv"
    interrupt(prints, output)
    (journal_of(output, False).folder / "manifest.json").write_text("{")
    with pytest.raises(TableError, match=r"manifest.json is damaged; start again with --overwrite"):
        write(prints, output, "resume")


def test_two_runs_do_not_write_one_table(prints, tmp_path):
    interrupt(prints, tmp_path / "t.csv")
    other = journal_of(tmp_path / "t.csv", False)
    other.resume()
    with pytest.raises(TableError, match="another run is writing"):
        write(prints, tmp_path / "t.csv", "resume")
    with pytest.raises(TableError, match="another run is writing"):
        write(prints, tmp_path / "t.csv", "overwrite")
    other.release()
    write(prints, tmp_path / "t.csv", "resume")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("t.xlsx", r"must end in .csv or .parquet, not .xlsx"),
        ("no/t.csv", "no folder"),
        ("folder.csv", "is a folder"),
        ("params.csv", r"params.json is not a sidecar"),
    ],
)
def test_an_unusable_name_is_refused_before_anything_is_read(prints, tmp_path, name, says):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "params.json").write_text("{}")
    with pytest.raises(TableError, match=says):
        write(prints, tmp_path / name, progress=lambda *_: pytest.fail("began"))
    assert (tmp_path / "params.json").read_text() == "{}"


def test_names_with_commas_quotes_and_newlines_read_back(prints, tmp_path):
    shutil.copy(prints / "101_1.png", prints / 'a,"b"\n=c.png')
    write(prints, tmp_path / "t.csv")
    assert 'a,"b"\\x0a=c.png' in read_table(tmp_path / "t.csv").meta_source.tolist()


def test_parquet_holds_the_same_and_the_units(prints, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `parquet`")
    (prints / "104_1.png").write_bytes(b"")
    write(prints, tmp_path / "t.csv")
    write(prints, tmp_path / "u.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), read_table(tmp_path / "u.parquet"))
    table = parquet.read_table(tmp_path / "u.parquet")
    assert table.schema.field("ridge_period_mean").metadata[b"unit"] == b"mm"
    assert table["ridge_period_mean"].null_count == 1


def test_parquet_without_pyarrow_says_what_to_install(prints, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(TableError, match=r"pip install 'ridgefeat\[parquet\]'"):
        write(prints, tmp_path / "t.parquet")


def test_outliers_are_flagged_in_the_table(prints, tmp_path, monkeypatch):
    monkeypatch.setattr(outliers, "find_outliers", lambda base, groups: np.arange(len(base)) == 4)
    summary = write(prints, tmp_path / "t.csv")
    flags = read_table(tmp_path / "t.csv").meta_flags
    assert ["outlier" in f.split() for f in flags] == [False] * 4 + [True, False]
    assert summary.flags["outlier"] == 1


def test_minutiae_stand_in_folders_like_the_prints(prints, tmp_path):
    (prints / "deep").mkdir()
    shutil.copy(prints / "101_1.png", prints / "deep/103_1.png")
    shutil.copy(prints / "101_2.png", prints / "101_1.PNG")
    (prints / "104_1.png").write_bytes(b"")
    write(prints, tmp_path / "t.csv", minutiae=tmp_path / "m")
    made = {p.relative_to(tmp_path / "m").as_posix() for p in (tmp_path / "m").rglob("*") if p.is_file()}
    stems = ["101_1.png", "101_1.PNG", "101_2", "102_1", "102_2", "103_1", "103_2", "deep/103_1"]
    assert made == {f"{stem}{ending}" for stem in stems for ending in (".csv", ".xyt", ".fmr")}


def test_minutiae_that_cannot_be_written_end_the_run(prints, tmp_path):
    (tmp_path / "m").write_text("a file")
    with pytest.raises(TableError, match=r"minutiae of 101_1.png cannot be written"):
        write(prints, tmp_path / "t.csv", minutiae=tmp_path / "m")


def test_the_sidecar_counts_reasons(prints, tmp_path):
    (prints / "104_1.png").write_bytes(b"")
    write(prints, tmp_path / "t.csv")
    reasons = json.loads((tmp_path / "t.json").read_text())["reasons"]
    assert [count for count, _ in reasons.values()] == [1]
    assert write(prints, tmp_path / "t.csv", "resume").failures == 1


def test_coordinates_of_an_iso_record_have_14_bits():
    assert row.MAX_SIDE == 2**14
