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
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ridgefeat._version import __version__
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.structure import Float
from ridgefeat.table.cells import numbers
from ridgefeat.table.engine import on_cluster, spread, started
from ridgefeat.table.guard import Limits, close_all, guarded_rows, peak_memory
from ridgefeat.table.minutiae_files import write_minutiae
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import Item, Meta, make_row
from ridgefeat.table.sidecar import library_versions
from ridgefeat.table.system import keep_memory

Row = tuple[Meta, Float, int]
"""A print's meta cells, its features, and the most memory its process held so far, in bytes."""


class WorkerLost(TableError):
    """A worker process that ended before its prints were done; what was finished stands."""


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
    memory : int
        The most memory that its process has held, in bytes.
    """

    start: int
    meta: list[Meta]
    features: Float
    lines: list[str] | None = None
    seconds: float = 0.0
    memory: int = 0

    def __len__(self) -> int:
        return len(self.meta)


@dataclass(frozen=True)
class Task:
    """What a worker gets.

    Attributes
    ----------
    start : int
        The first print's place in the table.
    items : sequence of Item
        The prints.
    recipe : Recipe
        How they become rows.
    minutiae : tuple of Path, optional
        Where each print's minutiae go.
    parent : int
        The process that hands it over; 0 if nobody may be told from another.
    lines : bool
        Whether to give the features as text too: digits cost more than they look, and workers share that cost.
    limits : Limits, optional
        What a print may take; it is then made in a process of its own.
    versions : str
        What the worker must have installed, as `arithmetic` says it; empty for whatever it has.
    """

    start: int
    items: Sequence[Item]
    recipe: Recipe
    minutiae: tuple[Path | None, ...] | None = None
    parent: int = 0
    lines: bool = False
    limits: Limits | None = None
    versions: str = ""


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


@cache
def arithmetic() -> str:
    """Return the versions of all that numbers depend on, which must be the same on every machine."""
    found = {"ridgefeat": __version__, **library_versions()}
    return ", ".join(f"{name} {v}" for name, v in found.items() if name not in ("python", "joblib"))


def run(tasks: Iterable[Task], workers: int, limits: Limits | None = None) -> Iterator[Batch]:
    """Yield each task's rows as it finishes, in any order, on joblib's present engine.

    Raises
    ------
    WorkerLost
        If a worker process dies.
    TableError
        If a worker has other versions than this process, or minutiae cannot be written.
    """
    if workers == 1 and not on_cluster():
        try:
            yield from map(run_task, tasks)
        finally:
            close_all()
        return
    from joblib import delayed

    # Guarded prints have processes of their own already; threads then only wait for them.
    local: dict[str, Any] = {"backend": "threading" if limits else "loky", "max_nbytes": None}
    started()
    try:
        yield from spread(
            (delayed(run_task)(task) for task in tasks), workers, **({} if on_cluster() else local)
        )
    except Exception as error:
        if isinstance(error, TableError) or (told := _told(error)) is None:
            raise
        raise told from None
    finally:
        close_all()


def _told(error: Exception) -> TableError | None:
    """Return an engine's error as ours; None for any other."""
    names = {kind.__name__ for kind in type(error).__mro__}
    said = (str(error).strip().splitlines() or ["no reason given"])[0][:200]
    advice = "--timeout or --memory give a print that ends its worker a row of its own"
    if "BrokenProcessPool" in names:
        return WorkerLost(
            "a worker process was ended by the system, most likely for want of memory; use fewer --jobs, or "
            f"{advice}"
        )
    if "KilledWorker" in names:  # the engine has tried again and again itself
        return TableError(f"a unit of prints ended one worker after the other ({said}); {advice}")
    if names & {"EngineLost", "CancelledError", "CommClosedError", "RayError", "FutureCancelledError"}:
        return WorkerLost(f"the engine lost a worker or itself ({type(error).__name__}: {said}); {advice}")
    return None


def run_task(task: Task) -> Batch:
    """Compute a task's rows, on one thread.

    Raises
    ------
    TableError
        If this machine has other versions than the task asks for, or minutiae cannot be written.
    """
    if task.parent not in (0, os.getpid()):
        _settle()
    if task.versions and task.versions != arithmetic():
        raise TableError(
            f"a worker has other versions than this machine, and would give other numbers: {arithmetic()} there, "
            f"{task.versions} here; install the same on all"
        )
    if task.parent != os.getpid():
        keep_memory()
    began = time.perf_counter()
    rows = list(guarded_rows(task) if task.limits else own_rows(task))
    features = np.array([values for _, values, _ in rows], np.float32)
    lines = [",".join(numbers(values)) for values in features] if task.lines else None
    seconds, memory = time.perf_counter() - began, max((m for _, _, m in rows), default=0)
    return Batch(task.start, [meta for meta, _, _ in rows], features, lines, seconds, memory)


def own_rows(task: Task) -> Iterator[Row]:
    """Yield a task's rows, made in this process.

    Raises
    ------
    TableError
        If minutiae cannot be written.
    """
    with one_thread():
        for i, item in enumerate(task.items):
            cells, features, fp = make_row(item, task.recipe)
            if task.minutiae and fp is not None and (target := task.minutiae[i]) is not None:
                write_minutiae(fp, target)
            yield cells, features, peak_memory()


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
