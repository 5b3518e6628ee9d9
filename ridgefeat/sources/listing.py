"""An index laid beside the prints that were found: which entry is whose, and which entry has no print."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ridgefeat.errors import LayoutError
from ridgefeat.sources.index import IndexEntry, read_index
from ridgefeat.sources.source import PrintSource, printable

T = TypeVar("T")


class Listing:
    """An index and the prints that its names mean.

    A name is a path from the index's folder, an absolute path, or a path from the input; else the bare name decides,
    then the name without suffix, where only one print and only one entry have it.

    Parameters
    ----------
    index : Path
        Table for read_index.
    prints : list of PrintSource
        What was found, their relative names those below their inputs.

    Raises
    ------
    LayoutError
        If the index is unusable.
    """

    def __init__(self, index: Path, prints: list[PrintSource]) -> None:
        self.index = index
        self.entries = read_index(index)
        self.root = Path(os.path.abspath(index)).parent  # noqa: PTH100 - resolve() would follow links
        by_name = _once(self.entries, lambda key: PurePosixPath(key).name)
        by_stem = _once(self.entries, lambda key: PurePosixPath(key).stem)
        prints_by_name = _once(prints, lambda p: p.path.name)
        prints_by_stem = _once(prints, lambda p: p.path.stem)
        self.keys: dict[Path, str] = {}
        for p in prints:
            inside = p.path.relative_to(self.root).as_posix() if p.path.is_relative_to(self.root) else ""
            candidates = [inside, p.path.as_posix(), p.relative]
            if p.path.name in prints_by_name:
                candidates.append(by_name.get(p.path.name, ""))
            if p.path.stem in prints_by_stem:
                candidates.append(by_stem.get(p.path.stem, ""))
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
