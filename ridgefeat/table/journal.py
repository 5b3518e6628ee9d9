"""The journal of a run: its finished rows, in a folder next to the table or inside its folder.

A unit holds the rows of one batch and is named after them. It is written atomically, whatever ends the run. Units are
NumPy's .npz and not Parquet, so that a CSV table needs no pyarrow.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.files import (
    atomic_write,
    check_unpacked_size,
    first_line,
    os_errors_as,
    read_description,
    remove_temporaries,
)
from ridgefeat.table.batches import Batch

try:
    import fcntl
except ImportError:  # a system without it does without the lock
    fcntl = None  # type: ignore[assignment]

_UNIT = re.compile(r"(\d{9})-(\d{9})\.npz")
MANIFEST = "manifest.json"


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
            with atomic_write(self.folder / MANIFEST) as temporary:
                temporary.write_bytes(json.dumps(manifest).encode())

    def resume(self) -> dict[str, Any]:
        """Return the manifest of the run that was interrupted, and make its folder ours.

        Raises TableError if it is damaged, or another process works here.
        """
        with self._os_errors():
            self._hold()
            remove_temporaries(self.folder)
            for start, stop in self.spans():
                try:
                    self.failures += self._load(start, stop).failures
                except TableError:  # it did not reach the disk whole when the machine went down, and is done again
                    self._path(start, stop).unlink()
        if not (manifest := read_description(self.folder / MANIFEST)):
            raise TableError(f"{self.folder / MANIFEST} is damaged; start again with --overwrite")
        return manifest

    def write(self, batch: Batch) -> None:
        """Keep a batch."""
        path = self._path(batch.start, batch.start + len(batch))
        texts = {"meta": json.dumps(batch.meta)}
        if batch.lines is not None:
            texts["lines"] = "\n".join(batch.lines)
        stored: dict[str, Any] = {k: np.frombuffer(v.encode(), np.uint8) for k, v in texts.items()}
        with self._os_errors(), atomic_write(path) as temporary, temporary.open("wb") as file:
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
                check_unpacked_size(stored.zip)
                lines = stored["lines"].tobytes().decode().split("\n") if "lines" in stored else None
                batch = Batch(start, json.loads(stored["meta"].tobytes()), stored["features"], lines)
        except Exception as error:  # a damaged archive fails in many ways
            raise TableError(f"{path} is damaged ({first_line(error)}); run again with --resume") from None
        counts = {len(batch), len(batch.features), len(batch if lines is None else lines)}
        if counts != {stop - start}:
            raise TableError(f"{path} does not hold the rows it is named after; run again with --resume")
        return batch

    def _path(self, start: int, stop: int) -> Path:
        return self.folder / f"{start:09d}-{stop:09d}.npz"

    def _os_errors(self) -> AbstractContextManager[None]:
        return os_errors_as(TableError, f"working folder {self.folder}", "; fix that, then rerun with --resume")

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
