import errno
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ridgefeat import files
from ridgefeat.errors import TableError
from ridgefeat.sources import PrintSource
from ridgefeat.table import assembly, load_sidecar, read_table, writing
from ridgefeat.table.batches import Journal
from ridgefeat.table.reading import iterate_table
from tests.table.helpers import OTHER, Stopped, contents, interrupt, outliers_of, stopping, write

parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra `parquet`")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(assembly, "PART_ROWS", 2)


@pytest.fixture
def whole(prints, tmp_path):
    write(prints, f"{tmp_path}/whole/")
    return tmp_path / "whole"


@pytest.fixture
def strict(monkeypatch):
    """Some of six prints are outliers, and of the two of a part none could be."""
    monkeypatch.setattr(writing, "MIN_PRINTS", 3)
    monkeypatch.setattr(writing, "LIMIT", 1.0)


def names(folder):
    return sorted(p.name for p in Path(folder).iterdir())


def test_a_folder_holds_parts_and_a_manifest_and_nothing_else(whole):
    assert [n[:12] for n in names(whole)] == ["_manifest.js", *(f"part-00000{k}-" for k in range(3))]
    about = load_sidecar(whole)
    assert [p["file"] for p in about["parts"]] == names(whole)[1:] and [p["rows"] for p in about["parts"]] == [2, 2, 2]
    assert about["rows"] == 6 and about["failures"] == 0 and about["flags"]["resolution_assumed"] == 6


def test_a_folder_reads_as_the_file_does(prints, tmp_path):
    (prints / "104_1.png").write_bytes(b"")
    write(prints, f"{tmp_path}/parts/")
    write(prints, tmp_path / "t.csv")
    table = read_table(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "parts", verify=True), table)
    some = ["ridge_period_mean", "ridge_area"]
    for path in (tmp_path / "parts", tmp_path / "t.csv"):
        few = read_table(path, columns=some)
        assert [c for c in few if c.startswith("ridge_")] == [c for c in table if c in some]
        stretches = list(iterate_table(path, columns=some, rows=2))
        assert max(len(s) for s in stretches) <= 2 < len(stretches)
        joined = pd.concat(stretches, ignore_index=True)
        pd.testing.assert_frame_equal(joined, few, check_dtype=False)


def test_a_part_is_named_after_what_it_is_made_from(prints, tmp_path, whole):
    (prints / "103_2.png").write_bytes((prints / "103_1.png").read_bytes())
    write(prints, f"{tmp_path}/other/")
    before, after = sorted(contents(whole)), sorted(contents(tmp_path / "other"))
    assert before[:2] == after[:2] and before[2] != after[2]
    write(prints, f"{tmp_path}/scaled/", recipe=OTHER)
    assert not set(contents(tmp_path / "scaled")) & set(after)


def test_a_part_that_no_manifest_names_goes(prints, tmp_path, whole):
    output = tmp_path / "parts"
    interrupt(prints, f"{output}/", 5)
    (output / "part-000000-000000000000.parquet").write_bytes(b"a stranger")
    assert write(prints, f"{output}/", "resume").kept == 5
    assert contents(output) == contents(whole) and names(output) == names(whole)
    assert load_sidecar(output)["parts"] == load_sidecar(whole)["parts"]


def test_a_part_that_was_changed_is_noticed_if_it_is_asked_for(whole):
    part = sorted(whole.glob("part-*"))[1]
    parquet.write_table(parquet.read_table(part), part, compression="none")
    with pytest.raises(TableError, match=r"part-000001.* was changed or lost"):
        read_table(whole, verify=True)


def test_a_folder_of_others_is_never_replaced(prints, tmp_path):
    (tmp_path / "file").write_text("")
    for name, says in (("prints", "is not empty and holds no table of parts"), ("file", "is a file")):
        with pytest.raises(TableError, match=says):
            write(prints, f"{tmp_path}/{name}/", "overwrite")
    assert len(names(prints)) == 6


def test_a_manifest_that_leads_elsewhere_is_refused(whole, tmp_path):
    about = json.loads((whole / "_manifest.json").read_text())
    shutil.copy(whole / about["parts"][0]["file"], tmp_path / "x.parquet")
    for file in ("../x.parquet", str(tmp_path / "x.parquet"), "gone.parquet", None):
        about["parts"][0]["file"] = file
        (whole / "_manifest.json").write_text(json.dumps(about))
        with pytest.raises(TableError, match=r"lacks the part|parts\[0\]\.file must be text, got null"):
            read_table(whole)
    about["parts"] = about["parts"][1:]
    (whole / "_manifest.json").write_text(json.dumps(about))
    with pytest.raises(TableError, match="holds 4 rows, its manifest says 6"):
        read_table(whole)


