"""Rows -> a finished table on disk with its sidecar: a CSV file, a Parquet file, or a folder of Parquet parts.

Every table is written here, whether its rows come from the journal of a run or from tables that are merged. The files
are written under other names, flushed, and renamed when all are there, so that the final name never holds half a table.

    features/
      part-000000-1f0c8a2b6d3e.parquet    rows of fixed prints, named after a digest of what they were made from
      _manifest.json                      the sidecar, written last: how all was made, and each part's rows and sha256
      _work/                              while a run is under way: its journal, and at the end the parts that are new

Which rows stand in which part depends on the prints alone, so workers, engines and interruptions leave no trace.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.files import atomic_write, import_pyarrow, sha256, write_together
from ridgefeat.sheets import DIALECTS, check_sheet_size, import_openpyxl, write_sheet
from ridgefeat.structure import MM_PER_PX
from ridgefeat.table import sidecar
from ridgefeat.table.batches import Journal
from ridgefeat.table.row import MAX_MESSAGE, META, Item, Kind, Meta, Row, column, numbers
from ridgefeat.table.sidecar import digest, json_bytes

PART_ROWS = 4096
"""Maximum number of rows in a part: about 16 MB with all families."""
WORK = "_work"
MEDIAN_PERIOD = "ridge_period_p50"
Kinds = Mapping[str, Kind]
Described = Sequence[Mapping[str, Any]]
"""Feature columns as the sidecar describes them."""
FORMATS = (".csv", ".xlsx", ".parquet")
GROUP_ROWS = 1024
"""Rows of a Parquet row group in a single file; fixed, so that the bytes do not depend on how the rows arrived."""


@dataclass(frozen=True)
class Part:
    """A part to be written: how many rows it takes, and its name; None where it is named after its bytes."""

    rows: int
    file: str | None = None


def plan_parts(items: Sequence[Item], about: Mapping[str, Any]) -> list[Part]:
    """Return the parts that prints make, of about equal size, each named after everything that decides its bytes."""
    count = max(1, -(-len(items) // PART_ROWS))
    settings = [about[k] for k in ("parameters", "schema_digest", "label_kinds", "libraries", "version", "dpi")]
    settings += [about["errors"]] if "errors" in about else []
    base = json.dumps(settings, sort_keys=True)
    parts = []
    for k in range(count):
        own = items[len(items) * k // count : len(items) * (k + 1) // count]
        named = hashlib.sha256((base + digest(own)).encode()).hexdigest()[:12]
        parts.append(Part(len(own), f"part-{k:06d}-{named}.parquet"))
    return parts


def assemble(
    rows: Iterable[Row],
    about: Mapping[str, Any],
    summary: Summary,
    parts: Sequence[Part] | None = None,
    dialect: str = "standard",
) -> None:
    """Write rows to the table that a summary names, and its sidecar; count them in the summary.

    `about` is the sidecar's content without counts and digests. `parts` are those of a folder; without, the table is
    one file, and CSV is written in a dialect of DIALECTS. Rows are taken in the order of the table, and held no longer
    than a group of them is written. Raises OSError if something cannot be written; the final names then hold what they
    held before, or, once parts are being renamed, no sidecar.
    """
    output = summary.table
    columns = sidecar.numeric_columns(about)
    layout = {**META, **about["label_kinds"]}, columns
    left = _counted(rows, summary, [column["name"] for column in columns])

    def describe(path: Path, made: Mapping[str, Any]) -> None:
        path.write_bytes(json_bytes({"format": sidecar.FORMAT, **about, **summary.counts(), **made}))

    if parts is not None:
        with atomic_write(summary.sidecar) as described, _written_parts(left, layout, summary, parts) as made:
            describe(described, {"parts": made})
        return
    with write_together(output, summary.sidecar) as (new, described):
        if (ending := format_of(output)) == ".csv":
            write_csv(new, left, *layout, dialect)
        else:
            (write_parquet if ending == ".parquet" else write_xlsx)(new, left, *layout)
        describe(described, {"table": {"file": output.name, "sha256": sha256(new)}})


@contextmanager
def _written_parts(
    rows: Iterator[Row], layout: tuple[dict[str, Kind], Any], summary: Summary, parts: Sequence[Part]
) -> Iterator[list[dict[str, Any]]]:
    """Write a folder's parts and yield how the manifest describes them; rename them when the block ends."""
    output, new = summary.table, summary.table / WORK / "new"
    made: list[dict[str, Any]] = []
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True)
        for number, planned in enumerate(parts):
            with atomic_write(new / str(number)) as path:
                write_parquet(path, islice(rows, planned.rows), *layout, group=PART_ROWS)
                found, size = sha256(path), path.stat().st_size
            name = planned.file or f"part-{number:06d}-{found[:12]}.parquet"
            made.append({"file": name, "rows": planned.rows, "bytes": size, "sha256": found})
        yield made
        # The sidecar goes first: without it, a mixture of old and new parts is not taken for a table.
        summary.sidecar.unlink(missing_ok=True)
        for path in output.glob("part-*.parquet"):
            path.unlink()
        for number, part in enumerate(made):
            (new / str(number)).rename(output / part["file"])
    finally:
        shutil.rmtree(new, ignore_errors=True)
        with suppress(OSError):  # only where nothing else is in them
            new.parent.rmdir()
            output.rmdir()


