"""PNG's chunks: size, resolution, and whether the file is whole."""

from __future__ import annotations

import zlib

from ridgefeat.errors import ImageError
from ridgefeat.sources.header import MM_PER_INCH, Header, cannot_hold, dpi_or_none, unpack

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_MAX_CHUNKS = 1_000_000
_DEFLATE_RATIO = 1032
"""Deflate cannot shrink data more than this (zlib's technical notes)."""


def read_png(data: bytes) -> Header:
    """Return a PNG file's header.

    Raises
    ------
    ImageError
        If a chunk is cut short or fails its checksum, or the end chunk is missing.
    """
    size, kind = unpack(">I4s", data, 8)
    if kind != b"IHDR" or size != 13:
        raise ImageError("the PNG file does not begin with its header chunk; it is damaged")
    width, height, depth, colour = unpack(">IIBB", data, 16)
    if colour not in _CHANNELS or depth not in (1, 2, 4, 8, 16):
        raise ImageError(f"the PNG header names colour type {colour} at {depth} bits, which PNG does not know")
    dpi, compressed = _walk(data)
    if height * (width * _CHANNELS[colour] * depth // 8) > _DEFLATE_RATIO * compressed:
        raise cannot_hold(data, width, height)
    channels = 4 if colour == 3 else _CHANNELS[colour]
    return Header(width, height, channels * (2 if depth == 16 else 1), dpi)


def _walk(data: bytes) -> tuple[tuple[float, float] | None, int]:
    """Check every chunk; return the resolution and the number of compressed bytes."""
    offset, dpi, compressed = 8, None, 0
    view = memoryview(data)
    for _ in range(_MAX_CHUNKS):
        if offset + 12 > len(data):
            break
        size, kind = unpack(">I4s", data, offset)
        end = offset + 12 + size
        if end > len(data):
            break
        if zlib.crc32(view[offset + 4 : end - 4]) != unpack(">I", data, end - 4)[0]:
            raise ImageError(f"the PNG file is damaged: chunk {kind!r} at byte {offset} fails its checksum")
        if kind == b"IEND":
            return dpi, compressed
        if kind == b"IDAT":
            compressed += size
        elif kind == b"pHYs" and size == 9:
            across, down, unit = unpack(">IIB", data, offset + 8)
            per_metre = MM_PER_INCH / 1000
            dpi = dpi_or_none(across * per_metre, down * per_metre) if unit == 1 else None
        offset = end
    raise ImageError(f"the PNG file is cut short: {len(data)} bytes without an end chunk; copy it again")
