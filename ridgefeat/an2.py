"""ANSI/NIST-ITL transactions (AN2, EFT, EBTS): bytes -> records, and what an image record says of its image.

A transaction is a run of logical records. The first, of type 1, lists the others (1.003), which is the only place that
gives the type of a binary record (types 3 to 8: a length of 4 bytes, fixed fields, data). All others are tagged: fields
`type.number:value` between GS, subfields between RS, items between US, FS at the end; the first field is the record's
length, and field 999, the last, holds an image.

Descriptive records (type 2: names, dates) are stepped over and never parsed.

Source: NIST SP 500-290 (ANSI/NIST-ITL 1-2011, update 2015), traditional encoding, and ANSI/NIST-ITL 1-2007.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

FS, GS, RS, US = b"\x1c", b"\x1d", b"\x1e", b"\x1f"
MAX_BYTES = 1 << 28
MAX_RECORDS = 10_000
BINARY_IMAGES, TAGGED_IMAGES, MINUTIAE = (3, 4, 5, 6), (13, 14), 9
IMAGES = (*BINARY_IMAGES, *TAGGED_IMAGES)
DATA = 999
"""Number of the field that holds a tagged record's image."""
_BINARY = (*BINARY_IMAGES, 7, 8)
_PARSED = (1, MINUTIAE, *TAGGED_IMAGES)
_START = re.compile(rb"1\.0{1,2}1:\d{1,9}\x1d1\.")
_LENGTH = re.compile(rb"(\d{1,2})\.0{0,2}1:(\d{1,9})(?=[\x1c\x1d])")
_FIELD = re.compile(rb"\d{1,2}\.(\d{1,4}):")
_EMPTY_DATA = re.compile(rb"[ -~]{0,64}\x1d\d{1,2}\.999:")
"""A field 999 of a few characters in front of the true one."""
_HEADER = struct.Struct(">IBB6sBHHB")
_ALTERNATIVE_DPI = 0.05
"""Relative difference beyond which the resolution of the transaction is believed and not `minimum` of the record."""


