"""The finished rows of a run that is under way, in a folder beside the table to be.

A part holds the rows of one batch and is named after them. It is written under another name, flushed and renamed,
so that it is there whole or not at all, whatever ends the run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.table.task import Batch

try:
    import fcntl
except ImportError:  # a system without it goes without the lock
    fcntl = None  # type: ignore[assignment]

_PART = re.compile(r"(\d{9})-(\d{9})\.npz")
MANIFEST = "manifest.json"


class Parts:
    """The working folder of one table.

    Parameters
    ----------
    output : Path
        The table to be; the folder is hidden beside it.
    folder : Path, optional
        Where else it is.
    """

    def __init__(self, output: Path, folder: Path | None = None) -> None:
        self.folder = folder or output.with_name(f".{output.name}.partial")
        self._lock: BinaryIO | None = None

    def exists(self) -> bool:
        """Whether an earlier run left something here."""
        return (self.folder / MANIFEST).is_file()

    def is_empty(self) -> bool:
        """Whether no part is here."""
        return not self.folder.is_dir() or not self.spans()

    def begin(self, manifest: dict[str, Any]) -> None:
        """Start afresh: whatever was here goes."""
        with spoken(self.folder):
            if self.folder.exists():
                self._hold()
                self.remove()
            self.folder.mkdir(parents=True)
            self._hold()
            write_whole(self.folder / MANIFEST, json.dumps(manifest).encode())

    def resume(self) -> dict[str, Any]:
        """Return the manifest of the run that was interrupted, and make its folder ours.

        Raises
        ------
        TableError
            If it is damaged, or another process works here.
        """
        with spoken(self.folder):
            self._hold()
            for stray in self.folder.glob("*.tmp"):
                stray.unlink()
            self._drop_damaged()
            raw = (self.folder / MANIFEST).read_bytes()
        try:
            manifest = json.loads(raw)
        except ValueError:
            manifest = None
        if not isinstance(manifest, dict):
            raise TableError(f"{self.folder / MANIFEST} is damaged; start again with --overwrite")
        return manifest

    def write(self, batch: Batch) -> None:
        """Keep a batch."""
        path = self._path(batch.start, batch.start + len(batch))
        texts = {"meta": json.dumps(batch.meta)}
        if batch.lines is not None:
            texts["lines"] = "\n".join(batch.lines)
        stored: dict[str, Any] = {k: np.frombuffer(v.encode(), np.uint8) for k, v in texts.items()}
        temporary = path.with_name(f"{path.name}.tmp")
        with spoken(self.folder):
            with temporary.open("wb") as file:
                np.savez(file, features=batch.features, **stored)
                _flush(file)
            temporary.replace(path)

    def spans(self) -> list[tuple[int, int]]:
        """Return the (start, stop) rows of every part, in order."""
        found = (_PART.fullmatch(p.name) for p in self.folder.iterdir())
        return sorted((int(m[1]), int(m[2])) for m in found if m)

    def read(self) -> Iterator[Batch]:
        """Yield every part in the order of rows, one in memory at a time."""
        for start, stop in self.spans():
            yield self.load(start, stop)

    def load(self, start: int, stop: int) -> Batch:
        """Return one part.

        Raises
        ------
        TableError
            If it is damaged.
        """
        path = self._path(start, stop)
        try:
            # The archive's checksums are checked on the way: a page that never reached the disk is found out.
            with np.load(path, allow_pickle=False) as stored:
                lines = stored["lines"].tobytes().decode().split("\n") if "lines" in stored else None
                batch = Batch(start, json.loads(stored["meta"].tobytes()), stored["features"], lines)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise TableError(f"{path} is damaged ({error}); run again with --resume") from None
        counts = {len(batch), len(batch.features), len(batch if lines is None else lines)}
        if counts != {stop - start}:
            raise TableError(f"{path} does not hold the rows it is named after; run again with --resume")
        return batch

    def drop(self, spans: Iterable[tuple[int, int]]) -> None:
        """Delete parts whose rows are kept elsewhere."""
        for start, stop in spans:
            self._path(start, stop).unlink(missing_ok=True)

    def _path(self, start: int, stop: int) -> Path:
        return self.folder / f"{start:09d}-{stop:09d}.npz"

    def _drop_damaged(self) -> None:
        """Delete what did not reach the disk whole when the machine went down; it is done again."""
        for start, stop in self.spans():
            try:
                self.load(start, stop)
            except TableError:
                self.drop([(start, stop)])

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


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that its name never holds half of it."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        _flush(file)
    move(temporary, path)


def move(temporary: Path, path: Path) -> None:
    """Rename a finished file to its final name, and the folder's entry to disk."""
    temporary.replace(path)
    with suppress(OSError):  # not every system can flush a folder
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file, and have it on disk before returning; half a line of before is ended first."""
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(line.encode() + b"\n")
        _flush(file)


def flushed(path: Path) -> None:
    """Have a finished file on disk before it gets its name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


class spoken:
    """Turn the operating system's errors into TableErrors that name the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError):
            raise TableError(
                f"working folder {self.folder}: {error.strerror or error}; mend that, then run again with --resume"
            ) from None
