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
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ParameterError, TemplateError
from ridgefeat.files import os_errors_as, read_start, sha256
from ridgefeat.params import Params
from ridgefeat.sources import PrintSource
from ridgefeat.structure import Minutiae
from ridgefeat.verify.codes import SIZE, Codes, compute_codes, count_votes, join
from ridgefeat.verify.enrolment import Entry, PathLike
from ridgefeat.verify.minutiae import PreparedTemplate, minutiae_scores, prepare
from ridgefeat.verify.template import MAX_MINUTIAE, MIN_MINUTIAE, Template
from ridgefeat.verify.waves import Waves

FORMAT = "ridgefeat gallery 1"
CANDIDATES = 200
"""Prints with most votes, which are compared; the others of a gallery are not."""
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
        If the file is no gallery, is damaged, or is of another version.
    """

    def __init__(self, path: PathLike, *, without: str | None = None) -> None:
        self.path, self._without = Path(path), without
        if not self.path.is_file():
            raise TemplateError(f"gallery {self.path}: no such file; `ridgefeat enrol` makes one")
        with self._opened() as base:
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

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # rw: what a killed run left half written can only be taken back by writing; where that is refused, it is read.
        uri = f"{self.path.resolve().as_uri()}?mode=rw"
        try:
            with closing(sqlite3.connect(uri, uri=True)) as base:
                base.execute("pragma trusted_schema = off")
                base.execute("pragma query_only = on")
                yield base
        except (sqlite3.Error, ValueError, TypeError, KeyError, RecursionError, zlib.error) as error:
            raise TemplateError(
                f"gallery {self.path} is damaged, or no gallery: {error}; enrol the prints again"
            ) from None

    @cached_property
    def codes(self) -> Codes:
        """The codes of all prints."""
        codes, places = [], []
        sizes = "length(minutiae) <= ? and length(codes) <= ?"
        query = f"select minutiae, codes from print where digest is not ? and {sizes} order by number"
        bounds = MAX_MINUTIAE * MINUTIA.itemsize, MAX_MINUTIAE * 2 * SIZE
        with self._opened() as base:
            for minutiae, code in base.execute(query, (self._without, *bounds)):
                held = np.frombuffer(minutiae, MINUTIA)
                codes.append(np.frombuffer(code, "<f2").reshape(len(held), SIZE))
                places.append(np.stack([held[n] for n in ("x", "y", "direction")], 1))
            found = join(codes, places)
            if len(codes) != len(self) or not (np.abs(found.place) < MAX_PLACE).all() or not (found.values <= 1).all():
                raise ValueError("its codes cannot be read")
        return found

    def shortlist(self, content: PreparedTemplate) -> NDArray[np.int64]:
        """Return the indices of the CANDIDATES prints with most votes for `content`, rising."""
        if len(self) <= CANDIDATES:
            return np.arange(len(self))
        m = content.template.minutiae
        probe = join([compute_codes(content.cylinders)], [np.stack([m.x, m.y, m.direction], 1)])
        return np.sort(np.argpartition(-count_votes(probe, self.codes), CANDIDATES)[:CANDIDATES])

    def load(self, indices: Iterable[int]) -> list[PreparedTemplate]:
        """Return the templates of the prints at `indices`."""
        query = "select minutiae, mask, waves, name from print where number = ?"
        with self._opened() as base:
            return [prepare(_template(*base.execute(query, (self._numbers[i],)).fetchone())) for i in indices]

    def highest_scores(self, contents: Sequence[PreparedTemplate]) -> NDArray[np.float64]:
        """Return the highest score of the readings `contents` with each print, shape (n,); -inf if not compared."""
        found = np.full(len(self), -np.inf)
        for content in contents:
            near = self.shortlist(content)
            pairs = [(content, reference) for reference in self.load(near.tolist())]
            found[near] = np.maximum(found[near], minutiae_scores(pairs))
        return found


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
