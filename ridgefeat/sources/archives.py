"""Archives as data sets are shipped, zip and tar, read where they lie: nothing is unpacked.

An archive is a stranger's. Its members are listed once; then each is read by its place, never further than an image may
be long, whatever it claims or unpacks to. Links, devices and encrypted members are refused one by one.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ridgefeat.errors import ImageError, LayoutError
from ridgefeat.sources.source import Place, printable

MOST_MEMBERS = 2_000_000
"""Members of an archive at most; a larger set comes in several."""
LARGEST_DIRECTORY = 1 << 28
LARGEST_SKIPPED = 1 << 30
"""Bytes of one member of a compressed tar: to get past it, it must be unpacked."""
MOST_UNPACKED = 1 << 40
LARGEST_HEADER = 1 << 24

_UNPACKERS: dict[str, Callable[[Any], Any]] = {
    "": lambda file: file,
    "gz": lambda file: gzip.GzipFile(fileobj=file),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
_SUFFIXES = {
    ".zip": None,
    ".tar": "",
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tbz2": "bz2",
    ".tar.xz": "xz",
    ".txz": "xz",
}
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, struct.error, OSError)

Member = tuple[str, "Place | None", "str | None"]
"""A member's name, where its bytes are, and why they are not read."""


def is_archive(name: str) -> bool:
    """Whether a file of this name is taken for an archive."""
    return _suffix(name) is not None


def list_archive(path: Path) -> list[Member]:
    """Return an archive's files in its order; of several of one name the last, as when unpacking.

    Raises
    ------
    LayoutError
        If it cannot be read, is damaged, or is larger than a set of prints can be.
    """
    suffix = _suffix(path.name)
    try:
        state = path.stat()
        stamp = f"{state.st_size} {state.st_mtime_ns}"
        if suffix == ".zip":
            found = _list_zip(path, stamp)
        else:
            found = _list_tar(path, stamp, _SUFFIXES[suffix or ".tar"] or "")
        members = {name: (name, place, error) for name, place, error in found}
    except zipfile.BadZipFile as error:
        raise LayoutError(f"archive {path} is no zip file: {error}; copy it again") from None
    except (tarfile.TarError, *_DAMAGED) as error:
        why = getattr(error, "strerror", None) or error
        raise LayoutError(f"archive {path} cannot be read: {why}; copy it again") from None
    return list(members.values())


def _suffix(name: str) -> str | None:
    lower = name.lower()
    return next((s for s in _SUFFIXES if lower.endswith(s)), None)


def _checked_name(name: str) -> tuple[str, str | None]:
    """Return a member's name in one form, and why it is not read if it would lead out of its archive."""
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".")]
    outside = name.startswith(("/", "\\")) or ".." in parts or (len(name) > 1 and name[1] == ":")
    inside = printable("/".join(p for p in parts if p != ".."))
    return inside, f"its name leads out of the archive ({printable(name)[:100]!r})" if outside else None


@dataclass(frozen=True)
class ZipMember:
    """Where a member of a zip file lies; enough to read it without the archive's directory."""

    archive: Path
    offset: int
    packed: int
    size: int
    crc: int
    method: int
    stamp: str

    @property
    def state(self) -> str:
        """What changes when the member does."""
        return f"{self.stamp} {self.offset} {self.crc}"

    def read(self, limit: int) -> bytes:
        """Return its bytes.

        Raises
        ------
        ImageError
            If they are more than `limit`, or damaged.
        """
        if self.size > limit:
            raise ImageError(f"has {self.size} bytes, more than the {limit} that are read")
        if self.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ImageError(f"is packed by a method that is not read ({self.method}); zip it in the usual way")
        try:
            with self.archive.open("rb") as file:
                file.seek(self.offset)
                head = struct.unpack("<4s22xHH", file.read(30))
                if head[0] != b"PK\3\4":
                    raise ImageError("is not where the archive's directory says; the archive is damaged")
                file.seek(head[1] + head[2], os.SEEK_CUR)
                packed = file.read(min(self.packed, 2 * limit))
            data = packed
            if self.method == zipfile.ZIP_DEFLATED:
                data = zlib.decompressobj(-15).decompress(packed, limit + 1)
        except _DAMAGED as error:
            raise ImageError(f"cannot be unpacked: {error}; the archive is damaged") from None
        if len(data) != self.size or zlib.crc32(data) != self.crc:
            raise ImageError("does not unpack to what the archive says of it; the archive is damaged")
        return data


