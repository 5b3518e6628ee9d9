"""Prints inside ANSI/NIST transactions: every record with a finger image is found as if it were a file of a folder.

The file `a.an2` gives `a.an2/14-02-3`: type of the record, its IDC, and the finger position. Labels come from the
record alone; what a transaction says of a person, a date or an agency is not looked at.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ridgefeat.an2 import BINARY_IMAGES, IMAGES, MAX_BYTES, MINUTIAE, Record, images_by_idc, is_transaction, split
from ridgefeat.errors import ImageError
from ridgefeat.files import os_errors_as, read_bounded, read_start
from ridgefeat.sources.images import is_image
from ridgefeat.sources.layouts import Labels, position_labels
from ridgefeat.sources.resolution import Dpi
from ridgefeat.sources.source import Place, PrintSource

LAYOUT = "transaction"
TRANSACTION_SUFFIXES = frozenset((".an2", ".eft", ".ebts", ".nist", ".nst"))

_LATENT = ("impression", "tracing", "photo", "lift")
_IMPRESSIONS = (
    {0: "live-scan plain", 1: "live-scan rolled", 2: "nonlive-scan plain", 3: "nonlive-scan rolled"}
    | {4 + k: f"latent {kind}" for k, kind in enumerate(_LATENT)}
    | {8: "live-scan swipe", 10: "live-scan palm", 11: "nonlive-scan palm"}
    | {12 + k: f"latent palm {kind}" for k, kind in enumerate(_LATENT)}
    | {20: "live-scan optical contact plain", 21: "live-scan optical contact rolled"}
    | {22: "live-scan non-optical contact plain", 23: "live-scan non-optical contact rolled"}
    | {24: "live-scan optical contactless plain", 25: "live-scan optical contactless rolled"}
    | {28: "other", 29: "unknown"}
)
_PNM = {1: b"P4 %d %d\n", 8: b"P5 %d %d 255\n", 16: b"P5 %d %d 65535\n", 24: b"P6 %d %d 255\n"}
"""Headers that make an image file of uncompressed pixels, by their bits. In one bit, 1 is black to both formats."""


@dataclass(frozen=True)
class RecordPlace:
    """The image of one record of a transaction, or its minutiae."""

    holder: Path | Place
    """The transaction."""
    start: int
    stop: int
    """Where the image, or the record of minutiae, lies in it."""
    stamp: str
    header: bytes = b""
    """What makes an image file of it, where it is uncompressed."""
    dpi: Dpi | None = None
    size: tuple[int, int] = (0, 0)
    """Resolution across and down, and columns and rows, as the record gives them; for minutiae those of the image
    of the same IDC, zeros without one."""
    kind: int = 0
    """The record's type."""

    @property
    def state(self) -> str:
        """A text that changes when the bytes do."""
        return f"{self.stamp} {self.start} {self.stop}"

    def read(self, limit: int) -> bytes:
        """Return the image as a file of its own; raise ImageError if there is none, or it is longer than `limit`."""
        if self.kind == MINUTIAE:
            raise ImageError("holds minutiae and no image; verify and identify compare them")
        if self.stop - self.start > limit:
            raise ImageError(f"has {self.stop - self.start} bytes, more than the {limit} that are read")
        return self.header + self.record()

    def record(self) -> bytes:
        """Return the bytes as they stand in the transaction."""
        size = self.stop - self.start
        if not isinstance(self.holder, Path):
            data = _unpacked(self.holder)[self.start : self.stop]
        elif not self.holder.is_file():
            raise ImageError("is not there any more: the transaction is gone")
        else:
            with os_errors_as(ImageError, "cannot be read"), self.holder.open("rb") as file:
                file.seek(self.start)
                data = file.read(size)
        if len(data) != size:
            raise ImageError("is not there any more: the transaction has changed")
        return data


@lru_cache(maxsize=1)
def _unpacked(place: Place) -> bytes:
    """Return the bytes of a transaction that is not a file of its own; its records are mostly read in turn."""
    return place.read(MAX_BYTES)


def begins_as_transaction(path: Path) -> bool:
    """Return whether a regular file begins as a transaction does."""
    return is_transaction(read_start(path, 32))


def record_at(path: Path) -> PrintSource | None:
    """Return the print, or the minutiae, of a record that is named by a path; None if there is none.

    The path is that of a transaction, / and the record's name, as find_in_transaction gives it.
    """
    if not begins_as_transaction(path.parent):
        return None
    found = find_in_transaction(path.parent, path.parent.name, with_minutiae=True)
    return next((p for p in found if p.path == path), None)


