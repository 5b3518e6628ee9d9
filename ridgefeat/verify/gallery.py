"""Gallery: enrolled prints in one file, to be searched without reading their images again.

It is a SQLite database (https://sqlite.org), so that prints can be added while nothing is lost if a run is killed. Each
print has its labels, its template and the codes of its minutiae; the rest that comparisons need is computed from these.
Only the owner may read the file: an image can be reconstructed from a template.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ParameterError, TemplateError
from ridgefeat.files import os_errors_as, read_start, sha256
from ridgefeat.params import Params
from ridgefeat.sources import PrintSource
from ridgefeat.structure import Float, Minutiae
from ridgefeat.verify.codes import SIZE, Codes, compute_codes, count_paired, count_votes, join
from ridgefeat.verify.enrolment import Entry, PathLike
from ridgefeat.verify.minutiae import PreparedTemplate, minutiae_scores, prepare
from ridgefeat.verify.template import MAX_MINUTIAE, MIN_MINUTIAE, Template
from ridgefeat.verify.waves import Waves
from ridgefeat.work.engine import count_workers, on_cluster, spread

FORMAT = "ridgefeat gallery 1"
VOTED, CANDIDATES = 3000, 250
"""Prints with most votes, on which the probe is placed; and those that fit best, which are compared."""
CHANCE = 0.75
"""Votes are divided by this power of a print's minutiae, for many of them collect more votes by chance."""
BY_VOTES = 0.5
"""Weight of the votes alone next to the minutiae that are paired."""
PART, COMPARED = 5000, 25
"""Prints whose codes, and whose templates, are searched at once: the units of work of a cluster."""
MAX_SIDE = 1 << 12
"""Rows or columns of a mask or of waves."""
MAX_PLACE = 1e5
"""Pixels."""
MINUTIA = np.dtype([("x", "<f4"), ("y", "<f4"), ("direction", "<f4"), ("kind", "u1"), ("quality", "<f4")])
FIELDS = MINUTIA.names or ()
SCHEMA = (
    "create table about (name text primary key, value text not null)",
    "create table print (number integer primary key, name text not null unique, digest text not null, "
    "labels text not null, minutiae blob not null, mask blob not null, waves blob, codes blob not null)",
)
SIGNATURE = b"SQLite format 3\0"
APPLICATION = b"rfgy"
"""The database's application_id: four bytes of its header, from byte 68."""


