import unicodedata

import pandas as pd
import pytest

from ridgefeat.errors import LayoutError
from ridgefeat.sheets import write_sheet
from ridgefeat.sources import IndexEntry, find_prints, read_index


@pytest.fixture
def write(tmp_path):
    def make(text: str | bytes, name: str = "index.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return make


def test_names_are_compared_whichever_way_letters_with_marks_are_spelt(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "é1.png")).touch()
    (tmp_path / "index.csv").write_text(f"file,subject\n{unicodedata.normalize('NFC', 'é1.png')},7\n", encoding="utf-8")
    (found,) = find_prints(tmp_path, index=tmp_path / "index.csv")
    assert found.labels == {"subject": "7"} and found.flags == ()


def test_labels_of_the_index_come_before_those_of_the_layout(tmp_path, write):
    (tmp_path / "101_1.png").touch()
    (found,) = find_prints(tmp_path, layout="fvc", index=write("file,subject\n101_1.png,7\n"))
    assert found.labels == {"subject": "7", "impression": "1"}


def test_values_stay_as_they_are_written(write):
    found = read_index(write("file,subject,note\na/1.png,007,R2\n./b.png,1.50,\n"))
    assert found == {"a/1.png": IndexEntry({"subject": "007", "note": "R2"}), "b.png": IndexEntry({"subject": "1.50"})}


@pytest.mark.parametrize(
    "data",
    [
        "file;age;subject\nGröße.png;34,5;007\nb.png;30;8\n".encode("cp1252"),
        "file\tage\tsubject\r\nGröße.png\t34,5\t007\r\nb.png\t30\t8\r\n".encode("utf-16"),
        "file\tage\tsubject\nGröße.png\t34,5\t007\nb.png\t30\t8\n".encode("utf-16-le"),
        "sep=;\n FILE ; age ;Subject\nGröße.png; 34,5 ;007\n\nb.png;30;8\n".encode("utf-8-sig"),
        'file,age,subject\n"Größe.png","34,5",007\nb.png,30,8\n'.encode(),
        '"","file","age","subject"\n"1","Größe.png",34.5,"007"\n"2","b.png",30,"8"\n'.encode(),
        '"file" "age" "subject"\n"1" "Größe.png" 34.5 "007"\n"2" "b.png" 30 "8"\n'.encode(),
        ",file,age,subject\n3,Größe.png,34.5,007\n7,b.png,30,8\n".encode(),
        "file,age,subject,sex,hand\nGröße.png,34.5,007,-,?\nb.png,30,8,.,#NV\n".encode(),
        "file;age;subject;;\nGröße.png;34,5;007;;\nb.png;30;8;;\n;;;;\n;;;;\n".encode(),
        "file|age|subject\rGröße.png|34.5|007\rb.png|30|8\r".encode(),
    ],
)
def test_every_dialect_gives_the_same_index(write, data):
    assert read_index(write(data)) == {
        "Größe.png": IndexEntry({"age": "34.5", "subject": "007"}),
        "b.png": IndexEntry({"age": "30", "subject": "8"}),
    }


def test_a_dialect_is_announced(write, caplog):
    caplog.set_level("INFO", "ridgefeat")
    read_index(write("file;age\né.png;34,5\n".encode("cp1252")))
    (said,) = caplog.messages
    assert said.endswith("is read with separator `;`, decimal comma, Windows-1252 (it is not UTF-8).")
    read_index(write("file,age\né.png,34.5\n"))
    assert len(caplog.messages) == 1


def test_the_column_of_file_names_can_be_named(write, tmp_path):
    path = write("Image,file,subject\na.png,scan,1\n")
    assert read_index(path, "image") == {"a.png": IndexEntry({"file": "scan", "subject": "1"})}
    (tmp_path / "a.png").touch()
    (found,) = find_prints(tmp_path, index=path, index_column="image")
    assert found.labels == {"file": "scan", "subject": "1"}
    with pytest.raises(LayoutError, match=r"no column `img`.*there are: Image, file, subject.*--index-column"):
        read_index(path, "img")


def test_a_sheet_is_read(tmp_path):
    pytest.importorskip("openpyxl", reason="the extra `excel` is not installed")
    frame = pd.DataFrame({"File": ["a.png", "b.png"], "subject": ["007", None], "age": [34.5, 30.0]})
    frame.assign(seen=pd.Timestamp("2024-05-01")).to_excel(tmp_path / "i.xlsx")
    assert read_index(tmp_path / "i.xlsx") == {
        "a.png": IndexEntry({"subject": "007", "age": "34.5", "seen": "2024-05-01"}),
        "b.png": IndexEntry({"age": "30", "seen": "2024-05-01"}),
    }


