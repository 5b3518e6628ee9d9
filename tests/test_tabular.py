"""Tables of strangers: any bytes give a table or an error of the reader's kind, soon and in bounded memory."""

import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ridgefeat import sheets
from ridgefeat.errors import TableError
from ridgefeat.tabular import find_thousands, is_number, match_names, open_table, point_decimals


def read(path, **how):
    return open_table(path, TableError, "table", max_bytes=1 << 26).frame(max_rows=1000, **how)


CELLS = st.lists(st.lists(st.text("ab1.,;|\t\"' -é\x00", max_size=6), min_size=1, max_size=5), min_size=1, max_size=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    CELLS, st.sampled_from([",", ";", "\t", " "]), st.sampled_from(["utf-8", "utf-16", "cp1252"]), st.binary(max_size=9)
)
@example([["a", "b"], ["1", "2"]], ";", "utf-8", b"\xff\xfe")
def test_any_bytes_are_a_table_or_an_error(tmp_path, rows, separator, encoding, junk):
    path = tmp_path / "t.csv"
    for data in ("\n".join(map(separator.join, rows)).encode(encoding), junk):
        path.write_bytes(data)
        try:
            table = open_table(path, TableError, "table", max_bytes=1 << 20)
            if table is not None:
                table.rename(["A"]).frame(max_rows=100)
        except TableError:
            pass


@pytest.mark.parametrize(
    "cell", ["1" * 200_000 + "x", "1," * 100_000, "1.111" * 40_000, "a" * 200_000 + ".", "-" * 200_000, '"' * 99_999]
)
def test_long_cells_take_no_long_time(tmp_path, cell):
    path = tmp_path / "t.csv"
    path.write_text(f"a;b\n1;{cell}\n" * 3)
    began = time.perf_counter()
    for numbers in ((), ("b",)):
        try:
            read(path, numbers=numbers)
        except TableError as error:
            assert len(str(error)) < 400
    assert time.perf_counter() - began < 3


def test_what_is_a_number():
    assert [is_number(c) for c in ("1", "-1.5e-3", ".5", "1.", "1,5", "", "e5", "1_0", "nan")] == [True] * 4 + [
        False
    ] * 5
    assert point_decimals(["-1,5", "NA", "2"]) == ["-1.5", "NA", "2"]
    assert point_decimals(["1,5", "2.5"]) == ["1,5", "2.5"]


def test_a_bad_number_is_named_by_row_and_column_wherever_it_stands(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n" + "x;0,5\n" * 3000 + "x;half\n")
    with pytest.raises(TableError, match="table, row 3001, column 'b': 'half' is not a number"):
        list(open_table(path, TableError, "table", max_bytes=1 << 20).frames(["b"], rows=100))


@pytest.mark.parametrize("text", ["a,b\n" + "1," * 300_000 + "\n", "1," * 300_000 + "\n1,2\n"])
def test_rows_of_very_many_cells_are_refused_at_once(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(TableError, match="rows of 300,001 cells, more than the 10,000 that are read"):
        open_table(tmp_path / "t.csv", TableError, "table", max_bytes=1 << 20)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a;b\n\x81;1\n\xe9;2\n", "codec can't decode"),
        ("a;b\n1;2\n".encode("utf-16")[:-1], "codec can't decode|is not a table"),
        (b"a;b\n1;2\n1;2;3\n", "Expected 2 fields in line 3, saw 3"),
        (b"a;b\n1;x\n1;2;3\n", "Expected 2 fields"),
        (b"a,b,a\n1,2,3\n", r"'a' occurs twice among its columns: 'a' \(column 1\) and 'a' \(column 3\)"),
        (b"a;b\n1;2;3\n", "rows have more cells than the header"),
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
    ],
)
def test_what_is_no_table_says_why(tmp_path, data, message):
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(TableError, match=message):
        open_table(tmp_path / "t.csv", TableError, "table", max_bytes=999).rename(()).frame(["b"], max_rows=9)


openpyxl = pytest.importorskip("openpyxl", reason="the extra `excel` is not installed")


def sheet(path, rows):
    """Write a sheet of raw XML rows."""
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.save(path)
    with zipfile.ZipFile(path) as packed:
        parts = {n: packed.read(n) for n in packed.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b"</sheetData>", rows.encode() + b"</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for part, data in parts.items():
            packed.writestr(part, data)
    return path


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('<row r="999999999999"><c r="A999999999999"><v>1</v></c></row>', "holds more than a sheet"),
        ('<row r="2"><c r="ZZZZZZZZ2"><v>1</v></c></row>', "is not an .xlsx file"),
        ('<row r="2"><c r="A2" t="s"><v>99999</v></c></row>', "is not an .xlsx file"),
        ('<row r="2"><c r="A2"><v>not a number</v></c></row>', "is not an .xlsx file"),
        ('<row r="2">', "is not an .xlsx file"),
        ('<row r="2"><c r="XFD2"><v>1</v></c></row>' * 9, "rows of 16,384 cells"),
    ],
)
def test_hostile_sheets_are_refused(tmp_path, rows, message):
    with pytest.raises(TableError, match=message):
        read(sheet(tmp_path / "t.xlsx", rows))


def test_a_sheet_is_bounded_before_it_is_unpacked(tmp_path, monkeypatch):
    path = sheet(tmp_path / "t.xlsx", '<row r="2"><c r="A2"><v>1</v></c></row>' * 50)
    monkeypatch.setattr(sheets, "MAX_SHEET_BYTES", 4000)
    with pytest.raises(TableError, match="holds more than"):
        read(path)
    for data in (b"PK\x03\x04 and no more", Path(path).read_bytes()[:900]):
        (tmp_path / "broken.xlsx").write_bytes(data)
        with pytest.raises(TableError, match=r"is not an \.xlsx file"):
            read(tmp_path / "broken.xlsx")


def test_text_is_never_a_formula(tmp_path):
    rows = [["a", "b"], ["=1+1", 0.1], ["#N/A", None]]
    sheets.write_sheet(tmp_path / "t.xlsx", rows, TableError)
    found = openpyxl.load_workbook(tmp_path / "t.xlsx").active
    assert [[c.value for c in row] for row in found.iter_rows()] == rows and found["A2"].data_type == "s"
    with pytest.raises(TableError, match="32,767"):
        sheets.write_sheet(tmp_path / "t.xlsx", [["x" * 40_000]], TableError)


def test_one_mark_may_separate_thousands_where_small_numbers_have_none():
    for cells, found in ((["912", "1,234"], "1,234"), (["912", "1,234", "1,5"], ""), (["1,234", "2,345"], "")):
        assert find_thousands(cells) == found


def test_names_are_spelt_as_they_are_known():
    assert match_names([" Score", "", "Operator"], ["score"], "table", ValueError) == [
        "score",
        "(column 2)",
        "Operator",
    ]
