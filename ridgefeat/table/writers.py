"""A table's rows written to one file as they pass by: CSV, or Parquet where the name asks for it.

The digits of a CSV file are made by the workers, in parallel. pandas' to_csv writes the same text, but on one core: for
20,000 rows of 1,069 columns it takes 18 s after the last print, and this module 2. pyarrow.csv writes other digits.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.structure import Float
from ridgefeat.table.cells import Kind, column, numbers

Row = tuple[list[str], Float, str | None]

GROUP_ROWS = 1024
"""Rows of a Parquet row group in a single file; fixed, so that the bytes do not depend on how the rows arrived."""


def is_parquet(path: Path) -> bool:
    """Whether a table of this name is Parquet; raise TableError for a name that is neither that nor CSV."""
    ending = path.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise TableError(
            f"table {path}: the name must end in .csv or .parquet, not {ending or 'without ending'}; "
            "a folder of Parquet parts ends in /"
        )
    return ending == ".parquet"


def write_csv(path: Path, rows: Iterable[Row], kinds: Mapping[str, Kind], columns: Sequence[Mapping[str, Any]]) -> None:
    """Write UTF-8 with commas, a line per row; a cell is quoted only where it must be; missing is empty.

    Parameters
    ----------
    path : Path
    rows : iterable of (list of str, ndarray of float32, str or None)
        Meta and label cells as text, features, and these as text where the workers made it.
    kinds : mapping of str to kind
        Meta and label columns.
    columns : sequence of mapping
        Feature columns, as the sidecar describes them.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow([*kinds, *(c["name"] for c in columns)])
        start = csv.writer(file, lineterminator="")
        for cells, features, line in rows:
            start.writerow(cells)
            file.write(f",{','.join(numbers(features)) if line is None else line}\n")


def write_parquet(
    path: Path,
    rows: Iterable[Row],
    kinds: Mapping[str, Kind],
    columns: Sequence[Mapping[str, Any]],
    group: int = GROUP_ROWS,
) -> None:
    """Write float32 columns with their unit in the field's metadata; missing is null; row groups of `group` rows.

    Parameters are those of write_csv.
    """
    pa, parquet = import_pyarrow()
    types = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
    fields = [pa.field(name, types[kind]) for name, kind in kinds.items()]
    fields += [
        pa.field(c["name"], pa.float32(), metadata={k: str(c.get(k, "")) for k in ("unit", "meaning")}) for c in columns
    ]
    schema, left = pa.schema(fields), iter(rows)
    with parquet.ParquetWriter(path, schema) as writer:
        while some := list(islice(left, group)):
            cells, features, _ = zip(*some, strict=True)
            arrays: list[Any] = [
                pa.array(column(values, kind), type=types[kind], from_pandas=True)
                for values, kind in zip(zip(*cells, strict=True), kinds.values(), strict=True)
            ]
            arrays += [pa.array(x, from_pandas=True) for x in np.array(features, np.float32).T.copy()]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def import_pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and its Parquet module, or raise TableError that says how to get them."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise TableError("Parquet needs pyarrow: pip install 'ridgefeat[parquet]'; or name the table .csv") from None
    return pa, parquet
