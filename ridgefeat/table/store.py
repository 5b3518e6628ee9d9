"""Prints -> a finished table on disk with its sidecar; never is there half a table under the final name."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ridgefeat._version import __version__
from ridgefeat.errors import TableError
from ridgefeat.structure import Bool
from ridgefeat.table import outliers, sidecar
from ridgefeat.table.cells import META_KINDS, Kind, kind_of, label_names, text
from ridgefeat.table.jobs import Batch, Task, batch_size, count_workers, run
from ridgefeat.table.minutiae_files import name_targets
from ridgefeat.table.parts import Parts, move, write_whole
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import Item, Meta, join_flags
from ridgefeat.table.writers import import_pyarrow, is_parquet, open_writer

Mode = Literal["new", "resume", "overwrite"]
Progress = Callable[[int, int, int], None]
"""Called with the prints done, how many of these failed, and how many there are in all."""


@dataclass
class Summary:
    """What a run did.

    Attributes
    ----------
    table, sidecar : Path
        What was written.
    rows, failures, kept : int
        Prints in all, those with an error, and those that an earlier run had finished.
    reasons : dict of str to (int, str)
        For each kind of failure how often it came, and its first message with the print's name.
    flags : Counter
        How many prints carry each flag.
    """

    table: Path
    sidecar: Path
    rows: int = 0
    failures: int = 0
    kept: int = 0
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)

    def add(self, meta: Meta) -> None:
        """Count one row."""
        self.rows += 1
        self.flags.update((meta["meta_flags"] or "").split())
        if error := meta["meta_error"]:
            self.failures += 1
            # Messages alike but for names and numbers are of one kind.
            kind = re.sub(r"'[^']*'|\S*[/\\]\S*|\d+", "…", error.replace(meta["meta_source"], "…"))
            count, first = self.reasons.get(kind, (0, f"{meta['meta_source']}: {error}"))
            self.reasons[kind] = (count + 1, first)


def write_table(
    items: Sequence[Item],
    recipe: Recipe,
    output: str | Path,
    *,
    jobs: int | None = None,
    mode: Mode = "new",
    minutiae: str | Path | None = None,
    inputs: Sequence[str] = (),
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> Summary:
    """Extract features from prints into a table.

    Parameters
    ----------
    items : sequence of PrintSource
        The prints, in the order of rows.
    recipe : Recipe
        How they become rows.
    output : str or Path
        The table, .csv or .parquet; its sidecar stands beside it.
    jobs : int, optional
        Worker processes; every core without.
    mode : {"new", "resume", "overwrite"}
        Whether a table or an unfinished run that is already there is an error, continued or replaced.
    minutiae : str or Path, optional
        Folder for each print's minutiae.
    inputs, command : sequence of str
        What the user asked for, for the sidecar.
    progress : callable, optional
        Told after every batch.

    Raises
    ------
    TableError
        If the table cannot be written, or what is there already does not allow it.
    """
    output = Path(output)
    if is_parquet(output):
        import_pyarrow()
    workers = count_workers(jobs)
    folder = None if minutiae is None else Path(minutiae)
    manifest = _describe(items, recipe, folder)
    _check_destination(output, mode)
    parts = Parts(output)
    try:
        if mode == "resume" and parts.exists():
            _agree(parts.resume(), manifest, f"the unfinished run in {parts.folder}")
        elif mode == "resume" and output.exists():
            return _finished(output, manifest, parts)
        else:
            parts.begin(manifest)
        kept = sum(stop - start for start, stop in parts.spans())
        _compute(items, recipe, parts, workers, folder, progress, not is_parquet(output))
        summary = _finish(items, recipe, output, parts, manifest, inputs, command)
        summary.kept = kept
        parts.remove()
        return summary
    finally:
        parts.release()


def _check_destination(output: Path, mode: Mode) -> None:
    beside = sidecar.path_beside(output)
    if output.is_dir() or not output.parent.is_dir():
        raise TableError(
            f"table {output}: {'is a folder' if output.is_dir() else f'no folder {output.parent}'}"
        )
    if not os.access(output.parent, os.W_OK):
        raise TableError(f"table {output}: the folder {output.parent} is not writable")
    if beside.exists():
        try:
            sidecar.load_sidecar(beside)
        except TableError:
            raise TableError(
                f"{beside} is in the way: the table's sidecar is written there, and that file is none; "
                "move it or name the table otherwise"
            ) from None
    if mode == "new":
        if Parts(output).exists():
            raise TableError(
                f"table {output}: an unfinished run is there; --resume continues it, --overwrite drops it"
            )
        if output.exists():
            raise TableError(
                f"table {output} exists; --overwrite replaces it, --resume completes it if it is unfinished"
            )


def _describe(items: Sequence[Item], recipe: Recipe, minutiae: Path | None) -> dict[str, Any]:
    names = label_names(items)
    kinds = {name: kind_of(text(item.labels.get(name)) for item in items) for name in names}
    return {
        **recipe.to_dict(),
        "version": __version__,
        "libraries": sidecar.library_versions(),
        "label_kinds": kinds,
        "rows": len(items),
        "inputs_digest": _digest(items),
        "minutiae": None if minutiae is None else str(minutiae.absolute()),
    }


def _digest(items: Sequence[Item]) -> str:
    """Return a digest of which prints there are, what is known of them, and whether their files changed."""
    out = hashlib.sha256()
    for item in items:
        path = getattr(item, "path", None)
        try:
            state = None if path is None else os.stat(path)  # noqa: PTH116  (Path would be made for every print)
        except OSError:
            state = None
        known: list[object] = [
            str(item.relative),
            item.layout,
            {k: text(v) for k, v in item.labels.items()},
            item.error,
        ]
        known += [getattr(item, "known_dpi", None)]
        known += [state and state.st_size, state and state.st_mtime_ns]
        out.update(json.dumps(known).encode() + b"\n")
    return out.hexdigest()


def _agree(then: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Raise TableError, with every difference, unless what was made then can be continued now."""
    try:
        found = sidecar.differences(then, now)
        for key in ("version", "libraries", "layout", "regex", "dpi", "minutiae"):
            if then[key] != now[key]:
                found.append(f"{key}: {then[key]}, now {now[key]}")
        if then["rows"] != now["rows"]:
            found.append(f"inputs: {then['rows']} prints, now {now['rows']}")
        elif then["inputs_digest"] != now["inputs_digest"] or then["label_kinds"] != now["label_kinds"]:
            found.append("inputs: files were renamed, changed or labelled otherwise")
    except (KeyError, TypeError, AttributeError):
        raise TableError(f"{where} is of another version or damaged; start again with --overwrite") from None
    if found:
        raise TableError(
            f"cannot resume: {where} differs ({'; '.join(found)}). "
            "Give the same options as then, or --overwrite"
        )


