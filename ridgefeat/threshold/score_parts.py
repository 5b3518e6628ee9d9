"""Scores that come as Parquet: one file, or a folder of parts, which is read part by part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgefeat.errors import ScoreError

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 8_000_000_000
"""Of all columns that are read, unpacked."""


def is_parquet(path: Path) -> bool:
    """Whether scores of this name are read as Parquet."""
    return path.is_dir() or path.suffix.lower() == ".parquet"


def read_parquet(path: Path, wanted: Callable[[list[str]], list[str]] = list) -> pd.DataFrame:
    """Return the scores of a Parquet file, or of all those in a folder in the order of their names.

    Parameters
    ----------
    path : Path
    wanted : callable, optional
        Returns which of the columns are read.

    Raises
    ------
    ScoreError
        If pyarrow is not installed, the folder holds none, they are damaged or do not fit together, or are too large.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ScoreError(f"{path}: Parquet needs pyarrow: pip install 'ridgefeat[parquet]'; or give CSV") from None
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise ScoreError(f"folder {path} holds no .parquet file; give a table of scores, or a folder of its parts")
    tables, size = [], 0
    try:
        for file in files:
            with parquet.ParquetFile(file) as part:
                names = wanted(part.schema_arrow.names)
                size += _size(part.metadata, set(names))
                if size > MOST_BYTES:
                    raise ScoreError(f"{path} has more than {MOST_BYTES:,} bytes of scores; take a sample")
                tables.append(part.read(columns=names))
        frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    except (pa.ArrowException, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ScoreError(f"{path} holds no scores in Parquet: {first[:200]}") from None
    return frame


def _size(about: Any, names: set[str]) -> int:
    """Return how many bytes some columns of a file unpack to, by what it says of itself."""
    groups = (about.row_group(i) for i in range(about.num_row_groups))
    cells = (group.column(j) for group in groups for j in range(group.num_columns))
    return sum(int(c.total_uncompressed_size) for c in cells if c.path_in_schema.partition(".")[0] in names)
