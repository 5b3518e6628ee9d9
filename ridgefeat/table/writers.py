"""A table's rows written to one file as they pass by: CSV, or Parquet where the name asks for it.

The digits of a CSV file are made by the workers, in parallel. pandas' to_csv writes the same text, but on one core: for
20,000 rows of 1,069 columns it takes 18 s after the last print, and this module 2. pyarrow.csv writes other digits.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.files import import_pyarrow
from ridgefeat.sheets import DIALECTS, write_sheet
from ridgefeat.structure import Float
from ridgefeat.table.row import LABELS, Item, Kind, escape_controls

Row = tuple[list[str], Float, str | None]
"""Meta and label cells as text, features (float32), and these as CSV text where the workers made it."""

Kinds = Mapping[str, Kind]
Described = Sequence[Mapping[str, Any]]
"""Feature columns as the sidecar describes them."""
FORMATS = (".csv", ".xlsx", ".parquet")
GROUP_ROWS = 1024
"""Rows of a Parquet row group in a single file; fixed, so that the bytes do not depend on how the rows arrived."""


def format_of(path: Path) -> str:
    """Return ".csv", ".xlsx" or ".parquet"; raise TableError for another name."""
    if (ending := path.suffix.lower()) not in FORMATS:
        needed = f"the name must end in .csv, .xlsx or .parquet, not {ending or 'without ending'}"
        raise TableError(f"table {path}: {needed}; a folder of Parquet parts ends in /")
    return ending


def write_csv(path: Path, rows: Iterable[Row], kinds: Kinds, columns: Described, dialect: str = "standard") -> None:
    """Write a line per row in a dialect of DIALECTS; a cell is quoted only where it must be; missing is empty.

    `kinds` are those of meta and label columns; `columns` are the feature columns, as the sidecar describes them.
    """
    how = DIALECTS[dialect]
    spelt = str.maketrans({",": how.separator, ".": how.decimal})
    with path.open("w", encoding=how.encoding, newline="") as file:
        names = [*kinds, *(c["name"] for c in columns)]
        csv.writer(file, delimiter=how.separator, lineterminator="\n").writerow(how.texts(names))
        start = csv.writer(file, delimiter=how.separator, lineterminator="")
        texts = [i for i, kind in enumerate(kinds.values()) if kind == "text"]
        decimals = [i for i, kind in enumerate(kinds.values()) if kind == "number" and how.decimal != "."]
        for cells, features, line in rows:
            digits = ",".join(numbers(features)) if line is None else line
            written = list(cells)
            for i, cell in zip(texts, how.texts(cells[i] for i in texts), strict=True):
                written[i] = cell
            for i in decimals:
                written[i] = cells[i].translate(spelt)
            start.writerow(written)
            file.write(f"{how.separator}{digits if how.separator == ',' else digits.translate(spelt)}\n")


def write_xlsx(path: Path, rows: Iterable[Row], kinds: Kinds, columns: Described) -> None:
    """Write a sheet with typed cells; missing is empty. Numbers read back to the same float32."""
    types: dict[str, Any] = {"integer": int, "number": float, "text": str}

    def typed() -> Iterator[list[Any]]:
        yield [*kinds, *(c["name"] for c in columns)]
        for cells, features, _ in rows:
            own = [types[k](c) if c else None for c, k in zip(cells, kinds.values(), strict=True)]
            yield [*own, *(float(n) if n else None for n in numbers(features))]

    write_sheet(path, typed(), TableError)


def write_parquet(path: Path, rows: Iterable[Row], kinds: Kinds, columns: Described, group: int = GROUP_ROWS) -> None:
    """Write float32 columns with their unit in the field's metadata; missing is null; row groups of `group` rows."""
    pa, parquet = import_pyarrow(TableError, path)
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


_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)


def numbers(values: Float) -> list[str]:
    """Return float32 values in the fewest digits that read back the same; NaN becomes an empty cell."""
    # tolist() would make float64 of them, with their longer digits.
    return ["" if v == "nan" else v for v in map(str, values)]


def text(value: Any) -> str:
    """Return a meta cell or label as text; what is missing is empty."""
    if value is None or value != value:
        return ""
    return repr(float(value)) if isinstance(value, float) else escape_controls(str(value))


def label_names(items: Iterable[Item]) -> list[str]:
    """Return the labels that any print has: the known ones in their order, then others as they appear."""
    seen = dict.fromkeys(name for item in items for name in item.labels)
    return [name for name in LABELS if name in seen] + [name for name in seen if name not in LABELS]


def kind_of(cells: Iterable[str]) -> Kind:
    """Return the narrowest type that gives every non-empty cell back as it is written (007 stays text)."""
    kinds = {"integer" if _INTEGER.fullmatch(c) else "number" if _NUMBER.fullmatch(c) else "text" for c in cells if c}
    if kinds == {"integer"}:
        return "integer"
    return "number" if kinds and "text" not in kinds else "text"


def column(cells: Sequence[str], kind: Kind) -> Any:
    """Return text cells as a pandas column of the given type; empty ones are missing."""
    import pandas as pd

    if kind == "text":
        return pd.Series([c or None for c in cells], dtype=object)
    if kind == "number" or any(not c for c in cells):
        as_float = pd.Series([float(c) if c else np.nan for c in cells], dtype=np.float64)
        return as_float if kind == "number" else as_float.astype("Int64")
    return pd.Series([int(c) for c in cells], dtype=np.int64)
