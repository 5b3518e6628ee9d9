"""WSQ, the FBI's wavelet scalar quantisation, decoded by the optional package `wsq` in a process of its own.

The package wraps NIST's decoder in C, which crashes on damaged files. A child process keeps such a file from taking
the whole run with it; it costs some tens of milliseconds a print.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np

from ridgefeat.errors import ImageError
from ridgefeat.sources.header import Header, dpi_or_none, unpack
from ridgefeat.structure import UInt8

_FRAME, _BLOCK, _COMMENT = 0xA2, 0xA3, 0xA8
_MARKERS = range(0xA2, 0xA9)
_PPI = re.compile(rb"\bPPI\s+(\d{2,5})\b")
_TIMEOUT = 60.0

_CHILD = """
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = (1 << 29) + 16 * int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
except (ImportError, ValueError, OSError):
    pass
import io, wsq
from PIL import Image
image = Image.open(io.BytesIO(sys.stdin.buffer.read()))
image.load()
sys.stdout.buffer.write(image.convert("L").tobytes())
"""


def read_wsq(data: bytes) -> Header:
    """Return a WSQ file's header; the resolution is that of its NISTCOM comment.

    Raises
    ------
    ImageError
        If the file ends before its frame header, or its end is missing.
    """
    offset, dpi = 2, None
    while True:
        first, marker = unpack(">BB", data, offset)
        if first != 0xFF or marker not in _MARKERS or marker == _BLOCK:
            raise ImageError(f"the WSQ file is damaged: no frame header up to byte {offset}")
        size = unpack(">H", data, offset + 2)[0]
        if marker == _FRAME:
            break
        if marker == _COMMENT and (found := _PPI.search(data[offset + 4 : offset + 2 + size])):
            dpi = dpi_or_none(float(found[1]), float(found[1]))
        offset += 2 + max(size, 2)
    height, width = unpack(">HH", data, offset + 6)
    if data.rfind(b"\xff\xa1", offset) < 0:
        raise ImageError(f"the WSQ file is cut short: {len(data)} bytes without an end marker; copy it again")
    return Header(width, height, 1, dpi)


def decode_wsq(data: bytes, header: Header) -> UInt8:
    """Return a WSQ image's pixels, uint8, shape (rows, columns).

    Raises
    ------
    ImageError
        If the extra is not installed, or the decoder fails, crashes or takes longer than a minute.
    """
    if find_spec("wsq") is None or find_spec("PIL") is None:
        raise ImageError("reading WSQ needs the extra `wsq`: pip install 'ridgefeat[wsq]'")
    size = header.width * header.height
    command = [sys.executable, "-P", "-c", _CHILD, str(size)]
    try:
        # -P: a file called wsq.py in the working folder must not be run.
        done = subprocess.run(command, input=data, capture_output=True, timeout=_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise ImageError(f"the WSQ decoder did not finish within {_TIMEOUT:g} s; the file is damaged") from None
    except OSError as error:
        raise ImageError(f"the WSQ decoder could not be started: {error.strerror}") from None
    if done.returncode or len(done.stdout) != size:
        raise ImageError("the WSQ file cannot be decoded; it is damaged")
    return np.frombuffer(done.stdout, np.uint8).reshape(header.height, header.width).copy()