@dataclass(frozen=True)
class Record:
    """One logical record.

    Attributes
    ----------
    kind : int
        Its type, 1 to 99.
    start, stop : int
        Where it lies in the transaction, in bytes.
    data : (int, int)
        Where its image lies; empty without one.
    fields : dict of int to bytes
        Values by field number, of types 1, 3 to 6, 9, 13 and 14 only; those of a binary record as in a tagged one.
    dpi : (float, float) or None
        Resolution of its image across and down.
    """

    kind: int
    start: int
    stop: int
    data: tuple[int, int] = (0, 0)
    fields: dict[int, bytes] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None

    def number(self, at: int, default: int = 0) -> int:
        """Return a field's value as a whole number; the default where it is none, or beyond a million."""
        value = self.fields.get(at, b"").strip()
        return int(value) if re.fullmatch(rb"\d{1,6}", value) else default

    @property
    def idc(self) -> int:
        """The information designation character, which ties records of one finger together."""
        return self.number(2)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the image, as the record gives them; zeros without one."""
        return (0, 0) if self.kind == MINUTIAE else (self.number(6), self.number(7))

    @property
    def positions(self) -> list[int]:
        """Finger positions, at most six; several where it is not known which of them it is."""
        at = 4 if self.kind in BINARY_IMAGES else 6 if self.kind == MINUTIAE else 13
        values = self.fields.get(at, b"")[:64]
        return list(dict.fromkeys(int(v) for v in values.split(RS) if re.fullmatch(rb"\d{1,3}", v)))[:6]


def is_transaction(start: bytes) -> bool:
    """Return whether bytes begin as a transaction does.

    Examples
    --------
    >>> is_transaction(b"1.001:259\\x1d1.002:0500\\x1d"), is_transaction(b"1.0,2.0")
    (True, False)
    """
    return _START.match(start) is not None


def split(data: bytes) -> tuple[list[Record], str | None]:
    """Return a transaction's records, and why there are no more of them if it breaks off; None if it is whole.

    Examples
    --------
    >>> whole = b"1.001:24\\x1d1.003:1\\x1f1\\x1e2\\x1f00\\x1c2.001:18\\x1d2.002:00\\x1c"
    >>> [(r.kind, r.start, r.stop) for r in split(whole)[0]], split(whole)[1]
    ([(1, 0, 24), (2, 24, 42)], None)
    >>> split(whole[:-3])[1]
    'breaks off in record 2 (type 2), which claims 18 bytes where 15 are left'
    """
    if not is_transaction(data):
        hint = "; transactions in XML are not read" if re.match(rb"(\xef\xbb\xbf)?\s*<", data[:64]) else ""
        return [], f"is not an ANSI/NIST transaction: it begins with {data[:8]!r}{hint}"
    records: list[Record] = []
    contents: Iterator[int] = iter(())
    at = 0
    while at < len(data):
        kind, tag = next(contents, 0), _LENGTH.match(data, at)
        where = f"record {len(records) + 1}"
        if tag:
            kind, length = int(tag[1]), int(tag[2])
        elif kind in _BINARY and at + 5 <= len(data):
            length = int.from_bytes(data[at : at + 4], "big")
        elif not data[at:].strip(b"\0\r\n \x1a"):
            break
        else:
            listed = f" (type {kind})" if kind else ""
            return records, f"breaks off at byte {at}: no {where}{listed} begins there, {len(data) - at} bytes are left"
        if records and kind == 1:
            return records, f"holds a second transaction from byte {at} on, which is not read; split the file"
        if len(records) == MAX_RECORDS:
            return records, f"has more than {MAX_RECORDS} records; the others are not read"
        stop = at + length
        if tag and data[stop - 1 : stop] != FS:  # its length may be off by one or two
            stop = data.find(FS, max(0, stop - 3), stop + 2) + 1 or stop
        if length < 5 or stop > len(data):
            left = len(data) - at
            return records, f"breaks off in {where} (type {kind}), which claims {length} bytes where {left} are left"
        records.append(tagged_record(data, kind, at, stop) if tag else _binary(data, kind, at, stop, records[0]))
        if kind == 1:
            contents = _contents(records[0].fields.get(3, b""))
        at = stop
    missing = sum(1 for _ in contents)
    return records, f"breaks off after record {len(records)}: {missing} more are listed in it" if missing else None


def _contents(listed: bytes) -> Iterator[int]:
    """Yield the types of the records behind the first, as 1.003 lists them."""
    for entry in listed.split(RS, MAX_RECORDS + 1)[1:]:
        kind = entry.partition(US)[0]
        yield int(kind) if re.fullmatch(rb"\d{1,2}", kind) else 0


def tagged_record(data: bytes, kind: int, start: int, stop: int) -> Record:
    """Return the tagged record that lies in bytes, with what is readable of its fields."""
    if kind not in _PARSED:
        return Record(kind, start, stop)
    fields: dict[int, bytes] = {}
    image = (0, 0)
    end = stop - 1 if data[stop - 1 : stop] == FS else stop
    at = start
    while at < end and (tag := _FIELD.match(data, at, end)):
        at = tag.end()
        if int(tag[1]) == DATA:
            while again := _EMPTY_DATA.match(data, at, end):
                at = again.end()
            image = (at, end)
            break
        after = data.find(GS, at, end)
        after = end if after < 0 else after
        fields.setdefault(int(tag[1]), data[at:after])
        at = after + 1
    record = Record(kind, start, stop, image, fields)
    dpi = resolution(record, 8) if kind in TAGGED_IMAGES else (0.0, 0.0)
    return replace(record, dpi=dpi) if all(dpi) else record


def resolution(record: Record, at: int) -> tuple[float, float]:
    """Return the resolution across and down in dpi that three fields from `at` on give: unit, then both numbers."""
    per_inch = {1: 1.0, 2: 2.54}.get(record.number(at), 0.0)
    across, down = (nominal_dpi(record.number(n) * per_inch, per_inch / 2) for n in (at + 1, at + 2))
    return across, down


def images_by_idc(records: list[Record]) -> dict[int, Record]:
    """Return the image of each IDC, the first of several."""
    return {r.idc: r for r in reversed(records) if r.kind in IMAGES}


def _binary(data: bytes, kind: int, start: int, stop: int, first: Record) -> Record:
    if kind not in BINARY_IMAGES or stop - start < _HEADER.size:
        return Record(kind, start, stop)
    _, idc, impression, positions, scanned, columns, rows, compression = _HEADER.unpack_from(data, start)
    # Six bytes of positions, filled up with 255, by some programs with 0.
    known = [p for i, p in enumerate(positions) if p != 255 and (p or not i)]
    values: dict[int, int] = {2: idc, 3: impression, 5: scanned, 6: columns, 7: rows, 8: compression}
    fields = {n: b"%d" % v for n, v in values.items()} | {4: RS.join(b"%d" % p for p in known)}
    dpi = _minimum_dpi(scanned, first) * (0.5 if kind in (3, 5) else 1.0)
    return Record(kind, start, stop, (start + _HEADER.size, stop), fields, (dpi, dpi) if dpi else None)


def _minimum_dpi(scanned: int, first: Record) -> float:
    """Return the resolution of binary records: 0 is 500 dpi, 1 that of the transaction (1.012, else 1.011) in px/mm."""
    given = 0.0
    for number in (12, 11):
        value = first.fields.get(number, b"").strip()
        if not given and re.fullmatch(rb"\d{1,3}(\.\d{1,6})?", value):
            given = nominal_dpi(25.4 * float(value), 0.127)
    if not 250 <= given <= 5000:
        return 0.0 if scanned else 500.0
    return given if scanned or abs(given / 500 - 1) > _ALTERNATIVE_DPI else 500.0


def nominal_dpi(dpi: float, rounding: float) -> float:
    """Return the resolution in whole fifties that rounding a unit hides: 197 px/cm and 19.69 px/mm are 500 dpi.

    Examples
    --------
    >>> nominal_dpi(197 * 2.54, 1.27), nominal_dpi(25.4 * 39.37, 0.127), nominal_dpi(512, 0.5)
    (500.0, 1000.0, 512)
    """
    fifties = 50.0 * round(dpi / 50)
    return fifties if abs(dpi - fifties) <= rounding else round(dpi, 2)
