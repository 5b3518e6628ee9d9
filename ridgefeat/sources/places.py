"""Prints that are not files of their own: members of archives, raw pixels of a stated size, and files at addresses.

Archives come from strangers. The members are listed once; then each is read on its own, never further than an image may
be long, whatever it claims or unpacks to. Links, devices and encrypted members are refused one by one. Nothing is
unpacked to disk.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ridgefeat.errors import ImageError, LayoutError, ParameterError
from ridgefeat.files import first_line, read_bounded
from ridgefeat.sources.source import Place, printable

MAX_MEMBERS = 2_000_000
"""Members of an archive; a larger set comes in several."""
MAX_DIRECTORY = 1 << 28
MAX_HEADER = 1 << 20
MAX_NAME = 4096
MAX_RATIO, FREE_BYTES = 100, 1 << 28
"""A compressed tar may unpack to MAX_RATIO times its size plus FREE_BYTES: reaching a member unpacks all before it."""
MIN_PACKED_MEMBER, FREE_MEMBERS = 64, 10_000
"""Minimum bytes per member of a compressed tar, not counting the first FREE_MEMBERS."""

_OPENERS: dict[str, Callable[[Any], Any]] = {
    ".zip": lambda file: file,
    ".tar": lambda file: file,
    ".tar.gz": lambda file: gzip.GzipFile(fileobj=file),
    ".tgz": lambda file: gzip.GzipFile(fileobj=file),
    ".tar.bz2": bz2.BZ2File,
    ".tbz2": bz2.BZ2File,
    ".tar.xz": lzma.LZMAFile,
    ".txz": lzma.LZMAFile,
}
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, struct.error, OSError, zipfile.BadZipFile, ValueError, RuntimeError)
"""ValueError is also a name that is not UTF-8, RuntimeError a version of zip that is not known."""

Member = tuple[str, "Place | None", "str | None"]
"""A member's name, where its bytes are, and why they are not read."""
RAW_SUFFIXES = frozenset((".raw", ".gray", ".grey", ".y8", ".bin", ".dat", ".img"))
"""What is read as raw pixels in a folder or archive, where a size is given; a file named outright always is."""


def is_archive(name: str) -> bool:
    """Return whether a file of this name is treated as an archive."""
    return _suffix(name) is not None


def list_archive(path: Path) -> list[Member]:
    """Return an archive's files in its order; of several of one name the last, as when unpacking.

    Raises LayoutError if it cannot be read, is damaged, or is larger than a set of prints can be.
    """
    list_members = _list_zip if _suffix(path.name) == ".zip" else _list_tar
    try:
        state = path.stat()
        found = list_members(path, f"{state.st_size} {state.st_mtime_ns}")
        return list({member[0]: member for member in found}.values())
    except zipfile.BadZipFile as error:
        raise LayoutError(f"archive {path} is not a zip file: {error}; copy it again") from None
    except (tarfile.TarError, *_DAMAGED) as error:
        why = getattr(error, "strerror", None) or error
        raise LayoutError(f"archive {path} cannot be read: {why}; copy it again") from None


def _suffix(name: str) -> str | None:
    lower = name.lower()
    return next((s for s in _OPENERS if lower.endswith(s)), None)


def _checked_name(name: str) -> tuple[str, str | None]:
    """Return a member's name in one form, and why it is not read if it would lead out of its archive."""
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".")]
    outside = name.startswith(("/", "\\")) or ".." in parts or (len(name) > 1 and name[1] == ":")
    inside = printable("/".join(p for p in parts if p != ".."))
    if len(inside) > MAX_NAME:
        return inside[-MAX_NAME:], f"its name has {len(inside):,} characters, more than the {MAX_NAME:,} that are read"
    return inside, f"its name leads out of the archive ({printable(name)[:100]!r})" if outside else None