def _counted(rows: Iterable[Row], summary: Summary, names: list[str]) -> Iterator[Row]:
    at = names.index(MEDIAN_PERIOD) if MEDIAN_PERIOD in names else None
    for row in rows:
        meta = dict(zip(META, row[0], strict=False))
        summary.add(meta)
        if at is not None and "resolution_assumed" in (meta["meta_flags"] or ""):
            summary.assumed_periods.append(float(row[1][at]) / MM_PER_PX)
        yield row


def format_of(path: Path) -> str:
    """Return ".csv", ".xlsx" or ".parquet"; raise TableError for another name."""
    if (ending := path.suffix.lower()) not in FORMATS:
        needed = f"the name must end in .csv, .xlsx or .parquet, not {ending or 'without ending'}"
        raise TableError(f"table {path}: {needed}; a folder of Parquet parts ends in /")
    return ending


def write_csv(path: Path, rows: Iterable[Row], kinds: Kinds, columns: Described, dialect: str = "standard") -> None:
    """Write a line per row in a dialect of DIALECTS; a cell is quoted only where it must be; missing is empty.

    `kinds` are those of meta and label columns; `columns` are the feature columns, as the sidecar describes them.
    """
    how = DIALECTS[dialect]
    spelt = str.maketrans({",": how.separator, ".": how.decimal})
    with path.open("w", encoding=how.encoding, newline="") as file:
        names = [*kinds, *(c["name"] for c in columns)]
        csv.writer(file, delimiter=how.separator, lineterminator="\n").writerow(how.texts(names))
        start = csv.writer(file, delimiter=how.separator, lineterminator="")
        texts = [i for i, kind in enumerate(kinds.values()) if kind == "text"]
        decimals = [i for i, kind in enumerate(kinds.values()) if kind == "number" and how.decimal != "."]
        for cells, features, line in rows:
            digits = ",".join(numbers(features)) if line is None else line
            written = list(cells)
            for i, cell in zip(texts, how.texts(cells[i] for i in texts), strict=True):
                written[i] = cell
            for i in decimals:
                written[i] = cells[i].translate(spelt)
            start.writerow(written)
            file.write(f"{how.separator}{digits if how.separator == ',' else digits.translate(spelt)}\n")


def write_xlsx(path: Path, rows: Iterable[Row], kinds: Kinds, columns: Described) -> None:
    """Write a sheet with typed cells; missing is empty. Numbers read back to the same float32."""
    types: dict[str, Any] = {"integer": int, "number": float, "text": str}

    def typed() -> Iterator[list[Any]]:
        yield [*kinds, *(c["name"] for c in columns)]
        for cells, features, _ in rows:
            own = [types[k](c) if c else None for c, k in zip(cells, kinds.values(), strict=True)]
            yield [*own, *(float(n) if n else None for n in numbers(features))]

    write_sheet(path, typed(), TableError)


def write_parquet(path: Path, rows: Iterable[Row], kinds: Kinds, columns: Described, group: int = GROUP_ROWS) -> None:
    """Write float32 columns with their unit in the field's metadata; missing is null; row groups of `group` rows."""
    pa, parquet = import_pyarrow(TableError, path)
    types = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
    fields = [pa.field(name, types[kind]) for name, kind in kinds.items()]
    fields += [
        pa.field(c["name"], pa.float32(), metadata={k: str(c.get(k, "")) for k in ("unit", "meaning")}) for c in columns
    ]
    schema, left = pa.schema(fields), iter(rows)
    with parquet.ParquetWriter(path, schema) as writer:
        while some := list(islice(left, group)):
            cells, features, _ = zip(*some, strict=True)
            arrays: list[Any] = [
                pa.array(column(values, kind), type=types[kind], from_pandas=True)
                for values, kind in zip(zip(*cells, strict=True), kinds.values(), strict=True)
            ]
            arrays += [pa.array(x, from_pandas=True) for x in np.array(features, np.float32).T.copy()]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def is_folder(output: str | Path) -> bool:
    """Whether a table of this name is a folder of parts: it ends in a slash, or is a folder that is there."""
    ends = str(output).endswith(("/", os.sep))
    return ends or (Path(output).is_dir() and Path(output).suffix.lower() not in FORMATS)


