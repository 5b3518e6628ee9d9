"""JPEG's segments up to the pixels: size, resolution (JFIF, else EXIF), and whether the file has an end."""

from __future__ import annotations

from ridgefeat.errors import ImageError
from ridgefeat.sources.header import Dpi, Header, cannot_hold, dpi_or_none, unpack
from ridgefeat.sources.tiff import read_directory

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN, _END, _APP0, _APP1 = 0xDA, 0xD9, 0xE0, 0xE1
_ALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_DPI_PER_UNIT = {1: 1.0, 2: 2.54}
_PIXELS_PER_BYTE = 512
"""Every block of 8x8 pixels takes at least one bit."""


def read_jpeg(data: bytes) -> Header:
    """Return a JPEG file's header.

    Raises
    ------
    ImageError
        If a segment is cut short, or the frame, the pixels or the end are missing.
    """
    frame: tuple[int, int, int] | None = None
    jfif: Dpi | None = None
    exif: Dpi | None = None
    turned, offset = False, 2
    while True:
        fill, marker = unpack(">BB", data, offset)
        if fill != 0xFF:
            raise ImageError(f"the JPEG file is damaged: no marker at byte {offset}")
        if marker == 0xFF or marker in _ALONE:
            offset += 1 if marker == 0xFF else 2
            continue
        if marker in (_SCAN, _END):
            break
        size = unpack(">H", data, offset + 2)[0]
        body = data[offset + 4 : offset + 2 + size]
        if marker in _FRAMES:
            frame = _frame(body)
        elif marker == _APP0 and body[:5] == b"JFIF\0" and len(body) >= 12:
            unit, across, down = unpack(">BHH", body, 7)
            jfif = dpi_or_none(across * _DPI_PER_UNIT.get(unit, 0), down * _DPI_PER_UNIT.get(unit, 0))
        elif marker == _APP1 and body[:6] == b"Exif\0\0":
            exif, turned = _exif(body[6:])
        offset += 2 + max(size, 2)
    if frame is None or marker == _END:
        raise ImageError("the JPEG file holds no image; it is damaged")
    if data.rfind(b"\xff\xd9", offset) < 0:
        raise ImageError(f"the JPEG file is cut short: {len(data)} bytes without an end marker; copy it again")
    width, height, channels = frame
    if width * height > _PIXELS_PER_BYTE * len(data):
        raise cannot_hold(data, width, height)
    return Header(width, height, channels, jfif or exif, turned=turned)


def _frame(body: bytes) -> tuple[int, int, int]:
    precision, height, width, channels = unpack(">BHHB", body, 0)
    if precision != 8 or channels not in (1, 3, 4):
        raise ImageError(f"a JPEG of {channels} channels with {precision} bits cannot be read; save it as PNG")
    return width, height, channels


def _exif(block: bytes) -> tuple[Dpi | None, bool]:
    """Return resolution and rotation; a damaged EXIF block says nothing, and the image is still good."""
    try:
        directory = read_directory(block)
        return directory.resolution(), directory.turned
    except ImageError:
        return None, False
