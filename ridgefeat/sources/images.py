"""Image files and bytes -> grey pixels, with whatever is wrong with them said in one sentence.

The format is told by the first bytes, not by the suffix. Its header is read first (header.py and a module a format),
so that nothing of an unchecked size is ever allocated; then OpenCV decodes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ridgefeat.errors import ImageError
from ridgefeat.sources.bmp import read_bmp
from ridgefeat.sources.header import Dpi, Header
from ridgefeat.sources.jpeg import read_jpeg
from ridgefeat.sources.png import read_png
from ridgefeat.sources.pnm import read_pnm
from ridgefeat.sources.source import Place
from ridgefeat.sources.tiff import read_tiff
from ridgefeat.sources.wsq import decode_wsq, read_wsq
from ridgefeat.structure import UInt8

MAX_PIXELS = 100_000_000
_BYTES_PER_PIXEL = 3
_METADATA = 1 << 24

_FORMATS: tuple[tuple[str, re.Pattern[bytes], Callable[[bytes], Header]], ...] = (
    ("bmp", re.compile(rb"BM"), read_bmp),
    ("png", re.compile(rb"\x89PNG\r\n\x1a\n"), read_png),
    ("jpeg", re.compile(rb"\xff\xd8\xff"), read_jpeg),
    ("tiff", re.compile(rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"), read_tiff),
    ("pnm", re.compile(rb"P[1-6][\s#]"), read_pnm),
    ("wsq", re.compile(rb"\xff\xa0\xff"), read_wsq),
)
_NAMED_ONLY = (
    ("GIF", re.compile(rb"GIF8")),
    ("WebP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("JPEG 2000", re.compile(rb"\0\0\0\x0cjP|\xff\x4f\xff\x51")),
    ("HEIF or AVIF", re.compile(rb"....ftyp", re.DOTALL)),
    ("PDF", re.compile(rb"%PDF")),
    ("zip archive", re.compile(rb"PK\x03\x04")),
)


@dataclass(frozen=True, eq=False)
class Image:
    """An image as its file holds it.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (rows, columns)
        Grey values, 0 black.
    dpi : (float, float) or None
        Resolution across and down that the file claims; None where it claims none.
    format : str
        bmp, png, jpeg, tiff, pnm or wsq.
    notes : tuple of str
        What a person should know: first_page_only (a TIFF of several pages), alpha_ignored (all of the image is
        transparent).
    """

    pixels: UInt8
    dpi: Dpi | None
    format: str
    notes: tuple[str, ...] = ()


def read_image(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> Image:
    """Read an image file; anything but a regular file is refused at once.

    Parameters
    ----------
    path : path
        The file.
    max_pixels : int
        Largest number of pixels that is decoded; file and decoded size are bounded by it too.
    name : str, optional
        What messages call the file; its path without.

    Raises
    ------
    ImageError
        If the file is missing, unreadable, not regular, empty, too large, damaged or of an unknown format.
    """
    name = os.fspath(path) if name is None else name
    data = _read_bytes(path, name, _max_bytes(max_pixels))
    return decode_image(data, name, max_pixels=max_pixels)


def read_place(place: Place, *, max_pixels: int = MAX_PIXELS, name: str) -> Image:
    """Read an image that is no file of its own: a member of an archive, or at an address.

    Raises
    ------
    ImageError
        As read_image does.
    """
    try:
        data = place.read(_max_bytes(max_pixels))
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None
    return decode_image(data, name, max_pixels=max_pixels)


def decode_image(data: bytes, name: str = "", *, max_pixels: int = MAX_PIXELS) -> Image:
    """Decode the bytes of an image file to grey values.

    Colours become their luma (ITU-R BT.601). Transparent pixels are laid on white, as a viewer shows them, unless all
    of them are transparent: then the alpha channel is a leftover. Samples of 16 bits lose their low bits: of the 8,
    10, 12, 14 or 16 bits that the largest sample needs, the upper 8 are kept, since sensors store 10 or 12 bits in 16.
    An orientation that JPEG's EXIF block or TIFF asks for is applied.

    Raises
    ------
    ImageError
        If the bytes are empty, too many, damaged or of an unknown format.
    """
    try:
        if len(data) > _max_bytes(max_pixels):
            raise ImageError(_too_large(len(data), max_pixels))
        kind, header_of = _identify(data)
        header = header_of(data)
        _check_size(header, max_pixels)
        if kind == "wsq":
            return Image(decode_wsq(data, header), header.dpi, kind, header.notes)
        decoded = _decode(data, kind, header)
        pixels, notes = _grey(decoded, header)
    except ImageError as error:
        raise ImageError(f"{name}: {error}" if name else str(error)) from None
    dpi = header.dpi[::-1] if header.dpi and header.turned else header.dpi
    return Image(pixels, dpi, kind, header.notes + notes)


def pixel_digest(pixels: UInt8) -> str:
    """Return the SHA-256 of an image's shape and pixels, hexadecimal: the same for the same picture in any format."""
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(pixels, np.uint8).data)
    return digest.hexdigest()


def _max_bytes(max_pixels: int) -> int:
    return _BYTES_PER_PIXEL * max_pixels + _METADATA


def _too_large(size: int, max_pixels: int) -> str:
    return f"the file has {size} bytes, more than the {_max_bytes(max_pixels)} that are read; cut the print out of it"


