"""Tables made of tables: several made alike joined into one, or one divided by people to train on and to test on.

Tables that differ are refused, with the difference named. Rows pass by, none is kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ridgefeat._version import __version__
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import bare_name, os_errors_as, results_folder
from ridgefeat.table import assembly, sidecar
from ridgefeat.table.assembly import FORMATS, Part, Summary, check_output, check_size, is_folder, journal_of
from ridgefeat.table.reading import iterate_table, read_table
from ridgefeat.table.recipe import differences
from ridgefeat.table.row import LABELS, META, Kind, Row, text
from ridgefeat.table.sidecar import load_sidecar, table_digest


def merge_tables(
    tables: Sequence[str | Path],
    output: str | Path,
    *,
    overwrite: bool = False,
    duplicates: bool = False,
    command: Sequence[str] = (),
    dialect: str = "standard",
) -> Summary:
    """Join tables, one below the other.

    Parameters
    ----------
    tables : sequence of paths
        Two and more: CSV, .xlsx, Parquet, folders of parts, each with its sidecar.
    output : path
        The table to write: .csv, .xlsx, .parquet, or a folder for parts (its name ends in a slash).
    overwrite : bool
        Replace what is there.
    duplicates : bool
        Keep rows of the same `meta_source`; without, they are an error.
    command : sequence of str
        The command line, recorded in the sidecar.
    dialect : {"standard", "semicolon", "raw"}
        Of a CSV table.

    Returns
    -------
    Summary

    Raises
    ------
    TableError
        If they differ in columns, units, parameters or versions, or hold a print twice; the message says which. If one
        cannot be read, or the output not written.
    """
    paths = [Path(t) for t in tables]
    if len(paths) < 2:
        raise TableError(f"merge takes two tables and more, got {len(paths)}")
    abouts = [sidecar.load_sidecar(p) for p in paths]
    _refuse_unlike(paths, abouts)
    check_output(output, "overwrite" if overwrite else "new")
    if any(Path(output).resolve() == p.resolve() for p in paths):
        raise TableError(f"{output} is one of the tables to be joined; name another")
    count, twice, added = _twice(paths)
    if twice and not duplicates:
        first = f"first {', '.join(twice[:5])}; leave a table out, or keep both rows with --duplicates"
        raise TableError(f"{len(twice)} prints stand in the tables twice (by meta_source), {first}")
    kinds = _label_kinds(abouts)
    kinds |= {n: "text" for n in added if n not in kinds}
    digests = "".join(str(a.get("inputs_digest", "")) for a in abouts)
    about = _made_of(abouts[0], command) | {
        "inputs": [bare_name(p) for p in paths],
        "inputs_digest": hashlib.sha256(digests.encode()).hexdigest(),
        "label_kinds": kinds,
        "duplicates": len(twice),
        "merged": [_origin(p, a) for p, a in zip(paths, abouts, strict=True)],
    }
    names = [c["name"] for c in sidecar.numeric_columns(about)]
    frames = (frame for path in paths for frame in iterate_table(path, columns=names))
    rows = (row for frame in frames for row in rows_of(frame, kinds, names))
    return write_rows(rows, count, about, output, dialect)


def _made_of(about: Mapping[str, Any], command: Sequence[str]) -> dict[str, Any]:
    """Return what a sidecar says of a table whose rows are those of another one, by whose sidecar it is described."""
    kept = {k: v for k, v in about.items() if k not in ("table", "parts")}
    return kept | {"command": list(command), "version": __version__, "minutiae": None}


def write_rows(
    rows: Iterable[Row], count: int, about: Mapping[str, Any], output: str | Path, dialect: str = "standard"
) -> Summary:
    """Write so many rows of other tables as one, and its sidecar; raise TableError if it cannot be written."""
    as_folder = is_folder(output)
    check_size(output, about, count)
    summary = assembly.summary_of(Path(output), as_folder)
    size = assembly.PART_ROWS  # full parts and the rest; their names come from their bytes
    parts = [Part(min(size, count - at)) for at in range(0, max(count, 1), size)]
    with os_errors_as(TableError, f"table {output} cannot be written"):
        assembly.assemble(rows, about, summary, parts if as_folder else None, dialect)
        journal_of(summary.table, as_folder).remove()
    return summary


def _refuse_unlike(paths: Sequence[Path], abouts: Sequence[Mapping[str, Any]]) -> None:
    for path, about in zip(paths[1:], abouts[1:], strict=True):
        found = differences(abouts[0], about)
        if abouts[0].get("errors") != about.get("errors"):
            found.append("standard errors")
        if abouts[0].get("version") != about.get("version"):
            found.append(f"version: {abouts[0].get('version')}, {about.get('version')}")
        one, two = (a.get("libraries") or {} for a in (abouts[0], about))
        for name in (n for n in {**one, **two} if n not in ("python", "joblib") and one.get(n) != two.get(n)):
            found.append(f"{name}: {one.get(name)}, {two.get(name)}")
        if found:
            advice = "Extract one of them again with --like the other's sidecar"
            raise TableError(f"{paths[0]} and {path} were not made alike: {'; '.join(found)}. {advice}")


def _twice(paths: Sequence[Path]) -> tuple[int, list[str], list[str]]:
    """Return how many rows there are, the sources of more than one, and all labels, those that were added too.

    Eight bytes per print are held, and names where digests repeat.
    """
    labels: dict[str, None] = {}

    def sources() -> Iterator[tuple[pd.Series[str], Any]]:
        for frame in (frame for path in paths for frame in iterate_table(path, columns=())):
            labels.update(dict.fromkeys(n for n in frame.columns if n not in META))
            names = frame["meta_source"].astype(str)
            yield names, pd.util.hash_array(names.to_numpy(object))

    values, counts = np.unique(
        np.concatenate([np.zeros(0, np.uint64), *(digests for _, digests in sources())]), return_counts=True
    )
    again = values[counts > 1]
    named = Counter(n for names, digests in sources() for n in names[np.isin(digests, again)]) if len(again) else {}
    return int(counts.sum()), [name for name, count in named.items() if count > 1], list(labels)


def _label_kinds(abouts: Sequence[Mapping[str, Any]]) -> dict[str, Kind]:
    """Return all tables' labels in their usual order; where tables take one for different types, the wider one."""
    width: dict[str, int] = {"integer": 0, "number": 1, "text": 2}
    kinds: dict[str, Kind] = {}
    for about in abouts:
        for name, kind in about["label_kinds"].items():
            if name not in kinds or width.get(kind, 2) > width[kinds[name]]:
                kinds[name] = kind if kind in width else "text"
    order = [*LABELS, *(n for n in kinds if n not in LABELS)]
    return {n: kinds[n] for n in order if n in kinds}


