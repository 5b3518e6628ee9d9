"""How many threads a process uses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from threading import Lock, local
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
    """Hold OpenCV and BLAS to one thread: workers are the parallelism, and sums keep their order.

    Both are limited for the whole process. Several threads may be inside at a time: the first one sets the limit, and
    the last one lifts it. As a decorator it holds for each call of a function.
    """
    if getattr(_own, "is_inside", False):
        yield
        return
    _shared.enter()
    _own.is_inside = True
    try:
        # OpenMP's limit is each thread's own.
        with _selected("openmp").limit(limits=1):
            yield
    finally:
        _own.is_inside = False
        _shared.leave()


class _SharedLimit:
    """The limit of the process, and how many threads hold to it."""

    def __init__(self) -> None:
        self.lock, self.inside, self.limit = Lock(), 0, ExitStack()

    def enter(self) -> None:
        with self.lock:
            if self.inside == 0:
                _let_this_thread_control()
                self.limit.enter_context(opencv_threads(1))
                self.limit.enter_context(_selected("blas").limit(limits=1))
            self.inside += 1

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                _let_this_thread_control()
                self.limit.close()

    def after_fork(self) -> None:
        self.lock = Lock()  # another thread of the parent may have held it


def _let_this_thread_control() -> None:
    """Since version 3.8 threadpoolctl ignores a thread that changes the limit of OpenBLAS which another one set."""
    import threadpoolctl  # type: ignore[import-untyped]

    if hasattr(threadpoolctl.OpenBLASController, "clear_controlling_thread"):
        threadpoolctl.OpenBLASController.clear_controlling_thread(force=True)


_shared, _own = _SharedLimit(), local()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.after_fork)


def has_threads() -> bool:
    """Whether this process has threads besides those that OpenBLAS keeps, which survive a fork; on Linux."""
    kept = sum(p["num_threads"] - 1 for p in _thread_pools().info() if p["internal_api"] == "openblas")
    return sum(1 for _ in Path("/proc/self/task").iterdir()) > 1 + int(kept)


@cache
def _thread_pools() -> Any:
    """Return the libraries with thread pools; looked for once, for that takes longer than a small print."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@cache
def _selected(user_api: str) -> Any:
    return _thread_pools().select(user_api=user_api)
