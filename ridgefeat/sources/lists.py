"""A list of prints in a text file: a path or address a line, as `find` writes them."""

from __future__ import annotations

import os
from pathlib import Path

from ridgefeat.errors import LayoutError
from ridgefeat.sources.addresses import Remote, is_address
from ridgefeat.sources.source import PrintSource, printable

MOST_BYTES = 1 << 31


def read_list(path: str | os.PathLike[str]) -> list[PrintSource]:
    """Return the prints that a list names, in its order.

    A path is relative to the list's own folder. Names may be ended by NUL instead of line ends (`find -print0`). A
    folder, or what is not there, becomes a print with an error.

    Raises
    ------
    LayoutError
        If the list cannot be read or is empty.
    """
    where = f"list {path}"
    try:
        file = Path(path)
        if not file.is_file():
            raise LayoutError(f"{where}: no such file")
        if file.stat().st_size > MOST_BYTES:
            raise LayoutError(f"{where}: more than {MOST_BYTES >> 30} GB; split it")
        data = file.read_bytes()
    except OSError as error:
        raise LayoutError(f"{where}: cannot be read: {error.strerror or error}") from None
    separator = b"\0" if b"\0" in data else b"\n"
    names = [line.rstrip(b"\r") for line in data.split(separator)]
    # Names of any bytes, as the system has them; a byte order mark is none of them.
    names = [n.removeprefix(b"\xef\xbb\xbf") if i == 0 else n for i, n in enumerate(names)]
    root = Path(os.path.abspath(path)).parent  # noqa: PTH100 - resolve() would follow links
    found = [_source(os.fsdecode(n), root) for n in names if n.strip()]
    if not found:
        raise LayoutError(f"{where}: names no file; write one path a line")
    return found


def _source(name: str, root: Path) -> PrintSource:
    if is_address(name):
        below = name.partition("://")[2].split("::")[0]
        return PrintSource(Path("/") / below.lstrip("/"), printable(below), place=Remote(name))
    path = Path(os.path.normpath(root / name))
    inside = path.relative_to(root) if path.is_relative_to(root) else path
    return PrintSource(path, printable(inside.as_posix()))
