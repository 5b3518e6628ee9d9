"""Tables that other programs made: no sidecar says which columns are features, the user does by patterns."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ridgefeat import tabular
from ridgefeat.errors import TableError
from ridgefeat.files import first_few, os_errors_as
from ridgefeat.reliability import is_error_of

MAX_BYTES = 8 << 30


def describe_foreign(path: str | Path, patterns: Sequence[str]) -> dict[str, Any]:
    """Return what a sidecar would say of a table that has none.

    Parameters
    ----------
    path : str or Path
        CSV in any dialect, .xlsx or Parquet.
    patterns : sequence of str
        Names of the feature columns, with * and ? as in file names. Columns of one pattern are a family.

    Returns
    -------
    dict
        columns (name, unit, family), families, parameters and label_kinds (both empty), foreign (True).

    Raises
    ------
    TableError
        If the table cannot be read, or a pattern matches none of its columns.
    """
    path, where = Path(path), f"table {path}"
    with os_errors_as(TableError, f"{where} cannot be read"):
        if not path.exists():
            raise TableError(f"{where}: no such file")
        if path.is_dir():
            raise TableError(f"{where} is a folder; --feature-columns reads one file")
        if (table := tabular.open_table(path, TableError, where, max_bytes=MAX_BYTES)) is not None:
            names = list(table.names)
        else:
            with tabular.open_parquet(path, TableError) as file:
                names = list(file.schema_arrow.names)
    family: dict[str, str] = {}
    for pattern in patterns:
        found = [n for n in names if fnmatchcase(n, pattern) and not is_error_of(n, names)]
        if not found:
            raise TableError(f"{where} has no column like {pattern!r}; it has: {first_few(names, 20)}")
        family |= {n: pattern.rstrip("*?_") or "features" for n in found if n not in family}
    columns = [{"name": n, "unit": "", "family": family[n]} for n in names if n in family]
    return {
        "columns": columns,
        "families": sorted(set(family.values())),
        "parameters": {},
        "label_kinds": {},
        "foreign": True,
    }