def journal_of(output: Path, as_folder: bool) -> Journal:
    """Return the journal of a run that makes this table."""
    return Journal(output / WORK if as_folder else output.with_name(f".{output.name}.partial"))


def summary_of(output: Path, as_folder: bool) -> Summary:
    """Return a summary, still empty, of the table that is to be written."""
    return Summary(output, output / sidecar.TABLE_MANIFEST if as_folder else sidecar.sidecar_path(output))


def check_output(output: str | Path, mode: str) -> None:
    """Raise TableError if a table cannot be written there in this mode ("new", "resume", "overwrite")."""
    as_folder = is_folder(output)
    ending = ".parquet" if as_folder else format_of(Path(output))
    if ending != ".csv":
        (import_pyarrow if ending == ".parquet" else import_openpyxl)(TableError, output)
    (_check_folder if as_folder else _check_file)(Path(output), mode)


def check_size(output: str | Path, about: Mapping[str, Any], rows: int) -> None:
    """Raise TableError if a table of so many rows does not fit into the file."""
    if not is_folder(output) and format_of(Path(output)) == ".xlsx":
        columns = len(META) + len(about["label_kinds"]) + len(sidecar.numeric_columns(about))
        check_sheet_size(Path(output), rows, columns, TableError)


def _check_file(output: Path, mode: str) -> None:
    description = sidecar.sidecar_path(output)
    if output.is_dir() or not output.parent.is_dir():
        raise TableError(f"table {output}: {'is a folder' if output.is_dir() else f'no folder {output.parent}'}")
    if not os.access(output.parent, os.W_OK):
        raise TableError(f"table {output}: the folder {output.parent} is not writable")
    if description.exists():
        try:
            sidecar.load_sidecar(description)
        except TableError:
            advice = "move it, or choose another name for the table"
            there = "is not a sidecar, but the table's sidecar would be written there"
            raise TableError(f"{description} {there}; {advice}") from None
    if mode == "new" and journal_of(output, False).exists():
        raise TableError(f"table {output}: an unfinished run is there; --resume continues it, --overwrite drops it")
    if mode == "new" and output.exists():
        raise TableError(f"table {output} exists; --overwrite replaces it")


def _check_folder(folder: Path, mode: str) -> None:
    if folder.exists() and not folder.is_dir():
        raise TableError(f"{folder} is a file; a folder of parts needs a name of its own")
    if not folder.parent.is_dir() or not os.access(folder if folder.is_dir() else folder.parent, os.W_OK):
        raise TableError(f"folder {folder} cannot be written to")
    if not folder.is_dir():
        return
    ours = (folder / sidecar.TABLE_MANIFEST).is_file() or (folder / WORK).is_dir()
    if not ours and any(folder.iterdir()):
        raise TableError(f"folder {folder} is not empty and holds no table of parts; name another")
    if mode == "new" and journal_of(folder, True).exists():
        raise TableError(f"folder {folder}: an unfinished run is there; --resume continues it, --overwrite drops it")
    if mode == "new" and ours:
        raise TableError(f"folder {folder} holds a table; --overwrite replaces it, --resume completes it")


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
    assumed_periods : list of float
        Median ridge periods in px, NaN where there are none, of the prints whose resolution was assumed.
    memory : int
        Peak memory of a worker of this run in bytes; 0 where it is not known.
    workers : int
        How many there were.
    passed_over : Counter
        Files of the inputs that are not images, by suffix, and records of transactions.
    """

    table: Path
    sidecar: Path
    rows: int = 0
    failures: int = 0
    kept: int = 0
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)
    assumed_periods: list[float] = field(default_factory=list)
    memory: int = 0
    workers: int = 1
    passed_over: Counter[str] = field(default_factory=Counter)

    def add(self, meta: Meta) -> None:
        """Count one row, given its meta cells (`meta`)."""
        self.rows += 1
        self.flags.update((meta["meta_flags"] or "").split())
        if error := (meta["meta_error"] or "")[:MAX_MESSAGE]:  # a table that is merged may hold any length
            self.failures += 1
            # Messages alike but for names and numbers are of one kind.
            kind = re.sub(r"'[^']*'|\S*[/\\]\S*|\d+", "…", error.replace(meta["meta_source"], "…"))
            count, first = self.reasons.get(kind, (0, f"{meta['meta_source']}: {error}"))
            self.reasons[kind] = (count + 1, first)

    def counts(self) -> dict[str, Any]:
        """Return rows, failures, reasons and flags as a sidecar holds them."""
        flags = dict(sorted(self.flags.items()))
        return {"rows": self.rows, "failures": self.failures, "reasons": self.reasons, "flags": flags}
