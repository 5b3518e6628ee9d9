"""The reference set as files, and a tool's table compared with the reference values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.brief import Brief
from ridgefeat.errors import LayoutError, TableError
from ridgefeat.files import first_few, os_errors_as, results_folder
from ridgefeat.reference.features import BY_NAME
from ridgefeat.reference.phantoms import N_PRINTS, SCENES, VARIANTS, Phantom, SyntheticPrint, make_phantoms, make_prints
from ridgefeat.synth.files import encode_png, write_truth
from ridgefeat.tabular import log_dialect, open_table

if TYPE_CHECKING:
    import pandas as pd

DATA = "reference.json"
"""The package's reference values, a list per column, which benchmarks/phantoms.py writes."""
TABLE = "reference.csv"
NAMES = ("phantom", "file", "meta_source")
"""Columns in which a tool's table may name the phantoms, by file name with or without folder and ending."""
MAX_TABLE_BYTES = 64 << 20
AGREES, DEVIATES, MISSING = "agrees", "deviates", "missing"
_SLACK = 1e-6
"""Of a tolerance: values are read from texts of few digits."""


def load_reference() -> pd.DataFrame:
    """Return the reference values.

    Returns
    -------
    pandas.DataFrame
        A row per phantom and feature: phantom, feature, unit, value, tolerance (a value agrees within +-tolerance),
        origin ("construction", or the implementations that agree), definition.

    Examples
    --------
    >>> load_reference().iloc[0].to_dict()
    {'phantom': 'grating_fine_500', 'feature': 'ridge_period_mean', 'unit': 'mm', 'value': 0.35, 'tolerance': 0.007,
     'origin': 'construction', 'definition': 'mean of P'}
    """
    import pandas as pd

    found = pd.DataFrame(json.loads(files("ridgefeat.reference").joinpath(DATA).read_text("utf-8")))
    found.insert(2, "unit", [BY_NAME[name].unit for name in found["feature"]])
    return found.assign(definition=[BY_NAME[name].formula for name in found["feature"]])


def write_phantoms(
    outdir: str | Path, *, progress: Callable[[int, int, int], None] | None = None, command: Sequence[str] = ()
) -> int:
    """Write the phantoms and synthetic prints as PNG, the truth of each as NAME.npz, and reference.csv.

    Parameters
    ----------
    outdir : str or Path
        Folder to write to; made where it is missing.
    progress : callable, optional
        Called after each image with (done, 0, all).
    command : sequence of str
        The command line, recorded in the manifest.

    Returns
    -------
    int
        How many images there are. The folder appears as a whole.

    Raises
    ------
    LayoutError
        If the folder cannot be written, or holds results of another command.
    """
    done = 0
    with results_folder(Path(outdir), "phantoms", LayoutError, typed=command) as temporary:
        for one in chain[Phantom | SyntheticPrint](make_phantoms(), make_prints()):
            (temporary / f"{one.name}.png").write_bytes(encode_png(one.image, one.dpi))
            write_truth(temporary / f"{one.name}.npz", one.truth)
            done += 1
            if progress is not None:
                progress(done, 0, len(SCENES) * len(VARIANTS) + N_PRINTS)
        load_reference().to_csv(temporary / TABLE, index=False, lineterminator="\n")
    return done


@dataclass(frozen=True, eq=False, repr=False)
class Conformity(Brief):
    """A tool's values compared with the reference.

    Attributes
    ----------
    rows : pandas.DataFrame
        A row per phantom and feature that the table has: phantom, feature, unit, value, reference, deviation,
        tolerance, verdict (agrees, deviates, missing), origin, definition.
    untested : list of str
        Reference features for which the table has no column.
    absent : list of str
        Phantoms for which it has no row.
    """

    rows: pd.DataFrame
    untested: list[str]
    absent: list[str]

    @property
    def agrees(self) -> bool:
        """Whether every value agrees."""
        return bool((self.rows["verdict"] == AGREES).all())

    def by_feature(self) -> pd.DataFrame:
        """Return a row per feature: that of its worst phantom, with how many phantoms were `tested` and `agree`."""
        off = (self.rows["deviation"].abs() / self.rows["tolerance"].clip(lower=1e-9)).fillna(np.inf)
        worst = self.rows.loc[off.groupby(self.rows["feature"], sort=False).idxmax()].reset_index(drop=True)
        agrees = self.rows["verdict"].eq(AGREES).groupby(self.rows["feature"], sort=False)
        return worst.assign(agree=agrees.sum().to_numpy(), tested=agrees.size().to_numpy())


