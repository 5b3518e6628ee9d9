import shutil

import pandas as pd
import pytest

from ridgefeat.table import load_sidecar, read_table
from tests.cli.running import run


def extract(*args, code=0):
    return run("extract", *args, "--families", "ridge", "-j", 1, "-q", code=code)


@pytest.fixture
def whole(prints, tmp_path):
    extract(prints, "-o", tmp_path / "whole.csv")
    return tmp_path / "whole.csv"


def test_an_archive_and_a_list_make_the_table_of_their_folder(prints, tmp_path, whole):
    shutil.make_archive(str(tmp_path / "set"), "zip", prints)
    shutil.make_archive(str(tmp_path / "set"), "gztar", prints)
    (tmp_path / "prints/list.txt").write_text("".join(f"{p.name}\n" for p in sorted(prints.iterdir())))
    for given in ([tmp_path / "set.zip"], ["--list", tmp_path / "prints/list.txt"], [tmp_path / "set.tar.gz"]):
        extract(*given, "-o", tmp_path / "t.csv", "--overwrite")
        pd.testing.assert_frame_equal(
            read_table(tmp_path / "t.csv").sort_values("meta_source", ignore_index=True), read_table(whole)
        )
    assert "Missing argument 'INPUT...'" in run("extract", "-o", tmp_path / "u.csv", code=2).stderr


def test_a_folder_of_parts_is_written_and_read_by_what_follows(prints, tmp_path, whole):
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    extract(prints, "-o", f"{tmp_path}/parts/")
    pd.testing.assert_frame_equal(read_table(tmp_path / "parts", verify=True), read_table(whole))
    assert "holds a table; --overwrite" in extract(prints, "-o", f"{tmp_path}/parts/", code=2).stderr
    extract(prints, "-o", tmp_path / "parts", "--resume")
    extract(prints, "-o", tmp_path / "like.csv", "--like", tmp_path / "parts/_manifest.json")
    assert (tmp_path / "like.csv").read_bytes() == whole.read_bytes()
    run("merge", tmp_path / "parts", whole, "-o", tmp_path / "both.csv", "--duplicates")
    assert load_sidecar(tmp_path / "both.csv")["rows"] == 12


def test_bounded_prints_give_the_same_bytes_and_the_peak_memory_is_reported(prints, tmp_path, whole):
    done = run(
        "extract", prints, "-o", tmp_path / "t.csv", "--families", "ridge", "-j", 2, "--timeout", 60, "--memory", 2000
    )
    assert (tmp_path / "t.csv").read_bytes() == whole.read_bytes()
    assert "Workers: 2; peak memory per worker: " in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--engine", "slurm=x"], "engine must be local, dask=ADDRESS or ray=ADDRESS"),
        (["--timeout", "-1"], "'--timeout'"),
        (["--memory", "-1"], "'--memory'"),
        (["--engine", "dask=127.0.0.1:1"], "does not answer"),
        (["--list", "none.txt"], "list none.txt: no such file"),
    ],
)
def test_what_is_unusable_is_said(prints, tmp_path, options, says):
    if "dask" in options[-1]:
        pytest.importorskip("distributed", reason="needs the extra `dask`")
    done = extract(prints, "-o", tmp_path / "t.csv", *options, code=2)
    assert says in done.stderr and "Traceback" not in done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["prints"]  # nothing that --resume would have to continue