def rows_of(frame: pd.DataFrame, kinds: Iterable[str], names: Sequence[str]) -> Iterator[Row]:
    """Yield a frame's rows; a label that its table does not have is empty."""
    cells = frame.reindex(columns=[*META, *kinds]).astype(object)
    cells = cells.where(cells.notna(), None)
    for row, features in zip(cells.itertuples(index=False, name=None), frame[names].to_numpy(np.float32), strict=True):
        yield [text(v) for v in row], features, None


def _origin(path: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    kept = ["command", "inputs", "inputs_digest", "rows", "failures", "layout", "regex", "dpi"]
    kept += ["mirror", "invert", "fingers"]
    return {"table": bare_name(path), "sha256": table_digest(path), **{k: about.get(k) for k in kept}}


PARTS = ("train", "test")


def split_table(
    table: str | Path,
    output: str | Path,
    *,
    group: str = "subject",
    test: float = 0.2,
    stratify: str | None = None,
    seed: int = 42,
    overwrite: bool = False,
    command: Sequence[str] = (),
    dialect: str = "standard",
) -> tuple[Summary, Summary]:
    """Divide a table by group: every group's prints are in one of the two parts.

    Parameters
    ----------
    table : path
        CSV, .xlsx, Parquet or a folder of parts, with its sidecar.
    output : path
        Folder for `train` and `test`, in the form of the table; made if it does not exist.
    group : str
        Label of the people (or groups) who stay together.
    test : float
        Share of the groups that are for testing, between 0 and 1.
    stratify : str, optional
        Label whose values are to be as frequent among the groups of either part; a group counts by its most frequent.
    seed : int
        Random seed.
    overwrite : bool
        Replace tables that are there.
    command : sequence of str
        The command line, recorded in the sidecars.
    dialect : {"standard", "semicolon", "raw"}
        Of CSV tables.

    Returns
    -------
    (Summary, Summary)
        Of the table to train on, and of the one to test on.

    Raises
    ------
    ParameterError
        If `test` is not a share.
    TableError
        If the table cannot be read, lacks a label, or has too few groups; or if a part cannot be written.
    """
    if not 0 < test < 1:
        raise ParameterError(f"the share for testing must lie between 0 and 1, got {test:g}")
    source, folder, about = Path(table), Path(output), load_sidecar(table)
    is_test = _draw(source, group, test, stratify, seed)
    names, kinds = [c["name"] for c in sidecar.numeric_columns(about)], about["label_kinds"]
    ending = "/" if source.is_dir() else source.suffix if source.suffix.lower() in FORMATS else ".csv"
    with os_errors_as(TableError, f"output folder {folder} cannot be made"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        check_output(f"{folder / name}{ending}", "overwrite" if overwrite else "new")
    origin = {"table": bare_name(source), "sha256": table_digest(source), "group": group, "stratify": stratify}
    division = {**origin, "test": test, "seed": seed}
    own = _made_of(about, command) | {"split": division}
    made = []
    with results_folder(folder, "split", TableError, typed=command) as temporary:
        for name, rows in zip(PARTS, (~is_test, is_test), strict=True):
            frames = iterate_table(source, columns=names)
            cells = compress(chain.from_iterable(rows_of(frame, kinds, names) for frame in frames), rows)
            made.append(write_rows(cells, int(rows.sum()), own, f"{temporary / name}{ending}", dialect))
    for part in made:
        part.table, part.sidecar = (folder / p.relative_to(temporary) for p in (part.table, part.sidecar))
    return made[0], made[1]


def _draw(table: Path, group: str, test: float, stratify: str | None, seed: int) -> np.ndarray:
    """Return which rows are for testing."""
    from sklearn.model_selection import train_test_split

    frame = read_table(table, columns=())
    for name in filter(None, (group, stratify)):
        if name not in frame:
            raise TableError(f"table {table} has no label {name!r} to divide it by")
    if frame[group].isna().any():
        raise TableError(f"{int(frame[group].isna().sum())} prints of {table} have no {group!r}; leave them out first")
    names = frame[group].astype(str)
    people = np.unique(names.to_numpy(str))
    strata = None
    if stratify:
        strata = frame[stratify].astype(str).groupby(names).agg(lambda values: values.mode().iloc[0])[people].tolist()
    try:
        _, chosen = train_test_split(people, test_size=test, stratify=strata, random_state=seed)
    except ValueError as error:  # too few groups, in all or of a value
        raise TableError(f"{len(people)} {group}s of {table} cannot be divided: {error}") from None
    return names.isin(chosen).to_numpy(bool)
