"""Prints over workers until every row is there: units sized by time, and what a lost worker had is done again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ridgefeat.table.engine import WorkerLost, on_cluster
from ridgefeat.table.jobs import arithmetic, run
from ridgefeat.table.minutiae_files import name_targets
from ridgefeat.table.pace import Pace
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import Item
from ridgefeat.table.task import Batch, Limits, Task

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
