"""Feature tables that were written for, or went through, a spreadsheet are the same tables."""

import csv
import importlib
import logging
import shutil

import pandas as pd
import pytest

from ridgefeat.errors import TableError
from ridgefeat.sheets import check_sheet_size
from ridgefeat.table import merge_tables, read_table, split_table
from ridgefeat.table.reading import iterate_table
from ridgefeat.tabular import is_number
from tests.table.helpers import needs_excel, needs_parquet, write


@pytest.fixture
def table(prints, tmp_path):
    """A table with a label that a spreadsheet writes with a decimal comma, and one that looks like a formula."""
    index = tmp_path / "index.csv"
    names = sorted(p.relative_to(prints).as_posix() for p in prints.rglob("*.png"))
    rows = [f"{n};{20 + i},5;=1+{i}" for i, n in enumerate(names)]
    index.write_text("\n".join(["File;age;note", *rows]), "utf-8")
    return write(prints, tmp_path / "t.csv", index=index).table


def saved(table, name, frame=None, **how):
    """Return a copy of a table as a spreadsheet saves it."""
    path = table.with_name(name)
    shutil.copy(table.with_suffix(".json"), path.with_suffix(".json"))
    frame = pd.read_csv(table, dtype={"note": str}) if frame is None else frame
    frame.to_csv(path, index=False, **how)
    separator, end = how.get("sep", ","), how.get("encoding", "utf-8").replace("-sig", "").replace("16", "16-le")
    with path.open("ab") as file:  # empty rows, as spreadsheets write them
        file.write(f"{separator * (len(frame.columns) - 1)}\r\n".encode(end) * 3)
    return path


SPREADSHEETS = {
    "German": {"sep": ";", "decimal": ",", "encoding": "utf-8-sig", "lineterminator": "\r\n"},
    "points": {"sep": ";"},
    "Unicode text": {"sep": "\t", "decimal": ",", "encoding": "utf-16"},
    "old": {"sep": ";", "decimal": ",", "encoding": "cp1252"},
    "quoted": {"decimal": ",", "quoting": 1},
}


@pytest.mark.parametrize("how", SPREADSHEETS.values(), ids=SPREADSHEETS)
def test_a_table_that_went_through_a_spreadsheet_is_the_same(table, how, caplog):
    frame = pd.read_csv(table, dtype={"note": str})
    frame["meta_source"] = frame["note"] = frame["note"].str.replace("=", "é")
    plain = read_table(saved(table, "plain.csv", frame))
    caplog.set_level(logging.INFO, "ridgefeat")
    path = saved(table, "other.csv", frame.rename(columns=str.upper), **how)
    pd.testing.assert_frame_equal(read_table(path)[plain.columns], plain)
    pd.testing.assert_frame_equal(pd.concat(iterate_table(path, rows=2), ignore_index=True)[plain.columns], plain)
    assert plain["age"].tolist()[:2] == [20.5, 21.5]
    assert any("is read with" in r.message for r in caplog.records)


@pytest.mark.parametrize(
    ("name", "dialect"), [("t.csv", "semicolon"), pytest.param("t.xlsx", "standard", marks=needs_excel)]
)
def test_every_form_that_is_written_reads_back_the_same(prints, table, tmp_path, name, dialect):
    (tmp_path / "new").mkdir()
    made = write(prints, tmp_path / "new" / name, index=tmp_path / "index.csv", dialect=dialect).table
    if dialect == "semicolon":
        text = made.read_bytes()
        assert text.startswith(b"\xef\xbb\xbfmeta_source;") and b";500,0;" in text and b".png;" in text
    whole = read_table(table)
    pd.testing.assert_frame_equal(read_table(made), whole)
    assert whole["note"].tolist()[:2] == ["=1+0", "=1+1"]
    merged = merge_tables([table, made], tmp_path / "new" / f"m{made.suffix}", duplicates=True, dialect=dialect).table
    pd.testing.assert_frame_equal(read_table(merged), pd.concat([whole, whole], ignore_index=True))
    parts = split_table(made, tmp_path / "new" / "parts", group="age", test=0.34)
    assert sum(len(read_table(p.table)) for p in parts) == len(whole)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("ridge_period_mean", "12. Mai", r"row 2, column 'ridge_period_mean': '12. Mai' is not a number \(a date\?"),
        ("ridge_period_mean", "1.234.567", r"row 2, column 'ridge_period_mean': .* \(thousands separators\?"),
        ("ridge_period_mean", "18718", r"row 2, column 'ridge_period_mean': 18718 is far from its range, 0.1 to 1.5"),
        ("meta_width", "3,6e2", "row 2, column 'meta_width': '3.6e2' is not a number"),
    ],
)
def test_digits_that_a_spreadsheet_damaged_are_named(table, column, value, message):
    frame = pd.read_csv(table, dtype=str, keep_default_na=False).map(lambda c: c.replace(".", ","))
    frame.loc[1, column] = value
    path = saved(table, "damaged.csv", frame, sep=";")
    for read in (read_table, lambda p: list(iterate_table(p, rows=1))):
        with pytest.raises(TableError, match=message):
            read(path)


