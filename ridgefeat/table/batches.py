"""Batches of prints over workers until every row is there, and the journal that keeps them.

A lost worker's batches are computed again. The journal is a folder next to the table or inside its folder. A unit holds
the rows of one batch and is named after them. It is written atomically, whatever ends the run. Units are NumPy's .npz
and not Parquet, so that a CSV table needs no pyarrow.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ridgefeat import files
from ridgefeat._version import __version__
from ridgefeat.errors import EngineError, EngineLost, TableError, WorkerLost
from ridgefeat.structure import Float
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import Item, Meta, failed_row, make_row, name_targets, numbers, write_minutiae
from ridgefeat.table.sidecar import library_versions
from ridgefeat.work.engine import on_cluster, spread
from ridgefeat.work.guard import Limits, Stopped, current_limits, guarded_map
from ridgefeat.work.system import peak_memory

try:
    import fcntl
except ImportError:  # a system without it does without the lock
    fcntl = None  # type: ignore[assignment]

MAX_LOSSES = 3
"""Losses of a worker in a row, with nothing finished in between, after which a run gives up."""
ADVICE = "with --timeout or --memory above 0, a print that ends its worker becomes a row with the reason"
_UNIT = re.compile(r"(\d{9})-(\d{9})\.npz")
MANIFEST = "manifest.json"
_Row = tuple[Meta, Float, str, int]
Span = tuple[int, int]
"""Rows from a start to a stop, which is not included."""


@dataclass(frozen=True)
class Extraction:
    """What a run computes: the prints in the order of rows, the recipe, and how many work at once."""

    items: Sequence[Item]
    recipe: Recipe
    workers: int
    minutiae: Path | None = None
    """Folder for each print's minutiae."""
    standard: str = "iso"
    """Of their records: iso or ansi."""
    lines: bool = False
    """Whether workers format the features as CSV text: digits cost more than they look, and workers share that cost."""


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a table: meta cells, and features of shape (prints, columns), also as CSV where asked for.

    `start` is the first row's place in the table, `seconds` what the worker took, `memory` its peak in bytes.
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
        """How many of the prints have an error."""
        return sum(bool(meta["meta_error"]) for meta in self.meta)


def compute_missing(extraction: Extraction, spans: Callable[[], list[Span]], keep: Callable[[Batch], None]) -> None:
    """Compute the rows that `spans` does not return yet, and hand each finished batch to `keep`.

    Raises EngineError if workers are lost again and again, or the cluster is gone; TableError if a row cannot be kept,
    or a worker has other versions than this process.
    """
    losses = 0
    while True:
        done = spans()
        try:
            for batch in iterate_batches(extraction, done):
                keep(batch)
            return
        except WorkerLost:
            losses = losses + 1 if spans() == done else 0
            if losses == MAX_LOSSES:
                raise


def iterate_batches(extraction: Extraction, done: Iterable[Span] = ()) -> Iterator[Batch]:
    """Yield the rows that are not done yet, in batches as they finish, on the engine in use.

    Raises EngineError if a worker process ends (WorkerLost), or the cluster is gone (EngineLost); TableError if a
    worker has other versions than this process, or minutiae cannot be written.
    """
    from joblib import delayed

    items, limits, done = extraction.items, current_limits(), list(done)
    left = len(items) - sum(stop - start for start, stop in done)
    sizer, workers = BatchSizer(left, extraction.workers), max(1, min(extraction.workers, left))
    targets: Sequence[Path | None] = [None] * len(items)
    if extraction.minutiae:
        targets = name_targets((str(i.relative) for i in items), extraction.minutiae)
    how: dict[str, Any] = {name: getattr(extraction, name) for name in ("recipe", "lines", "standard")}
    versions = numeric_versions() if on_cluster() else ""
    compute = partial(compute_batch, limits=limits, versions=versions, **how)

    def calls() -> Iterator[object]:
        for start, stop in gaps(done, len(items)):
            while start < stop:
                end = start + sizer.take(stop - start)
                yield delayed(compute)(start, items[start:end], targets[start:end])
                start = end

    try:
        for batch in spread(calls(), workers, limits=limits, backend="loky", max_nbytes=None):
            sizer.learn(len(batch), batch.seconds)
            yield batch
    except EngineLost as error:
        raise EngineLost(f"{error}; then --resume continues this run") from None
    except EngineError as error:
        raise type(error)(f"{error}; {ADVICE}") from None


