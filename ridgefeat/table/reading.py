"""Feature tables read from disk: float32 features and typed labels, also from tables that other programs made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat import tabular
from ridgefeat.errors import TableError
from ridgefeat.files import MISSING_WORDS, count_of, first_few, first_line, import_pyarrow, os_errors_as, size_text
from ridgefeat.reliability import ERROR_SUFFIX, is_error_of
from ridgefeat.table import sidecar
from ridgefeat.table.row import LABELS, META, Kind, column, kind_of
from ridgefeat.tabular import LOG, Table, is_number, log_dialect, match_names, not_a_number, point_decimals

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 8 << 30
"""Maximum size of a table in one file."""
ROWS_AT_ONCE = 4096


def read_table(
    path: str | Path,
    *,
    verify: bool = False,
    columns: Collection[str] | None = None,
    labels: Collection[str] | None = None,
    about: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Read a feature table: CSV in any dialect, .xlsx, Parquet or a folder of Parquet parts.

    Parameters
    ----------
    path : str or Path
        The table. Its sidecar says which columns are features; columns added since then are taken as labels, but for
        standard errors (NAME_se), which are read only where `columns` names them.
    verify : bool
        Also refuse a table that was changed since it was written.
    columns : collection of str, optional
        Features to read, of those that the sidecar names; all without.
    labels : collection of str, optional
        meta_* and label columns to read; all without. A name that the table does not have is passed over.
    about : mapping, optional
        Instead of the sidecar, for a table that has none: as ridgefeat.table.describe_foreign returns it. Without a
        column meta_source, a print is called by its row.

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
    wanted = _plan(path, columns, labels, about)
    with os_errors_as(TableError, f"table {path} cannot be read"):
        if path.is_dir():
            frame = _read_parts(path, wanted)
        elif (table := _open(path, wanted)) is not None:
            frame = next(_read_text(table, wanted, None))
        else:
            read = _opened(path, lambda file: file.read(columns=wanted.kept(file.schema_arrow.names)), "table", "")
            frame = _frame(read, wanted)
    frame = _complete(path, wanted, frame, 0)
    _count(wanted, len(frame))
    if verify and path.is_dir():
        verify_parts(path, wanted.about)
    elif verify and wanted.about.get("table", {}).get("sha256") != sidecar.table_digest(path):
        raise TableError(f"table {path} was changed since it was written: its sha256 is not the sidecar's")
    return frame


def iterate_table(
    path: str | Path,
    *,
    columns: Collection[str] | None = None,
    labels: Collection[str] | None = None,
    about: Mapping[str, Any] | None = None,
    rows: int = ROWS_AT_ONCE,
) -> Iterator[pd.DataFrame]:
    """Yield a feature table as frames of consecutive rows, so that it need not fit into memory.

    Parameters
    ----------
    path, columns, labels, about
        As in read_table.
    rows : int
        Maximum number of rows in a frame.

    Raises
    ------
    TableError
        As read_table does.
    """
    path = Path(path)
    wanted = _plan(path, columns, labels, about)
    done = 0
    try:
        if (table := _open(path, wanted)) is not None:
            for frame in _read_text(table, wanted, rows):
                yield _complete(path, wanted, frame, done)
                done += len(frame)
            _count(wanted, done)
            return
        pa, _ = import_pyarrow(TableError, path)
        for part in _part_paths(path, wanted.about) if path.is_dir() else [path]:
            with tabular.open_parquet(part, TableError) as file:
                names = wanted.kept(file.schema_arrow.names)
                for batch in file.iter_batches(rows, columns=names, use_threads=False):
                    yield _complete(part, wanted, _frame(pa.Table.from_batches([batch]), wanted), done)
                    done += len(batch)
    except OSError as error:
        raise TableError(f"table {path} cannot be read: {error.strerror or error}") from None
    except (ValueError, NotImplementedError) as error:  # as pyarrow's own are, or OSErrors
        raise TableError(f"table {path} is damaged: {first_line(error)}") from None


@dataclass(frozen=True)
class _Wanted:
    """What is read of a table: its name in messages, its sidecar, the features in order, others (all with None)."""

    where: str
    about: dict[str, Any]
    features: list[str]
    others: frozenset[str] | None

    @cached_property
    def known(self) -> frozenset[str]:
        """All features that the sidecar names, read or not, and their standard errors."""
        names = [c["name"] for c in self.about["columns"]]
        return frozenset([*names, *(n + ERROR_SUFFIX for n in names)])

    def kept(self, header: Sequence[str]) -> list[str]:
        """Return which of a table's columns are read; raise TableError if two have one name."""
        match_names(header, (), self.where, TableError)
        features, others = set(self.features), self.others
        header = [n for n in header if not n.startswith(("(column ", "__index_level_"))]  # without a name
        return [n for n in header if (n in features if n in self.known else others is None or n in others)]