def check_table(path: str | Path, names: Mapping[str, str] | None = None) -> Conformity:
    """Compare a table of a tool's values for the phantoms with the reference.

    Parameters
    ----------
    path : str or Path
        CSV in any dialect or .xlsx: a row per phantom, named in a column phantom, file or meta_source; columns named as
        the reference features.
    names : mapping of str to str, optional
        The table's column for a reference feature, where it has another name.

    Returns
    -------
    Conformity

    Raises
    ------
    TableError
        If the table cannot be read, names no phantom or one twice, or has none of the features.
    """
    where, reference = f"table {path}", load_reference()
    read = _read(Path(path), dict(names or {}), where)
    known = set(reference["phantom"])
    read = read[read.index.isin(known)]
    if not len(read):
        raise TableError(
            f"{where} names no phantom, such as {reference['phantom'][0]}; `ridgefeat phantoms` makes them"
        )
    if (twice := read.index[read.index.duplicated()]).size:
        raise TableError(f"{where} names {twice[0]} twice; keep one row per phantom")
    rows = reference[reference["phantom"].isin(read.index) & reference["feature"].isin(read.columns)]
    rows = rows.rename(columns={"value": "reference"}).reset_index(drop=True)
    value = np.array([read.at[p, f] for p, f in zip(rows["phantom"], rows["feature"], strict=True)], float)
    off = value - rows["reference"]
    is_near = off.abs() <= rows["tolerance"] + _SLACK * (rows["reference"].abs() + 1)
    rows.insert(3, "value", value)
    rows.insert(5, "deviation", off)
    rows.insert(7, "verdict", np.where(np.isnan(value), MISSING, np.where(is_near, AGREES, DEVIATES)))
    untested = [name for name in reference["feature"].unique() if name not in read.columns]
    absent = [name for name in reference["phantom"].unique() if name not in read.index]
    return Conformity(rows, untested, absent)


def _read(path: Path, names: dict[str, str], where: str) -> pd.DataFrame:
    """Return the table's reference features by the name of the phantom."""
    if unknown := [name for name in names if name not in BY_NAME]:
        raise TableError(f"there is no reference feature {unknown[0]!r}; reference.csv lists them")
    with os_errors_as(TableError, f"{where} cannot be read"):
        if not path.is_file():
            raise TableError(f"{where}: no such file")
        table = open_table(path, TableError, where, max_bytes=MAX_TABLE_BYTES)
        if table is None:
            raise TableError(f"{where} is Parquet; save it as CSV")
        log_dialect(table)
        if lacking := [theirs for theirs in names.values() if theirs not in table.names]:
            raise TableError(f"{where} has no column {lacking[0]!r}; it has: {first_few(table.names, 20)}")
        place = next((name for name in NAMES if name in table.names), None)
        if place is None:
            raise TableError(f"{where} has no column {' or '.join(NAMES)}, which names the phantom of each row")
        columns = {n: names.get(n, n) for n in BY_NAME if names.get(n, n) in table.names}
        if not columns:
            raise TableError(f"{where} has no reference feature, such as {next(iter(BY_NAME))}; name it with --name")
        frame = next(table.frames(set(columns.values()), columns=[place, *dict.fromkeys(columns.values())]))
    index = [Path(str(name).replace("\\", "/")).stem for name in frame[place]]
    return frame[list(columns.values())].set_axis(list(columns), axis=1).set_axis(index, axis=0)