def test_outliers_are_those_of_the_whole_table_whatever_the_workers(prints, tmp_path, strict):
    write(prints, tmp_path / "t.csv")
    summary = write(prints, f"{tmp_path}/parts/")
    marked = outliers_of(read_table(tmp_path / "t.csv"))
    assert 0 < sum(marked) < 6 and summary.flags["outlier"] == sum(marked)
    pd.testing.assert_frame_equal(read_table(tmp_path / "parts", verify=True), read_table(tmp_path / "t.csv"))
    assert load_sidecar(tmp_path / "parts")["flags"] == load_sidecar(tmp_path / "t.csv")["flags"]
    write(prints, f"{tmp_path}/two/", jobs=2)
    assert contents(tmp_path / "two") == contents(tmp_path / "parts")


@pytest.mark.parametrize(
    ("where", "after"),
    [("write_parquet", 2), ("rename", 0), ("rename", 2), ("json_bytes", 0), ("sha256", 1), ("remove", 0)],
)
def test_a_run_that_ends_while_its_parts_are_written_resumes(prints, tmp_path, strict, monkeypatch, where, after):
    write(prints, f"{tmp_path}/sound/")
    sound, output = contents(tmp_path / "sound"), tmp_path / "parts"
    with monkeypatch.context() as patch:
        owner = {"rename": Path, "remove": Journal}.get(where, assembly)
        patch.setattr(owner, where, stopping(getattr(owner, where), after))
        with pytest.raises(Stopped):
            write(prints, f"{output}/")
    assert contents(output).items() <= sound.items()
    assert (output / "_manifest.json").exists() == (where == "remove")
    assert write(prints, f"{output}/", "resume").kept == 6
    assert contents(output) == sound
    assert load_sidecar(output)["parts"] == load_sidecar(tmp_path / "sound")["parts"]
    assert names(output) == ["_manifest.json", *sorted(sound)]


def test_a_folder_stays_whole_until_what_replaces_it_is_there(prints, whole, monkeypatch):
    before = contents(whole)
    interrupt(prints, f"{whole}/", 3, mode="overwrite", recipe=OTHER)
    assert contents(whole) == before and len(read_table(whole, verify=True)) == 6
    write(prints, f"{whole}/", "resume", recipe=OTHER)
    assert not set(contents(whole)) & set(before) and len(read_table(whole, verify=True)) == 6
    monkeypatch.setattr(Path, "rename", stopping(Path.rename, 1))
    with pytest.raises(Stopped):
        write(prints, f"{whole}/", "overwrite")
    assert not (whole / "_manifest.json").exists()  # parts of two tables are never taken for one


@pytest.mark.parametrize("when", [2, 4, 7, 8, 10, 11])
def test_a_full_disk_says_what_to_do_and_nothing_is_lost(prints, tmp_path, whole, monkeypatch, when):
    output, flush, calls = tmp_path / "parts", files._flush, []

    def full(file):
        calls.append(file)
        if len(calls) == when:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(file)

    with monkeypatch.context() as patch:
        patch.setattr(files, "_flush", full)
        with pytest.raises(TableError, match=r"parts(/_work| cannot be written)?: No space left on device; .*--resume"):
            write(prints, f"{output}/")
    write(prints, f"{output}/", "resume")
    assert contents(output) == contents(whole)


def test_a_large_table_has_parts_of_4096_rows_at_most(monkeypatch):
    monkeypatch.undo()
    about = dict.fromkeys(("parameters", "schema_digest", "label_kinds", "libraries", "version", "dpi"))
    items = [PrintSource(None, str(i), error="none") for i in range(4097)]
    assert [part.rows for part in assembly.plan_parts(items, about)] == [2048, 2049]
    assert [part.rows for part in assembly.plan_parts(items[:4096], about)] == [4096]


def test_a_parquet_file_has_groups_of_1024_rows(tmp_path):
    rows = [([str(i)], np.zeros(1, np.float32), None) for i in range(1025)]
    assembly.write_parquet(tmp_path / "t.parquet", rows, {"subject": "integer"}, [{"name": "x"}])
    about = parquet.ParquetFile(tmp_path / "t.parquet").metadata
    assert [about.row_group(i).num_rows for i in range(about.num_row_groups)] == [1024, 1]
