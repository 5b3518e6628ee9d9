"""Minutiae of ANSI/NIST transactions: the records of type 9.

Two of the formats that such a record may hold are read. The standard's own (9.005 to 9.012, legacy since 2011, still
the most common): `XXXXYYYYTTT` is a position in units of 0.01 mm from the *bottom* left corner and a direction in
degrees that points *away* from the ridge that ends or out of the valley that a bifurcation encloses, ISO's plus 180
degrees; quality is 0 (found by hand), 1 (unknown) or 2 (best) to 63. And INCITS 378 ("M1", 9.126 to 9.150): pixels from
the top left corner, directions as in ISO, in units of 2 degrees. Vendors' blocks and EFS are named in the notes and not
read.

Source: ANSI/NIST-ITL 1-2007, Type-9; NIST SP 500-290 (1-2011), Type-9. What they say of positions and directions was
checked on a public transaction of NIST with its image (benchmarks/inputs_transactions.py).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ridgefeat.an2 import MAX_BYTES as MAX_TRANSACTION
from ridgefeat.an2 import MINUTIAE, RS, US, Record, images_by_idc, resolution, split, tagged_record
from ridgefeat.errors import TemplateError
from ridgefeat.files import read_bounded
from ridgefeat.structure import BIFURCATION, CORE, DELTA, ENDING, WORKING_DPI, Float, Minutiae, SingularPoints
from ridgefeat.templates._common import MAX_BYTES, Dpi, MinutiaeRecord, check_resolution, radians, to_working

FORMAT = "type-9"
_BLOCKS = {
    (13, 30): "FBI/IAFIS",
    (31, 55): "Cogent",
    (56, 70): "Motorola",
    (71, 99): "Sagem Morpho",
    (100, 125): "NEC",
    (151, 175): "Identix",
    (176, 225): "other",
    (300, 399): "EFS",
}
_KINDS = {b"A": ENDING, b"B": BIFURCATION}
_UNIT = 2540.0
"""Units of 0.01 mm in an inch."""
_ANY_HEIGHT = 10_000
"""What y counts up to where no image gives its height, in such units."""
_POINT = re.compile(rb"\s*(\d{4})(\d{4})(\d{3})?\s*")


def read_type9(path: str | Path) -> list[MinutiaeRecord]:
    """Return the minutiae of every record of type 9 in a transaction.

    Positions of the standard's format are those in the image of the same IDC, if the transaction holds one.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of MinutiaeRecord
        In the order of the transaction. The kind of a minutia that is neither ending nor bifurcation is 0; directions
        of cores and deltas are NaN. Resolution and size are those of the image; where neither record nor transaction
        gives them, 500 dpi and None, and then the positions of the standard's format are relative. What a record holds
        and is not read is in `notes`.

    Raises
    ------
    TemplateError
        If the file cannot be read or is not a transaction, or has no record of type 9 with minutiae that are read.
    """
    records, reason = split(read_bounded(path, MAX_TRANSACTION, TemplateError, "transaction"))
    images, found = images_by_idc(records), []
    for record in records:
        if record.kind == MINUTIAE:
            image = images.get(record.idc, record)
            try:
                found.append(_decode(record, image.size, image.dpi))
            except TemplateError as error:
                raise TemplateError(f"{path}, {error}") from None
    if not found:
        raise TemplateError(f"{path}: {reason or 'holds no minutiae (type 9)'}")
    return found


def decode_type9(data: bytes, *, size: tuple[int, int] = (0, 0), dpi: Dpi | None = None) -> MinutiaeRecord:
    """Return the minutiae of one record of type 9.

    Parameters
    ----------
    data : bytes
        The record.
    size, dpi
        Columns and rows of the image that they were found in, and its resolution, for the standard's format; without a
        size, positions are relative.

    Returns
    -------
    MinutiaeRecord
        As read_type9 returns them.

    Raises
    ------
    TemplateError
        If it is no such record, or holds no minutiae that are read.

    Examples
    --------
    >>> record = b"9.001:47\\x1d9.002:01\\x1d9.012:1\\x1f05081016090\\x1f2\\x1fA\\x1c"
    >>> minutiae = decode_type9(record).minutiae
    >>> minutiae.x, np.degrees(minutiae.direction), minutiae.kind
    (array([100.], dtype=float32), array([270.], dtype=float32), array([1], dtype=uint8))
    """
    return _decode(tagged_record(data, MINUTIAE, 0, len(data)), size, dpi)


def _decode(record: Record, size: tuple[int, int], dpi: Dpi | None) -> MinutiaeRecord:
    where = f"record of type 9 with IDC {record.idc}"
    if record.stop - record.start > MAX_BYTES:
        raise TemplateError(f"{where}: {record.stop - record.start} bytes are more than any minutiae")
    held = {f: name for f, name in _BLOCKS.items() if any(f[0] <= n <= f[1] for n in record.fields)}
    notes = tuple(f"{n} (fields 9.{low:03d} to 9.{high:03d}) is not read" for (low, high), n in held.items())
    if 12 in record.fields:
        return _decode_standard(record, size, dpi or (WORKING_DPI, WORKING_DPI), where, notes)
    if 137 in record.fields:
        return _decode_m1(record, where, notes)
    raise TemplateError(f"{where}: it has neither field 9.012 nor 9.137; {'; '.join(notes) or 'no other is known'}")


def _decode_standard(
    record: Record, size: tuple[int, int], dpi: Dpi, where: str, notes: tuple[str, ...]
) -> MinutiaeRecord:
    width, height = size if all(size) else (None, None)
    dpi_x, dpi_y = dpi
    check_resolution(dpi_x, dpi_y, where)
    scale = np.array([dpi_x, dpi_y]) / _UNIT
    bottom = height or _ANY_HEIGHT * scale[1]

    def position(points: list[tuple[float, ...]]) -> tuple[Float, Float]:
        x, y = (np.array([p[:2] for p in points], np.float64).reshape(-1, 2) * scale).T
        return to_working(x, dpi_x), to_working(bottom - y, dpi_y)

    rows: list[tuple[float, ...]] = []
    for number, entry in enumerate(record.fields[12].split(RS), 1):
        items = [*entry.split(US, 4), b"", b"", b""]
        point = _POINT.fullmatch(items[1])
        if not point or not point[3] or int(point[3]) > 360:
            raise TemplateError(f"{where}, minutia {number}: {items[1][:20]!r} is not a position and direction")
        quality = int(items[2]) if re.fullmatch(rb"\d{1,2}", items[2]) else 0
        score = 100 * (63 - quality) / 61 if 2 <= quality <= 63 else np.nan
        rows.append((*(int(v) for v in point.groups()), _KINDS.get(items[3].strip()[:1], 0), score))
    points: list[tuple[float, ...]] = [
        (int(point[1]), int(point[2]), kind)
        for number, kind in ((8, CORE), (9, DELTA))
        for entry in record.fields.get(number, b"").split(RS)
        if (point := _POINT.fullmatch(entry))
    ]
    angle, kinds, quality_column = np.array(rows, np.float64)[:, 2:].T
    minutiae = Minutiae.make(*position(rows), radians(angle + 180), kinds, quality_column)
    singular = SingularPoints.make(*position(points), [p[2] for p in points], np.full(len(points), np.nan))
    finger, impression = (record.positions or [0])[0], record.number(3)
    return MinutiaeRecord(minutiae, singular, FORMAT, dpi_x, dpi_y, width, height, finger, impression, notes=notes)


def _decode_m1(record: Record, where: str, notes: tuple[str, ...]) -> MinutiaeRecord:
    dpi_x, dpi_y = resolution(record, 130)
    check_resolution(dpi_x, dpi_y, where)
    rows = []
    for number, entry in enumerate(record.fields[137].split(RS), 1):
        items = entry.split(US, 6)
        if len(items) < 5 or not all(re.fullmatch(rb"\d{1,5}", v) for v in items[:6]) or int(items[3]) > 179:
            raise TemplateError(
                f"{where}, minutia {number}: {entry[:40]!r} lacks an index, position, direction or type"
            )
        quality = int(items[5]) if len(items) > 5 else 0
        kind, score = int(items[4]), quality if 1 <= quality <= 100 else np.nan
        rows.append([int(items[1]), int(items[2]), 2 * int(items[3]), kind if kind <= 2 else 0, score])
    x, y, angle, kind, score = np.array(rows, np.float64).T
    minutiae = Minutiae.make(to_working(x, dpi_x), to_working(y, dpi_y), radians(angle), kind, score)
    about = (record.number(128), record.number(129), record.number(134), record.number(3))
    return MinutiaeRecord(minutiae, SingularPoints.empty(), FORMAT, dpi_x, dpi_y, *about, notes=notes)