@dataclass(frozen=True)
class TarMember:
    """Where a member of a tar file lies, once that is unpacked."""

    archive: Path
    packing: str
    offset: int
    size: int
    stamp: str

    @property
    def state(self) -> str:
        """What changes when the member does."""
        return f"{self.stamp} {self.offset} {self.size}"

    def read(self, limit: int) -> bytes:
        """Return its bytes.

        Raises
        ------
        ImageError
            If they are more than `limit`, or damaged.
        """
        if self.size > limit:
            raise ImageError(f"has {self.size} bytes, more than the {limit} that are read")
        try:
            with _lock:
                file = _stream(self.archive, self.packing)
                file.seek(self.offset)
                data = bytes(file.read(self.size))
        except _DAMAGED as error:
            raise ImageError(f"cannot be unpacked: {error}; the archive is damaged") from None
        if len(data) != self.size:
            raise ImageError("is cut short; the archive is damaged")
        return data


_lock = threading.RLock()
_open: dict[tuple[int, Path], IO[bytes]] = {}


def _stream(archive: Path, packing: str) -> IO[bytes]:
    """Return an archive as it is unpacked. One stays open, since prints mostly come in its order."""
    key = (os.getpid(), archive)
    if key not in _open:
        while _open:
            _open.popitem()[1].close()
        _open[key] = _UNPACKERS[packing](archive.open("rb"))
    return _open[key]


def _list_zip(path: Path, stamp: str) -> Iterator[Member]:
    with path.open("rb") as file:
        _check_directory(file, path)
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise LayoutError(f"archive {path} has {len(infos)} members; split it (at most {MOST_MEMBERS})")
    for info in infos:
        if info.is_dir():
            continue
        name, error = _checked_name(info.filename)
        kind = info.external_attr >> 16 & 0o170000
        if kind == 0o120000:
            error = "a link inside the archive, not an image file"
        elif info.flag_bits & 1:
            error = "is encrypted; pack it without a password"
        place = ZipMember(
            path, info.header_offset, info.compress_size, info.file_size, info.CRC, info.compress_type, stamp
        )
        yield name, None if error else place, error


def _check_directory(file: IO[bytes], path: Path) -> None:
    """Refuse a directory so long that to list it would fill the memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65557 - 76))
    tail = file.read()
    end = tail.rfind(b"PK\5\6")
    length = struct.unpack_from("<L", tail, end + 12)[0] if 0 <= end <= len(tail) - 22 else 0
    if length == 0xFFFFFFFF and (wide := tail.rfind(b"PK\6\6")) >= 0 and wide <= len(tail) - 56:
        length = struct.unpack_from("<Q", tail, wide + 40)[0]
    file.seek(0)
    if length > LARGEST_DIRECTORY:
        raise LayoutError(
            f"archive {path} claims a directory of {length} bytes, more than the {LARGEST_DIRECTORY} that are read; "
            "split it"
        )


class _Sober:
    """A file that refuses to be read in amounts that no header of a tar has."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file, self._path = file, path

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > LARGEST_HEADER:
            raise LayoutError(f"archive {self._path} has a header of {size} bytes; it is damaged")
        return self._file.read(size)

    def seek(self, *where: int) -> int:
        return self._file.seek(*where)

    def tell(self) -> int:
        return self._file.tell()


def _list_tar(path: Path, stamp: str, packing: str) -> Iterator[Member]:
    with path.open("rb") as raw:
        opened: Any = _Sober(_UNPACKERS[packing](raw), path)
        archive: Any
        with tarfile.open(fileobj=opened, mode="r:", errorlevel=2) as archive:
            for count, info in enumerate(iter(archive.next, None), 1):
                archive.members.clear()  # or all would be kept
                if count > MOST_MEMBERS:
                    raise LayoutError(f"archive {path} has more than {MOST_MEMBERS} members; split it")
                if packing and (info.size > LARGEST_SKIPPED or info.offset_data > MOST_UNPACKED):
                    raise LayoutError(
                        f"archive {path} unpacks to a member of {info.size} bytes ({printable(info.name)[:80]!r}); "
                        "no print is as large, leave it out"
                    )
                if info.isdir():
                    continue
                name, error = _checked_name(info.name)
                if not info.isreg() or info.issparse():
                    error = "a link or device inside the archive, not an image file"
                place = TarMember(path, packing, info.offset_data, info.size, stamp)
                yield name, None if error else place, error