def _finished(output: Path, manifest: Mapping[str, Any], parts: Parts) -> Summary:
    """Return the summary of a table that needs nothing more."""
    there = sidecar.load_sidecar(output)
    _agree(there, manifest, f"the finished table {output}")
    if there.get("table", {}).get("sha256") != file_digest(output):
        raise TableError(f"table {output} was changed since it was written; --overwrite makes it again")
    reasons = {k: (n, first) for k, (n, first) in there["reasons"].items()}
    rows, flags = there["rows"], Counter(there["flags"])
    return Summary(output, sidecar.path_beside(output), rows, there["failures"], rows, reasons, flags)


def _compute(
    items: Sequence[Item],
    recipe: Recipe,
    parts: Parts,
    workers: int,
    minutiae: Path | None,
    progress: Progress | None,
    lines: bool,
) -> None:
    spans = parts.spans()
    done = sum(stop - start for start, stop in spans)
    failed = 0
    if progress:
        failed = sum(1 for batch in parts.read() for meta in batch.meta if meta["meta_error"])
        progress(done, failed, len(items))
    targets = name_targets([str(item.relative) for item in items], minutiae) if minutiae else None
    size = batch_size(len(items) - done, workers)

    def tasks() -> Iterator[Task]:
        for start, stop in _gaps(spans, len(items)):
            for at in range(start, stop, size):
                to = min(at + size, stop)
                names = None if targets is None else tuple(targets[at:to])
                yield Task(at, items[at:to], recipe, names, os.getpid(), lines)

    for batch in run(tasks(), min(workers, max(1, (len(items) - done) // size))):
        parts.write(batch)
        done += len(batch)
        failed += sum(bool(meta["meta_error"]) for meta in batch.meta)
        if progress:
            progress(done, failed, len(items))


def _gaps(spans: Sequence[tuple[int, int]], count: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of rows that no part covers."""
    at = 0
    for start, stop in [*spans, (count, count)]:
        if start > at:
            yield at, start
        at = max(at, stop)


def _finish(
    items: Sequence[Item],
    recipe: Recipe,
    output: Path,
    parts: Parts,
    manifest: Mapping[str, Any],
    inputs: Sequence[str],
    command: Sequence[str],
) -> Summary:
    """Join the parts into the table, mark outliers, and move table and sidecar to their names."""
    summary = Summary(output, sidecar.path_beside(output))
    labels: Mapping[str, Kind] = manifest["label_kinds"]
    unusual = _unusual(parts, recipe)
    temporary = output.with_name(f".{output.name}.tmp")
    try:
        kinds = {**META_KINDS, **labels}
        writer = open_writer(temporary, is_parquet(output), kinds, recipe.columns())
        for batch in parts.read():
            for i, meta in enumerate(batch.meta, batch.start):
                if i != summary.rows:
                    raise TableError(f"{parts.folder} lacks or repeats row {i}; start again with --overwrite")
                if unusual[i]:
                    meta["meta_flags"] = join_flags([meta["meta_flags"] or "", outliers.FLAG])
                summary.add(meta)
                cells = [text(meta[name]) for name in META_KINDS]
                cells += [text(items[i].labels.get(name)) for name in labels]
                at = i - batch.start
                writer.write(cells, batch.features[at], None if batch.lines is None else batch.lines[at])
        writer.close()
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        content = {
            "format": sidecar.FORMAT,
            "command": list(command),
            **manifest,
            "inputs": list(inputs),
            "failures": summary.failures,
            "reasons": summary.reasons,
            "flags": dict(sorted(summary.flags.items())),
            "table": {"file": output.name, "sha256": file_digest(temporary)},
        }
        move(temporary, output)
        write_whole(summary.sidecar, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise TableError(
            f"table {output} cannot be written: {error.strerror or error}; run with --resume"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    return summary


def _unusual(parts: Parts, recipe: Recipe) -> Bool:
    names = [c.name for c in recipe.columns()]
    base = [names.index(n) for n in outliers.BASE if n in names]
    values, groups = [np.zeros((0, len(base)), np.float32)], []
    for batch in parts.read():
        values.append(batch.features[:, base])
        groups += [group(meta) for meta in batch.meta]
    return outliers.find_outliers(np.concatenate(values), groups)


def group(meta: Meta) -> tuple[Any, ...]:
    """Return which prints one is compared with when outliers are looked for."""
    return meta["meta_layout"], meta["meta_dpi_x"], meta["meta_dpi_y"]


def file_digest(path: Path) -> str:
    """Return a file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["Batch", "Mode", "Progress", "Summary", "write_table"]
