"""What lies in files, folders and archives and at addresses, before names mean anything: prints, and what is none."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath, PurePosixPath

from ridgefeat.errors import LayoutError
from ridgefeat.files import read_bounded
from ridgefeat.sources.places import (
    RAW_SUFFIXES,
    RawPixels,
    RawSize,
    Remote,
    TarMember,
    is_address,
    is_archive,
    list_address,
    list_archive,
)
from ridgefeat.sources.source import Place, PrintSource, printable
from ridgefeat.sources.transactions import TRANSACTION_SUFFIXES, begins_as_transaction, find_in_transaction, record_at

SUFFIXES = frozenset(
    (".bmp", ".dib", ".png", ".tif", ".tiff", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".wsq")
    + (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".pgm", ".pbm", ".ppm", ".pnm", *TRANSACTION_SUFFIXES)
)
"""What is taken for an image or a transaction in a folder, in upper or lower case; a file named outright always is."""
_UNREAD = frozenset((".heic", ".heif", ".avif"))
"""Images all the same, which are not read: each gets a row that says so."""


@dataclass(frozen=True)
class Input:
    """A folder or file that was asked for, and the prints found through it."""

    folder: Path
    is_folder: bool
    prints: list[PrintSource] = field(default_factory=list)


class Search:
    """Finds the prints of inputs; counts what it passes over, but for the tables and lists that the user names."""

    def __init__(
        self, raw: RawSize | None, passed_over: Counter[str], named: Iterable[str | os.PathLike[str]] = ()
    ) -> None:
        self.raw, self.passed_over = raw, passed_over
        self._named = {Path(os.path.abspath(n)) for n in named}  # noqa: PTH100 - resolve() would follow links

    def input(self, given: str | os.PathLike[str]) -> Input:
        """Return what is found in an input; raise LayoutError if it cannot be read."""
        if isinstance(given, str) and is_address(given):
            root = Path("/") / given.partition("://")[2].split("::")[0].strip("/")
            return self.members(root, ((name, place, None) for name, place in list_address(given)))
        path = Path()
        try:
            path = Path(os.path.abspath(given))  # noqa: PTH100 - resolve() would follow links
            # lexists: a broken link is a print that cannot be read, not a mistake in the call.
            exists, is_folder = os.path.lexists(path), path.is_dir()
        except (OSError, ValueError):
            exists = is_folder = False
        if not exists:
            if record := record_at(path):
                return Input(path.parent.parent, False, [record])
            raise LayoutError(f"{printable(os.fspath(given))}: no such file or folder")
        if is_archive(path.name) and path.is_file():
            return self.members(path, list_archive(path))
        if not is_folder:
            return Input(path.parent, False, self.named(PrintSource(path, printable(path.name))))
        prints = []
        for relative, error in _walk(path, self.taken):
            prints += self.prints(PrintSource(path / relative, printable(relative.as_posix()), error=error))
        return Input(path, True, sorted(prints, key=sort_key))

    def members(self, root: Path, members: Iterable[tuple[str, Place | None, str | None]]) -> Input:
        """Return what is an image by its suffix in an archive or below an address, as if it lay in a folder."""
        prints = []
        for name, place, error in members:
            path = PurePosixPath(name)
            if not any(part.startswith(".") for part in path.parts) and self.taken(path):
                prints += self.prints(PrintSource(root / path, name, error=error, place=place))
        # To read a packed tar out of its order would mean to unpack it again and again.
        held = [getattr(p.place, "holder", p.place) for p in prints]
        if not any(isinstance(place, TarMember) and place.is_sequential for place in held):
            prints.sort(key=sort_key)
        return Input(root, True, prints)

    def taken(self, path: PurePath, file: Path | None = None) -> bool:
        """Return whether a file in a folder (`file`) or archive is taken; count it if it is not."""
        suffix = path.suffix.lower()
        is_raw = self.raw is not None and suffix in RAW_SUFFIXES
        if suffix in SUFFIXES | _UNREAD or is_raw or (file and begins_as_transaction(file)):
            return True
        if file not in self._named:
            self.passed_over[suffix or "without suffix"] += 1
        return False

    def named(self, source: PrintSource) -> list[PrintSource]:
        """Return the prints of a file that was named outright."""
        if source.place is None and not os.path.lexists(source.path) and (record := record_at(source.path)):
            return [record]
        return self.prints(source, is_named=True)

    def prints(self, source: PrintSource, *, is_named: bool = False) -> list[PrintSource]:
        """Return the prints of one file: itself, those of a transaction, or raw pixels."""
        suffix = source.path.suffix.lower()
        if source.error:
            return [source]
        is_of_no_format = suffix not in SUFFIXES and source.place is None
        if suffix in TRANSACTION_SUFFIXES or (is_of_no_format and begins_as_transaction(source.path)):
            return find_in_transaction(source.path, source.relative, source.place, self.passed_over)
        if self.raw and (suffix in RAW_SUFFIXES or (is_named and suffix not in SUFFIXES)):
            return [replace(source, place=RawPixels(source.place or source.path, self.raw))]
        return [source]


def _walk(root: Path, taken: Callable[[PurePath, Path], bool]) -> Iterator[tuple[PurePath, str | None]]:
    """Yield the files below a folder that are `taken`, and folders named like images, with an error."""
    seen: set[str] = set()
    folders, linked = [PurePath()], list[PurePath]()
    while folders or linked:
        # Links last, so that a folder's own name is preferred to a link's.
        folder = folders.pop() if folders else linked.pop(0)
        real = os.path.realpath(root / folder)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(root / folder), key=lambda e: e.name)
        except OSError as error:
            yield folder, f"a folder that cannot be read: {error.strerror}"
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            relative = folder / entry.name
            if _is_folder(entry):
                (linked if entry.is_symlink() else folders).append(relative)
                if relative.suffix.lower() in SUFFIXES:
                    yield relative, "a folder, not an image file"
            elif taken(relative, root / relative):
                yield relative, None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def natural_key(name: str) -> list[tuple[bool, int, str]]:
    """Return a sort key by which 2 comes before 10.

    Examples
    --------
    >>> sorted(["10_1.png", "2_1.png", "2_10.png", "2_2.png"], key=natural_key)
    ['2_1.png', '2_2.png', '2_10.png', '10_1.png']
    """
    return [(i % 2 == 0, int(p) if i % 2 else 0, p) for i, p in enumerate(re.split(r"([0-9]+)", name))]


def sort_key(source: PrintSource) -> tuple[list[tuple[bool, int, str]], str]:
    """Return the key by which the prints of a folder are sorted."""
    return natural_key(source.relative), source.relative


MAX_LIST_BYTES, MAX_LINE = 1 << 31, 1 << 16


def read_list(path: str | os.PathLike[str]) -> list[PrintSource]:
    """Return the prints that a list names, in its order; raise LayoutError if it cannot be read or is empty.

    A path is relative to the list's own folder. Names may be ended by NUL instead of line ends (`find -print0`). A
    folder, or what is not there, becomes a print with an error.
    """
    data = read_bounded(path, MAX_LIST_BYTES, LayoutError, "list")
    names = [line.rstrip(b"\r") for line in re.findall(rb"[^\0]+" if b"\0" in data else rb"[^\n]+", data)]
    # Names of any bytes, as the system has them; a byte order mark is none of them.
    names = [n.removeprefix(b"\xef\xbb\xbf") if i == 0 else n for i, n in enumerate(names)]
    root = Path(os.path.abspath(path)).parent  # noqa: PTH100 - resolve() would follow links
    if (longest := max(map(len, names), default=0)) > MAX_LINE:
        too_long = f"a line of {longest:,} bytes, and no path is as long"
        raise LayoutError(f"list {path} has {too_long}; write one path per line")
    if not (found := [_source(os.fsdecode(n), root) for n in names if n.strip()]):
        raise LayoutError(f"list {path} names no file; write one path per line")
    return found


def _source(name: str, root: Path) -> PrintSource:
    if is_address(name):
        below = name.partition("://")[2].split("::")[0]
        return PrintSource(Path("/") / below.lstrip("/"), printable(below), place=Remote(name))
    path = Path(os.path.normpath(root / name))
    inside = path.relative_to(root) if path.is_relative_to(root) else path
    return PrintSource(path, printable(inside.as_posix()))
