"""Near-duplicate pictures, from the images: re-encoded, moved, brightened, cropped, resized, turned a little.

Every image becomes a signature; each is compared in full with the few that are most similar by it.

Hashes such as imagehash's find re-encoded copies, but miss turned and cropped ones. Of 300 prints of SOCOFing the two
most similar by a pHash of 64 bits differ in 6 bits. Of 60 copies turned by 5 degrees 30 % differ in fewer, of copies
with 6 % cut off two sides none; 98 % and all are found here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from ridgefeat.bench.audit_table import AuditTable, Index
from ridgefeat.bench.image_signature import CELLS, SIDE, signature, to_square
from ridgefeat.bench.picture_files import check_root, load, locate
from ridgefeat.bench.same_picture import correlate
from ridgefeat.errors import TableError
from ridgefeat.sources import PrintSource
from ridgefeat.structure import Float
from ridgefeat.table.engine import count_workers
from ridgefeat.table.threads import one_thread

BATCH = 200
"""Prints or pairs that a worker gets at once."""
KEPT = 4500
"""Prints that a worker keeps at hand while it compares pairs; 37 kB each."""
STEPS = 30
"""Steps a unit that kept images are rounded to: their values lie within four units of 0."""


@dataclass(frozen=True)
class Comparison:
    """Pairs of rows whose images are alike, and what could not be looked at.

    Attributes
    ----------
    pairs : tuple of (int, int, float)
        Two rows, the smaller first, and the correlation of their images laid on each other.
    unreadable : tuple of int
        Rows whose image is not there or cannot be read.
    changed : tuple of int
        Rows whose image has other pixels than the table was made of.
    """

    pairs: tuple[tuple[int, int, float], ...]
    unreadable: tuple[int, ...]
    changed: tuple[int, ...]


def compare_images(
    table: AuditTable, root: str | os.PathLike[str], rows: Sequence[int], jobs: int | None = 1
) -> Comparison:
    """Return the pairs among some rows that show one finger in nearly one way.

    Parameters
    ----------
    table : AuditTable
    root : path
        The folder that meta_source is relative to.
    rows : sequence of int
        What is compared: of identical pictures one is enough.
    jobs : int or None
        Worker processes.

    Raises
    ------
    TableError
        If the folder is not there, the table has no meta_source, or none of the images can be read.
    """
    check_root(root)
    sources, digests = _sources(table, root, rows)
    workers = count_workers(jobs)
    made = list(_each(_signatures, sources, workers))
    if sources and all(digest is None for digest, _ in made):
        raise TableError(
            f"none of {len(sources)} images can be read below {os.fspath(root)}, first {sources[0].relative}; give the "
            "folder that the table was extracted from"
        )
    readable = [k for k, (digest, _) in enumerate(made) if digest is not None]
    vectors = np.array([made[k][1] for k in readable], np.float32).reshape(-1, 3 * CELLS * CELLS)
    pairs = [(readable[i], readable[j]) for i, j in _candidates(vectors, table)]
    work = [(sources[i], sources[j]) for i, j in pairs]
    alike = _each(_correlations, work, workers)
    return Comparison(
        tuple(
            (rows[i], rows[j], value)
            for (i, j), value in zip(pairs, alike, strict=True)
            if value >= table.limits.same_finger_correlation
        ),
        tuple(rows[k] for k, (digest, _) in enumerate(made) if digest is None),
        tuple(rows[k] for k in readable if digests[k] and made[k][0] != digests[k]),
    )


def _sources(
    table: AuditTable, root: str | os.PathLike[str], rows: Sequence[int]
) -> tuple[list[PrintSource], list[str]]:
    if "meta_source" not in table.frame:
        raise TableError("the table has no column meta_source, so its images cannot be found; leave the folder out")
    frame = table.frame

    def cells(name: str) -> list[Any]:
        if name not in frame:
            return [None] * len(rows)
        column = frame[name].iloc[list(rows)]
        return [None if missing else v for v, missing in zip(column, column.isna(), strict=True)]

    sources = [
        locate(root, str(table.names[row]), layout and str(layout))
        for row, layout in zip(rows, cells("meta_layout"), strict=True)
    ]
    return sources, [str(d) if d else "" for d in cells("meta_sha256")]


def _candidates(vectors: Float, table: AuditTable) -> list[tuple[int, int]]:
    """Return pairs that are worth comparing, each once, in an order in which the first stays the same for long."""
    count = min(table.limits.neighbours, len(vectors) - 1)
    if count < 1:
        return []
    distance, nearest = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(vectors).kneighbors()
    similarity = 1 - distance**2 / 2  # signatures have length 1
    first: Index = np.repeat(np.arange(len(vectors)), count)
    pairs = np.sort(np.stack([first, nearest.ravel()], axis=1), axis=1)
    pairs = pairs[similarity.ravel() >= table.limits.least_similarity]
    return [(int(i), int(j)) for i, j in np.unique(pairs, axis=0)]


def _each(work: Any, items: Sequence[Any], workers: int) -> Iterator[Any]:
    """Yield what `work` makes of batches of items, item by item and in order."""
    from joblib import delayed

    from ridgefeat.table.engine import spread

    batches = [items[at : at + BATCH] for at in range(0, len(items), BATCH)]
    if workers == 1 or len(batches) < 2:
        results: Iterable[list[Any]] = map(work, batches)
    else:
        results = spread((delayed(work)(batch) for batch in batches), workers, ordered=True)
    for batch in results:
        yield from batch
    _kept.cache_clear()


def _signatures(sources: Sequence[PrintSource]) -> list[tuple[str | None, Float]]:
    made: list[tuple[str | None, Float]] = []
    with one_thread():
        for source in sources:
            loaded = load(source)
            if loaded is None:
                made.append((None, np.zeros(0, np.float32)))
            else:
                made.append((loaded.sha256, signature(to_square(loaded.pixels))))
    return made


def _correlations(pairs: Sequence[tuple[PrintSource, PrintSource]]) -> list[float]:
    with one_thread():
        return [correlate(_square(one), _square(other)) for one, other in pairs]


def _square(source: PrintSource) -> Float:
    return _kept(source.path, source.relative, source.layout).astype(np.float32) / np.float32(STEPS)


@lru_cache(maxsize=KEPT)
def _kept(path: Path, relative: str, layout: str) -> NDArray[np.int8]:
    loaded = load(PrintSource(path, relative, layout))
    if loaded is None:  # it was there a moment ago
        return np.zeros((SIDE, SIDE), np.int8)
    return np.clip(np.rint(to_square(loaded.pixels) * STEPS), -127, 127).astype(np.int8)