def find_in_transaction(
    path: Path,
    relative: str,
    place: Place | None = None,
    passed_over: Counter[str] | None = None,
    *,
    with_minutiae: bool = False,
) -> list[PrintSource]:
    """Return the prints of a transaction, a file or a place, named below `relative`.

    What keeps it from being read, and that it holds no finger image, is a print with an error. Its minutiae (type 9)
    are prints where it has no image, or if asked for. Other records are counted in `passed_over`.
    """

    def unread(reason: str) -> PrintSource:
        return PrintSource(path, relative, LAYOUT, error=reason)

    holder = path if place is None else place
    try:
        if place is not None:
            _unpacked.cache_clear()  # otherwise two would be in memory
            data, stamp = _unpacked(place), place.state
        else:
            data = read_bounded(path, MAX_BYTES, ImageError, "transaction")
            with os_errors_as(ImageError, "cannot be read"):
                stamp = f"{len(data)} {path.stat().st_mtime_ns}"
    except ImageError as error:
        return [unread(str(error))]
    records, reason = split(data)
    with_minutiae |= not any(r.kind in IMAGES for r in records)
    chosen = [r for r in records if r.kind in IMAGES or (with_minutiae and r.kind == MINUTIAE)]
    if passed_over is not None:
        kinds = {1, 2, *(r.kind for r in chosen)}
        passed_over.update(f"type-{r.kind} record" for r in records if r.kind not in kinds)
    by_idc = images_by_idc(records)
    found, names = [], Counter[str]()
    for record in chosen:
        positions = record.positions
        name = f"{record.kind:02d}-{record.idc:02d}-" + ("+".join(map(str, positions)) or "0")
        names[name] += 1
        name += f"-{names[name]}" if names[name] > 1 else ""
        labels = {"transaction": relative, **_labels(record)}
        problem = None
        if record.kind == MINUTIAE:
            image = by_idc.get(record.idc, record)
            held = RecordPlace(holder, record.start, record.stop, stamp, b"", image.dpi, image.size, MINUTIAE)
        else:
            header, problem = _image_header(record, data)
            held = RecordPlace(holder, *record.data, stamp, header, record.dpi, record.size, record.kind)
        found.append(PrintSource(path / name, f"{relative}/{name}", LAYOUT, labels, error=problem, place=held))
    if reason:
        found.append(unread(reason))
    elif not found:
        listed = ", ".join(dict.fromkeys(str(r.kind) for r in records))
        found.append(unread(f"holds no finger image; its records are of type {listed}"))
    return found


def _labels(record: Record) -> Labels:
    labels = {"record_type": str(record.kind), "idc": str(record.idc)}
    if (impression := record.number(3, -1)) >= 0:
        labels["impression_type"] = _IMPRESSIONS.get(impression, str(impression))
    if positions := record.positions:
        labels["finger_position"] = "+".join(map(str, positions))
    return labels | (position_labels(positions[0]) if len(positions) == 1 and 1 <= positions[0] <= 15 else {})


def _image_header(record: Record, data: bytes) -> tuple[bytes, str | None]:
    """Return what must stand before a record's image to make a file of it, and why it cannot be read."""
    (start, stop), (columns, rows) = record.data, record.size
    if start == stop:
        return b"", f"record of type {record.kind} without an image"
    is_binary = record.kind in BINARY_IMAGES
    bits = (8 if record.kind in (3, 4) else 1) if is_binary else record.number(12, 8)
    compression = record.fields.get(8 if is_binary else 11, b"").strip().upper()
    if bits == 1 and compression == b"1":
        # The head of a TIFF whose only strip is facsimile data (ITU-T T.6), 0 being white.
        tags = {256: columns, 257: rows, 258: 1, 259: 4, 262: 0, 273: 0, 277: 1, 278: rows, 279: stop - start}
        tags[273] = 8 + 2 + 12 * len(tags) + 4
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
        return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4), None
    expected = (columns * bits + 7) // 8 * rows
    if compression in (b"0", b"NONE", b"") and expected == stop - start and bits in _PNM:
        return _PNM[bits] % (columns, rows), None
    if is_image(data[start : start + 16]):
        return b"", None
    claimed = f"{columns}x{rows} px, {bits} bits per pixel, compression {compression[:10].decode('ascii', 'replace')!r}"
    held = f"it holds {stop - start} bytes, which are not a known image format"
    return b"", f"the record claims {claimed}: {expected} bytes if that is none; {held}"
