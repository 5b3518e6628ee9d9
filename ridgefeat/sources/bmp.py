"""BMP's header: Windows bitmap, OS/2 and later versions."""

from __future__ import annotations

from ridgefeat.errors import ImageError
from ridgefeat.sources.header import MM_PER_INCH, Header, dpi_or_none, need, unpack

_UNCOMPRESSED = (0, 3, 6)
_RUN_LENGTH = (1, 2)
_END_OF_BITMAP = b"\x00\x01"


def read_bmp(data: bytes) -> Header:
    """Return a BMP file's header.

    Raises
    ------
    ImageError
        If it is no bitmap that can be decoded, or the file is shorter than its pixels.
    """
    first, size = unpack("<II", data, 10)
    if size == 12:
        width, height, _, bits = unpack("<HHHH", data, 18)
        compression, stored, across, down = 0, 0, 0, 0
    elif size >= 40:
        width, height, _, bits, compression, stored, across, down = unpack("<iiHHIIii", data, 18)
    else:
        raise ImageError(f"the BMP header has an unknown length of {size} bytes")
    height = abs(height)
    if bits not in (1, 4, 8, 16, 24, 32) or compression not in _UNCOMPRESSED + _RUN_LENGTH:
        raise ImageError(f"a BMP of {bits} bits and compression {compression} cannot be read; save it as PNG")
    if width > 0 and height > 0:
        if compression in _UNCOMPRESSED:
            # The last row's padding is left out by some writers.
            need(data, first + (width * bits + 31) // 32 * 4 * (height - 1) + (width * bits + 7) // 8)
        elif _END_OF_BITMAP not in data[first:][max(stored, 4) - 4 : stored or None][-4:]:
            raise ImageError("the file is cut short: its run-length coded pixels have no end; copy it again")
    per_metre = MM_PER_INCH / 1000
    return Header(width, height, 1 if bits <= 8 else bits // 8 + 1, dpi_or_none(across * per_metre, down * per_metre))
