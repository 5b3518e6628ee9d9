"""How many threads a process uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import cv2


@contextmanager
def opencv_threads(count: int) -> Iterator[None]:
    """Have OpenCV use so many threads."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold OpenCV and BLAS to one thread: workers are the parallelism, and sums keep their order."""
    with opencv_threads(1), _thread_pools().limit(limits=1):
        yield


def has_threads() -> bool:
    """Whether this process has threads besides those that OpenBLAS keeps, which survive a fork; on Linux."""
    kept = sum(p["num_threads"] - 1 for p in _thread_pools().info() if p["internal_api"] == "openblas")
    return sum(1 for _ in Path("/proc/self/task").iterdir()) > 1 + int(kept)


@cache
def _thread_pools() -> Any:
    """Return the libraries with thread pools; looked for once, for that takes longer than a small print."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()
