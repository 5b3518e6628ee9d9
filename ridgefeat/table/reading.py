"""A table from disk, as everything downstream reads it: float32 features, typed labels, nothing guessed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.table import sidecar
from ridgefeat.table.cells import META_KINDS, column, kind_of
from ridgefeat.table.row import META
from ridgefeat.table.writers import import_pyarrow, is_parquet

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 8 << 30
"""Bytes; a table beyond this is to be split."""
MOST_COLUMNS = 100_000


def read_table(path: str | Path, *, verify: bool = False) -> pd.DataFrame:
    """Read a feature table, CSV or Parquet.

    Parameters
    ----------
    path : str or Path
        The table. Its sidecar says which columns are features; columns added since then are taken as labels.
    verify : bool
        Also refuse a table that was changed since it was written.

    Returns
    -------
    pandas.DataFrame
        meta_* columns, labels, then features (float32, NaN where missing).

    Raises
    ------
    TableError
        If the table or its sidecar cannot be read, or the table lacks columns that the sidecar names.
    """
    path = Path(path)
    parquet = is_parquet(path)
    about = sidecar.load_sidecar(path)
    names = [c["name"] for c in about["columns"]]
    try:
        if not path.is_file():
            raise TableError(f"table {path}: no such file")
        if path.stat().st_size > LARGEST:
            raise TableError(f"table {path} is larger than {LARGEST >> 30} GB; split it")
        frame = _read_parquet(path) if parquet else _read_csv(path, names)
    except OSError as error:
        raise TableError(f"table {path} cannot be read: {error.strerror or error}") from None
    if lacking := [n for n in [*META, *about["label_kinds"], *names] if n not in frame.columns]:
        raise TableError(
            f"table {path} lacks {len(lacking)} columns that its sidecar names, first {lacking[0]!r}"
        )
    if verify:
        _verify(path, about)
    return frame


def _read_csv(path: Path, features: list[str]) -> pd.DataFrame:
    import pandas as pd

    try:
        header = pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns.tolist()
        if len(header) > MOST_COLUMNS:
            raise TableError(f"table {path} has {len(header)} columns; no feature table has")
        known = set(features)
        kinds = {name: np.float32 if name in known else str for name in header}
        # Only so do the digits give the very same float32, and does a person called "NA" keep the name.
        raw = pd.read_csv(
            path,
            dtype=kinds,
            keep_default_na=False,
            na_values={name: [""] for name in known},
            encoding="utf-8-sig",
            **_exactly(pd.__version__),
        )
        # A row with more cells than the header has makes pandas take the first ones for names of rows.
        if not isinstance(raw.index, pd.RangeIndex):
            raise ValueError("rows have more cells than the header")
        texts = {n: _typed(n, raw[n].tolist()) for n in header if n not in known}
    # What pandas' parser raises, and UnicodeDecodeError, are ValueErrors.
    except (ValueError, OverflowError) as error:
        raise TableError(f"table {path} is no feature table in CSV: {error}") from None
    frame: pd.DataFrame = pd.concat([pd.DataFrame(texts), raw[[n for n in header if n in known]]], axis=1)
    return frame


def _typed(name: str, cells: list[str]) -> Any:
    return column(cells, META_KINDS.get(name) or kind_of(cells))


def _exactly(pandas_version: str) -> Any:
    """Return the option by which pandas reads numbers exactly; from 3.1 on it does so unasked and warns of it."""
    major, minor = (int(n) for n in pandas_version.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    pa, parquet = import_pyarrow()
    try:
        table = parquet.read_table(path)
        frame: pd.DataFrame = table.to_pandas()
    except (pa.ArrowException, ValueError) as error:
        raise TableError(f"table {path} is no Parquet file: {error}") from None
    for field in table.schema:
        if pa.types.is_integer(field.type) and table[field.name].null_count:
            frame[field.name] = table[field.name].to_pandas(integer_object_nulls=True).astype("Int64")
        elif pa.types.is_string(field.type):
            frame[field.name] = pd.Series(table[field.name].to_pylist(), dtype=object)
    return frame


def _verify(path: Path, about: dict[str, Any]) -> None:
    from ridgefeat.table.store import file_digest

    table = about.get("table")
    if not isinstance(table, dict) or table.get("sha256") != file_digest(path):
        raise TableError(f"table {path} was changed since it was written: its sha256 is not the sidecar's")