@dataclass(frozen=True)
class ZipMember:
    """A member of a zip file, which is read without the archive's directory: workers need not list it again."""

    archive: Path
    info: zipfile.ZipInfo
    state: str
    """What changes when the member does."""

    def read(self, limit: int) -> bytes:
        """Return its bytes; raise ImageError if they are more than `limit`, or damaged."""
        return _read(self._unpack, self.info.file_size, limit)

    def _unpack(self) -> bytes:
        if (method := self.info.compress_type) not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ImageError(f"is packed by a method that is not read ({method}); zip it in the usual way")
        with self.archive.open("rb") as file:
            file.seek(self.info.header_offset)
            magic, name, extra = struct.unpack("<4s22xHH", file.read(30))
            if magic != b"PK\3\4":
                raise ImageError("is not at its place in the archive's directory; the archive is damaged")
            file.seek(name + extra, os.SEEK_CUR)
            return zipfile.ZipExtFile(file, "r", self.info).read(self.info.file_size + 1)  # checks the CRC


@dataclass(frozen=True)
class TarMember:
    """A member of a tar file; `offset` counts from the start of the decompressed tar."""

    archive: Path
    offset: int
    size: int
    stamp: str

    @property
    def state(self) -> str:
        """What changes when the member does."""
        return f"{self.stamp} {self.offset} {self.size}"

    @property
    def is_sequential(self) -> bool:
        """Whether reading members out of their order means decompressing the archive again."""
        return _suffix(self.archive.name) != ".tar"

    def read(self, limit: int) -> bytes:
        """Return its bytes; raise ImageError if they are more than `limit`, or damaged."""
        return _read(self._unpack, self.size, limit)

    def _unpack(self) -> bytes:
        with _lock:
            file = _open_stream(self.archive, self.stamp)
            file.seek(self.offset)
            return bytes(file.read(self.size))


def _read(unpack: Callable[[], bytes], size: int, limit: int) -> bytes:
    if size > limit:
        raise ImageError(f"has {size} bytes, more than the {limit} that are read")
    try:
        data = unpack()
    except _DAMAGED as error:
        raise ImageError(f"cannot be unpacked: {error}; the archive is damaged") from None
    if len(data) != size:
        raise ImageError(f"has {len(data)} bytes where the archive claims {size}; the archive is damaged")
    return data


_lock = threading.RLock()
_open: dict[tuple[int, Path, str], IO[bytes]] = {}


def _open_stream(archive: Path, stamp: str) -> IO[bytes]:
    """Return an archive as it is decompressed. One stays open, since prints mostly come in its order.

    With another `stamp` the file has been written anew, and is opened again.
    """
    key = (os.getpid(), archive, stamp)
    if key not in _open:
        while _open:
            _open.popitem()[1].close()
        _open[key] = _OPENERS[_suffix(archive.name) or ".tar"](archive.open("rb"))
    return _open[key]


class _BoundedFile:
    """A file that raises an error when more is read at once than the directory or header of any archive."""

    def __init__(self, file: IO[bytes], path: Path, limit: int) -> None:
        self._file, self._path, self._limit = file, path, limit
        self.seek, self.tell = file.seek, file.tell
        self.used = 0

    def read(self, size: int = -1) -> bytes:
        limit = self._limit + 1 - self.used
        wanted = limit if size < 0 else size
        data = self._file.read(min(wanted, limit))
        self.used += len(data)
        if wanted > limit or len(data) == limit:
            claimed = f"{self.used + wanted} bytes, more than the {self._limit} that are read"
            advice = "split it, or copy it again if it is damaged"
            raise LayoutError(f"archive {self._path} claims a directory or header of {claimed}; {advice}")
        return data


def _list_zip(path: Path, stamp: str) -> Iterator[Member]:
    with path.open("rb") as raw:
        file: Any = _BoundedFile(raw, path, MAX_DIRECTORY)
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise LayoutError(f"archive {path} has {len(infos)} members; split it (at most {MAX_MEMBERS})")
    for info in infos:
        if info.is_dir():
            continue
        name, error = _checked_name(info.filename)
        if info.external_attr >> 16 & 0o170000 == 0o120000:
            error = "a link inside the archive, not an image file"
        elif info.flag_bits & 1:
            error = "is encrypted; pack it without a password"
        state = f"{stamp} {info.header_offset} {info.CRC}"
        yield name, None if error else ZipMember(path, info, state), error


