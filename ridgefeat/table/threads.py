"""One thread a worker: workers are the parallelism, and sums keep their order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold OpenCV and BLAS to one thread: workers are the parallelism, and sums keep their order."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with _thread_pools().limit(limits=1):
            yield
    finally:
        cv2.setNumThreads(before)


_pools: Any = None


def _thread_pools() -> Any:
    """Return the libraries with thread pools; looked for once, for that takes longer than a small print."""
    global _pools
    if _pools is None:
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

        _pools = ThreadpoolController()
    return _pools
