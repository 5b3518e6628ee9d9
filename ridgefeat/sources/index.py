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
from typing import TypeVar

from ridgefeat.errors import LayoutError, ParameterError
from ridgefeat.files import os_errors_as
from ridgefeat.sheets import cell_text
from ridgefeat.sources.layouts import NAMES, Labels, check_label_names, normalise_labels
from ridgefeat.sources.resolution import Dpi, parse_dpi
from ridgefeat.sources.search import Input, sort_key
from ridgefeat.sources.source import PrintSource, printable
from ridgefeat.sources.transactions import LAYOUT as TRANSACTION
from ridgefeat.tabular import log_dialect, match_names, open_table, read_parquet

MAX_BYTES = 1 << 28
MAX_ROWS = 10_000_000
_RESOLUTION = ("dpi", "dpi_x", "dpi_y")


@dataclass(frozen=True)
class IndexEntry:
    """What an index gives for one file: its labels, and its resolution (across, down) in dpi if it has one."""

    labels: Labels = field(default_factory=dict)
    dpi: Dpi | None = None


def read_index(path: str | Path, column: str = "file") -> dict[str, IndexEntry]:
    """Read an index: CSV in any dialect, .xlsx or Parquet with a column of file names.

    Values are text as written ("007" keeps its zeros; an empty cell is not a label), except that numbers get a decimal
    point, and sex, hand and finger are brought to this package's words. The column `dpi`, or `dpi_x` and `dpi_y`,
    becomes the resolution. Returns the entries by file name, with / between folders, in the index's order.

    Raises LayoutError if the file cannot be read or is too large, the column of file names is missing, empty or names a
    file twice, or a column has no name, the name of another, or one that the table keeps for itself.
    """
    where = f"index {path}"
    names, rows = _read_table(Path(path), where, column)
    if column not in names:
        near = difflib.get_close_matches(column, [n.lower() for n in names], 1, 0.5)
        known = f"{f' (is it {near[0]!r}?)' if near else ''}; there are: {', '.join(names[:20])}"
        raise LayoutError(f"{where}: no column `{column}`{known}. Name yours with --index-column")
    if blank := [n for n in names if n.startswith("(column ")]:
        raise LayoutError(f"{where}: {blank[0].strip('()')} has no name")
    if ("dpi_x" in names) != ("dpi_y" in names):
        raise LayoutError(f"{where}: dpi_x and dpi_y go together, and only one is there")
    check_label_names([n for n in names if n != column], where)
    entries: dict[str, IndexEntry] = {}
    for number, row in enumerate(rows, 1):
        values = {n: v for n, v in zip(names, row, strict=True) if v}
        if (name := values.pop(column, None)) is None:
            raise LayoutError(f"{where}: row {number} names no file (column {column!r} is empty)")
        key = _key(name.replace("\\", "/"))
        if key in entries:
            raise LayoutError(f"{where}: row {number} names {name!r} for a second time; keep one row per file")
        dpi = _resolution(values, f"{where}, row {number}")
        entries[key] = IndexEntry(normalise_labels(values), dpi)
    if not entries:
        raise LayoutError(f"{where}: no rows below the header")
    return entries


def _key(name: str) -> str:
    """Return a name as it is compared: one spelling of a path, and of letters with marks, which a Mac's disk splits."""
    return unicodedata.normalize("NFC", posixpath.normpath(name)) if name else ""


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


def _read_table(path: Path, where: str, column: str) -> tuple[list[str], list[list[str]]]:
    known = {*NAMES, *_RESOLUTION, column}
    with os_errors_as(LayoutError, f"{where}: cannot be read"):
        table = open_table(path, LayoutError, where, max_bytes=MAX_BYTES)
        if table is None:
            frame = read_parquet([path], LayoutError, where, max_bytes=4 * MAX_BYTES, max_rows=MAX_ROWS)
            frame.columns = match_names(list(map(str, frame.columns)), known, where, LayoutError)
            frame = frame.astype(object).where(frame.notna(), None)
        else:
            log_dialect(table)
            frame = table.rename(known).frame(max_rows=MAX_ROWS)
    for name in [n for n in frame.columns if n.startswith("(column ")]:
        cells = [cell_text(v) for v in frame[name]]
        # Numbers of rows, as R and pandas write them, of a selection too.
        counts = [int(c) for c in cells if c.isdecimal() and len(c) < 10] if name == frame.columns[0] else []
        if set(cells) <= {""} or (len(counts) == len(cells) and counts == sorted(set(counts))):
            frame = frame.drop(columns=name)
    return list(frame.columns), [[cell_text(v) for v in row] for row in frame.itertuples(index=False, name=None)]


T = TypeVar("T")


class Listing:
    """An index (a table for read_index, which raises LayoutError) and the prints found that its names mean.

    A name is a path from the index's folder, an absolute path, or a path from the input; else the bare name decides,
    then the name without suffix, where only one print and only one entry have it. That of a transaction means all its
    prints that have no entry of their own.
    """

    def __init__(self, index: Path, prints: list[PrintSource], column: str = "file") -> None:
        self.index = index
        self.entries = read_index(index, column)
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

    def complete(self, inputs: list[Input]) -> None:
        """Add to each folder what the index lists there and no print matched: not there, or of an unknown suffix.

        Raises LayoutError if the index means none of the prints.
        """
        count = sum(len(given.prints) for given in inputs)
        for given in (i for i in inputs if i.is_folder):
            matched, added = set(self.keys.values()), list[PrintSource]()
            for key in self.entries:
                path = Path(os.path.normpath(self.root / key))
                if key in matched or not path.is_relative_to(given.folder):
                    continue
                error = None if os.path.lexists(path) else "the index lists it, but there is no such file"
                added.append(PrintSource(path, printable(path.relative_to(given.folder).as_posix()), error=error))
                self.keys[path] = key
            if added:
                given.prints[:] = sorted(given.prints + added, key=sort_key)
        if count and not self.keys:
            first = f"it lists {next(iter(self.entries))!r}"
            relative = "its names must be relative to its own folder or to the input"
            raise LayoutError(f"index {self.index} names none of the {count} prints; {first}, and {relative}")

    def applied(self, source: PrintSource) -> PrintSource:
        """Return a print with its entry's labels and resolution, or flagged not_in_index."""
        key = self.keys.get(source.path)
        if key is None:
            return replace(source, flags=(*source.flags, "not_in_index"))
        entry: IndexEntry = self.entries[key]
        return replace(source, labels={**source.labels, **entry.labels}, known_dpi=entry.dpi)


def _once(items: Iterable[T], part: Callable[[T], str]) -> dict[str, T]:
    """Return the items by that part of them, where only one has it."""
    items = list(items)
    count = Counter(part(item) for item in items)
    return {part(item): item for item in items if count[part(item)] == 1}
