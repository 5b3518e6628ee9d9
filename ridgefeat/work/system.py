"""The machine: which package provides a system library that OpenCV lacks, and how much memory a process uses."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import resource
except ImportError:  # a system without it reports no peak
    resource = None  # type: ignore[assignment]

_MISSING = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")


def missing_library_advice(error: ImportError) -> str | None:
    """Return what to install when an import failed because a system library is missing, else None."""
    found = _MISSING.search(str(error))
    if found is None:
        return None
    return (
        f"OpenCV cannot start: the system library {found[1]} is missing on this machine. Install it "
        "(Debian, Ubuntu: apt-get install libgl1 libglib2.0-0; Fedora: dnf install mesa-libGL glib2), or "
        "replace OpenCV by its build for servers: pip uninstall opencv-python && pip install opencv-python-headless"
    )


@contextmanager
def explain_import_errors() -> Iterator[None]:
    """Make an import that fails because a system library is missing say what to install."""
    try:
        yield
    except ImportError as error:
        message = missing_library_advice(error)
        if message is None:
            raise
        raise ImportError(message) from error


def peak_memory() -> int:
    """Return the peak memory of this process in bytes; 0 where the system does not report it."""
    peak = process_memory("VmHWM")
    if not peak and resource is not None:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peak = used if sys.platform == "darwin" else used << 10
    return peak


def process_memory(key: str) -> int:
    """Return a figure of this process's memory in bytes, such as VmHWM or VmData; 0 where it is not reported."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return next((int(line.split()[1]) << 10 for line in file if line.startswith(key + ":")), 0)
    except OSError:
        return 0
