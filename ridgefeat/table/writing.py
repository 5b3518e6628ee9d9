"""Prints -> a finished table on disk: every batch goes to the journal when it is done, and at the end to the table.

Prints that differ strongly from the rest of their table are flagged, never dropped: a person decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ridgefeat.errors import RidgefeatError, TableError
from ridgefeat.files import bare_name
from ridgefeat.structure import Bool, Float
from ridgefeat.table import assembly, sidecar
from ridgefeat.table.assembly import Progress, Summary, check_output, check_size, format_of, is_folder, journal_of
from ridgefeat.table.batches import Batch, Extraction, Journal, compute_missing
from ridgefeat.table.reading import verify_parts
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import META, Item, Row, check_minutiae, join_flags, text
from ridgefeat.table.sidecar import agree, describe, table_digest
from ridgefeat.work.engine import count_workers, using

Mode = Literal["new", "resume", "overwrite"]
FLAG = "outlier"
EXAMINED = ("ridge_period_mean", "ridge_area", "minutiae_count")
"""Columns that are examined if the table has them: scale, complexity and size of a print."""
GROUPED_BY = ("meta_layout", "meta_dpi_x", "meta_dpi_y")
MIN_PRINTS = 20
"""Number of prints of one layout and resolution below which none is an outlier."""
LIMIT = 6.0
"""Robust deviations from the median."""


def write_table(
    items: Sequence[Item],
    recipe: Recipe,
    output: str | Path,
    *,
    jobs: int | None = None,
    mode: Mode = "new",
    minutiae: str | Path | None = None,
    standard: str = "iso",
    inputs: Sequence[str] = (),
    command: Sequence[str] = (),
    progress: Progress | None = None,
    engine: str | None = None,
    dialect: str = "standard",
) -> Summary:
    """Extract features from prints into a table.

    Parameters
    ----------
    items : sequence of PrintSource
        The prints, in the order of rows.
    recipe : Recipe
        How they become rows.
    output : str or Path
        The table, .csv, .xlsx or .parquet; its sidecar is written next to it. A slash at the end: a folder of parts.
    jobs : int, optional
        Worker processes; every core without.
    mode : {"new", "resume", "overwrite"}
        Whether a table or an unfinished run that is already there is an error, continued or replaced.
    minutiae : str or Path, optional
        Folder for each print's minutiae.
    standard : {"iso", "ansi"}
        Standard of their records: ISO/IEC 19794-2:2005 or ANSI INCITS 378-2004.
    inputs, command : sequence of str
        For the sidecar: inputs, of which it records the names without their folders, and the command line.
    progress : callable, optional
        Called after every batch.
    engine : str, optional
        Where the work is done: local, dask=ADDRESS or ray=ADDRESS.
    dialect : {"standard", "semicolon", "raw"}
        Of a CSV table.

    Returns
    -------
    Summary
        Counts of rows, failures and flags.

    Raises
    ------
    TableError
        If the table cannot be written, or what is there already does not allow it.
    """
    as_folder = is_folder(output)
    check_output(output, mode)
    output = Path(output)
    folder = None if minutiae is None else Path(minutiae)
    count_workers(jobs)
    manifest = describe(items, recipe, folder, standard)
    check_size(output if not as_folder else f"{output}/", manifest, len(items))
    journal, summary = journal_of(output, as_folder), assembly.summary_of(output, as_folder)
    resumed = mode == "resume" and journal.exists()
    if mode == "resume" and not resumed and (summary.sidecar if as_folder else output).exists():
        return _finished(output, manifest)
    if folder is not None:
        check_minutiae((str(i.relative) for i in items), folder, output, overwrite=mode != "new")
    about = {"command": list(command), **manifest, "inputs": [bare_name(i) for i in inputs]}
    # An engine that is not there is reported before anything is left behind.
    with using(engine, jobs) as workers:
        is_csv = not as_folder and format_of(output) == ".csv"
        extraction = Extraction(items, recipe, workers, folder, standard, is_csv)
        summary.workers = workers
        try:
            if resumed:
                agree(journal.resume(), about, f"the unfinished run in {journal.folder}")
            else:
                journal.begin(manifest)
            _compute(extraction, journal, summary, progress)
            rows = _rows(journal, extraction, about["label_kinds"])
            parts = assembly.plan_parts(items, about) if as_folder else None
            assembly.assemble(rows, about, summary, parts, dialect)
            journal.remove()
        except OSError as error:
            why = f"{error.strerror or error}; run with --resume"
            raise TableError(f"table {output} cannot be written: {why}") from None
        except RidgefeatError:
            if not resumed and not journal.spans():  # nothing was done that could be continued
                journal.remove()
                if as_folder:
                    with suppress(OSError):
                        output.rmdir()
            raise
        finally:
            journal.release()
    return summary


def _finished(output: Path, manifest: Mapping[str, Any]) -> Summary:
    """Return the summary of a table that needs nothing more."""
    there = sidecar.load_sidecar(output)
    agree(there, manifest, f"the finished table {output}")
    if output.is_dir():
        verify_parts(output, there)
    elif there.get("table", {}).get("sha256") != table_digest(output):
        raise TableError(f"table {output} was changed since it was written; --overwrite makes it again")
    reasons = {k: (n, first) for k, (n, first) in there.get("reasons", {}).items()}
    rows, flags = there["rows"], Counter(there.get("flags", {}))
    return Summary(output, sidecar.sidecar_path(output), rows, there.get("failures", 0), rows, reasons, flags)


def _compute(extraction: Extraction, journal: Journal, summary: Summary, progress: Progress | None) -> None:
    """Make the rows that are not in the journal yet."""
    summary.kept = done = sum(stop - start for start, stop in journal.spans())
    failed, total = journal.failures, len(extraction.items)
    if progress:
        progress(done, failed, total)

    def keep(batch: Batch) -> None:
        nonlocal done, failed
        journal.write(batch)
        summary.memory = max(summary.memory, batch.memory)
        done += len(batch)
        failed += batch.failures
        if progress:
            progress(done, failed, total)

    compute_missing(extraction, journal.spans, keep)


def _rows(journal: Journal, extraction: Extraction, labels: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the journal's rows in their order, outliers flagged."""
    unusual = _find_outliers(journal, extraction.recipe)
    at = 0
    for batch in journal.read():
        items = extraction.items[at : at + len(batch)]
        if batch.start != at or len(items) < len(batch):
            break
        lines: Sequence[str | None] = batch.lines or [None] * len(batch)
        for meta, item, features, line in zip(batch.meta, items, batch.features, lines, strict=True):
            if unusual[at]:
                meta["meta_flags"] = add_flag(meta["meta_flags"])
            cells = [*(text(meta[n]) for n in META), *(text(item.labels.get(n)) for n in labels)]
            yield cells, features, line
            at += 1
    if at != len(extraction.items):
        raise TableError(f"{journal.folder} lacks or repeats row {at}; start again with --overwrite")