class Gallery:
    """Enrolled prints in a file, searched by the votes of their codes and then compared.

    Parameters
    ----------
    path : path
        A file that `enrol_into` has written.
    without : str, optional
        Digest of prints that are left out, such as the probe itself.

    Attributes
    ----------
    entries : list of Entry
        Name and labels of each print; the contents stay in the file.
    params : Params
        The stage parameters with which images were enrolled.
    has_ridges : bool
        Whether all templates hold ridges, not minutiae alone.

    Raises
    ------
    TemplateError
        If the file is not a gallery, is damaged, or is of another version.
    """

    def __init__(self, path: PathLike, *, without: str | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise TemplateError(f"gallery {self.path}: no such file; `ridgefeat enrol` makes one")
        with _opened(self.path) as base:
            about = dict(base.execute("select name, value from about"))
            if about.get("format") != FORMAT or about.get("codes") != str(SIZE):
                raise TemplateError(f"gallery {self.path} is of another version of ridgefeat; enrol the prints again")
            self.params = Params.from_dict(json.loads(about["params"]), f"gallery {self.path}")
            query = "select number, name, labels, waves is not null from print where digest is not ? order by number"
            rows = base.execute(query, (without,)).fetchall()
            self._numbers = [int(row[0]) for row in rows]
            self.entries = [Entry(str(name), dict(json.loads(labels))) for _, name, labels, _ in rows]
            self.has_ridges = all(row[3] for row in rows)

    def __len__(self) -> int:
        return len(self.entries)

    def shortlist(self, content: PreparedTemplate, *, jobs: int | None = 1) -> NDArray[np.int64]:
        """Return the indices of the CANDIDATES prints that are most like `content` by their codes, rising.

        It is computed here, or by the cluster in use (work.engine), with `jobs` workers if it is Ray.
        """
        if len(self) <= CANDIDATES:
            return np.arange(len(self))
        m = content.template.minutiae
        probe = join([compute_codes(content.cylinders)], [np.stack([m.x, m.y, m.direction], 1)])
        numbers = np.array(self._numbers)
        starts = np.flatnonzero(np.diff(numbers // PART, prepend=-1))
        found = self._spread(_votes, [(part, probe) for part in np.split(numbers, starts[1:])], jobs)
        score = found[:, 0].copy()
        count = min(VOTED, len(self))
        placed = np.sort(np.argpartition(-score, count - 1)[:count])
        parts = np.split(placed, np.searchsorted(placed, starts[1:]))
        tasks = [(numbers[part], (probe, found[part, 1:])) for part in parts if len(part)]
        best = score[placed] * (self._spread(_paired, tasks, jobs) + BY_VOTES)
        return np.sort(placed[np.argpartition(-best, CANDIDATES)[:CANDIDATES]] if count > CANDIDATES else placed)

    def load(self, indices: Iterable[int]) -> list[PreparedTemplate]:
        """Return the templates of the prints at `indices`."""
        return _templates(self.path, [self._numbers[i] for i in indices])

    def highest_scores(self, contents: Sequence[PreparedTemplate], *, jobs: int | None = 1) -> NDArray[np.float64]:
        """Return the highest score of the readings `contents` with each print, shape (n,); -inf if not compared.

        It is computed here, or by the cluster in use (work.engine), whose workers read the same file; with `jobs`
        workers if it is Ray.
        """
        found = np.full(len(self), -np.inf)
        for content in contents:
            near = self.shortlist(content, jobs=jobs)
            numbers = np.array(self._numbers)[near]
            tasks = [(numbers[at : at + COMPARED], content) for at in range(0, len(near), COMPARED)]
            found[near] = np.maximum(found[near], self._spread(_scores, tasks, jobs))
        return found

    def _spread(self, work: Any, tasks: Sequence[tuple[NDArray[np.int64], Any]], jobs: int | None) -> NDArray[Any]:
        """Return what work(file, numbers of prints, argument) returns for all tasks."""
        from joblib import delayed

        status = self.path.stat()
        place = str(self.path.resolve()), (status.st_size, status.st_mtime_ns)
        calls = (delayed(work)(place, *task) for task in tasks)
        workers = count_workers(jobs) if on_cluster() else 1
        return np.concatenate(list(spread(calls, workers, ordered=True)))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    # rw: what a killed run left half written can only be taken back by writing; where that is refused, it is read.
    uri = f"{path.resolve().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as base:
            base.execute("pragma trusted_schema = off")
            base.execute("pragma query_only = on")
            yield base
    except (sqlite3.Error, ValueError, TypeError, KeyError, RecursionError, zlib.error) as error:
        raise TemplateError(f"gallery {path} is damaged, or no gallery: {error}; enrol the prints again") from None


Place = tuple[str, tuple[int, int]]
"""A gallery's file, with its size and time of change, so that an older state is not searched."""


def _votes(place: Place, numbers: NDArray[np.int64], probe: Codes) -> Float:
    """Return the votes for each print, compared with what chance gives its minutiae, and the motion; shape (n, 4)."""
    there, codes = _codes_of(place, int(numbers[0]) // PART)
    votes, motion = count_votes(probe, codes)
    chance = np.maximum(np.diff(codes.start), 1) ** CHANCE
    return np.column_stack([votes / chance, motion])[np.searchsorted(there, numbers)]


def _paired(place: Place, numbers: NDArray[np.int64], moved: tuple[Codes, Float]) -> Float:
    """Return how well the probe, moved onto each print, fits it."""
    there, codes = _codes_of(place, int(numbers[0]) // PART)
    probe, motion = moved
    return count_paired(probe, codes, motion, np.searchsorted(there, numbers))


def _codes_of(place: Place, part: int) -> tuple[NDArray[np.int64], Codes]:
    """Return the numbers of the prints of a part, and their codes."""
    kept = _codes_kept(place)
    if part not in kept:
        kept[part] = _read_codes(Path(place[0]), part)
    return kept[part]


@lru_cache(maxsize=1)
def _codes_kept(place: Place) -> dict[int, tuple[NDArray[np.int64], Codes]]:
    """Return the parts that were read of a gallery, to be filled; those of one gallery are kept."""
    return {}


def _read_codes(path: Path, part: int) -> tuple[NDArray[np.int64], Codes]:
    numbers, codes, places = [], [], []
    query = (
        "select number, length(minutiae) <= ? and length(codes) <= ?, minutiae, codes from print "
        "where number between ? and ? order by number"
    )
    bounds = MAX_MINUTIAE * MINUTIA.itemsize, MAX_MINUTIAE * 2 * SIZE
    with _opened(path) as base:
        for number, is_bounded, minutiae, code in base.execute(query, (*bounds, part * PART, (part + 1) * PART - 1)):
            if not is_bounded:
                raise ValueError("its codes cannot be read")
            held = np.frombuffer(minutiae, MINUTIA)
            if len(held) < MIN_MINUTIAE:
                raise ValueError(f"a print has {len(held)} minutiae")
            numbers.append(int(number))
            codes.append(np.frombuffer(code, "<f2").reshape(len(held), SIZE))
            places.append(np.stack([held[n] for n in ("x", "y", "direction")], 1))
        found = join(codes, places)
        if not (np.abs(found.place) < MAX_PLACE).all() or not (np.abs(found.values) <= 1).all():
            raise ValueError("its codes cannot be read")
    return np.array(numbers), found


def _templates(path: Path, numbers: Iterable[int]) -> list[PreparedTemplate]:
    query = "select minutiae, mask, waves, name from print where number = ?"
    with _opened(path) as base:
        return [prepare(_template(*base.execute(query, (n,)).fetchone())) for n in numbers]


def _scores(place: Place, numbers: NDArray[np.int64], content: PreparedTemplate) -> NDArray[np.float64]:
    return minutiae_scores([(content, reference) for reference in _templates(Path(place[0]), numbers.tolist())])


def is_gallery(path: PathLike) -> bool:
    """Return whether a file is a gallery, by its first bytes: other programs keep SQLite databases too."""
    start = read_start(path, 72) if Path(path).is_file() else b""
    return start.startswith(SIGNATURE) and start[68:] == APPLICATION


def digest_of(source: PrintSource) -> str:
    """Return the digest of a print's file, and which print of the file it is; empty if the file cannot be read."""
    try:
        digest = sha256(source.path)
    except OSError:
        return ""
    return digest if source.place is None else f"{digest} {PurePosixPath(source.relative).name}"


@contextmanager
def enrol_into(path: PathLike, params: Params) -> Iterator[GalleryWriter]:
    """Open the gallery at `path` for more prints, or make a new one.

    Parameters
    ----------
    path : path
    params : Params
        The stage parameters with which images are enrolled.

    Yields
    ------
    GalleryWriter

    Raises
    ------
    ParameterError
        If the gallery was made with other stage parameters.
    TemplateError
        If it cannot be read or written.
    """
    path = Path(path)
    if not path.exists():
        with os_errors_as(TemplateError, f"gallery {path} cannot be written"):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as base:
            base.execute("begin immediate")
            if not base.execute("select count(*) from sqlite_master").fetchone()[0]:
                base.execute(f"pragma application_id = {int.from_bytes(APPLICATION)}")
                for statement in SCHEMA:
                    base.execute(statement)
                about = {"format": FORMAT, "codes": str(SIZE), "params": json.dumps(params.to_dict())}
                base.executemany("insert into about values (?, ?)", about.items())
            elif Gallery(path).params != params:
                raise ParameterError(
                    f"gallery {path} was made with other stage parameters; give those, or a new gallery"
                )
            writer = GalleryWriter(base)
            yield writer
            writer.keep()
    except sqlite3.Error as error:
        advice = "; wait until the other run that adds to it has ended" if "locked" in str(error) else ""
        raise TemplateError(f"gallery {path} cannot be written: {error}{advice}") from None


class GalleryWriter:
    """A gallery that is open for more prints."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self.known = dict(base.execute("select name, digest from print"))
        """The digest of each print that is there, by name."""

    def add(self, entry: Entry, digest: str) -> None:
        """Add a print that was enrolled; nothing is added if it failed."""
        if entry.content is None:
            return
        t: Template = entry.content.template
        held = np.zeros(len(t), MINUTIA)
        for name in FIELDS:
            held[name] = getattr(t.minutiae, name)
        blobs = (
            held.tobytes(),
            _packed(t.mask.astype(np.int8)[:, :, None]),
            None if t.waves is None else _packed(t.waves.signal),
            compute_codes(entry.content.cylinders).astype("<f2").tobytes(),
        )
        row = entry.name, digest, json.dumps(entry.labels, ensure_ascii=False), *blobs
        columns = "name, digest, labels, minutiae, mask, waves, codes"
        self._base.execute(f"insert into print ({columns}) values (?, ?, ?, ?, ?, ?, ?)", row)
        self.known[entry.name] = digest

    def keep(self) -> None:
        """Keep what was added so far, whatever happens to the run."""
        self._base.execute("commit")
        self._base.execute("begin immediate")


def _packed(grid: NDArray[np.int8]) -> bytes:
    """Return a grid, shape (rows, columns, layers), as bytes: three numbers of its shape, and its values packed."""
    return np.array(grid.shape, "<u2").tobytes() + zlib.compress(grid.tobytes(), 1)


def _unpacked(data: bytes, layers: int) -> NDArray[np.int8]:
    shape = tuple(int(n) for n in np.frombuffer(data[:6], "<u2"))
    if len(shape) != 3 or shape[2] != layers or max(shape[:2]) > MAX_SIDE:
        raise ValueError(f"a grid of shape {shape}")
    size = shape[0] * shape[1] * layers
    values = zlib.decompressobj().decompress(data[6:], size + 1)
    return np.frombuffer(values, np.int8).reshape(shape)


def _template(minutiae: bytes, mask: bytes, waves: bytes | None, name: Any) -> Template:
    held = np.frombuffer(minutiae, MINUTIA)
    if not MIN_MINUTIAE <= len(held) <= MAX_MINUTIAE or not all(np.isfinite(held[n]).all() for n in FIELDS):
        raise ValueError(f"the minutiae of {name}")
    found = Minutiae(*(held[n].copy() for n in FIELDS))
    signal = None if waves is None else Waves(_unpacked(waves, 3))
    return Template(found, _unpacked(mask, 1)[:, :, 0] > 0, signal, source=str(name))
