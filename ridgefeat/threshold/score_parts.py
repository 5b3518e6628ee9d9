"""Scores that come as Parquet: one file, or a folder of parts, which is read part by part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ridgefeat.errors import ScoreError

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 8_000_000_000
"""Of all columns unpacked."""


def is_parquet(path: Path) -> bool:
    """Whether scores of this name are read as Parquet."""
    return path.is_dir() or path.suffix.lower() == ".parquet"


def read_parquet(path: Path) -> pd.DataFrame:
    """Return the scores of a Parquet file, or of all those in a folder in the order of their names.

    Raises
    ------
    ScoreError
        If pyarrow is not installed, the folder holds none, they are damaged or do not fit together, or are too large.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ScoreError(
            f"{path}: Parquet needs pyarrow: pip install ridgefeat[parquet]; or give CSV"
        ) from None
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise ScoreError(
            f"folder {path} holds no .parquet file; give a table of scores, or a folder of its parts"
        )
    tables, size = [], 0
    try:
        for file in files:
            with parquet.ParquetFile(file) as part:
                groups = (part.metadata.row_group(i) for i in range(part.metadata.num_row_groups))
                size += sum(group.total_byte_size for group in groups)
                if size > MOST_BYTES:
                    raise ScoreError(f"{path} has more than {MOST_BYTES:,} bytes of scores; take a sample")
                tables.append(part.read())
        frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    except (pa.ArrowException, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ScoreError(f"{path} holds no scores in Parquet: {first[:200]}") from None
    return frame
