import json

import numpy as np
import pandas as pd
import pytest

from ridgefeat import tabular
from ridgefeat.errors import RidgefeatError, TableError
from ridgefeat.sources.index import read_index
from ridgefeat.table import extract_many, read_table
from ridgefeat.table.reading import iterate_table
from ridgefeat.threshold.reading import read_scores
from tests.table.helpers import needs_parquet, write


@pytest.fixture
def table(prints, tmp_path):
    return write(prints, tmp_path / "t.csv").table


def test_what_is_read_is_what_was_computed(prints, table):
    frame = read_table(table, verify=True)
    pd.testing.assert_frame_equal(frame, extract_many(prints, families=["ridge"]))
    assert frame.filter(like="ridge_").dtypes.eq(np.float32).all()
    assert frame.subject.dtype == np.int64


def test_a_person_called_na_keeps_the_name(table):
    frame = pd.read_csv(table, dtype=str, keep_default_na=False)
    frame.insert(9, "name", ["NA", "null", "", "007", "na", "y"])
    frame.to_csv(table, index=False)
    assert read_table(table).name.tolist()[:4] == [None, None, None, "007"]
    frame.replace("", "NA").to_csv(table, index=False)  # as R writes them
    assert read_table(table).meta_error.isna().all()
    with pytest.raises(TableError, match="was changed since it was written"):
        read_table(table, verify=True)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text.replace("ridge_period_mean", "period", 1), "lacks 1 column .* 'ridge_period_mean'"),
        (lambda text: text.replace("\n", ",1,2,3\n").replace(",1,2,3\n", "\n", 1), "not a table: rows have more cells"),
        (lambda text: "\ufffd" * 10, "lacks"),
        (lambda text: "", "is empty"),
        (lambda text: "\udcff\udcfe\0" * 100, "lacks"),
        (lambda text: text + "\0" * 100, "zero bytes"),
        (
            lambda text: text[: text.index("\n") + 1] + "a,b,c,d,e,f,g,h,i,j,k,zero\n",
            "row 1, column 'ridge_period_mean': 'zero'",
        ),
    ],
)
def test_a_damaged_table_says_so(table, damage, says):
    table.write_bytes(damage(table.read_text()).encode("utf-8", "surrogateescape"))
    with pytest.raises(TableError, match=says):
        read_table(table)


def test_a_table_that_is_not_there_or_beyond_all_bounds_is_not_read(table, monkeypatch):
    for limit, value, says in (
        ("tabular.MAX_COLUMNS", 5, "cells, more than the 5 that are read"),
        ("table.reading.MAX_BYTES", 100, "larger than"),
    ):
        monkeypatch.setattr(f"ridgefeat.{limit}", value)
        with pytest.raises(TableError, match=says):
            read_table(table)
    table.unlink()
    with pytest.raises(TableError, match="no such file"):
        read_table(table)


def test_lost_rows_are_told(table, caplog):
    caplog.set_level("INFO", logger="ridgefeat")
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-2]))
    assert sum(len(f) for f in iterate_table(table)) == len(read_table(table)) == 4
    assert set(caplog.messages) == {f"table {table} has 4 rows; when it was written it had 6."}


@needs_parquet
def test_parquet_of_pandas_reads_like_csv(table, tmp_path):
    path = tmp_path / "p.parquet"
    path.with_suffix(".json").write_bytes(table.with_suffix(".json").read_bytes())
    typed = pd.read_csv(table)
    for made in (
        typed,
        typed.set_index("meta_source"),
        typed.sample(frac=1, random_state=0).sort_values("meta_source"),
    ):
        made.to_parquet(path, index=made is not typed)
        frame = read_table(path)
        pd.testing.assert_frame_equal(frame, read_table(table)[frame.columns])
    typed.astype(str).to_parquet(path)
    with pytest.raises(TableError, match=r"feature 'ridge_period_mean' is .*string, not a number"):
        read_table(path)


@needs_parquet
def test_two_columns_of_one_name_are_refused(prints, tmp_path):
    from pyarrow import parquet

    path = write(prints, tmp_path / "t.parquet").table
    whole = parquet.read_table(path)
    parquet.write_table(whole.append_column("subject", whole["subject"]), path)
    for read in (read_table, lambda p: next(iterate_table(p))):
        with pytest.raises(TableError, match=r"t\.parquet: 'subject' occurs twice"):
            read(path)
    path.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(TableError, match="is not a Parquet file"):
        read_table(path)


@needs_parquet
def test_parquet_that_claims_far_more_cells_than_bytes_is_not_read(table, tmp_path, monkeypatch):
    path = table.with_suffix(".parquet")
    pd.DataFrame({"score": 0.0, "mated": "x"}, index=range(100_000)).to_parquet(path, index=False)
    says = r"t\.parquet claims 200,000 cells in [\d,]+ bytes, far more"
    assert len(tabular.read_parquet([path], TableError, "t", max_bytes=1 << 30, max_rows=10**6)) == 100_000
    monkeypatch.setattr(tabular, "FREE_CELLS", 1000)
    for read in (read_table, lambda p: next(iterate_table(p)), read_index, read_scores):
        with pytest.raises(RidgefeatError, match=says):
            read(path)


@needs_parquet
def test_parquet_with_lists_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"score": [1.0], "vectors": [[1.0, 2.0]]}).to_parquet(path)
    with pytest.raises(TableError, match=r"columns of lists or structures \(vectors\)"):
        tabular.read_parquet([path], TableError, "t", max_bytes=1 << 30, max_rows=10)


@needs_parquet
def test_no_bit_of_a_parquet_footer_ends_the_process(tmp_path):
    from pyarrow import parquet, table

    path = tmp_path / "t.parquet"
    parquet.write_table(table({"score": [1.0], "mated": ["x"]}), path)
    whole = path.read_bytes()
    size, refused = int.from_bytes(whole[-8:-4], "little"), 0
    for at in range(len(whole) - 8 - size, len(whole) - 8):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 2]) + whole[at + 1 :])
        for read in (read_table, read_scores):
            try:
                read(path)
            except RidgefeatError:
                refused += 1
    assert refused > 100


@pytest.mark.parametrize("name", ["t.csv", pytest.param("parts/", marks=needs_parquet)])
def test_no_more_is_read_than_is_asked_for(prints, tmp_path, name):
    path = write(prints, f"{tmp_path}/{name}").table
    whole = read_table(path)
    few = read_table(path, columns=["ridge_area"], labels=["subject", "meta_source", "nothing"])
    pd.testing.assert_frame_equal(few, whole[["meta_source", "subject", "ridge_area"]])


@needs_parquet
def test_parts_that_do_not_fit_together_say_so(prints, tmp_path):
    from pyarrow import parquet

    folder = write(prints, f"{tmp_path}/parts/").table
    about = json.loads((folder / "_manifest.json").read_text())
    part = folder / about["parts"][0]["file"]
    good = parquet.read_table(part)
    about["parts"].append({**about["parts"][0], "file": "more.parquet"})
    about["rows"] *= 2
    (folder / "_manifest.json").write_text(json.dumps(about))
    texts = good.set_column(good.column_names.index("ridge_area"), "ridge_area", [["x"] * len(good)])
    for bad in (good.drop_columns("ridge_area"), texts):
        parquet.write_table(bad, folder / "more.parquet")
        with pytest.raises(TableError, match="do not fit together"):
            read_table(folder)
    (folder / "more.parquet").write_bytes(b"PAR1")
    with pytest.raises(TableError, match=r"more\.parquet is not a Parquet file"):
        read_table(folder)
