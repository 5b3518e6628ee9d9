"""The machine: which package has a system library that OpenCV lacks, and how much memory a process holds."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import resource
except ImportError:  # a system without it goes without the bound on memory
    resource = None  # type: ignore[assignment]

_MISSING = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")


def explain(error: ImportError) -> str | None:
    """Return what to install when an import failed for want of a system library, else None."""
    found = _MISSING.search(str(error))
    if found is None:
        return None
    return (
        f"OpenCV cannot start: the system library {found[1]} is missing on this machine. Install it "
        "(Debian, Ubuntu: apt-get install libgl1 libglib2.0-0; Fedora: dnf install mesa-libGL glib2), or "
        "replace OpenCV by its build for servers: pip uninstall opencv-python && pip install opencv-python-headless"
    )


@contextmanager
def explained() -> Iterator[None]:
    """Make an import that fails for want of a system library say what to install."""
    try:
        yield
    except ImportError as error:
        message = explain(error)
        if message is None:
            raise
        raise ImportError(message) from error


def peak_memory() -> int:
    """Return the most memory that this process has held, in bytes; 0 where the system does not say."""
    most = held("VmHWM")
    if not most and resource is not None:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        most = used if sys.platform == "darwin" else used << 10
    return most


def held(key: str) -> int:
    """Return what the system says that this process holds, in bytes: VmHWM, VmData; 0 where it does not say."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return next((int(line.split()[1]) << 10 for line in file if line.startswith(key + ":")), 0)
    except OSError:
        return 0
