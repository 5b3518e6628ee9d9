"""A network tried in a process of its own first: on a damaged file OpenCV may crash, hang or ask for all memory.

What is tried is what is run later, on the same bytes and an image of the same size. A network that was rewritten for
speed is tried after the original, and used only where it gives the same.
"""

from __future__ import annotations

import subprocess
import sys

from ridgefeat.errors import ModelError

SECONDS = 120
MEMORY_BYTES = 8 << 30
"""Address space that a trial may use, where the system can limit it."""

SAME = 1e-4
"""Largest difference of a rewritten network from the original, by the largest value."""

_FAILED, _OTHER = 3, 4
_CODE = f"""
import sys
import cv2
import numpy as np
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
except (ImportError, OSError, ValueError):
    pass
data = sys.stdin.buffer.read()
image = np.random.default_rng(0).standard_normal([int(s) for s in sys.argv[2:]], np.float32)
def run(part):
    net = cv2.dnn.readNetFromONNX(np.frombuffer(part, np.uint8))
    net.setInput(image)
    return net.forward(net.getUnconnectedOutLayersNames())
first = int(sys.argv[1])
try:
    values = run(data[:first])
except (cv2.error, MemoryError) as error:
    print(" ".join(str(error).split())[-300:])
    sys.exit({_FAILED})
try:
    for one, other in zip(values, run(data[first:]) if data[first:] else values, strict=True):
        if one.shape != other.shape or not np.abs(one - other).max() <= {SAME} * np.abs(one).max():
            sys.exit({_OTHER})
except (cv2.error, MemoryError, ValueError):
    sys.exit({_OTHER})
"""


def try_out(part: bytes, shape: tuple[int, ...], name: str, rewritten: bytes | None = None) -> bool:
    """Run a network once on an image of noise, in another process.

    Parameters
    ----------
    part : bytes
        An ONNX file.
    shape : tuple of int
        Of the batch that it takes.
    name : str
        Of the file, for messages.
    rewritten : bytes, optional
        What may stand for it.

    Returns
    -------
    bool
        Whether the rewritten network gives the same.

    Raises
    ------
    ModelError
        Where OpenCV cannot read or run it, crashes, or takes too long.
    """
    command = [sys.executable, "-c", _CODE, str(len(part)), *map(str, shape)]
    try:
        done = subprocess.run(
            command, input=part + (rewritten or b""), capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"{name} takes more than {SECONDS} s for one image; give a smaller size or another network"
        ) from None
    if done.returncode == _FAILED:
        told = done.stdout.decode("utf-8", "replace").strip()
        raise ModelError(f"OpenCV cannot run {name} on images of shape {shape[1:]}: {told}; try another size or layer")
    if done.returncode < 0:
        raise ModelError(f"OpenCV crashes on {name} (signal {-done.returncode}): the file is damaged; save it anew")
    if done.returncode not in (0, _OTHER):
        told = done.stderr.decode("utf-8", "replace").strip()[-300:]
        raise ModelError(f"{name} could not be tried out ({told}); check that Python and OpenCV run on this machine")
    return rewritten is not None and done.returncode == 0