def gaps(done: Iterable[Span], count: int) -> Iterator[Span]:
    """Yield the stretches of rows, of `count`, that are not done yet."""
    end = 0
    for start, stop in [*done, (count, count)]:
        if start > end:
            yield end, start
        end = max(end, stop)


BATCH_SECONDS = 1.5
"""What a batch should take: enough that handing it over costs nothing, and all that an interruption can lose."""
MAX_BATCH = 1024
"""Prints in a batch at most."""
FIRST_BATCH = 4
"""Prints in a batch while nothing is known of how long they take."""
BATCHES_LEFT = 4
"""Batches per worker that should still be to come, so that all finish at about the same time."""


class BatchSizer:
    """Sizes the next batch of `count` prints that workers share by the time that finished ones took."""

    def __init__(self, count: int, workers: int) -> None:
        self.left, self.workers = count, workers
        self._seconds, self._prints = 0.0, 0

    def learn(self, prints: int, seconds: float) -> None:
        """Learn from a finished batch; older ones count less and less."""
        self._seconds = self._seconds / 2 + seconds
        self._prints = self._prints // 2 + prints

    def take(self, limit: int) -> int:
        """Return the size of the next batch, at most `limit`, and count it as handed out."""
        size = int(BATCH_SECONDS * self._prints / max(self._seconds, 1e-6)) if self._prints else FIRST_BATCH
        even = self.left // (BATCHES_LEFT * self.workers)
        size = max(1, min(size, even, MAX_BATCH, limit))
        self.left -= size
        return size


@cache
def numeric_versions() -> str:
    """Return the versions of everything that numbers depend on, which must be the same on every machine."""
    found = {"ridgefeat": __version__, **library_versions()}
    return ", ".join(f"{name} {v}" for name, v in found.items() if name not in ("python", "joblib"))


def compute_batch(
    start: int,
    items: Sequence[Item],
    targets: Sequence[Path | None],
    recipe: Recipe,
    limits: Limits | None = None,
    lines: bool = False,
    standard: str = "iso",
    versions: str = "",
) -> Batch:
    """Compute the rows of some prints, on a worker; `targets` are where their minutiae go.

    Raises TableError if this machine has other versions than those given (as `numeric_versions` writes them; empty for
    whatever it has), or minutiae cannot be written.
    """
    if versions and versions != (own := numeric_versions()):
        both = f"{own} there, {versions} here; install the same on all"
        raise TableError(f"a worker has other versions than this machine, and would compute other numbers: {both}")
    began = time.perf_counter()
    compute, arguments = partial(_compute_row, recipe, standard, lines), list(zip(items, targets, strict=True))
    rows: list[_Row] = []
    for row in guarded_map(compute, arguments, limits):
        if isinstance(row, Stopped):
            meta, values = failed_row(items[len(rows)], recipe, row.reason)
            row = meta, values, _line(values, lines), 0
        rows.append(row)
    cells, vectors, text, memory = map(list, zip(*rows, strict=True))
    features, seconds = np.array(vectors, np.float32), time.perf_counter() - began
    return Batch(start, cells, features, text if lines else None, seconds, max(memory))


def _compute_row(recipe: Recipe, standard: str, lines: bool, print_and_target: tuple[Item, Path | None]) -> _Row:
    """Return a print's meta cells, its features, these as CSV if wanted, and this process's peak memory in bytes."""
    item, target = print_and_target
    meta, values, fp = make_row(item, recipe)
    if target is not None and fp is not None:
        write_minutiae(fp, target, standard)
    return meta, values, _line(values, lines), peak_memory()


