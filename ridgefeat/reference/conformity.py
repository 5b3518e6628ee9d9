"""The reference set as files, and a tool's table compared with the reference values."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from ridgefeat.brief import Brief
from ridgefeat.errors import LayoutError, TableError
from ridgefeat.files import first_few, results_folder
from ridgefeat.reference.features import BY_NAME, COLUMNS, known_values
from ridgefeat.reference.phantoms import N_PRINTS, SCENES, VARIANTS, Phantom, SyntheticPrint, make_phantoms, make_prints
from ridgefeat.synth.files import encode_png, write_truth
from ridgefeat.tabular import Table, open_text_table

DATA = "reference.json"
"""The package's reference values, a list per column, which benchmarks/phantoms.py writes."""
TABLE = "reference.csv"
NAMES = ("phantom", "file", "meta_source")
"""Columns in which a tool's table may name the phantoms, by file name with or without folder and ending."""
AGREES, DEVIATES, MISSING = "agrees", "deviates", "missing"
_SLACK = 1e-6
"""Relative, beyond the tolerance: values are read from texts of few digits."""


def load_reference(path: str | Path | None = None) -> pd.DataFrame:
    """Return reference values.

    Parameters
    ----------
    path : str or Path, optional
        A reference.csv that `write_phantoms` wrote, with the synthetic prints; the package's, of the phantoms, without.
        Prints have no fixed values: with another version of OpenCV the generator makes slightly other ones.

    Returns
    -------
    pandas.DataFrame
        A row per phantom and feature: phantom, feature, unit, value, tolerance (a value agrees within +-tolerance),
        origin ("construction", or the implementations that agree), definition.

    Raises
    ------
    TableError
        If the file cannot be read, or is no such table.

    Examples
    --------
    >>> load_reference().iloc[0].to_dict()
    {'phantom': 'grating_fine_500', 'feature': 'ridge_period_mean', 'unit': 'mm', 'value': 0.35, 'tolerance': 0.007,
     'origin': 'construction', 'definition': 'mean of P'}
    """
    if path is None:
        held = json.loads(files("ridgefeat.reference").joinpath(DATA).read_text("utf-8"))
        return _described(pd.DataFrame(held))
    found = _columns(open_text_table(Path(path), TableError, f"reference {path}"), COLUMNS, ("value", "tolerance"))
    advice = "`ridgefeat phantoms` writes one anew"
    if unknown := sorted(set(found["feature"].fillna("")) - set(BY_NAME)):
        raise TableError(f"reference {path} has the unknown feature {unknown[0]!r}; {advice}")
    if found[["value", "tolerance"]].isna().any(axis=None) or found.duplicated(["phantom", "feature"]).any():
        raise TableError(f"reference {path} lacks a number or holds a value twice; {advice}")
    return _described(found)


def _described(rows: pd.DataFrame) -> pd.DataFrame:
    rows.insert(2, "unit", [BY_NAME[name].unit for name in rows["feature"]])
    return rows.assign(definition=[BY_NAME[name].formula for name in rows["feature"]])


def _columns(table: Table, columns: Sequence[str], numbers: Collection[str]) -> pd.DataFrame:
    if lacking := [name for name in columns if name not in table.names]:
        raise TableError(f"{table.where} has no column {lacking[0]!r}; it has: {first_few(table.names, 20)}")
    return next(table.frames(numbers, columns=columns))


def write_phantoms(
    outdir: str | Path, *, progress: Callable[[int, int, int], None] | None = None, command: Sequence[str] = ()
) -> int:
    """Write the phantoms and synthetic prints as PNG, the truth of each as NAME.npz, and reference.csv of them all.

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
    done, prints = 0, list[dict[str, object]]()
    with results_folder(Path(outdir), "phantoms", LayoutError, typed=command) as temporary:
        for one in chain[Phantom | SyntheticPrint](make_phantoms(), make_prints()):
            (temporary / f"{one.name}.png").write_bytes(encode_png(one.image, one.dpi))
            write_truth(temporary / f"{one.name}.npz", one.truth)
            prints += known_values(one) if isinstance(one, SyntheticPrint) else []
            done += 1
            if progress is not None:
                progress(done, 0, len(SCENES) * len(VARIANTS) + N_PRINTS)
        of_prints = _described(pd.DataFrame(prints, columns=COLUMNS))
        reference = pd.concat([load_reference(), of_prints], ignore_index=True)
        reference.to_csv(temporary / TABLE, index=False, lineterminator="\n")
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


def check_table(
    path: str | Path, names: Mapping[str, str] | None = None, reference: str | Path | None = None
) -> Conformity:
    """Compare a table of a tool's values for the phantoms with the reference.

    Parameters
    ----------
    path : str or Path
        CSV in any dialect or .xlsx: a row per phantom, named in a column phantom, file or meta_source; columns named as
        the reference features.
    names : mapping of str to str, optional
        The table's column for a reference feature, where it has another name.
    reference : str or Path, optional
        As in load_reference.

    Returns
    -------
    Conformity

    Raises
    ------
    TableError
        If a table cannot be read, or this one names no phantom or one twice, or has none of the features.
    """
    where, known = f"table {path}", load_reference(reference)
    read = _read(Path(path), dict(names or {}), where)
    read = read[read.index.isin(set(known["phantom"]))]
    if not len(read):
        raise TableError(f"{where} names no phantom, such as {known['phantom'][0]}; `ridgefeat phantoms` makes them")
    if (twice := read.index[read.index.duplicated()]).size:
        raise TableError(f"{where} names {twice[0]} twice; keep one row per phantom")
    rows = known[known["phantom"].isin(read.index) & known["feature"].isin(read.columns)]
    rows = rows.rename(columns={"value": "reference"}).reset_index(drop=True)
    value = np.array([read.at[p, f] for p, f in zip(rows["phantom"], rows["feature"], strict=True)], float)
    off = value - rows["reference"]
    is_near = off.abs() <= rows["tolerance"] + _SLACK * (rows["reference"].abs() + 1)
    rows.insert(3, "value", value)
    rows.insert(5, "deviation", off)
    rows.insert(7, "verdict", np.where(np.isnan(value), MISSING, np.where(is_near, AGREES, DEVIATES)))
    untested = [name for name in known["feature"].unique() if name not in read.columns]
    absent = [name for name in known["phantom"].unique() if name not in read.index]
    return Conformity(rows, untested, absent)


def _read(path: Path, names: dict[str, str], where: str) -> pd.DataFrame:
    """Return the table's reference features by the name of the phantom."""
    if unknown := [name for name in names if name not in BY_NAME]:
        raise TableError(f"there is no reference feature {unknown[0]!r}; reference.csv lists them")
    table = open_text_table(path, TableError, where)
    place = next((name for name in NAMES if name in table.names), None)
    if place is None:
        raise TableError(f"{where} has no column {' or '.join(NAMES)}, which names the phantom of each row")
    columns = {n: names.get(n, n) for n in BY_NAME if n in names or n in table.names}
    if not columns:
        raise TableError(f"{where} has no reference feature, such as {next(iter(BY_NAME))}; name it with --name")
    frame = _columns(table, [place, *dict.fromkeys(columns.values())], set(columns.values()))
    index = [Path(str(name).replace("\\", "/")).stem for name in frame[place]]
    return frame[list(columns.values())].set_axis(list(columns), axis=1).set_axis(index, axis=0)
