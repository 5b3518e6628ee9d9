"""PBM, PGM and PPM: the portable any-map's header."""

from __future__ import annotations

import re

from ridgefeat.errors import ImageError
from ridgefeat.sources.header import Header, need

_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_NUMBER = rb"(\d{1,9})"
_BITMAP = re.compile(rb"P[14]" + _GAP + _NUMBER + _GAP + _NUMBER + rb"\s")
_GREY = re.compile(rb"P[2356]" + _GAP + _NUMBER + _GAP + _NUMBER + _GAP + _NUMBER + rb"\s")
_LONGEST_HEADER = 1 << 16


def read_pnm(data: bytes) -> Header:
    """Return the header of a PBM, PGM or PPM file, in its plain (text) or raw form.

    Raises
    ------
    ImageError
        If the header is malformed or the file is shorter than its pixels.
    """
    kind = data[1] - ord("0")
    bitmap = kind in (1, 4)
    found = (_BITMAP if bitmap else _GREY).match(data[:_LONGEST_HEADER])
    if not found:
        raise ImageError(f"the header of the P{kind} file holds no width, height and maximum; it is damaged")
    width, height, *rest = (int(n) for n in found.groups())
    maximum = rest[0] if rest else 1
    if not 1 <= maximum <= 65535:
        raise ImageError(f"the P{kind} file's maximum must lie between 1 and 65535, got {maximum}")
    channels = 3 if kind in (3, 6) else 1
    depth = 2 if maximum > 255 else 1
    if kind == 4:
        pixels = (width + 7) // 8 * height
    elif kind in (5, 6):
        pixels = width * height * channels * depth
    else:
        pixels = width * height * channels if bitmap else max(0, 2 * width * height * channels - 1)
    need(data, found.end() + pixels)
    # The decoder brings samples of one byte to 0..255 itself in the plain form, and in no other.
    scaled = bitmap or (kind in (2, 3) and depth == 1)
    return Header(width, height, channels * depth, maximum=0 if scaled else maximum)