def _line(values: Float, wanted: bool) -> str:
    return ",".join(numbers(values)) if wanted else ""


class Journal:
    """The working folder of one table; `failures` counts the rows with an error that `resume` found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failures = 0
        self._lock: BinaryIO | None = None

    def exists(self) -> bool:
        """Whether an earlier run left something here."""
        return (self.folder / MANIFEST).is_file()

    def begin(self, manifest: dict[str, Any]) -> None:
        """Start afresh: whatever was here goes."""
        with self._os_errors():
            if self.folder.exists():
                self._hold()
                self.remove()
            self.folder.mkdir(parents=True)
            self._hold()
            with files.atomic_write(self.folder / MANIFEST) as temporary:
                temporary.write_bytes(json.dumps(manifest).encode())

    def resume(self) -> dict[str, Any]:
        """Return the manifest of the run that was interrupted, and make its folder ours; raise TableError if it is
        damaged.
        """
        with self._os_errors():
            self._hold()
            files.remove_temporaries(self.folder)
            for start, stop in self.spans():
                try:
                    self.failures += self._load(start, stop).failures
                except TableError:  # it did not reach the disk whole when the machine went down, and is done again
                    self._path(start, stop).unlink()
        if not (manifest := files.read_description(self.folder / MANIFEST)):
            raise TableError(f"{self.folder / MANIFEST} is damaged; start again with --overwrite")
        return manifest

    def write(self, batch: Batch) -> None:
        """Keep a batch."""
        path = self._path(batch.start, batch.start + len(batch))
        texts = {"meta": json.dumps(batch.meta)}
        if batch.lines is not None:
            texts["lines"] = "\n".join(batch.lines)
        stored: dict[str, Any] = {k: np.frombuffer(v.encode(), np.uint8) for k, v in texts.items()}
        with self._os_errors(), files.atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez(file, features=batch.features, **stored)

    def spans(self) -> list[tuple[int, int]]:
        """Return the (start, stop) rows of every unit, in order."""
        found = (_UNIT.fullmatch(p.name) for p in self.folder.glob("*.npz"))
        return sorted((int(m[1]), int(m[2])) for m in found if m)

    def read(self) -> Iterator[Batch]:
        """Yield every unit in the order of rows, one in memory at a time."""
        for start, stop in self.spans():
            yield self._load(start, stop)

    def _load(self, start: int, stop: int) -> Batch:
        """Return one unit, or raise TableError if it is damaged."""
        path = self._path(start, stop)
        try:
            # The archive's checksums are checked on the way: a page that never reached the disk is found out.
            with np.load(path, allow_pickle=False) as stored:
                files.check_unpacked_size(stored.zip)
                lines = stored["lines"].tobytes().decode().split("\n") if "lines" in stored else None
                batch = Batch(start, json.loads(stored["meta"].tobytes()), stored["features"], lines)
        except Exception as error:  # a damaged archive fails in many ways
            raise TableError(f"{path} is damaged ({files.first_line(error)}); run again with --resume") from None
        counts = {len(batch), len(batch.features), len(batch if lines is None else lines)}
        if counts != {stop - start}:
            raise TableError(f"{path} does not hold the rows it is named after; run again with --resume")
        return batch

    def _path(self, start: int, stop: int) -> Path:
        return self.folder / f"{start:09d}-{stop:09d}.npz"

    def _os_errors(self) -> AbstractContextManager[None]:
        return files.os_errors_as(TableError, f"working folder {self.folder}", "; fix that, then rerun with --resume")

    def remove(self) -> None:
        """Delete the folder; the manifest goes first, so that half a folder is never taken for a run."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Let others work here."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _hold(self) -> None:
        self._lock = (self.folder / "lock").open("wb")
        if fcntl is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.release()
                raise TableError(f"another run is writing to {self.folder}; wait until it has ended") from None
