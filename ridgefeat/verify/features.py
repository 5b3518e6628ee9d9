"""The comparator of feature vectors: the rows of a table, standardised, as templates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import TableError
from ridgefeat.structure import Float
from ridgefeat.table.sidecar import TABLE_MANIFEST
from ridgefeat.verify.enrolment import Entry, PathLike

TABLE_SUFFIXES = frozenset([".csv", ".tsv", ".xlsx", ".parquet"])


def entries_from_features(
    inputs: Sequence[PathLike] | PathLike,
    *,
    families: Sequence[str] | None = None,
    jobs: int | None = 1,
    **reading: Any,
) -> list[Entry]:
    """Return an entry per print with its standardised feature vector as content.

    The input is one feature table of `extract` (CSV, .xlsx, Parquet or a folder of Parquet files), or prints, of which
    the features are then extracted, with `reading` as extract_many takes it (layout, regex, index, dpi). Each feature
    has the mean of all prints subtracted and is divided by their standard deviation. Constant features are left out.
    Raises TableError if no feature varies, or tables are given together with other inputs.
    """
    from ridgefeat.table import extract_many, feature_columns, load_sidecar, read_table

    given = [inputs] if isinstance(inputs, (str, bytes)) or not isinstance(inputs, Sequence) else list(inputs)
    tables = [p for p in given if Path(p).suffix.lower() in TABLE_SUFFIXES or (Path(p) / TABLE_MANIFEST).is_file()]
    if tables and len(given) > 1:
        counts = f"{len(given)} inputs, of which {len(tables)} are tables"
        raise TableError(f"give one feature table, or prints; got {counts}")
    if tables:
        names = [c["name"] for c in load_sidecar(Path(tables[0]))["columns"]]
        if families is not None:
            names = [n for n in names if n.split("_")[0] in set(families)]
            if not names:
                raise TableError(f"{tables[0]} has no feature of the families {', '.join(families)}")
        frame = read_table(Path(tables[0]), columns=names)
    else:
        frame = extract_many(given, families=families, jobs=jobs, **reading)
        known = set(feature_columns(families)["name"])
        names = [c for c in frame.columns if c in known]
    values = _standardise_all(frame[names].to_numpy(np.float32))
    labels = [c for c in frame.columns if not c.startswith("meta_") and c not in set(names)]
    records = frame[labels].astype(object).where(frame[labels].notna(), None).to_dict("records")
    errors = frame["meta_error"].astype(object).where(frame["meta_error"].notna(), "")
    entries = []
    for name, record, row, error in zip(frame["meta_source"], records, values, errors, strict=True):
        own = {str(k): str(v) for k, v in record.items() if v is not None}
        failure = error or (None if np.isfinite(row).any() else "no feature could be measured")
        entries.append(Entry(str(name), own, None if failure else row, failure))
    return entries


def feature_scores(pairs: Sequence[tuple[Float, Float]]) -> NDArray[np.float64]:
    """Return minus the distances of pairs of standardised feature vectors, float64, shape (n,).

    The distance is the root mean square of the differences over the features that both prints have; NaN if they have
    none in common.

    Examples
    --------
    >>> a, b, c = np.float32([[1, 2, np.nan], [1, 5, 0], [np.nan, np.nan, 1]])
    >>> feature_scores([(a, b), (a, c)]).round(4)
    array([-2.1213,     nan])
    """
    first, second = (np.stack(side) for side in zip(*pairs, strict=True))
    squares = np.square(first.astype(np.float64) - second)
    known = np.isfinite(squares)
    count = known.sum(1)
    total = np.where(known, squares, 0).sum(1)
    return np.where(count > 0, -np.sqrt(total / np.maximum(count, 1)), np.nan)


def _standardise_all(values: Float) -> Float:
    # Column by column: sums need float64, and a whole table of it would take three times the memory.
    columns = [x for x in map(_standardise, values.T) if x is not None]
    if not columns:
        raise TableError("no feature varies between these prints, so none can distinguish them")
    return np.stack(columns, axis=1)


def _standardise(column: Float) -> Float | None:
    """Return a column with mean 0 and standard deviation 1, or None if it is constant."""
    values = column.astype(np.float64)
    known = np.isfinite(values)
    count = max(int(known.sum()), 1)
    mean = np.where(known, values, 0).sum() / count
    spread = np.sqrt(np.where(known, np.square(values - mean), 0).sum() / count)
    if not spread > 1e-9 * max(abs(mean), 1e-9):
        return None
    return np.asarray((values - mean) / spread, np.float32)
