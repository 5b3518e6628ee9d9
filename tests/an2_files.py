"""ANSI/NIST transactions made for the tests."""

import struct

import numpy as np

GS, RS, US, FS = b"\x1d", b"\x1e", b"\x1f", b"\x1c"
SECRET = b"KLAATU,BARADA"
"""The name of the person in the descriptive record."""


def tagged(kind: int, fields: dict[int, bytes | str], data: bytes | None = None) -> bytes:
    """A tagged record; its length (field 1) is computed, and `data` becomes field 999."""
    text = [v if isinstance(v, bytes) else v.encode() for v in fields.values()]
    parts = [b"%d.%03d:%s" % (kind, n, v) for n, v in zip(fields, text, strict=True)]
    parts += [] if data is None else [b"%d.999:%s" % (kind, data)]
    body = GS + GS.join(parts) + FS
    length = len(body) + len(b"%d.001:" % kind)
    length += len(str(length + len(str(length))))
    return b"%d.001:%d" % (kind, length) + body


def binary(idc: int, positions: bytes, size: tuple[int, int], data: bytes, code: int = 0, isr: int = 0) -> bytes:
    """A record of types 3 to 6; the impression is live-scan plain."""
    head = struct.pack(">BB6sBHHB", idc, 0, positions.ljust(6, b"\xff"), isr, *size, code)
    return struct.pack(">I", 4 + len(head) + len(data)) + head + data


def transaction(*records: tuple[int, int, bytes], resolution: str = "19.69") -> bytes:
    """A transaction of records (type, IDC, bytes), with a descriptive record in front of them."""
    listed = [(2, 0, tagged(2, {2: "00", 18: SECRET, 22: "19510928"})), *records]
    contents = RS.join([b"1" + US + b"%d" % len(listed), *(b"%d%s%02d" % (k, US, idc) for k, idc, _ in listed)])
    first = {2: "0500", 3: contents, 4: "TST", 5: "20260101", 7: "AGENCY1", 8: "AGENCY2", 9: "CASE99"}
    return tagged(1, {**first, 11: resolution, 12: resolution}) + b"".join(data for _, _, data in listed)


def type14(
    idc: int, size: tuple[int, int], data: bytes, compression: str = "NONE", position: str = "2", **given: str
) -> bytes:
    """A record of type 14, 8 bits and 500 px per inch, with further fields as f12="24"."""
    fields: dict[int, bytes | str] = {2: f"{idc:02d}", 3: "1", 4: "AGENCY1", 5: "20260101"}
    fields |= {6: str(size[0]), 7: str(size[1]), 8: "1", 9: "500", 10: "500", 11: compression, 12: "8", 13: position}
    return tagged(14, fields | {int(n[1:]): v for n, v in given.items()}, data)


def lossless_jpeg(pixels: np.ndarray) -> bytes:
    """A grey image as lossless JPEG (ITU-T T.81, SOF3), each pixel predicted by the one to its left."""
    (rows, columns), bits = pixels.shape, ""
    values = pixels.astype(int)
    before = np.hstack([np.vstack([[[128]], values[:-1, :1]]), values[:, :-1]])
    for difference in (values - before).ravel().tolist():
        size = abs(difference).bit_length()
        bits += f"{size:04b}"
        bits += f"{difference + (difference < 0) * ((1 << size) - 1):0{size}b}" if size else ""
    bits += "1" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    codes = bytes([0, 0, 0, 0, 9, *[0] * 12, *range(9)])
    frame = struct.pack(">BHHBBBB", 8, rows, columns, 1, 1, 0x11, 0)
    segments = ((0xC4, codes), (0xC3, frame), (0xDA, bytes([1, 1, 0, 1, 0, 0])))
    head = b"".join(b"\xff%c%s" % (m, struct.pack(">H", len(body) + 2) + body) for m, body in segments)
    return b"\xff\xd8" + head + packed + b"\xff\xd9"
