"""A table as a folder of Parquet parts, for sets that one file or one run is too small for.

    features/
      part-000000-1f0c8a2b6d3e.parquet    rows of fixed prints, named after a digest of what they were made from
      _manifest.json                      written last: how all was made, and each part's rows and sha256
      _work/                              while a run is under way: its manifest, units of rows, and what is finished

A part is written under another name, flushed and renamed, then noted with its sha256. A run that is resumed believes
only a part whose bytes are those that were noted; others are made again. Which rows stand in which part depends on
the prints alone, so workers, engines and interruptions leave no trace.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.table import outliers, sidecar
from ridgefeat.table.cells import META_KINDS, text
from ridgefeat.table.compute import Span, Work, compute
from ridgefeat.table.manifest import digest, file_digest, json_bytes
from ridgefeat.table.part_outliers import find_in_parts, write_flagged
from ridgefeat.table.parts import Parts, append_line, flushed, move, spoken, write_whole
from ridgefeat.table.row import Item
from ridgefeat.table.summary import Progress, Summary
from ridgefeat.table.task import Batch
from ridgefeat.table.writers import ParquetWriter

PART_ROWS = 4096
"""Rows of a part at most: about 16 MB with all families."""
WORK, DONE = "_work", "done.jsonl"


@dataclass(frozen=True)
class Part:
    """A part to be: its rows and its file's name."""

    start: int
    stop: int
    file: str