@needs_excel
def test_a_table_that_no_sheet_holds_is_refused(prints, tmp_path, monkeypatch):
    monkeypatch.setattr("ridgefeat.sheets.MAX_COLUMNS", 20)
    with pytest.raises(TableError, match=r"6 rows and \d+ columns are more than an .xlsx file holds, 1,048,575 and 20"):
        write(prints, tmp_path / "t.xlsx")
    assert not (tmp_path / ".t.xlsx.partial").exists()
    check_sheet_size(tmp_path, 1_048_575, 20, TableError)
    with pytest.raises(TableError, match="1,048,576 rows and 20 columns are more"):
        check_sheet_size(tmp_path, 1_048_576, 20, TableError)


FORMULAS = ["=1+1", "+1", "-2", "@SUM(A1)", "\uff1d1", "'=1", "'s"]
FORMS = {
    "standard": ("t.csv", "standard"),
    "semicolon": ("t.csv", "semicolon"),
    "xlsx": pytest.param("t.xlsx", "standard", marks=needs_excel),
    "parquet": pytest.param("t.parquet", "standard", marks=needs_parquet),
}


@pytest.fixture
def formulas(prints, tmp_path):
    """Prints, an index and a column of labels whose names a spreadsheet would run."""
    files = sorted(prints.iterdir())
    for file, name in zip(files, FORMULAS, strict=False):
        file.rename(prints / f"{name}.png")
    rows = [f"{m}{n}.png,{m}{n},-{i}.5" for i, n in enumerate(FORMULAS) for m in ["'" * (n != "'s")]][: len(files)]
    index = tmp_path / "index.csv"
    index.write_text("\n".join(["file,'=note,shift", *rows]), "utf-8")
    return prints, index


@pytest.mark.parametrize(("name", "dialect"), FORMS.values(), ids=FORMS)
def test_names_like_formulas_are_text_to_a_spreadsheet_and_come_back(formulas, tmp_path, name, dialect):
    prints, index = formulas
    made = write(prints, tmp_path / name, index=index, dialect=dialect).table
    table = read_table(made)
    kept = FORMULAS[: len(table)]
    assert sorted(table["meta_source"]) == sorted(f"{n}.png" for n in kept)
    assert {"=note", "shift"} <= set(table.columns)
    assert (table["=note"] + ".png").tolist() == table["meta_source"].tolist()
    assert table["shift"].min() < 0
    if made.suffix == ".csv":
        lines = csv.reader(made.open(encoding="utf-8-sig"), delimiter="," if dialect == "standard" else ";")
        cells = [c for line in lines for c in line]
        assert all(c[:1] not in "=+@\uff1d" or not c for c in cells)
        assert all(is_number(c, "." if dialect == "standard" else ",") for c in cells if c.startswith("-"))
        assert f"-0{',.'[dialect == 'standard']}5" in cells
    if made.suffix == ".xlsx":
        sheet = importlib.import_module("openpyxl").load_workbook(made).active
        assert {c.data_type for row in sheet.iter_rows() for c in row if str(c.value).startswith("=")} == {"s"}
    before = made.read_bytes()
    joined = merge_tables([made, made], tmp_path / f"m{made.suffix}", duplicates=True, dialect=dialect).table
    assert read_table(joined)["=note"].tolist() == 2 * table["=note"].tolist()
    write(prints, tmp_path / name, index=index, dialect=dialect, mode="resume")
    assert made.read_bytes() == before


def test_raw_output_marks_nothing(formulas, tmp_path):
    prints, index = formulas
    made = write(prints, tmp_path / "t.csv", index=index, dialect="raw").table
    assert "\n=1+1.png," in made.read_text("utf-8")
    assert "=1+1" in read_table(made)["=note"].tolist()
