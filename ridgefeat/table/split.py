"""A table divided by people into one to train on and one to test on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ridgefeat._version import __version__
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import bare_name, os_errors_as, results_folder
from ridgefeat.table.assembly import Summary, check_output
from ridgefeat.table.merge import rows_of, write_rows
from ridgefeat.table.reading import iterate_table, read_table
from ridgefeat.table.sidecar import load_sidecar, table_digest
from ridgefeat.table.writers import FORMATS

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
        If `test` is no share.
    TableError
        If the table cannot be read, lacks a label, or has too few groups; or if a part cannot be written.
    """
    if not 0 < test < 1:
        raise ParameterError(f"the share for testing must lie between 0 and 1, got {test:g}")
    source, folder, about = Path(table), Path(output), load_sidecar(table)
    is_test = _draw(source, group, test, stratify, seed)
    names, kinds = [c["name"] for c in about["columns"]], about["label_kinds"]
    ending = "/" if source.is_dir() else source.suffix if source.suffix.lower() in FORMATS else ".csv"
    with os_errors_as(TableError, f"output folder {folder} cannot be made"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        check_output(f"{folder / name}{ending}", "overwrite" if overwrite else "new")
    origin = {"table": bare_name(source), "sha256": table_digest(source), "group": group, "stratify": stratify}
    division = {**origin, "test": test, "seed": seed}
    kept = {k: v for k, v in about.items() if k not in ("table", "parts")}
    own = kept | {"command": list(command), "version": __version__, "minutiae": None, "split": division}
    made = []
    with results_folder(folder, "split", TableError, typed=command) as temporary:
        for name, rows in zip(PARTS, (~is_test, is_test), strict=True):
            chosen = iter(rows.tolist())
            cells = (row for frame in iterate_table(source) for row in rows_of(frame, kinds, names) if next(chosen))
            made.append(write_rows(cells, int(rows.sum()), own, f"{temporary / name}{ending}", dialect))
    for part in made:
        part.table, part.sidecar = (folder / p.relative_to(temporary) for p in (part.table, part.sidecar))
    return made[0], made[1]


def _draw(table: Path, group: str, test: float, stratify: str | None, seed: int) -> np.ndarray:
    """Return which rows are for testing."""
    from sklearn.model_selection import train_test_split

    wanted = [group, *([stratify] if stratify else [])]
    frame = read_table(table, columns=())
    for name in wanted:
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
