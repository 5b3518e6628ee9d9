"""A table on its way to disk, row by row: CSV, or Parquet where the name asks for it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.features import Column
from ridgefeat.structure import Float
from ridgefeat.table.cells import Kind, column, numbers

ROWS_A_GROUP = 1024
"""Rows of a Parquet row group; fixed, so that the bytes do not depend on how the rows arrived."""


class Writer(Protocol):
    """What every format offers."""

    def write(self, cells: list[str], features: Float, line: str | None = None) -> None:
        """Add one row: its meta and label cells as text, and its features, as text too where that is known."""

    def close(self) -> None:
        """Finish the file."""


def is_parquet(path: Path) -> bool:
    """Whether a table of this name is Parquet; raise TableError for a name that is neither that nor CSV."""
    ending = path.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise TableError(
            f"table {path}: the name must end in .csv or .parquet, not {ending or 'without ending'}; "
            "a folder of Parquet parts ends in /"
        )
    return ending == ".parquet"


def open_writer(path: Path, parquet: bool, kinds: Mapping[str, Kind], columns: list[Column]) -> Writer:
    """Return a writer for meta and label columns of the given types, then feature columns.

    Raises
    ------
    TableError
        If Parquet is asked for and pyarrow is not installed.
    """
    return ParquetWriter(path, kinds, columns) if parquet else CsvWriter(path, kinds, columns)


class CsvWriter:
    """UTF-8, commas, a line a print; a cell is quoted only where it must be; missing is empty."""

    def __init__(self, path: Path, kinds: Mapping[str, Kind], columns: list[Column]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        csv.writer(self._file, lineterminator="\n").writerow([*kinds, *(c.name for c in columns)])
        self._start = io.StringIO(newline="")
        self._cells = csv.writer(self._start, lineterminator="")

    def write(self, cells: list[str], features: Float, line: str | None = None) -> None:
        """Add one row."""
        if line is None:
            line = ",".join(numbers(features))
        self._start.seek(0)
        self._start.truncate()
        self._cells.writerow(cells)
        self._file.write(f"{self._start.getvalue()},{line}\n")

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class ParquetWriter:
    """float32 columns with their unit in the field's metadata; missing is null; row groups of `rows`."""

    def __init__(self, path: Path, kinds: Mapping[str, Kind], columns: list[Column], rows: int = ROWS_A_GROUP) -> None:
        self._rows = rows
        pa, parquet = import_pyarrow()
        self._pa, self._kinds, self._schema = pa, kinds, parquet_schema(kinds, columns)
        self._writer = parquet.ParquetWriter(path, self._schema)
        self._cells: list[list[str]] = []
        self._features: list[Float] = []

    def write(self, cells: list[str], features: Float, line: str | None = None) -> None:
        """Add one row."""
        self._cells.append(cells)
        self._features.append(features)
        if len(self._cells) == self._rows:
            self._emit()

    def close(self) -> None:
        """Finish the file."""
        if self._cells:
            self._emit()
        self._writer.close()

    def _emit(self) -> None:
        values = np.array(self._features, np.float32)
        arrays: list[Any] = [
            self._pa.array(column(cells, kind), type=self._schema.field(i).type, from_pandas=True)
            for i, (cells, kind) in enumerate(zip(zip(*self._cells, strict=True), self._kinds.values(), strict=True))
        ]
        arrays += [self._pa.array(x, from_pandas=True) for x in values.T.copy()]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))
        self._cells, self._features = [], []


def parquet_schema(kinds: Mapping[str, Kind], columns: Sequence[Column]) -> Any:
    """Return the Arrow schema of a table: meta and label columns of the given types, then features with their units."""
    pa, _ = import_pyarrow()
    types = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
    fields = [pa.field(name, types[kind]) for name, kind in kinds.items()]
    fields += [pa.field(c.name, pa.float32(), metadata={"unit": c.unit, "meaning": c.meaning}) for c in columns]
    return pa.schema(fields)


def import_pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and its Parquet module, or raise TableError that says how to get them."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise TableError("Parquet needs pyarrow: pip install 'ridgefeat[parquet]'; or name the table .csv") from None
    return pa, parquet
