import csv
import hashlib
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ridgefeat import files
from ridgefeat.errors import TableError
from ridgefeat.params import Params
from ridgefeat.table import assembly, load_sidecar, read_table, row, writing
from ridgefeat.table.assembly import journal_of
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.sidecar import sidecar_path
from tests.table.helpers import OTHER, OTHER_WINDOW, RECIPE, Stopped, contents, interrupt, needs_parquet, write

EITHER = [pytest.param("t.csv", id="csv"), pytest.param("parts/", id="folder", marks=needs_parquet)]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(assembly, "PART_ROWS", 2)


@pytest.fixture
def output(request, tmp_path):
    """Return the name of a table: a file, or a folder of parts where a test asks for it."""
    return f"{tmp_path}/{getattr(request, 'param', 't.csv')}"


@pytest.fixture
def whole(prints, tmp_path, output):
    """Return the bytes of the table that an undisturbed run writes."""
    other = f"{tmp_path}/whole{'.csv' if output.endswith('.csv') else '/'}"
    write(prints, other)
    return contents(other)


def working_folder(output):
    return journal_of(Path(output), output.endswith("/")).folder


def test_a_table_has_meta_cells_labels_and_features_and_its_sidecar_says_how_it_was_made(prints, tmp_path, output):
    summary = write(prints, output, inputs=["prints"], command=["ridgefeat", "extract"])
    rows = list(csv.reader(Path(output).read_text().splitlines()))
    assert rows[0] == [*row.META, "subject", "impression", *(c.name for c in RECIPE.columns())]
    assert [r[0] for r in rows[1:]] == [f"{n}_{i}.png" for n in (101, 102, 103) for i in (1, 2)]
    assert (summary.rows, summary.failures, summary.kept) == (6, 0, 0)
    assert summary.flags["resolution_assumed"] == 6
    assert sorted(p.name for p in tmp_path.iterdir()) == ["prints", "t.csv", "t.json"]
    about = load_sidecar(output)
    assert about["table"]["sha256"] == hashlib.sha256(contents(output)[""]).hexdigest()
    assert about["command"] == ["ridgefeat", "extract"] and about["inputs"] == ["prints"]
    assert about["rows"] == 6 and about["failures"] == 0
    assert about["parameters"] == Params().to_dict() and about["parameters_digest"] == Params().digest
    assert {"name", "unit", "low", "high", "meaning", "source"} == set(about["columns"][0])
    assert about["libraries"]["numpy"] == np.__version__
    assert about["label_kinds"] == {"subject": "integer", "impression": "integer"}


def test_a_failed_print_keeps_its_row_and_is_counted_by_kind(prints, output):
    for name in ("104_1.png", "104_2.png"):
        (prints / name).write_bytes(b"")
    summary = write(prints, output)
    table = read_table(output)
    assert summary.failures == 2 and [n for n, _ in summary.reasons.values()] == [2]
    assert table.meta_error.notna().tolist() == [False] * 6 + [True] * 2
    assert table.iloc[-1][[c.name for c in RECIPE.columns()]].isna().all()
    assert [count for count, _ in load_sidecar(output)["reasons"].values()] == [2]
    assert write(prints, output, "resume").failures == 2


