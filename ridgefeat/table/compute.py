"""Prints over workers until every row is there: units sized by time, and what a lost worker had is done again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ridgefeat._version import __version__
from ridgefeat.errors import TableError
from ridgefeat.table.guard import close_all, guarded_rows
from ridgefeat.table.minutiae_files import name_targets
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import Batch, Item, Limits, Task, own_rows
from ridgefeat.table.sidecar import library_versions
from ridgefeat.table.writers import numbers
from ridgefeat.work.engine import EngineError, EngineLost, WorkerLost, on_cluster, spread, started

LOSSES = 3
"""Losses of a worker in a row, with nothing finished in between, after which a run gives up."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Work:
    """What is to be done, and by whom.

    Attributes
    ----------
    items : sequence of Item
        The prints, in the order of rows.
    recipe : Recipe
        How they become rows.
    workers : int
        How many work at once.
    limits : Limits, optional
        What a print may take.
    minutiae : Path, optional
        Folder for each print's minutiae.
    lines : bool
        Whether rows are wanted as text too.
    """

    items: Sequence[Item]
    recipe: Recipe
    workers: int
    limits: Limits | None = None
    minutiae: Path | None = None
    lines: bool = False


def compute(work: Work, spans: Callable[[], list[Span]], keep: Callable[[Batch], None]) -> None:
    """Make the rows that are not there yet.

    Parameters
    ----------
    work : Work
        What is to be done.
    spans : callable
        Returns the (start, stop) rows that are there.
    keep : callable
        Takes each finished batch.

    Raises
    ------
    EngineError
        If workers are lost again and again, or the cluster is gone.
    TableError
        If a row cannot be kept, or a worker is unusable.
    """
    losses = 0
    while True:
        there = spans()
        try:
            for batch in batches(work, there):
                keep(batch)
            return
        except WorkerLost:
            losses = losses + 1 if spans() == there else 0
            if losses == LOSSES:
                raise


def batches(work: Work, there: Iterable[Span] = ()) -> Iterator[Batch]:
    """Yield the rows that are not there yet, in batches as they finish.

    Raises
    ------
    EngineError
        If a worker process ends (WorkerLost), or the cluster is gone (EngineLost).
    TableError
        If a worker is unusable.
    """
    items, there = work.items, list(there)
    left = len(items) - sum(stop - start for start, stop in there)
    pace = Pace(left, work.workers)
    targets = name_targets([str(i.relative) for i in items], work.minutiae) if work.minutiae else None
    parent, versions = (0, arithmetic()) if on_cluster() else (os.getpid(), "")

    def tasks() -> Iterator[Task]:
        for at, stop in gaps(there, len(items)):
            while at < stop:
                to = at + pace.take(stop - at)
                names = None if targets is None else tuple(targets[at:to])
                yield Task(at, items[at:to], work.recipe, names, parent, work.lines, work.limits, versions)
                at = to

    for batch in run(tasks(), max(1, min(work.workers, left)), work.limits):
        pace.note(len(batch), batch.seconds)
        yield batch


def gaps(there: Iterable[Span], count: int) -> Iterator[Span]:
    """Yield the stretches of rows that are not there yet."""
    at = 0
    for start, stop in [*there, (count, count)]:
        if start > at:
            yield at, start
        at = max(at, stop)


SECONDS = 1.5
"""What a unit should take: enough that handing it over costs nothing, and all that an interruption can lose."""
MOST = 1024
FIRST = 4
SHARE = 4
"""Units a worker that should still be to come, so that all finish at about the same time."""


class Pace:
    """The size of the next unit, learnt from those that are done.

    Parameters
    ----------
    count : int
        Prints still to do.
    workers : int
        Who does them.
    """

    def __init__(self, count: int, workers: int) -> None:
        self.left = count
        self.workers = workers
        self._seconds = 0.0
        self._prints = 0

    def note(self, prints: int, seconds: float) -> None:
        """Learn from a finished unit; older ones count less and less."""
        self._seconds = self._seconds / 2 + seconds
        self._prints = self._prints // 2 + prints

    def take(self, most: int) -> int:
        """Return the size of the next unit, at most `most`, and count it as handed out."""
        size = FIRST
        if self._prints:
            size = int(SECONDS * self._prints / max(self._seconds, 1e-6))
        even = self.left // (SHARE * self.workers)
        size = max(1, min(size, even, MOST, most))
        self.left -= size
        return size


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
