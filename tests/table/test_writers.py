import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ridgefeat.sources import PrintSource
from ridgefeat.table import writers
from tests.table.helpers import needs_parquet


@settings(deadline=None)
@given(hnp.arrays(np.uint32, st.integers(1, 200)))
def test_every_float32_reads_back_to_the_same_bits(bits):
    values = bits.view(np.float32)
    values[~np.isfinite(values)] = np.nan
    back = np.array([float(c) if c else np.nan for c in writers.numbers(values)]).astype(np.float32)
    np.testing.assert_array_equal(back, values)


def test_numbers_are_short():
    values = np.array([0.1, 12, np.nan, 1e-7, 1 / 3], np.float32)
    assert writers.numbers(values) == ["0.1", "12.0", "", "1e-07", "0.33333334"]


def test_missing_text_is_empty():
    assert [writers.text(v) for v in (None, float("nan"), "", 7, 199.5)] == ["", "", "", "7", "199.5"]


def test_labels_stand_in_their_own_order_then_as_they_come():
    items = [PrintSource(None, "a", labels=labels) for labels in ({"zone": "1", "hand": "left"}, {"subject": "2"})]
    assert writers.label_names(items) == ["subject", "hand", "zone"]


def test_a_kind_gives_every_cell_back_as_written():
    assert writers.kind_of(["1", "", "-20", "0"]) == "integer"
    assert writers.kind_of(["1", "2.5", "1e3"]) == "number"
    assert {writers.kind_of(cells) for cells in (["007", "8"], ["", ""], ["nan"])} == {"text"}


@needs_parquet
def test_a_parquet_file_has_groups_of_1024_rows(tmp_path):
    from pyarrow import parquet

    rows = [([str(i)], np.zeros(1, np.float32), None) for i in range(1025)]
    writers.write_parquet(tmp_path / "t.parquet", rows, {"subject": "integer"}, [{"name": "x"}])
    about = parquet.ParquetFile(tmp_path / "t.parquet").metadata
    assert [about.row_group(i).num_rows for i in range(about.num_row_groups)] == [1024, 1]


def test_columns_are_typed_and_missing_stays_missing():
    assert writers.column(["1", "2"], "integer").dtype == np.int64
    with_gap = writers.column(["9007199254740993", ""], "integer")
    assert with_gap.dtype == "Int64" and pd.isna(with_gap[1])
    assert writers.column(["1.5", ""], "number").isna().tolist() == [False, True]
    assert writers.column(["NA", ""], "text").tolist() == ["NA", None]
