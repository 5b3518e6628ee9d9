"""Index tables: a file next to the images with the labels of each."""

from __future__ import annotations

import difflib
import os
import posixpath
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ridgefeat.errors import LayoutError, ParameterError
from ridgefeat.files import first_line, import_pyarrow, os_errors_as
from ridgefeat.sources.layouts import Labels, check_label_names, normalise_labels
from ridgefeat.sources.resolution import Dpi, parse_dpi
from ridgefeat.sources.source import PrintSource, printable
from ridgefeat.sources.transactions import LAYOUT as TRANSACTION

MAX_BYTES = 1 << 28
MAX_ROWS = 10_000_000
_RESOLUTION = ("dpi", "dpi_x", "dpi_y")


@dataclass(frozen=True)
class IndexEntry:
    """What an index gives for one file: its labels, and its resolution (across, down) in dpi if it has one."""

    labels: Labels = field(default_factory=dict)
    dpi: Dpi | None = None


def read_index(path: str | Path) -> dict[str, IndexEntry]:
    """Read an index: CSV (comma, semicolon or tab), TSV or Parquet with a column `file`.

    Values are text as written ("007" keeps its zeros; an empty cell is no label), except that sex, hand and finger
    are brought to this package's words. The column `dpi`, or `dpi_x` and `dpi_y`, becomes the resolution. Returns the
    entries by file name, with / between folders, in the index's order.

    Raises LayoutError if the file cannot be read or is too large, `file` is missing, empty or names a file twice, or a
    column has no name, the name of another, or one that the table keeps for itself.
    """
    where = f"index {path}"
    names, rows = _read_table(Path(path), where)
    _check_columns(names, where)
    at = names.index("file")
    entries: dict[str, IndexEntry] = {}
    for number, row in enumerate(rows, 1):
        name = row[at]
        if name is None:
            raise LayoutError(f"{where}: row {number} names no file")
        key = _key(name.replace("\\", "/"))
        if key in entries:
            raise LayoutError(f"{where}: row {number} names {name!r} for a second time; keep one row per file")
        values = {n: v for n, v in zip(names, row, strict=True) if v is not None and n != "file"}
        dpi = _resolution(values, f"{where}, row {number}")
        entries[key] = IndexEntry(normalise_labels(values), dpi)
    if not entries:
        raise LayoutError(f"{where}: no rows below the header")
    return entries


def _key(name: str) -> str:
    """Return a name as it is compared: one spelling of a path, and of letters with marks, which a Mac's disk splits."""
    return unicodedata.normalize("NFC", posixpath.normpath(name)) if name else ""


def _check_columns(names: list[str], where: str) -> None:
    if "file" not in names:
        near = difflib.get_close_matches("file", [n.lower() for n in names], 1, 0.5)
        hint = f" (is it {near[0]!r}?)" if near else ""
        raise LayoutError(f"{where}: no column `file`{hint}; there are: {', '.join(names[:20])}")
    if twice := [n for n, count in Counter(names).items() if count > 1]:
        raise LayoutError(f"{where}: the column {twice[0]!r} occurs twice")
    if "" in names:
        raise LayoutError(f"{where}: column {names.index('') + 1} has no name")
    if ("dpi_x" in names) != ("dpi_y" in names):
        raise LayoutError(f"{where}: dpi_x and dpi_y go together, and only one is there")
    check_label_names(names, where)


def _resolution(values: dict[str, str], where: str) -> Dpi | None:
    """Take the resolution out of a row's values."""
    both, across, down = (values.pop(name, None) for name in _RESOLUTION)
    text = both or (f"{across},{down}" if across and down else None)
    if text is None:
        return None
    try:
        return parse_dpi(text)
    except ParameterError as error:
        raise LayoutError(f"{where}: {error}") from None


def _read_table(path: Path, where: str) -> tuple[list[str], list[list[str | None]]]:
    with os_errors_as(LayoutError, f"{where}: cannot be read"):
        if not path.is_file():
            raise LayoutError(f"{where}: no such file")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise LayoutError(f"{where}: {size} bytes are more than the {MAX_BYTES} that are read")
        frame = _read_parquet(path, where) if path.suffix.lower() in (".parquet", ".pq") else _read_csv(path, where)
    if len(frame) > MAX_ROWS:
        raise LayoutError(f"{where}: more than {MAX_ROWS} rows")
    names = [str(name).strip() for name in frame.columns]
    frame = frame.astype(object).where(frame.notna(), None)
    return names, [[_text(v) for v in row] for row in frame.itertuples(index=False, name=None)]


