"""Work shared among threads, in portions that do not depend on how many there are.

A NumPy operation on one core leaves the others idle, and a BLAS that spreads one small product over all cores waits
more than it works. Here a batch is cut into portions of images, which each thread takes one after the other through
copies, products and sums while they are in its core's cache. The cut is fixed, and partial sums are added in its
order: the same bytes come out whatever the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

PORTIONS = 8
"""Portions of a batch: enough to keep a few cores busy to the end, few enough for one partial sum each."""
MIN_SIZE = 100_000
"""Values in a layer's weights below which handing portions to threads takes longer than it saves."""

T = TypeVar("T")
_POOL: ContextVar[Executor | None] = ContextVar("pool", default=None)


@contextmanager
def threads(count: int | None = None) -> Iterator[None]:
    """Run the layers inside on `count` threads, each with a BLAS of one thread.

    By default they are as many as BLAS may use at this moment, so that OMP_NUM_THREADS, joblib's workers and
    `threadpoolctl.threadpool_limits` are respected. Inside another `threads` this one changes nothing.
    """
    if _POOL.get() is not None:
        yield
        return
    blas = ThreadpoolController().select(user_api="blas")
    allowed = max((library["num_threads"] for library in blas.info()), default=1)
    count = count or min(allowed, os.cpu_count() or 1)
    with blas.limit(limits=1), ThreadPoolExecutor(count, "ridgefeat-nn") as pool:
        token = _POOL.set(pool)
        try:
            yield
        finally:
            _POOL.reset(token)


def share(work: Callable[[slice], T], count: int, size: int = MIN_SIZE) -> list[T]:
    """Call `work` with each portion of `range(count)`, on the threads there are; results in the portions' order.

    Work on weights gives their `size`: of few, there is one portion.
    """
    pieces = 1 if size < MIN_SIZE else max(1, min(count, PORTIONS))
    portions = [slice(count * k // pieces, count * (k + 1) // pieces) for k in range(pieces)]
    pool = _POOL.get()
    return list(map(work, portions) if pool is None or pieces == 1 else pool.map(work, portions))
