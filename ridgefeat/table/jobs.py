"""Rows over workers. The engine holds the scheduler; here are only the batches that are handed to it.

Batches finish in any order and say where they belong, so that each can be kept on disk the moment it is done.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np

from ridgefeat._version import __version__
from ridgefeat.errors import TableError
from ridgefeat.table.cells import numbers
from ridgefeat.table.engine import EngineError, EngineLost, spread, started
from ridgefeat.table.guard import close_all, guarded_rows
from ridgefeat.table.sidecar import library_versions
from ridgefeat.table.task import Batch, Limits, Task, own_rows

ADVICE = "--timeout or --memory give a print that ends its worker a row of its own"


@cache
def arithmetic() -> str:
    """Return the versions of all that numbers depend on, which must be the same on every machine."""
    found = {"ridgefeat": __version__, **library_versions()}
    return ", ".join(f"{name} {v}" for name, v in found.items() if name not in ("python", "joblib"))


def run(tasks: Iterable[Task], workers: int, limits: Limits | None = None) -> Iterator[Batch]:
    """Yield each task's rows as it finishes, in any order, on the engine in use.

    Raises
    ------
    EngineError
        If a worker process ends (WorkerLost), or the cluster is gone (EngineLost).
    TableError
        If a worker has other versions than this process, or minutiae cannot be written.
    """
    from joblib import delayed

    # Guarded prints have processes of their own already; threads then only wait for them.
    backend = "threading" if limits else "loky"
    started()
    try:
        yield from spread((delayed(run_task)(task) for task in tasks), workers, backend=backend, max_nbytes=None)
    except EngineLost as error:
        raise EngineLost(f"{error}; then --resume continues this run") from None
    except EngineError as error:
        raise type(error)(f"{error}; {ADVICE}") from None
    finally:
        close_all()


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
    began = time.perf_counter()
    rows = list(guarded_rows(task) if task.limits else own_rows(task))
    features = np.array([values for _, values, _ in rows], np.float32)
    lines = [",".join(numbers(values)) for values in features] if task.lines else None
    seconds, memory = time.perf_counter() - began, max((m for _, _, m in rows), default=0)
    return Batch(task.start, [meta for meta, _, _ in rows], features, lines, seconds, memory)


def _settle() -> None:
    """Leave Ctrl-C to the parent, which ends its workers itself and without their tracebacks."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
