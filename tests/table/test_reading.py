import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import TableError
from ridgefeat.sources import find_prints
from ridgefeat.table import extract_many, read_table, store
from ridgefeat.table.recipe import Recipe


@pytest.fixture
def table(prints, tmp_path):
    path = tmp_path / "t.csv"
    store.write_table(find_prints([prints]), Recipe.make(["ridge"]), path, jobs=1)
    return path


def test_what_is_read_is_what_was_computed(prints, table):
    frame = read_table(table, verify=True)
    pd.testing.assert_frame_equal(frame, extract_many(prints, families=["ridge"]))
    assert frame.filter(like="ridge_").dtypes.eq(np.float32).all()
    assert frame.subject.dtype == np.int64


def test_a_person_called_na_keeps_the_name(table):
    frame = pd.read_csv(table, dtype=str, keep_default_na=False)
    frame.insert(9, "name", ["NA", "null", "", "007", "x", "y"])
    frame.to_csv(table, index=False)
    assert read_table(table).name.tolist()[:4] == ["NA", "null", None, "007"]
    with pytest.raises(TableError, match="was changed since it was written"):
        read_table(table, verify=True)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            lambda text: text.replace("ridge_period_mean", "period", 1),
            "lacks 1 columns .* 'ridge_period_mean'",
        ),
        (
            lambda text: text.replace("\n", ",1,2,3\n").replace(",1,2,3\n", "\n", 1),
            "is no feature table in CSV|lacks",
        ),
        (lambda text: "\ufffd" * 10, "lacks"),
        (lambda text: "", "is no feature table in CSV"),
        (
            lambda text: text[: text.index("\n") + 1] + "a,b,c,d,e,f,g,h,i,j,k,zero\n",
            "is no feature table in CSV",
        ),
    ],
)
def test_a_damaged_table_says_so(table, damage, says):
    table.write_text(damage(table.read_text()))
    with pytest.raises(TableError, match=says):
        read_table(table)


def test_bytes_that_are_no_text_are_refused(table):
    table.write_bytes(b"\xff\xfe\x00" * 100)
    with pytest.raises(TableError, match="is no feature table in CSV"):
        read_table(table)


def test_a_table_that_is_not_there(table):
    table.unlink()
    with pytest.raises(TableError, match="no such file"):
        read_table(table)


def test_a_table_beyond_all_bounds_is_not_read(table, monkeypatch):
    monkeypatch.setattr("ridgefeat.table.reading.LARGEST", 100)
    with pytest.raises(TableError, match="larger than"):
        read_table(table)
    monkeypatch.setattr("ridgefeat.table.reading.LARGEST", 1 << 30)
    monkeypatch.setattr("ridgefeat.table.reading.MOST_COLUMNS", 5)
    with pytest.raises(TableError, match="columns; no feature table has"):
        read_table(table)


def test_a_file_that_is_no_parquet(table):
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    other = table.with_suffix(".parquet")
    other.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(TableError, match="is no Parquet file"):
        read_table(other)