@pytest.mark.parametrize("after", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("output", EITHER, indirect=True)
def test_an_interrupted_run_resumes_to_the_same_bytes(prints, output, whole, after):
    interrupt(prints, output, after)
    assert not Path(output).is_file() and not (Path(output) / "_manifest.json").exists()
    seen = []
    summary = write(prints, output, "resume", progress=lambda done, failed, total: seen.append(done))
    assert contents(output) == whole and len(read_table(output, verify=True)) == 6
    assert summary.kept == seen[0] == after
    assert not working_folder(output).exists()


def test_a_run_that_was_ended_between_table_and_sidecar_resumes(prints, output, whole, monkeypatch):
    rename = files._rename

    def before_the_sidecar(moves):
        is_end = moves[-1][1] == sidecar_path(Path(output))
        rename(moves[:-1] if is_end else moves)
        if is_end:
            raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(files, "_rename", before_the_sidecar)
        with pytest.raises(Stopped):
            write(prints, output)
    assert contents(output) == whole and not sidecar_path(Path(output)).exists()
    write(prints, output, "resume")
    assert contents(output) == whole and load_sidecar(output)["rows"] == 6


@pytest.mark.parametrize("output", EITHER, indirect=True)
def test_what_is_there_is_not_replaced_unasked(prints, tmp_path, output, whole):
    other = f"{tmp_path}/whole{'.csv' if output.endswith('.csv') else '/'}"
    with pytest.raises(TableError, match=r"whole(.csv exists| holds a table); --overwrite replaces it"):
        write(prints, other)
    interrupt(prints, output)
    with pytest.raises(TableError, match="an unfinished run is there; --resume continues it, --overwrite"):
        write(prints, output)
    for _ in range(2):
        write(prints, output, "overwrite", jobs=2)
    assert contents(output) == whole


@pytest.mark.parametrize("output", EITHER, indirect=True)
def test_resuming_a_finished_table_does_nothing_and_notices_changes(prints, output):
    write(prints, output)
    path = min(Path(output).glob("part-000001*"), default=Path(output))
    before = path.stat().st_mtime_ns
    summary = write(prints, output, "resume")
    assert (summary.rows, summary.kept, path.stat().st_mtime_ns) == (6, 6, before)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(TableError, match=rf"{path.name} was changed (or lost )?since it was written"):
        write(prints, output, "resume")


def test_resume_refuses_another_recipe_or_other_inputs_and_names_the_difference(prints, output):
    interrupt(prints, output)
    for recipe, says in (
        (OTHER_WINDOW, r"normalisation\.window \(\d+, 40\)"),
        (Recipe.make(["ridge", "orient"]), "columns only in the second: orient_"),
        (OTHER, r"dpi: None, now \[600"),
        (Recipe.make(["ridge"], layout="plain"), "layout: auto, now plain"),
    ):
        with pytest.raises(TableError, match=f"cannot resume: the unfinished run .*{says}"):
            write(prints, output, "resume", recipe)
    index = Path(output).with_name("i.csv")
    index.write_text("file,dpi\n101_1.png,600\n")
    with pytest.raises(TableError, match="files were renamed, changed or labelled otherwise"):
        write(prints, output, "resume", index=index)
    os.utime(prints / "101_1.png", ns=(0, 0))
    with pytest.raises(TableError, match="files were renamed, changed or labelled otherwise"):
        write(prints, output, "resume")
    (prints / "101_1.png").unlink()
    with pytest.raises(TableError, match="inputs: 6 prints, now 5"):
        write(prints, output, "resume")


def zeros(data):
    middle = len(data) // 2
    return data[:middle] + bytes(256) + data[middle + 256 :]


DAMAGE = {
    "cut short": lambda unit: unit.write_bytes(unit.read_bytes()[:100]),
    "without its end": lambda unit: unit.write_bytes(unit.read_bytes()[:-9]),
    "a page of zeros": lambda unit: unit.write_bytes(zeros(unit.read_bytes())),
    "empty": lambda unit: unit.write_bytes(b""),
    "gone": lambda unit: unit.unlink(),
    "other rows": lambda unit: unit.rename(unit.with_name("000000000-000000002.npz")),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("output", EITHER, indirect=True)
def test_what_did_not_reach_the_disk_whole_is_done_again(prints, output, whole, damage):
    interrupt(prints, output, 3)
    first, *_ = sorted(working_folder(output).glob("*.npz"))
    DAMAGE[damage](first)
    first.with_name(f"{first.name}.tmp").write_bytes(b"half a unit")
    assert write(prints, output, "resume").kept == 2
    assert contents(output) == whole and load_sidecar(output)["rows"] == 6
    assert not working_folder(output).exists()


def test_a_damaged_manifest_says_what_to_do(prints, output):
    interrupt(prints, output)
    (working_folder(output) / "manifest.json").write_text("{")
    with pytest.raises(TableError, match=r"manifest.json is damaged; start again with --overwrite"):
        write(prints, output, "resume")


def test_two_runs_do_not_write_one_table(prints, output):
    interrupt(prints, output)
    other = journal_of(Path(output), False)
    other.resume()
    for mode in ("resume", "overwrite"):
        with pytest.raises(TableError, match="another run is writing"):
            write(prints, output, mode)
    other.release()
    write(prints, output, "resume")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("t.txt", r"must end in .csv, .xlsx or .parquet, not .txt"),
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


def test_names_with_commas_quotes_and_newlines_read_back(prints, output):
    shutil.copy(prints / "101_1.png", prints / 'a,"b"\n=c.png')
    write(prints, output)
    assert 'a,"b"\\x0a=c.png' in read_table(output).meta_source.tolist()


@needs_parquet
def test_parquet_holds_the_same_and_the_units(prints, tmp_path, output):
    from pyarrow import parquet

    (prints / "104_1.png").write_bytes(b"")
    write(prints, output)
    write(prints, tmp_path / "u.parquet")
    pd.testing.assert_frame_equal(read_table(output), read_table(tmp_path / "u.parquet"))
    table = parquet.read_table(tmp_path / "u.parquet")
    assert table.schema.field("ridge_period_mean").metadata[b"unit"] == b"mm"
    assert table["ridge_period_mean"].null_count == 1


def test_parquet_without_pyarrow_says_what_to_install(prints, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TableError, match=r"pip install 'ridgefeat\[parquet\]'"):
        write(prints, tmp_path / "t.parquet")


def test_minutiae_stand_in_folders_like_the_prints(prints, tmp_path, output):
    (prints / "deep").mkdir()
    shutil.copy(prints / "101_1.png", prints / "deep/103_1.png")
    shutil.copy(prints / "101_2.png", prints / "101_1.PNG")
    (prints / "104_1.png").write_bytes(b"")
    write(prints, output, minutiae=tmp_path / "m")
    made = {p.relative_to(tmp_path / "m").as_posix() for p in (tmp_path / "m").rglob("*") if p.is_file()}
    stems = ["101_1.png", "101_1.PNG", "101_2", "102_1", "102_2", "103_1", "103_2", "deep/103_1"]
    assert made == {f"{stem}{ending}" for stem in stems for ending in (".csv", ".xyt", ".fmr")}


def test_minutiae_replace_neither_what_is_there_nor_the_table(prints, tmp_path):
    (tmp_path / "m").write_text("a file")
    with pytest.raises(TableError, match=r"minutiae of 101_1.png cannot be written"):
        write(prints, tmp_path / "u.csv", minutiae=tmp_path / "m")
    theirs = prints / "101_1.fmr"
    theirs.write_text("of a vendor")
    with pytest.raises(TableError, match=r"101_1.fmr already exists; choose another folder for minutiae"):
        write(prints, tmp_path / "t.csv", minutiae=prints)
    assert theirs.read_text() == "of a vendor" and not (tmp_path / "t.csv").exists()
    with pytest.raises(TableError, match=r"101_1.csv, which is the table"):
        write(prints, prints / "101_1.csv", minutiae=prints, mode="overwrite")
    write(prints, tmp_path / "t.csv", minutiae=prints, mode="overwrite")
    assert theirs.read_bytes()[:4] == b"FMR\0" and row.MAX_SIDE == 2**14  # coordinates have 14 bits


def normal(count, seed=0):
    return np.random.default_rng(seed).normal(0.45, 0.03, (count, 2)).astype(np.float32)


def test_groups_are_judged_apart():
    values = np.concatenate([normal(30), normal(30, 1) + 5])
    assert not writing.find_outliers(values, ["a"] * 30 + ["b"] * 30).any()
    values[3] += 5  # usual in the other group
    assert np.flatnonzero(writing.find_outliers(values, ["a"] * 30 + ["b"] * 30)).tolist() == [3]


def test_small_groups_and_missing_values_are_not_judged():
    values = normal(20)
    values[0] = 100
    assert writing.find_outliers(values, ["a"] * 20)[0]
    values[1] = np.nan
    assert not writing.find_outliers(values, ["a"] * 20).any()


def test_a_column_that_is_constant_for_most_says_nothing():
    values = np.ones((40, 1), np.float32)
    values[0] = 1.001
    assert not writing.find_outliers(values, ["a"] * 40).any()


def test_an_outlier_is_more_than_six_robust_deviations_from_the_median():
    values = np.concatenate([np.linspace(-1, 1, 2001), [0.0, 0.0]])[:, None]
    deviation = 1.4826 * 0.5
    for distance, expected in ((5.9, False), (6.1, True)):
        values[-2:, 0] = distance * deviation, -distance * deviation
        found = writing.find_outliers(values.astype(np.float32), ["a"] * len(values))
        assert found[-2:].tolist() == [expected] * 2 and not found[:-2].any()


def test_nineteen_prints_are_too_few_and_other_resolutions_are_another_group():
    meta = {"meta_layout": "fvc", "meta_dpi_x": 500.0, "meta_dpi_y": 500.0, "meta_flags": "upscaled"}
    values = np.linspace(0.4, 0.5, 21, dtype=np.float32)[:, None]
    values[0] = 9
    for count, other, expected in ((19, 500.0, ""), (20, 500.0, " outlier"), (20, 300.0, "")):
        rows = [dict(meta) for _ in range(count)]
        rows[-1]["meta_dpi_y"] = other
        writing.flag_outliers(rows, values[:count], ["ridge_period_mean"])
        assert rows[0]["meta_flags"] == "upscaled" + expected and rows[-1]["meta_flags"] == "upscaled"
