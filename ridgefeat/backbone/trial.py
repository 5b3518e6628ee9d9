"""A network tried in a process of its own first: on a damaged file OpenCV may crash, hang or ask for all memory.

What is tried is what is run later, on the same bytes and an image of the same size.
"""

from __future__ import annotations

import subprocess
import sys

from ridgefeat.errors import ModelError

SECONDS = 120
MEMORY_BYTES = 8 << 30
"""Address space that a trial may use, where the system can limit it."""

_FAILED = 3
_CODE = f"""
import sys
import cv2
import numpy as np
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
except (ImportError, OSError, ValueError):
    pass
part = np.frombuffer(sys.stdin.buffer.read(), np.uint8)
try:
    net = cv2.dnn.readNetFromONNX(part)
    net.setInput(np.zeros([int(s) for s in sys.argv[1:]], np.float32))
    net.forward()
except (cv2.error, MemoryError) as error:
    print(" ".join(str(error).split())[-300:])
    sys.exit({_FAILED})
"""


def try_out(part: bytes, shape: tuple[int, ...], name: str) -> None:
    """Run a network once on an image of zeros, in another process.

    Parameters
    ----------
    part : bytes
        An ONNX file.
    shape : tuple of int
        Of the batch that it takes.
    name : str
        Of the file, for messages.

    Raises
    ------
    ModelError
        Where OpenCV cannot read or run it, crashes, or takes too long.
    """
    command = [sys.executable, "-c", _CODE, *map(str, shape)]
    try:
        done = subprocess.run(command, input=part, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"{name} takes more than {SECONDS} s for one image; give a smaller size or another network"
        ) from None
    if done.returncode == _FAILED:
        told = done.stdout.decode("utf-8", "replace").strip()
        raise ModelError(
            f"OpenCV cannot run {name} on images of shape {shape[1:]}: {told}; try another size or layer"
        )
    if done.returncode < 0:
        raise ModelError(
            f"OpenCV crashes on {name} (signal {-done.returncode}): the file is damaged; save it anew"
        )
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise ModelError(
            f"{name} could not be tried out ({told}); check that Python and OpenCV run on this machine"
        )
