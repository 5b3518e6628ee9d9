"""Prints -> a finished table on disk with its sidecar; never is there half a table under the final name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ridgefeat.errors import RidgefeatError, TableError
from ridgefeat.structure import Bool
from ridgefeat.table import outliers, sidecar
from ridgefeat.table.cells import META_KINDS, Kind, text
from ridgefeat.table.compute import Work, compute
from ridgefeat.table.dataset import Dataset, check_folder, make_dataset, plan, verify_parts
from ridgefeat.table.engine import count_workers, using
from ridgefeat.table.manifest import agree, describe, file_digest, json_bytes
from ridgefeat.table.parts import Parts, move, write_whole
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import Item, join_flags
from ridgefeat.table.summary import Progress, Summary
from ridgefeat.table.task import Batch, Limits
from ridgefeat.table.writers import import_pyarrow, is_parquet, open_writer

Mode = Literal["new", "resume", "overwrite"]


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
    engine: str | None = None,
    limits: Limits | None = None,
) -> Summary:
    """Extract features from prints into a table.

    Parameters
    ----------
    items : sequence of PrintSource
        The prints, in the order of rows.
    recipe : Recipe
        How they become rows.
    output : str or Path
        The table, .csv or .parquet; its sidecar stands beside it. Or a folder for parts: its name ends in a slash.
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
    engine : str, optional
        Who does the work: local, dask=ADDRESS or ray=ADDRESS.
    limits : Limits, optional
        What a print may take.

    Raises
    ------
    TableError
        If the table cannot be written, or what is there already does not allow it.
    """
    as_parts = is_folder(output)
    output = Path(output)
    if as_parts or is_parquet(output):
        import_pyarrow()
    folder = None if minutiae is None else Path(minutiae)
    count_workers(jobs)
    (check_folder if as_parts else check_destination)(output, mode)
    manifest = describe(items, recipe, folder)
    store = Dataset(output) if as_parts else Parts(output)
    resumed = mode == "resume" and store.exists()
    if mode == "resume" and not resumed and (sidecar.path_beside(output) if as_parts else output).exists():
        return _finished(output, manifest)
    about = {"command": list(command), **manifest, "inputs": list(inputs)}
    # An engine that is not there is told before anything is left behind.
    with using(engine, jobs) as workers:
        work = Work(items, recipe, workers, limits, folder, not (as_parts or is_parquet(output)))
        return _make(work, output, store, manifest if not resumed else None, about, progress)


def _make(
    work: Work,
    output: Path,
    store: Parts | Dataset,
    fresh: dict[str, Any] | None,
    about: dict[str, Any],
    progress: Progress | None,
) -> Summary:
    """Make the table, from the beginning if a manifest is given, else from where an earlier run ended."""
    parts = store if isinstance(store, Parts) else store.units
    try:
        if fresh is None:
            agree(parts.resume(), about, f"the unfinished run in {parts.folder}")
        else:
            store.begin(fresh)
        summary = Summary(output, sidecar.path_beside(output), workers=work.workers)
        if isinstance(store, Dataset):
            planned = plan(work.items, about)
            work = replace(work, ends=tuple(p.stop for p in planned))
            make_dataset(work, store, planned, about, summary, progress)
        else:
            _compute(work, parts, summary, progress)
            _finish(work.items, work.recipe, parts, about, summary)
            parts.remove()
        return summary
    except RidgefeatError:
        if fresh is not None and store.is_empty():  # nothing was done that could be continued
            store.remove()
        raise
    finally:
        parts.release()


def check_destination(output: Path, mode: str) -> None:
    """Raise TableError if a table file cannot be made there in this mode ("new", "resume", "overwrite")."""
    beside = sidecar.path_beside(output)
    if output.is_dir() or not output.parent.is_dir():
        raise TableError(f"table {output}: {'is a folder' if output.is_dir() else f'no folder {output.parent}'}")
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
            raise TableError(f"table {output}: an unfinished run is there; --resume continues it, --overwrite drops it")
        if output.exists():
            raise TableError(
                f"table {output} exists; --overwrite replaces it, --resume completes it if it is unfinished"
            )


def _finished(output: Path, manifest: Mapping[str, Any]) -> Summary:
    """Return the summary of a table that needs nothing more."""
    there = sidecar.load_sidecar(output)
    agree(there, manifest, f"the finished table {output}")
    if output.is_dir():
        verify_parts(output, there)
    elif there.get("table", {}).get("sha256") != file_digest(output):
        raise TableError(f"table {output} was changed since it was written; --overwrite makes it again")
    reasons = {k: (n, first) for k, (n, first) in there["reasons"].items()}
    rows, flags = there["rows"], Counter(there["flags"])
    return Summary(output, sidecar.path_beside(output), rows, there["failures"], rows, reasons, flags)


def _compute(work: Work, parts: Parts, summary: Summary, progress: Progress | None) -> None:
    summary.kept = done = sum(stop - start for start, stop in parts.spans())
    failed = 0
    if progress:
        failed = sum(1 for batch in parts.read() for meta in batch.meta if meta["meta_error"])
        progress(done, failed, len(work.items))

    def keep(batch: Batch) -> None:
        nonlocal done, failed
        parts.write(batch)
        summary.memory = max(summary.memory, batch.memory)
        done += len(batch)
        failed += sum(bool(meta["meta_error"]) for meta in batch.meta)
        if progress:
            progress(done, failed, len(work.items))

    compute(work, parts.spans, keep)


def _finish(items: Sequence[Item], recipe: Recipe, parts: Parts, about: Mapping[str, Any], summary: Summary) -> None:
    """Join the parts into the table, mark outliers, and move table and sidecar to their names."""
    output = summary.table
    labels: Mapping[str, Kind] = about["label_kinds"]
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
            **about,
            **summary.counts(),
            "table": {"file": output.name, "sha256": file_digest(temporary)},
        }
        move(temporary, output)
        write_whole(summary.sidecar, json_bytes(content))
    except OSError as error:
        raise TableError(f"table {output} cannot be written: {error.strerror or error}; run with --resume") from None
    finally:
        temporary.unlink(missing_ok=True)


def _unusual(parts: Parts, recipe: Recipe) -> Bool:
    names = [c.name for c in recipe.columns()]
    base = [names.index(n) for n in outliers.BASE if n in names]
    values, groups = [np.zeros((0, len(base)), np.float32)], []
    for batch in parts.read():
        values.append(batch.features[:, base])
        groups += [outliers.group(meta) for meta in batch.meta]
    return outliers.find_outliers(np.concatenate(values), groups)


def is_folder(output: str | Path) -> bool:
    """Whether a table of this name is a folder of parts: it ends in a slash, or is a folder that is there."""
    ends = str(output).endswith(("/", os.sep))
    return ends or (Path(output).is_dir() and Path(output).suffix.lower() not in (".csv", ".parquet"))


__all__ = ["Mode", "Progress", "Summary", "file_digest", "write_table"]
