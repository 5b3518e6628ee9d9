"""Large arrays from memory that an earlier array has given back.

Fresh memory is first cleared by the operating system, page by page; for the maps of a batch, tens of megabytes each
and the same sizes in every step, that costs time in each. Inside `recycled`, an array's memory is kept when the array
dies, and the next one of that size gets it. Nothing is ever shared: memory comes back only when no array looks at it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from ridgefeat.nn.layer import Array, Shape

LARGE_BYTES = 1 << 20

Free = defaultdict[int, list[Array]]
_FREE: ContextVar[Free | None] = ContextVar("free", default=None)


@contextmanager
def recycled() -> Iterator[None]:
    """Keep the memory of large arrays for the next ones, until the end of the block."""
    if _FREE.get() is not None:
        yield
        return
    free: Free = defaultdict(list)
    token = _FREE.set(free)
    try:
        yield
    finally:
        _FREE.reset(token)
        free.clear()


def empty(shape: Shape, dtype: Any) -> Array:
    """Return an array without defined content, as `numpy.empty`."""
    free, size = _FREE.get(), int(np.prod(shape)) * np.dtype(dtype).itemsize
    if free is None or size < LARGE_BYTES:
        return np.empty(shape, dtype)
    kept = free[size].pop() if free[size] else np.empty(size, np.uint8)
    array: Array = np.asarray(_Lease(kept, free)).view(dtype).reshape(shape)
    return array


class _Lease:
    """Owner of an array's memory, which NumPy keeps alive as long as any view of the array."""

    def __init__(self, memory: Array, free: Free) -> None:
        self._memory, self._free = memory, free
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        self._free[self._memory.nbytes].append(self._memory)
