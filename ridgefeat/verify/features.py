"""The comparator of feature vectors: a table's rows, standardised, as templates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.structure import Float
from ridgefeat.table.sidecar import MANIFEST
from ridgefeat.verify.entries import Dpi, Entry, PathLike

if TYPE_CHECKING:
    import pandas as pd

TABLE_SUFFIXES = frozenset([".csv", ".parquet"])


def entries_from_features(
    inputs: Sequence[PathLike] | PathLike,
    *,
    layout: str = "auto",
    regex: str | None = None,
    index: PathLike | None = None,
    families: Sequence[str] | None = None,
    dpi: Dpi | None = None,
    jobs: int = 1,
) -> list[Entry]:
    """Return an entry a print whose content is its standardised feature vector.

    Each feature has the mean of all prints given taken off and is divided by their deviation. Features that do not vary
    are left out.

    Parameters
    ----------
    inputs : path or sequence of paths
        One feature table of `extract`'s (CSV, Parquet or a folder of parts), or prints.
    layout, regex, index, families, dpi, jobs
        Of the extraction, where prints are given.

    Raises
    ------
    TableError
        If no feature varies, or tables are given together with other inputs.
    """
    from ridgefeat.table import extract_many, feature_columns

    given = [inputs] if isinstance(inputs, (str, bytes)) or not isinstance(inputs, Sequence) else list(inputs)
    tables = [path for path in given if _is_table(Path(path))]
    if tables and len(given) > 1:
        raise TableError(
            f"give one feature table, or prints; got {len(given)} inputs, of which {len(tables)} are tables"
        )
    if tables:
        frame, names = _table(tables[0], families)
    else:
        frame = extract_many(given, families=families, layout=layout, regex=regex, index=index, dpi=dpi, jobs=jobs)
        known = set(feature_columns(families)["name"])
        names = [c for c in frame.columns if c in known]
    values = _standardised(frame[names].to_numpy(np.float32))
    labels = [c for c in frame.columns if not c.startswith("meta_") and c not in set(names)]
    said = frame[labels].astype(object).where(frame[labels].notna(), None).to_dict("records")
    errors = frame["meta_error"].astype(object).where(frame["meta_error"].notna(), "")
    return [
        Entry(str(name), {str(k): str(v) for k, v in own.items() if v is not None}, *_content(row, error))
        for name, own, row, error in zip(frame["meta_source"], said, values, errors, strict=True)
    ]


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in TABLE_SUFFIXES or (path / MANIFEST).is_file()


def _content(row: Float, error: str) -> tuple[Float | None, str | None]:
    if error:
        return None, error
    return (row, None) if np.isfinite(row).any() else (None, "no feature could be measured")


def _table(path: PathLike, families: Sequence[str] | None) -> tuple[pd.DataFrame, list[str]]:
    from ridgefeat.table import load_sidecar, read_table

    names = [c["name"] for c in load_sidecar(Path(path))["columns"]]
    if families is not None:
        names = [n for n in names if n.split("_")[0] in set(families)]
        if not names:
            raise TableError(f"{path} has no feature of the families {', '.join(families)}")
    return read_table(Path(path), columns=names), names


def _standardised(values: Float) -> Float:
    # Column by column: sums need float64, of which a whole table would be three times what it is.
    columns = [x for x in map(_unit, values.T) if x is not None]
    if not columns:
        raise TableError("no feature varies between the prints given, so that none can tell them apart")
    return np.stack(columns, axis=1)


def _unit(column: Float) -> Float | None:
    """Return a column with mean 0 and deviation 1, or None where it does not vary."""
    values = column.astype(np.float64)
    known = np.isfinite(values)
    count = max(int(known.sum()), 1)
    mean = np.where(known, values, 0).sum() / count
    spread = np.sqrt(np.where(known, np.square(values - mean), 0).sum() / count)
    if not spread > 1e-9 * max(abs(mean), 1e-9):
        return None
    return np.asarray((values - mean) / spread, np.float32)
