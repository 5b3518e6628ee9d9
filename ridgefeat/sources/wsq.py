"""WSQ, the FBI's wavelet scalar quantisation, decoded by the optional package `wsq` in a process of its own.

The package wraps NIST's decoder in C, which crashes on damaged files. A child process keeps such a file from taking
the whole run with it; it costs some tens of milliseconds per print.
"""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from importlib.util import find_spec

import numpy as np

from ridgefeat.errors import ImageError
from ridgefeat.sources.resolution import Dpi, rounded_dpi
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


def read_wsq_header(data: bytes) -> tuple[int, int, Dpi | None]:
    """Return a WSQ file's width, height and resolution, which is that of its NISTCOM comment.

    Raises ImageError if the file ends before its frame header, or its end is missing.
    """
    offset, dpi = 2, None
    try:
        while True:
            first, marker, size = struct.unpack_from(">BBH", data, offset)
            if first != 0xFF or marker not in _MARKERS or marker == _BLOCK:
                raise ImageError(f"the WSQ file is damaged: no frame header up to byte {offset}")
            if marker == _FRAME:
                break
            if marker == _COMMENT and (found := _PPI.search(data[offset + 4 : offset + 2 + size])):
                dpi = rounded_dpi(float(found[1]), float(found[1]))
            offset += 2 + max(size, 2)
        height, width = struct.unpack_from(">HH", data, offset + 6)
    except struct.error:
        raise ImageError(f"the file is cut short inside its header ({len(data)} bytes)") from None
    if data.rfind(b"\xff\xa1", offset) < 0:
        raise ImageError(f"the WSQ file is cut short: {len(data)} bytes without an end marker; copy it again")
    return width, height, dpi


def decode_wsq(data: bytes, width: int, height: int) -> UInt8:
    """Return a WSQ image's pixels, uint8, shape (rows, columns).

    Raises ImageError if the extra is not installed, or the decoder fails, crashes or takes longer than a minute.
    """
    if find_spec("wsq") is None:
        raise ImageError("reading WSQ needs the extra `wsq`: pip install 'ridgefeat[wsq]'")
    size = width * height
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
    return np.frombuffer(done.stdout, np.uint8).reshape(height, width).copy()
