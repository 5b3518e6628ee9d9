"""Grey pixels without a header, row after row, whose size the user gives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ridgefeat.errors import ImageError, ParameterError
from ridgefeat.files import read_bounded
from ridgefeat.sources.source import Place

RAW_SUFFIXES = frozenset((".raw", ".gray", ".grey", ".y8", ".bin", ".dat", ".img"))
"""What is read as raw pixels in a folder or archive, where a size is given; a file named outright always is."""


@dataclass(frozen=True)
class RawSize:
    """Columns and rows of raw pixels, one byte each, and the bytes in front of them."""

    columns: int
    rows: int
    skipped: int = 0


def parse_raw(text: str) -> RawSize:
    """Return a size written as "388x374", or "388x374:512" with 512 bytes in front of the pixels.

    Raises ParameterError if it is none.

    Examples
    --------
    >>> parse_raw("388x374:512")
    RawSize(columns=388, rows=374, skipped=512)
    """
    found = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})(?::(\d{1,9}))?", text.strip(), re.IGNORECASE)
    if not found:
        raise ParameterError(f"raw size must read WIDTHxHEIGHT in pixels, such as 388x374 or 388x374:512; got {text!r}")
    return RawSize(int(found[1]), int(found[2]), int(found[3] or 0))


@dataclass(frozen=True)
class RawPixels:
    """A place whose bytes are raw pixels: a file, or what another place holds."""

    holder: Path | Place
    raw: RawSize

    @property
    def state(self) -> str:
        """A text that changes when the bytes do."""
        if not isinstance(self.holder, Path):
            return f"{self.raw} {self.holder.state}"
        try:
            found = self.holder.stat()
        except OSError:
            return f"{self.raw}"
        return f"{self.raw} {found.st_size} {found.st_mtime_ns}"

    def read(self, limit: int) -> bytes:
        """Return the pixels as a file of a known format; raise ImageError if they are of another number."""
        size, held = self.raw, self.holder
        data = read_bounded(held, limit, ImageError, "file") if isinstance(held, Path) else held.read(limit)
        expected = size.columns * size.rows
        if len(data) != size.skipped + expected:
            pixels = f"{size.columns}x{size.rows} raw pixels{f' behind {size.skipped} bytes' if size.skipped else ''}"
            raise ImageError(f"has {len(data)} bytes; {pixels} are {size.skipped + expected}")
        return b"P5 %d %d 255\n" % (size.columns, size.rows) + data[size.skipped :]