def _plan(
    path: Path, columns: Collection[str] | None, labels: Collection[str] | None, about: Mapping[str, Any] | None
) -> _Wanted:
    about = sidecar.load_sidecar(path) if about is None else dict(about)
    names = [c["name"] for c in about["columns"]]
    if columns is not None:
        known, asked = set(names), set(columns)
        if unknown := [c for c in columns if c not in known and not is_error_of(c, known)]:
            raise TableError(f"table {path} has no feature {unknown[0]!r}")
        names = [n for n in (*names, *(n + ERROR_SUFFIX for n in names)) if n in asked]
    return _Wanted(f"table {path}", about, names, None if labels is None else frozenset(labels))


def _complete(path: Path, wanted: _Wanted, frame: pd.DataFrame, done: int) -> pd.DataFrame:
    """Return a frame with empty meta_* columns where the table has none; refuse one that lacks anything else."""
    if wanted.about.get("foreign") and "meta_source" not in frame:
        frame = frame.assign(meta_source=[f"row {done + i}" for i in range(1, len(frame) + 1)])
    known = set(frame.columns)
    others = [n for n in (*META, *wanted.about["label_kinds"]) if wanted.others is None or n in wanted.others]
    lacking = [n for n in [*others, *wanted.features] if n not in known]
    if [n for n in lacking if n not in META or n == "meta_source"]:
        raise TableError(
            f"table {path} lacks {count_of(len(lacking), 'column')} that its sidecar names, first {lacking[0]!r}"
        )
    if not lacking:
        return frame
    if not wanted.about.get("foreign"):
        LOG.info("table %s has no %s: taken as empty.", path, first_few(lacking))
    import pandas as pd

    cells = {n: frame[n] if n in known else column([""] * len(frame), META[n]) for n in META if n in {*known, *lacking}}
    return pd.concat([pd.DataFrame(cells), frame[[n for n in frame.columns if n not in META]]], axis=1)


def _count(wanted: _Wanted, rows: int) -> None:
    """Log how many rows a table has, if it had others when it was written: rows may have been lost."""
    if rows != (written := wanted.about.get("rows", rows)):
        LOG.info("%s has %s; when it was written it had %s.", wanted.where, count_of(rows, "row"), written)


def _open(path: Path, wanted: _Wanted) -> Table | None:
    """Return a table of text or an .xlsx file opened; None for Parquet."""
    if path.is_dir():
        return None
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise TableError(f"table {path} is larger than {size_text(MAX_BYTES)}; extract into a folder of parts instead")
    table = tabular.open_table(path, TableError, wanted.where, max_bytes=MAX_BYTES)
    if table is None:
        return None
    log_dialect(table)
    return table.rename([*META, *LABELS, *wanted.about["label_kinds"], *wanted.known])


def _read_parts(path: Path, wanted: _Wanted) -> pd.DataFrame:
    """Return all parts in one; features go straight to their place, so that they are held once."""
    import pandas as pd

    pa, _ = import_pyarrow(TableError, path)
    paths = _part_paths(path, wanted.about)
    rows = sum(_opened(part, lambda file: int(file.metadata.num_rows)) for part in paths)
    if rows != wanted.about.get("rows"):
        raise TableError(f"{path} holds {rows} rows, its manifest says {wanted.about.get('rows')}")
    names = _opened(paths[0], lambda file: wanted.kept(file.schema_arrow.names)) if paths else []
    features = [n for n in names if n in wanted.known]
    others, at = [], 0
    try:
        values = np.empty((len(features), rows), np.float32)
        for part in paths:
            table = _opened(part, lambda file: file.read(columns=names))
            if table.column_names != names:
                raise ValueError(f"{part.name} has other columns than {paths[0].name}")
            for i, name in enumerate(features):
                values[i, at : at + len(table)] = table[name].to_numpy()
            at += len(table)
            others.append(table.drop_columns(features))
        rest = _frame(pa.concat_tables(others), wanted)
    except MemoryError:
        size = f"{rows:,} rows x {len(features):,} features"
        raise TableError(f"{path} holds {size}, more than fits into memory; use fewer families") from None
    except (pa.ArrowException, ValueError, TypeError) as error:
        why = f"{first_line(error)}; extract again with --overwrite"
        raise TableError(f"the parts of {path} do not fit together: {why}") from None
    return pd.concat([rest, pd.DataFrame(values.T, columns=features, copy=False)], axis=1)[names]


def _opened(path: Path, read: Callable[[Any], Any], what: str = "part", advice: str = "; extract with --resume") -> Any:
    """Return what is read of a Parquet file."""
    pa, _ = import_pyarrow(TableError, path)
    try:
        with tabular.open_parquet(path, TableError) as file:
            return read(file)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise TableError(f"{what} {path} is not a Parquet file: {first_line(error)}{advice}") from None


def _part_paths(path: Path, about: Mapping[str, Any]) -> list[Path]:
    """Return a folder's parts, which the manifest names; names that lead elsewhere are refused."""
    if "parts" not in about:
        raise TableError(f"{path}: its manifest lists no parts; extract again with --overwrite")
    files = [part["file"] for part in about["parts"]]
    for file in files:
        if Path(file).name != file or not (path / file).is_file():
            raise TableError(f"{path} lacks the part {file!r}; extract again with --resume or --overwrite")
    return [path / file for file in files]


