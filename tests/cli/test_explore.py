"""`ridgefeat explore` from the command line."""

import json

import pytest

from ridgefeat.table import read_table
from tests.cli.running import run


@pytest.fixture
def table(tmp_path, prints):
    run("extract", prints, "-o", tmp_path / "f.csv", "--families", "ridge", "-j", 1, "-q")
    return tmp_path / "f.csv"


def test_a_table_becomes_a_page(tmp_path, table, prints):
    done = run("explore", table, "--images", prints, "-o", tmp_path / "e.html", "-j", 1, "--no-tsne", "--json")
    said = json.loads(done.stdout)
    assert said["prints"] == len(read_table(table)) == said["pictures"] and said["missing"] == 0
    assert said["page"] == str(tmp_path / "e.html") and (tmp_path / "e.html").stat().st_size == said["bytes"]
    assert "6 prints" in done.stderr and "6 pictures of up to 512 px" in done.stderr


def test_prints_that_are_gone_are_counted(tmp_path, table, prints):
    next(prints.glob("*.png")).unlink()
    done = run("explore", table, "--images", prints, "-o", tmp_path / "e.html", "-j", 1, "--no-tsne")
    assert "Note: 1 print could not be read again, the first: " in done.stderr and done.stdout == ""


def test_quiet_says_nothing_and_bad_input_is_named(tmp_path, table):
    assert run("explore", table, "-o", tmp_path / "e.html", "--no-tsne", "-q").output == ""
    assert "has no label 'age'" in run("explore", table, "--by", "age", "-o", tmp_path / "x.html", code=2).stderr
    assert "no such file" in run("explore", tmp_path / "z.csv", "-o", tmp_path / "x.html", code=2).stderr


def test_the_sample_of_a_large_table_does_not_depend_on_its_storage(tmp_path, prints, table, monkeypatch):
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    run("extract", prints, "-o", f"{tmp_path}/parts/", "--families", "ridge", "-j", 1, "-q")
    for path, name in ((table, "a.html"), (tmp_path / "parts", "b.html")):
        options = ("--most", 4, "--no-tsne", "--json", "-o", tmp_path / name)
        said = json.loads(run("explore", path, *options).stdout)
        assert said["prints"] == 4 and said["of"] == 6
    a, b = ((tmp_path / n).read_text() for n in ("a.html", "b.html"))
    assert a.replace("f.csv", "parts") == b
