"""Outliers of a folder of parts: judged over the whole table, though no more than a part of it is held.

What prints are judged by is read back from the finished parts, a few columns of each. A part that holds an outlier is
then written again with the flag in it; all other cells stay as they are.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ridgefeat.features import Column
from ridgefeat.structure import Bool
from ridgefeat.table import outliers
from ridgefeat.table.cells import Kind
from ridgefeat.table.writers import import_pyarrow, parquet_schema

FLAGS = "meta_flags"


def find_in_parts(paths: Sequence[Path], columns: Sequence[Column]) -> Bool:
    """Return which rows of all parts are outliers, in the order of the parts; shape (prints,).

    Parameters
    ----------
    paths : sequence of Path
        The parts.
    columns : sequence of Column
        The table's features.
    """
    _, parquet = import_pyarrow()
    names = {c.name for c in columns}
    base = [n for n in outliers.BASE if n in names]
    known: dict[Hashable, int] = {}
    values, groups = [np.zeros((0, len(base)), np.float32)], [np.zeros(0, np.int64)]
    for path in paths:
        with parquet.ParquetFile(path) as file:
            read = file.read(columns=[*outliers.GROUPED_BY, *base], use_threads=False)
        cells = zip(*(read[n].to_pylist() for n in outliers.GROUPED_BY), strict=True)
        groups.append(np.array([known.setdefault(cell, len(known)) for cell in cells], np.int64))
        part = np.empty((len(read), len(base)), np.float32)
        for i, name in enumerate(base):
            part[:, i] = read[name].to_numpy()
        values.append(part)
    return outliers.find_outliers(np.concatenate(values), np.concatenate(groups).tolist())


def write_flagged(
    path: Path, target: Path, unusual: Bool, kinds: Mapping[str, Kind], columns: Sequence[Column]
) -> None:
    """Write a part to another name, with the flag for the prints that are outliers.

    Parameters
    ----------
    path, target : Path
        The part, and the file to write.
    unusual : ndarray of bool, shape (prints,)
        Which of its prints are outliers.
    kinds : mapping of str to kind
        Its meta and label columns.
    columns : sequence of Column
        Its features.
    """
    pa, parquet = import_pyarrow()
    schema = parquet_schema(kinds, columns)
    table = parquet.read_table(path, use_threads=False)
    flags = [
        outliers.flagged(flag) if is_one else flag
        for flag, is_one in zip(table[FLAGS].to_pylist(), unusual.tolist(), strict=True)
    ]
    at = table.column_names.index(FLAGS)
    arrays = [column.combine_chunks() for column in table.columns]
    arrays[at] = pa.array(flags, schema.field(at).type)
    with parquet.ParquetWriter(target, schema) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