def _find_outliers(journal: Journal, recipe: Recipe) -> Bool:
    """Return which rows are unlike the rest of the whole table; a few numbers per row are held."""
    names = recipe.names()
    base = [names.index(n) for n in EXAMINED if n in names]
    numbers: dict[Hashable, int] = {}
    values, groups = [np.zeros((0, len(base)), np.float32)], []
    for batch in journal.read():
        values.append(batch.features[:, base])
        groups += [numbers.setdefault(outlier_group(meta), len(numbers)) for meta in batch.meta]
    return find_outliers(np.concatenate(values), groups)


def find_outliers(base: Float, groups: Sequence[Any]) -> Bool:
    """Return which prints lie further than LIMIT robust deviations from their group's median in any column.

    `base` has the shape (prints, columns), and NaN where a print has no value; the column is then ignored for that
    print. `groups` holds the group of each print. The deviation is 1.4826 times the median absolute deviation, which a
    few outliers hardly move (Leys et al. 2013).
    """
    import pandas as pd

    frame, codes = pd.DataFrame(base.astype(np.float64)), pd.factorize(pd.Series(groups, dtype=object))[0]
    by_group = frame.groupby(codes)
    distance = (frame - by_group.transform("median")).abs()
    deviation = 1.4826 * distance.groupby(codes).transform("median")
    is_judged = (by_group.transform("count") >= MIN_PRINTS) & (deviation > 0)
    return np.asarray((is_judged & (distance > LIMIT * deviation)).any(axis=1))


def flag_outliers(meta: Sequence[dict[str, Any]], features: Float, names: Sequence[str]) -> None:
    """Add the flag to the meta cells of outliers, in place; `names` are those of the features' columns."""
    base = [names.index(n) for n in EXAMINED if n in names]
    unusual = find_outliers(features[:, base], [outlier_group(m) for m in meta])
    for i in np.flatnonzero(unusual).tolist():
        meta[i]["meta_flags"] = add_flag(meta[i]["meta_flags"])


def add_flag(flags: str | None) -> str:
    """Return a `meta_flags` cell with the outlier flag added."""
    return join_flags([flags or "", FLAG])


def outlier_group(meta: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the group in which a print is compared: its layout and resolution."""
    return tuple(meta[name] for name in GROUPED_BY)
