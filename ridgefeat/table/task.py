"""What a worker gets, what it gives back, and the rows in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ridgefeat.structure import Float
from ridgefeat.table.minutiae_files import write_minutiae
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import Item, Meta, make_row
from ridgefeat.table.system import peak_memory
from ridgefeat.table.threads import one_thread

Row = tuple[Meta, Float, int]
"""A print's meta cells, its features, and the most memory its process held so far, in bytes."""


@dataclass(frozen=True)
class Limits:
    """What one print may take: seconds, and bytes of its worker; None where unbounded."""

    seconds: float | None = None
    memory: int | None = None


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

    @property
    def failures(self) -> int:
        """How many of the prints carry an error."""
        return sum(bool(meta["meta_error"]) for meta in self.meta)


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
