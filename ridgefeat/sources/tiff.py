"""TIFF's first directory, which is also what a JPEG file's EXIF block is."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from ridgefeat.errors import ImageError
from ridgefeat.sources.header import Dpi, Header, dpi_or_none, unpack

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_INTEGERS = {1: "u1", 3: "u2", 4: "u4"}
_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES = 256, 257, 258, 262, 274, 277
_ACROSS, _DOWN, _UNIT, _SAMPLE_FORMAT = 282, 283, 296, 339
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_PIECES = ((273, 279), (324, 325))
_COLOUR_MAP = 320
_COMPRESSION, _DEFLATE = 259, (8, 32946)
_DPI_PER_UNIT = {2: 1.0, 3: 2.54}
_LARGEST_TILE = 1 << 24


@dataclass(frozen=True)
class Directory:
    """The entries of one image file directory, by tag: type, count and where the values lie."""

    data: bytes
    order: str
    entries: dict[int, tuple[int, int, int]]
    following: int

    def integers(self, tag: int) -> list[int]:
        """Return a tag's values, [] where the tag is missing or holds no integers."""
        kind, count, offset = self.entries.get(tag, (0, 0, 0))
        if kind not in _INTEGERS:
            return []
        self.check(tag)
        found = np.frombuffer(self.data, self.order + _INTEGERS[kind], count, offset)
        return [int(v) for v in found]

    def integer(self, tag: int, default: int) -> int:
        """Return a tag's first value."""
        return (self.integers(tag) or [default])[0]

    def check(self, tag: int) -> None:
        """Raise ImageError if a tag's values lie outside the file."""
        kind, count, offset = self.entries.get(tag, (1, 0, 0))
        if offset + count * _SIZES.get(kind, 1) > len(self.data):
            raise ImageError(f"the TIFF file is cut short: the values of tag {tag} lie outside it; copy it again")

    def resolution(self) -> Dpi | None:
        """Return the resolution in dpi, None where there is none or no unit."""
        factor = _DPI_PER_UNIT.get(self.integer(_UNIT, 2))
        across, down = self._ratio(_ACROSS), self._ratio(_DOWN)
        if factor is None or across is None:
            return None
        return dpi_or_none(across * factor, (down or across) * factor)

    @property
    def turned(self) -> bool:
        """Whether the image is to be shown with its width and height exchanged."""
        return self.integer(_ORIENTATION, 1) in (5, 6, 7, 8)

    def _ratio(self, tag: int) -> float | None:
        kind, count, offset = self.entries.get(tag, (0, 0, 0))
        if kind != 5 or count < 1 or offset + 8 > len(self.data):
            return None
        above, below = unpack(self.order + "II", self.data, offset)
        return float(above / below) if below else None


def read_directory(data: bytes) -> Directory:
    """Return the first directory of TIFF-structured data.

    Raises
    ------
    ImageError
        If the data are no TIFF structure or end inside the directory.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    if not order or unpack(order + "H", data, 2)[0] != 42:
        raise ImageError("the TIFF header is damaged, or that of a BigTIFF; save the image as plain TIFF or PNG")
    start = unpack(order + "I", data, 4)[0]
    count = unpack(order + "H", data, start)[0]
    entries = {}
    for i in range(count):
        at = start + 2 + 12 * i
        tag, kind, values = unpack(order + "HHI", data, at)
        inline = values * _SIZES.get(kind, 1) <= 4
        entries[tag] = (kind, values, at + 8 if inline else unpack(order + "I", data, at + 8)[0])
    end = start + 2 + 12 * count
    following = unpack(order + "I", data, end)[0] if end + 4 <= len(data) else 0
    return Directory(data, order, entries, following)


def read_tiff(data: bytes) -> Header:
    """Return the header of a TIFF file's first page.

    Raises
    ------
    ImageError
        If it holds no image of 1 to 16 bits a sample, or its pixels lie outside the file.
    """
    page = read_directory(data)
    width, height = page.integer(_WIDTH, 0), page.integer(_HEIGHT, 0)
    samples, bits = page.integer(_SAMPLES, 1), page.integer(_BITS, 1)
    if not (1 <= samples <= 4 and 1 <= bits <= 16):
        raise ImageError(f"a TIFF of {samples} samples with {bits} bits cannot be read; save it with 8 or 16 bits")
    if page.integer(_SAMPLE_FORMAT, 1) not in (1, 4):
        raise ImageError("the TIFF holds signed or floating-point samples; save it with 8 or 16 bits unsigned")
    if page.integer(_TILE_WIDTH, 0) * page.integer(_TILE_HEIGHT, 0) > max(_LARGEST_TILE, 4 * width * height):
        raise ImageError("the TIFF claims tiles far larger than its image; it is damaged")
    for tag in (_COLOUR_MAP, _ACROSS, _DOWN):
        page.check(tag)
    _check_pieces(page)
    photometric = page.integer(_PHOTOMETRIC, 1)
    return Header(
        width,
        height,
        # Up to 8 bits the decoder goes through RGBA.
        4 if bits <= 8 else 2 * samples,
        page.resolution(),
        inverted=photometric == 0 and bits > 8,
        turned=page.turned,
        notes=("first_page_only",) if page.following else (),
    )


def _check_pieces(page: Directory) -> None:
    """Raise ImageError unless every strip or tile lies inside the file."""
    for offsets, sizes in _PIECES:
        starts, lengths = page.integers(offsets), page.integers(sizes)
        if not starts:
            continue
        if len(lengths) != len(starts):
            raise ImageError(f"the TIFF names {len(starts)} pieces but {len(lengths)} sizes; it is damaged")
        end = max(start + length for start, length in zip(starts, lengths, strict=True))
        if end > len(page.data):
            raise ImageError(f"the TIFF file is cut short: {len(page.data)} of {end} bytes; copy it again")
        if page.integer(_COMPRESSION, 1) in _DEFLATE:
            _check_inflates(page.data, starts, lengths, 8 * page.integer(_WIDTH, 0) * page.integer(_HEIGHT, 0))
        return
    raise ImageError("the TIFF file names no pixels; it is damaged")


def _check_inflates(data: bytes, starts: list[int], lengths: list[int], most: int) -> None:
    """Raise ImageError where a deflated piece is damaged; the decoder would leave it black without a word."""
    for start, length in zip(starts, lengths, strict=True):
        stream, left = zlib.decompressobj(), data[start : start + length]
        while left and not stream.eof and most >= 0:
            try:
                most -= len(stream.decompress(left, 1 << 20))
            except zlib.error:
                raise ImageError(f"the TIFF file is damaged: its piece at byte {start} does not inflate") from None
            left = stream.unconsumed_tail