def test_cells_merged_over_rows_are_refused(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="the extra `excel` is not installed")
    book = openpyxl.Workbook()
    for row in (["file", "subject"], ["a.png", "ann"], ["b.png", None]):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    book.save(tmp_path / "i.xlsx")
    with pytest.raises(LayoutError, match="cells B2:B3 are merged"):
        read_index(tmp_path / "i.xlsx")


def test_backslashes_are_folders_and_sex_and_hand_are_brought_to_this_packages_words(write):
    assert list(read_index(write("file\na\\b.png\n"))) == ["a/b.png"]
    found = read_index(write("file,sex,hand,finger,other\nx.png,F,L,Thumb,F\n"))
    assert found["x.png"].labels == {"sex": "female", "hand": "left", "finger": "thumb", "other": "F"}


def test_resolution_columns(write):
    assert read_index(write("file,dpi\nx.png,569\ny.png,\n")) == {
        "x.png": IndexEntry({}, (569, 569)),
        "y.png": IndexEntry({}, None),
    }
    assert read_index(write("file,dpi_x,dpi_y\nx.png,199,173\n"))["x.png"] == IndexEntry({}, (199, 173))


def test_parquet_whose_text_is_no_utf_8_is_refused(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")
    import pyarrow as pa

    text = pa.array([b"a\xff.png"]).view(pa.string())
    parquet.write_table(pa.table({"file": text}), tmp_path / "i.parquet")
    with pytest.raises(LayoutError, match=r"is not a Parquet file: .*UTF8"):
        read_index(tmp_path / "i.parquet")


def test_a_sheet_may_have_any_suffix(tmp_path):
    pytest.importorskip("openpyxl", reason="the extra `excel` is not installed")
    write_sheet(tmp_path / "i.xlsx", [["file", "sex"], ["a.png", "f"]], LayoutError)
    assert read_index((tmp_path / "i.xlsx").rename(tmp_path / "i.data"))["a.png"].labels == {"sex": "female"}


def test_parquet_reads_like_csv(tmp_path):
    pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    frame = pd.DataFrame({"file": ["a.png", "b.png"], "subject": ["007", None], "age": [34.0, None], "n": [1, 2]})
    frame.to_parquet(tmp_path / "i.parquet")
    assert read_index(tmp_path / "i.parquet") == {
        "a.png": IndexEntry({"subject": "007", "age": "34", "n": "1"}),
        "b.png": IndexEntry({"n": "2"}),
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("file,a\n", "no rows"),
        ("filename,a\nx.png,1\n", r"no column `file` \(is it 'filename'\?\)"),
        ("name,a\nx.png,1\n", "no column `file`.*there are: name, a"),
        ("file,a\nx.png,1\n./x.png,2\n", "row 2 names './x.png' for a second time"),
        ("file,a\n,1\n", "row 1 names no file"),
        ("file,a,a\nx.png,1,2\n", "'a' occurs twice"),
        ("file,,a\nx.png,1,2\n", "column 2 has no name"),
        ("file,meta_a\nx.png,1\n", "'meta_a' begins like the table's own"),
        ("file,texture_a\nx.png,1\n", "'texture_a'"),
        ("file,dpi\nx.png,fine\n", "row 1: resolution must"),
        ("file,dpi_x\nx.png,500\n", "dpi_x and dpi_y go together"),
        ("file,a\nx.png,1,2,3\n", "is not a table"),
        ("file,a\nx.png,1\ny.png,1,2\n", "Expected 2 fields in line 3, saw 3"),
        ("file,A,subject,Subject\nx.png,1,2,3\n", r"'subject' \(column 3\) and 'Subject' \(column 4\)"),
        (b"\x1f\x8b\x08\0", "compressed by gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel file"),
        (b"file,a\nx.png,\0\n", "zero bytes"),
    ],
)
def test_bad_tables_are_refused_with_the_reason(write, text, reason):
    path = write(text)
    with pytest.raises(LayoutError, match=reason) as caught:
        read_index(path)
    assert str(path) in str(caught.value)


def test_missing_broken_and_large_files(tmp_path, write, monkeypatch):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(LayoutError, match="no such file"):
            read_index(path)
    with pytest.raises(LayoutError, match="is not a Parquet file"):
        read_index(write("PAR1 no PAR1", "i.parquet"))
    monkeypatch.setattr("ridgefeat.sources.index.MAX_BYTES", 10)
    with pytest.raises(LayoutError, match="13 bytes are more than the 10"):
        read_index(write("file,a\nx.png\n"))
    monkeypatch.setattr("ridgefeat.sources.index.MAX_BYTES", 1000)
    monkeypatch.setattr("ridgefeat.sources.index.MAX_ROWS", 2)
    with pytest.raises(LayoutError, match="more than 2 rows"):
        read_index(write("file\na\nb\nc\n"))