def _list_tar(path: Path, stamp: str) -> Iterator[Member]:
    suffix = _suffix(path.name) or ".tar"
    size = path.stat().st_size
    most, members = FREE_BYTES + MAX_RATIO * size, min(MAX_MEMBERS, FREE_MEMBERS + size // MIN_PACKED_MEMBER)
    with path.open("rb") as raw:
        file: Any = _BoundedFile(_OPENERS[suffix](raw), path, MAX_HEADER)
        archive: Any
        with tarfile.open(fileobj=file, mode="r:", errorlevel=2) as archive:
            for count, info in enumerate(iter(archive.next, None), 1):
                archive.members.clear()  # or all would be kept
                file.used = 0
                if count > members:
                    raise LayoutError(f"archive {path} has more than {members} members in {size} bytes; split it")
                if suffix != ".tar" and info.offset_data + info.size > most:
                    member = f"its member {printable(info.name)[:80]!r} of {info.size}, far more than prints do"
                    advice = "leave that out, or pack it as plain .tar or .zip"
                    raise LayoutError(f"archive {path} unpacks to more than {most} bytes at {member}; {advice}")
                if info.isdir():
                    continue
                name, error = _checked_name(info.name)
                if not info.isreg() or info.issparse():
                    error = "a link or device inside the archive, not an image file"
                yield name, None if error else TarMember(path, info.offset_data, info.size, stamp), error
        left = MAX_HEADER  # at the end of a compressed tar its checksum is verified
        while suffix != ".tar" and (data := file.read(1 << 16)):
            left -= len(data)
            if left < 0:
                after = f"for more than {MAX_HEADER} bytes after its end"
                raise LayoutError(f"archive {path} goes on {after}; pack it again")


_STAMPS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "created")


@dataclass(frozen=True)
class Remote:
    """One file at an address that fsspec (an extra) understands: s3://, gs://, https://, memory://, zip://…"""

    address: str
    stamp: str = ""

    @property
    def state(self) -> str:
        """A text that changes when the file does, as far as its store reports."""
        return f"{self.address} {self.stamp}"

    def read(self, limit: int) -> bytes:
        """Return its bytes; raise ImageError if it cannot be read, or has more than `limit`."""
        try:
            store, path = _store(self.address)
            with store.open(path, "rb") as file:
                data: bytes = file.read(limit + 1)
        except Exception as error:  # every store has errors of its own
            raise ImageError(f"cannot be read from {self.address}: {first_line(error)}") from None
        if len(data) > limit:
            raise ImageError(f"has more than the {limit} bytes that are read")
        return data


def is_address(given: str) -> bool:
    """Whether an input is an address rather than a path."""
    return "://" in given


def list_address(address: str) -> list[tuple[str, Remote]]:
    """Return the files below an address, or the one that is there, by their names below it, or raise LayoutError."""
    try:
        store, root = _store(address)
        root = root.rstrip("/")
        found = store.find(root, detail=True)
        if not found:
            if not store.exists(root):
                raise FileNotFoundError("nothing is there")
            found = {root: store.info(root)} if store.isfile(root) else {}
    except LayoutError:
        raise
    except ImportError as error:
        raise LayoutError(
            f"{address}: its store needs a package that is not installed ({first_line(error)}); pip install it"
        ) from None
    except Exception as error:  # every store has errors of its own
        raise LayoutError(f"{address} cannot be listed: {first_line(error)}") from None
    scheme, _, rest = address.partition("://")
    chained = "::" + rest.split("::", 1)[1] if "::" in rest else ""
    out = []
    for path, about in found.items():
        below = path[len(root) :].lstrip("/") if path != root else path.rsplit("/", 1)[-1]
        full = f"{scheme}://{path}{chained}" if chained else store.unstrip_protocol(path)
        stamp = next((str(about[k]) for k in _STAMPS if about.get(k) is not None), "")
        out.append((printable(below), Remote(full, f"{about.get('size')} {stamp}")))
    return out


def _store(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise LayoutError(f"{address}: addresses need the extra: pip install 'ridgefeat[fsspec]'") from None
    store, path = url_to_fs(address)
    return store, str(path)


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