def plan(items: Sequence[Item], about: Mapping[str, Any], rows: int | None = None) -> list[Part]:
    """Return the parts that prints make, about equally large, each named after all that decides its bytes."""
    rows = rows or PART_ROWS
    count = max(1, -(-len(items) // rows))
    bounds = [len(items) * k // count for k in range(count + 1)]
    how = [about[k] for k in ("parameters", "schema_digest", "label_kinds", "libraries", "version", "dpi")]
    base = hashlib.sha256(json.dumps(how, sort_keys=True).encode())
    out = []
    for k in range(count):
        own = base.copy()
        own.update(digest(items[bounds[k] : bounds[k + 1]]).encode())
        out.append(Part(bounds[k], bounds[k + 1], f"part-{k:06d}-{own.hexdigest()[:12]}.parquet"))
    return out


class Dataset:
    """A folder of parts on its way to being whole.

    Parameters
    ----------
    folder : Path
        Where it is to be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.units = Parts(folder, folder / WORK)
        self.manifest = folder / sidecar.MANIFEST
        self._done: dict[str, dict[str, Any]] = {}
        self._noted: dict[str, list[dict[str, Any]]] | None = None

    def clear(self) -> None:
        """Remove what an earlier run left or finished; the manifest first, so that half of it never passes for all."""
        self.manifest.unlink(missing_ok=True)
        for path in self.folder.glob("part-*.parquet"):
            path.unlink()

    def exists(self) -> bool:
        """Whether an earlier run left something unfinished here."""
        return self.units.exists()

    def is_empty(self) -> bool:
        """Whether nothing was finished yet."""
        return self.units.is_empty() and not (self.units.folder / DONE).exists()

    def remove(self) -> None:
        """Delete what a run left that finished nothing."""
        self.units.remove()
        with suppress(OSError):
            self.folder.rmdir()

    def begin(self, about: dict[str, Any]) -> None:
        """Start afresh."""
        self.folder.mkdir(exist_ok=True)
        self.units.begin(about)
        self.clear()

    def recall(self, parts: Sequence[Part]) -> None:
        """Find out which parts an earlier run finished: noted, there, and with the bytes that were noted."""
        names = {p.file for p in parts}
        for path in self.folder.glob("part-*"):
            if path.name not in names or not self._sound(path):
                path.unlink()
        for part in parts:
            if part.file in self._done:
                self.units.drop(s for s in self.units.spans() if part.start <= s[0] < part.stop)

    def _sound(self, path: Path) -> bool:
        if self._noted is None:
            self._noted = {}
            for note in _notes(self.units.folder / DONE):
                self._noted.setdefault(note["file"], []).append(note)
        # A part that was about to be flagged has two notes: the bytes tell which of them is true.
        for note in reversed(self._noted.get(path.name, [])):
            if path.stat().st_size == note["bytes"] and file_digest(path) == note["sha256"]:
                self._done[path.name] = note
                return True
        return False

    def spans(self, parts: Sequence[Part]) -> list[Span]:
        """Return the rows that are there, in parts and in units."""
        finished = [(p.start, p.stop) for p in parts if p.file in self._done]
        return sorted(finished + self.units.spans())

    def note(self, part: Part, counts: dict[str, Any], path: Path | None = None) -> None:
        """Note a part as finished; `path` is where its bytes are, if it does not have its name yet."""
        path = path or self.folder / part.file
        note = {
            "file": part.file,
            "rows": part.stop - part.start,
            "bytes": path.stat().st_size,
            "sha256": file_digest(path),
            "counts": counts,
        }
        with spoken(self.units.folder):
            append_line(self.units.folder / DONE, json.dumps(note))
        self._done[part.file] = note

    def notes(self) -> list[dict[str, Any]]:
        """Return what was noted of finished parts, in their order."""
        return [self._done[file] for file in sorted(self._done)]

    def close(self, about: Mapping[str, Any]) -> None:
        """Write the manifest, and clear the working folder away."""
        with spoken(self.folder):
            write_whole(self.manifest, json_bytes(about))
        self.units.remove()


def _notes(path: Path) -> list[dict[str, Any]]:
    """Return the notes of finished parts; a line that was cut short by a crash is none."""
    out = []
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    for line in lines:
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if isinstance(note, dict) and {"file", "rows", "bytes", "sha256", "counts"} <= note.keys():
            out.append(note)
    return out


def make_dataset(
    work: Work,
    dataset: Dataset,
    parts: Sequence[Part],
    about: dict[str, Any],
    summary: Summary,
    progress: Progress | None,
) -> None:
    """Make every part that is not there yet, then the manifest.

    Raises
    ------
    TableError
        If a part cannot be written.
    """
    dataset.recall(parts)
    total = len(work.items)
    kept = sum(stop - start for start, stop in dataset.spans(parts))
    summary.kept = done = kept
    failed = sum(note["counts"]["failures"] for note in dataset.notes())
    missing = {p.start: p.stop - p.start for p in parts}
    ends = np.array([p.stop for p in parts])
    if progress:
        progress(done, failed, total)

    def assemble(part: Part) -> None:
        spans = [s for s in dataset.units.spans() if part.start <= s[0] < part.stop]
        counts = _write_part(dataset, part, [dataset.units.load(*s) for s in spans], work, about)
        dataset.note(part, counts)
        dataset.units.drop(spans)

    def keep(batch: Batch) -> None:
        nonlocal done, failed
        dataset.units.write(batch)
        summary.memory = max(summary.memory, batch.memory)
        done += len(batch)
        failed += sum(bool(meta["meta_error"]) for meta in batch.meta)
        part = parts[int(np.searchsorted(ends, batch.start, "right"))]
        missing[part.start] -= len(batch)
        if not missing[part.start]:
            assemble(part)
        if progress:
            progress(done, failed, total)

    for start, stop in dataset.units.spans():
        missing[parts[int(np.searchsorted(ends, start, "right"))].start] -= stop - start
    finished = {note["file"] for note in dataset.notes()}
    for part in parts:  # a run may have ended between a part's last unit and the part
        if not missing[part.start] and part.file not in finished:
            assemble(part)
    compute(work, lambda: dataset.spans(parts), keep)
    _flag_outliers(dataset, parts, work, about)
    for note in dataset.notes():
        summary.absorb(note["counts"])
    files = [{k: note[k] for k in ("file", "rows", "bytes", "sha256")} for note in dataset.notes()]
    dataset.close({"format": sidecar.FORMAT, **about, **summary.counts(), "parts": files})


def _write_part(
    dataset: Dataset, part: Part, batches: Sequence[Batch], work: Work, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Write a part and return what it counts; outliers are flagged when all parts are there."""
    meta = [m for b in batches for m in b.meta]
    columns = work.recipe.columns()
    features = np.concatenate([np.zeros((0, len(columns)), np.float32), *(b.features for b in batches)])
    if len(meta) != part.stop - part.start:
        raise TableError(f"{dataset.units.folder} lacks or repeats rows of {part.file}; run again with --resume")
    path = dataset.folder / part.file
    temporary = path.with_name(f".{path.name}.tmp")
    counted = Summary(path, path)
    labels = about["label_kinds"]
    try:
        writer = ParquetWriter(temporary, {**META_KINDS, **labels}, columns, rows=PART_ROWS)
        for cells, values, item in zip(meta, features, work.items[part.start : part.stop], strict=True):
            counted.add(cells)
            row = [text(cells[name]) for name in META_KINDS]
            writer.write([*row, *(text(item.labels.get(name)) for name in labels)], values)
        writer.close()
        flushed(temporary)
        move(temporary, path)
    except OSError as error:
        raise TableError(f"{path} cannot be written: {error.strerror or error}; run with --resume") from None
    finally:
        temporary.unlink(missing_ok=True)
    return counted.counts()


def _flag_outliers(dataset: Dataset, parts: Sequence[Part], work: Work, about: Mapping[str, Any]) -> None:
    """Flag the prints that are unlike the rest of the whole table, and count them; what is flagged already stays.

    Raises
    ------
    TableError
        If a part cannot be written.
    """
    columns, kinds = work.recipe.columns(), {**META_KINDS, **about["label_kinds"]}
    unusual = find_in_parts([dataset.folder / p.file for p in parts], columns)
    notes = {note["file"]: note for note in dataset.notes()}
    for part in parts:
        own, counts = unusual[part.start : part.stop], notes[part.file]["counts"]
        if counts["flags"].get(outliers.FLAG, 0) == own.sum():
            continue
        path = dataset.folder / part.file
        temporary = path.with_name(f".{path.name}.tmp")
        flags = {**counts["flags"], outliers.FLAG: int(own.sum())}
        try:
            write_flagged(path, temporary, own, kinds, columns)
            flushed(temporary)
            # Noted first: a run that ends in between finds the old bytes, and their older note.
            dataset.note(part, {**counts, "flags": dict(sorted(flags.items()))}, temporary)
            move(temporary, path)
        except OSError as error:
            raise TableError(f"{path} cannot be written: {error.strerror or error}; run with --resume") from None
        finally:
            temporary.unlink(missing_ok=True)


def check_folder(folder: Path, mode: str) -> None:
    """Raise TableError if a dataset cannot be made there in this mode ("new", "resume", "overwrite")."""
    if folder.exists() and not folder.is_dir():
        raise TableError(f"{folder} is a file; a folder of parts needs a name of its own")
    if not folder.parent.is_dir() or not os.access(folder if folder.is_dir() else folder.parent, os.W_OK):
        raise TableError(f"folder {folder} cannot be written to")
    if not folder.is_dir():
        return
    ours = (folder / sidecar.MANIFEST).is_file() or (folder / WORK).is_dir()
    if not ours and any(folder.iterdir()):
        raise TableError(f"folder {folder} is not empty and holds no table of parts; name another")
    if mode == "new" and (folder / WORK / "manifest.json").is_file():
        raise TableError(f"folder {folder}: an unfinished run is there; --resume continues it, --overwrite drops it")
    if mode == "new" and ours:
        raise TableError(f"folder {folder} holds a table; --overwrite replaces it, --resume completes it")


def verify_parts(folder: Path, about: Mapping[str, Any]) -> None:
    """Raise TableError, naming the first, if a part is not as the manifest says."""
    for part in about.get("parts", ()):
        path = folder / str(part["file"])
        if not path.is_file() or file_digest(path) != part["sha256"]:
            raise TableError(f"{path} was changed or lost since it was written; --overwrite makes it again")
