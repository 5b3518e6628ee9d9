"""Rows over workers. joblib holds the scheduler; here are only the batches that are handed to it.

Batches finish in any order and say where they belong, so that each can be kept on disk the moment it is done.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ridgefeat.errors import ParameterError, TableError
from ridgefeat.structure import Float
from ridgefeat.table.cells import numbers
from ridgefeat.table.minutiae_files import write_minutiae
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import Item, Meta, make_row

LARGEST_BATCH = 16
"""Prints a batch at most: what an interruption can lose, and enough that handing it over costs nothing."""
BATCHES_A_WORKER = 8
"""Batches a worker at least, so that all finish at about the same time."""


@dataclass(frozen=True)
class Batch:
    """Rows that belong together in the table, from row `start` on.

    Attributes
    ----------
    start : int
        The first one's place in the table.
    meta : list of dict
        Meta cells, a print each.
    features : ndarray of float32, shape (prints, columns)
        NaN where undefined.
    lines : list of str or None
        The features as a CSV line holds them, where that was asked for.
    seconds : float
        How long the worker took.
    """

    start: int
    meta: list[Meta]
    features: Float
    lines: list[str] | None = None
    seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.meta)


@dataclass(frozen=True)
class Task:
    """What a worker gets: prints, how they become rows and, optionally, where their minutiae go.

    `lines` asks for the features as text too: digits cost more than they look, and workers share that cost.
    """

    start: int
    items: Sequence[Item]
    recipe: Recipe
    minutiae: tuple[Path | None, ...] | None = None
    parent: int = 0
    lines: bool = False


def count_workers(jobs: int | None) -> int:
    """Return how many workers a --jobs value means: None and -1 are every core that this process may use.

    Raises
    ------
    ParameterError
        For 0 or less than -1.
    """
    import joblib

    if jobs is None or jobs == -1:
        return int(joblib.cpu_count())
    if jobs < 1:
        raise ParameterError(f"jobs must be 1 or more, or -1 for every core, got {jobs}")
    return jobs


def batch_size(count: int, workers: int) -> int:
    """Return how many prints to hand to a worker at once."""
    return max(1, min(LARGEST_BATCH, count // (workers * BATCHES_A_WORKER)))


def run(tasks: Iterable[Task], workers: int) -> Iterator[Batch]:
    """Yield each task's rows as it finishes, in any order.

    Raises
    ------
    TableError
        If a worker process dies.
    """
    if workers == 1:
        yield from map(run_task, tasks)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    # Twice the workers in flight: nobody waits, and memory stays the same however many prints there are.
    parallel = Parallel(
        n_jobs=workers,
        prefer="processes",
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch=2 * workers,
        max_nbytes=None,
    )
    results = parallel(delayed(run_task)(task) for task in tasks)
    try:
        yield from results
    except BrokenProcessPool:
        raise TableError(
            "a worker process was ended by the system, most likely for want of memory; use fewer --jobs"
        ) from None
    finally:
        results.close()


def run_task(task: Task) -> Batch:
    """Compute a task's rows in this process, on one thread."""
    if task.parent not in (0, os.getpid()):
        _settle()
    began = time.perf_counter()
    meta, values = [], []
    with one_thread():
        for i, item in enumerate(task.items):
            cells, features, fp = make_row(item, task.recipe)
            if task.minutiae and fp is not None and (target := task.minutiae[i]) is not None:
                write_minutiae(fp, target)
            meta.append(cells)
            values.append(features)
    features = np.array(values, np.float32)
    lines = [",".join(numbers(row)) for row in features] if task.lines else None
    return Batch(task.start, meta, features, lines, time.perf_counter() - began)


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


def _settle() -> None:
    """Leave Ctrl-C to the parent, which ends its workers itself and without their tracebacks."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