def _read_csv(path: Path, where: str) -> Any:
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline(1 << 20)
        separator = "\t" if path.suffix.lower() in (".tsv", ".tab") else max(",;\t", key=first.count)
        # Without a header row pandas cannot rename columns that occur twice.
        frame = pd.read_csv(
            path, sep=separator, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig", nrows=MAX_ROWS + 2
        )
    except UnicodeDecodeError:
        raise LayoutError(f"{where}: is not in UTF-8; save it as `CSV UTF-8`") from None
    except pd.errors.EmptyDataError:
        raise LayoutError(f"{where}: is empty") from None
    except (pd.errors.ParserError, ValueError) as error:
        raise LayoutError(f"{where}: is no table: {str(error).strip()}") from None
    frame.columns = ["" if pd.isna(v) else v for v in frame.iloc[0]]
    return frame.iloc[1:]


def _read_parquet(path: Path, where: str) -> Any:
    pa, parquet = import_pyarrow(LayoutError, where)
    try:
        with parquet.ParquetFile(path) as file:
            groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
            if file.metadata.num_rows > MAX_ROWS or sum(g.total_byte_size for g in groups) > 4 * MAX_BYTES:
                raise LayoutError(f"{where}: {file.metadata.num_rows} rows are too many to be an index")
            return file.read().to_pandas()
    except (pa.ArrowException, ValueError) as error:
        raise LayoutError(f"{where}: is no Parquet file: {first_line(error)}") from None


def _text(value: Any) -> str | None:
    """Return a cell as text: whole numbers without a decimal point, None for an empty one."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None


T = TypeVar("T")


class Listing:
    """An index (a table for read_index, which raises LayoutError) and the prints found that its names mean.

    A name is a path from the index's folder, an absolute path, or a path from the input; else the bare name decides,
    then the name without suffix, where only one print and only one entry have it. That of a transaction means all its
    prints that have no entry of their own.
    """

    def __init__(self, index: Path, prints: list[PrintSource]) -> None:
        self.index = index
        self.entries = read_index(index)
        self.root = Path(os.path.abspath(index)).parent  # noqa: PTH100 - resolve() would follow links
        by_name = _once(self.entries, lambda key: PurePosixPath(key).name)
        by_stem = _once(self.entries, lambda key: PurePosixPath(key).stem)
        prints_by_name = _once(prints, lambda p: _key(p.path.name))
        prints_by_stem = _once(prints, lambda p: _key(p.path.stem))
        holders = {p.path.parent for p in prints if p.layout == TRANSACTION}
        transactions = _once(holders, lambda path: _key(path.name))
        self.keys: dict[Path, str] = {}
        for p in prints:
            inside = p.path.relative_to(self.root).as_posix() if p.path.is_relative_to(self.root) else ""
            candidates = [_key(inside), _key(p.path.as_posix()), _key(p.relative)]
            name, stem = _key(p.path.name), _key(p.path.stem)
            if name in prints_by_name:
                candidates.append(by_name.get(name, ""))
            if stem in prints_by_stem:
                candidates.append(by_stem.get(stem, ""))
            if p.layout == TRANSACTION:  # An entry for a transaction means all its prints.
                candidates += [posixpath.dirname(c) for c in candidates[:3]]
                if (name := _key(p.path.parent.name)) in transactions:
                    candidates.append(by_name.get(name, ""))
            key = next((c for c in candidates if c in self.entries), None)
            if key is not None:
                self.keys[p.path] = key

    def unfound(self, folder: Path) -> list[PrintSource]:
        """Return what the index lists below a folder and no print matched: not there, or of an unknown suffix."""
        matched = set(self.keys.values())
        out = []
        for key in self.entries:
            path = Path(os.path.normpath(self.root / key))
            if key in matched or not path.is_relative_to(folder):
                continue
            error = None if os.path.lexists(path) else "the index lists it, but there is no such file"
            out.append(PrintSource(path, printable(path.relative_to(folder).as_posix()), error=error))
            self.keys[path] = key
        return out

    def applied(self, source: PrintSource) -> PrintSource:
        """Return a print with its entry's labels and resolution, or flagged not_in_index."""
        key = self.keys.get(source.path)
        if key is None:
            return replace(source, flags=(*source.flags, "not_in_index"))
        entry: IndexEntry = self.entries[key]
        return replace(source, labels={**source.labels, **entry.labels}, known_dpi=entry.dpi)

    def check(self, count: int) -> None:
        """Raise LayoutError if the index means none of the prints."""
        if count and not self.keys:
            raise LayoutError(
                f"index {self.index} names none of the {count} prints; it lists {next(iter(self.entries))!r}, and its "
                f"names must be relative to its own folder or to the input"
            )


def _once(items: Iterable[T], part: Callable[[T], str]) -> dict[str, T]:
    """Return the items by that part of them, where only one has it."""
    items = list(items)
    count = Counter(part(item) for item in items)
    return {part(item): item for item in items if count[part(item)] == 1}