def _read_text(table: Table, wanted: _Wanted, rows: int | None) -> Iterator[pd.DataFrame]:
    """Yield the whole table, its columns typed by what they hold; or so many rows at once, typed by the sidecar."""
    import pandas as pd

    kinds: dict[str, Kind] = {**META, **wanted.about["label_kinds"]}
    names = wanted.kept(table.names)
    features = [n for n in names if n in wanted.known]
    done = 0
    for raw in table.frames(features, columns=names, dtype=np.float32, rows=rows):
        texts = {}
        for name in (n for n in names if n not in wanted.known):
            cells = point_decimals(raw[name].fillna("").tolist(), table.separator)
            if name != "meta_source":
                cells = ["" if c in MISSING_WORDS else c for c in cells]
            kind = kinds.get(name, "text") if rows else META.get(name) or kind_of(cells)
            texts[name] = _typed(table, name, cells, kind, done)
        if table.words or table.content:
            _check_digits(table, raw[features], wanted, done)
        done += len(raw)
        yield pd.concat([pd.DataFrame(texts), raw[features]], axis=1)


def _typed(table: Table, name: str, cells: Sequence[str], kind: Kind, done: int) -> Any:
    if kind == "integer":
        cells = [c.removesuffix(".0") for c in cells]  # as pandas writes whole numbers where some are missing
    # 007 is not the person 7.
    bad = (i for i, c in enumerate(cells) if c and (kind_of([c]) != kind if kind == "integer" else not is_number(c)))
    if kind != "text" and (row := next(bad, None)) is not None:
        whole = "; it held whole numbers when it was written" if kind == "integer" and is_number(cells[row]) else ""
        raise TableError(f"{table.where}, {not_a_number(done + row + 1, name, cells[row])}{whole}")
    return column(cells, kind)


def _check_digits(table: Table, features: pd.DataFrame, wanted: _Wanted, done: int) -> None:
    """Raise TableError for a decimal point that was taken for a thousands separator: 18.718 has become 18718."""
    for about in wanted.about["columns"]:
        name, low, high = (about.get(k) for k in ("name", "low", "high"))
        if name not in features or low is None or high is None:
            continue
        values = features[name].to_numpy()
        size = np.abs(values)
        if (wrong := ((values < low) | (values > high)) & (size > 100) & (size % 1 == 0)).any():
            row = int(wrong.argmax())
            raise TableError(
                f"{table.where}, row {done + row + 1}, column {name!r}: {values[row]:.9g} is far from its range, "
                f"{low:g} to {high:g}. The program that saved the table took decimal points for thousands "
                "separators; go back to the original file"
            )


def _frame(table: Any, wanted: _Wanted) -> pd.DataFrame:
    """Return an Arrow table as a frame whose columns have the types that a CSV table's would have."""
    import pandas as pd
    import pyarrow as pa

    frame: pd.DataFrame = table.to_pandas(split_blocks=True, ignore_metadata=True)
    others: dict[str, Any] = {}
    for field in table.schema:
        if field.name in wanted.known:
            if not any(test(field.type) for test in (pa.types.is_floating, pa.types.is_integer, pa.types.is_null)):
                raise TableError(f"{wanted.where}: feature {field.name!r} is {field.type}, not a number; save numbers")
            if field.type != pa.float32():
                others[field.name] = frame[field.name].astype(np.float32)
        elif META.get(field.name) == "text" and table[field.name].null_count == len(table):
            others[field.name] = column([""] * len(table), "text")
        elif pa.types.is_integer(field.type) and table[field.name].null_count:
            others[field.name] = table[field.name].to_pandas(integer_object_nulls=True).astype("Int64")
        elif pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            others[field.name] = pd.Series(_texts(table[field.name]), dtype=object)
    return pd.concat({n: others.get(n, frame[n]) for n in frame.columns}, axis=1) if len(frame.columns) else frame


def _texts(column: Any) -> Any:
    """Return an Arrow column of text as objects, None where missing; each different text is held once."""
    codes = column.combine_chunks().dictionary_encode()
    different = np.array([*codes.dictionary.to_pylist(), None], object)
    return different[codes.indices.fill_null(len(different) - 1).to_numpy(zero_copy_only=False)]


def verify_parts(folder: Path, about: Mapping[str, Any]) -> None:
    """Raise TableError, naming the first, if a part is not as the manifest says."""
    for part in about.get("parts", ()):
        path = folder / part["file"]
        if not path.is_file() or sidecar.table_digest(path) != part["sha256"]:
            raise TableError(f"{path} was changed or lost since it was written; --overwrite makes it again")


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
    families = sorted(set(family.values()))
    return {"columns": columns, "families": families, "parameters": {}, "label_kinds": {}, "foreign": True}