def _read_bytes(path: str | os.PathLike[str], name: str, limit: int) -> bytes:
    try:
        # First without opening: to open a device or pipe can block or do something.
        _refuse_irregular(os.stat(path), name)  # noqa: PTH116
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(file.fileno())
            _refuse_irregular(found, name)
            if found.st_size > limit:
                raise ImageError(f"{name}: {_too_large(found.st_size, (limit - _METADATA) // _BYTES_PER_PIXEL)}")
            return file.read(limit + 1)
    except FileNotFoundError:
        if os.path.islink(path):  # noqa: PTH114
            raise ImageError(f"{name}: a broken symbolic link; what it names is not there") from None
        raise ImageError(f"{name}: no such file") from None
    except OSError as error:
        hint = "; check its permissions" if error.errno in (errno.EACCES, errno.EPERM) else ""
        raise ImageError(f"{name}: cannot be read: {error.strerror}{hint}") from None
    except ValueError as error:
        raise ImageError(f"{name!r}: no usable file name: {error}") from None


def _refuse_irregular(found: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise ImageError(f"{name}: a folder, not an image file")
    if not stat.S_ISREG(found.st_mode):
        raise ImageError(f"{name}: a pipe, socket or device, not an image file")


def _identify(data: bytes) -> tuple[str, Callable[[bytes], Header]]:
    if not data:
        raise ImageError("the file is empty (0 bytes); copy it again")
    for name, pattern, header_of in _FORMATS:
        if pattern.match(data):
            return name, header_of
    for name, pattern in _NAMED_ONLY:
        if pattern.match(data):
            raise ImageError(f"the file is a {name}, which is not read; save the image as PNG or TIFF")
    raise ImageError(
        f"the file is no image that is known: it begins with {data[:8]!r}; BMP, PNG, TIFF, JPEG, PGM and WSQ are read"
    )


def _check_size(header: Header, max_pixels: int) -> None:
    pixels = header.width * header.height
    size = f"{header.width}x{header.height} px"
    if header.width < 1 or header.height < 1:
        raise ImageError(f"the header claims {size}; the file is damaged")
    if pixels > max_pixels or pixels * header.bytes_per_pixel > _BYTES_PER_PIXEL * max_pixels:
        raise ImageError(f"the header claims {size}, more than the {max_pixels} pixels that are read")


def _decode(data: bytes, kind: str, header: Header) -> np.ndarray[Any, Any]:
    # The plain any-map reader looks one byte beyond the last number.
    buffer = np.frombuffer(data + b"\n" if kind == "pnm" else data, np.uint8)
    # Only without IMREAD_UNCHANGED does OpenCV turn a JPEG as its EXIF block asks; a JPEG has no alpha to lose.
    flag = cv2.IMREAD_ANYCOLOR if kind == "jpeg" else cv2.IMREAD_UNCHANGED
    with quiet_opencv():
        try:
            decoded: Any = cv2.imdecode(buffer, flag)
        except (cv2.error, MemoryError):
            decoded = None
    expected = (header.width, header.height) if header.turned else (header.height, header.width)
    if decoded is None or decoded.shape[:2] != expected:
        raise ImageError(f"the {kind.upper()} file cannot be decoded; it is damaged or of a rare variant")
    return np.asarray(decoded)


def _grey(decoded: np.ndarray[Any, Any], header: Header) -> tuple[UInt8, tuple[str, ...]]:
    channels = decoded.shape[2] if decoded.ndim == 3 else 1
    if decoded.dtype not in (np.uint8, np.uint16) or channels not in (1, 3, 4):
        raise ImageError(f"{channels} channels of {decoded.dtype} cannot be read; save the image with 8 or 16 bits")
    if decoded.dtype == np.uint16 or header.maximum not in (0, 255):
        decoded = _to_8_bits(decoded, header.maximum)
    if header.inverted:
        decoded = cv2.bitwise_not(decoded)
    if channels == 1:
        return np.ascontiguousarray(decoded.reshape(decoded.shape[:2])), ()
    if channels == 3:
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2GRAY), np.uint8), ()
    grey = np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGRA2GRAY), np.uint8)
    alpha = cv2.extractChannel(decoded, 3)
    if not alpha.any():
        return grey, ("alpha_ignored",)
    ink = cv2.multiply(cv2.bitwise_not(grey), alpha, scale=1 / 255)
    return np.asarray(cv2.bitwise_not(ink), np.uint8), ()


def _to_8_bits(samples: np.ndarray[Any, Any], maximum: int) -> UInt8:
    """Scale by a stated maximum; without one by the smallest even number of bits that holds every sample."""
    if maximum:
        scaled = (np.minimum(samples, maximum).astype(np.uint32) * 255 + maximum // 2) // maximum
    else:
        bits = max(8, int(samples.max()).bit_length())
        scaled = samples >> (bits + bits % 2 - 8)
    grey: UInt8 = scaled.astype(np.uint8)
    return grey


class _Quiet:
    """How many decodes run now, and the log level to restore after the last."""

    lock = threading.Lock()
    depth = 0
    level = 0


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's log: a bad file, image or network, is told once, by the error that is raised."""
    # OpenCV 5 moved its log level into a module of its own.
    log: Any = getattr(cv2.utils, "logging", cv2)
    with _Quiet.lock:
        if _Quiet.depth == 0:
            _Quiet.level = log.getLogLevel()
            log.setLogLevel(0)
        _Quiet.depth += 1
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.depth -= 1
            if _Quiet.depth == 0:
                log.setLogLevel(_Quiet.level)
