"""A feature table reduced to people: one value per person and column, with the means of the fingers taken off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ridgefeat.audit.table import as_text, is_quantity, labelled_rows
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import count_of, first_few

Float = NDArray[np.float64]
Index = NDArray[np.intp]

DEFAULT_COLUMNS = (
    *("ridge_density_mean", "ridge_density_radial", "ridge_density_ulnar", "ridge_density_proximal"),
    *("ridge_density_distal", "ridge_density_line", "ridge_period_mean", "ridge_breadth_mean"),
    *("ridge_valley_breadth_mean", "ridge_thickness_ratio", "minutiae_count", "minutiae_endings"),
    *("minutiae_bifurcations", "minutiae_density"),
)
"""The columns that people know from the literature; compared unless others are asked for."""
FINGER = ("hand", "finger")
"""Labels that say which finger a print is of."""
MIN_PEOPLE = 5
"""People in a level below which their spread is not known and the level is left out."""
MAX_LEVELS = 12
ROUNDS, TOLERANCE, COLUMNS_AT_ONCE = 200, 1e-9, 128
"""How long the means of fingers and of people are fitted, and to which share of a column's spread."""


@dataclass(frozen=True, eq=False)
class People:
    """A label and columns by person.

    Attributes
    ----------
    by, group : str
        Columns of the label and of the people.
    levels : tuple of str
        The label's levels, sorted; empty if it is a number.
    label : ndarray, shape (people,)
        The index of each person's level, or the number.
    columns : tuple of str
    units, meanings : tuple of str
    values : ndarray of float64, shape (people, columns)
        NaN where none of a person's prints has a value.
    prints : ndarray of float32, shape (prints, columns)
        The values of single prints.
    person, finger : ndarray of int, shape (prints,)
        Whose print it is, and of which finger: an index into `fingers`.
    fingers : tuple of str
        Such as "left index"; empty where the prints are of one finger, or the table does not say.
    notes : tuple of str
        Which prints, levels and columns were left out, and why.
    """

    by: str
    group: str
    levels: tuple[str, ...]
    label: NDArray[Any]
    columns: tuple[str, ...]
    units: tuple[str, ...]
    meanings: tuple[str, ...]
    values: Float
    prints: NDArray[np.float32]
    person: Index
    finger: Index
    fingers: tuple[str, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.label)


def read_people(
    path: str | Path,
    *,
    by: str,
    group: str = "subject",
    columns: Iterable[str] | None = None,
    number: bool = False,
    further: str | None = None,
    feature_columns: Sequence[str] = (),
) -> People:
    """Return the people of a feature table on disk.

    Parameters
    ----------
    path : str or Path
    by, group, number
        As in `make_people`.
    columns : iterable of str, optional
        Names or patterns such as "ridge_*"; see `choose_columns`.
    further : str, optional
        One more column to read.
    feature_columns : sequence of str
        Patterns of the feature columns of a table without a sidecar, such as "a*".

    Raises
    ------
    TableError, ParameterError
        If the table cannot be read, or as make_people does.
    """
    from ridgefeat.table import describe_foreign, load_sidecar, read_table

    about = describe_foreign(path, feature_columns) if feature_columns else load_sidecar(path)
    names = [c["name"] for c in about["columns"]]
    wanted = choose_columns(names, columns, by)
    if further and further not in wanted:
        wanted += choose_columns(names, [further], by)
    named = [n for n in names if n in (*wanted, by)]
    frame = read_table(path, columns=named, labels=("meta_error", "simulated", by, group, *FINGER), about=about)
    if not {by, group} <= set(frame.columns):
        frame = read_table(path, columns=(), about=about)  # so that the message can list the others
    return make_people(frame, about, by=by, group=group, columns=wanted, number=number)


def choose_columns(names: Sequence[str], patterns: Iterable[str] | None, by: str = "") -> list[str]:
    """Return the columns that match one of some patterns such as "ridge_*", in the table's order.

    Without patterns they are DEFAULT_COLUMNS, or all columns of a table that has none of these. Raises ParameterError
    if a pattern matches no column.
    """
    names = [n for n in names if n != by]
    if patterns is None:
        return [n for n in names if n in DEFAULT_COLUMNS] or names
    chosen: set[str] = set()
    for pattern in patterns:
        if not (found := [n for n in names if fnmatchcase(n, pattern)]):
            raise ParameterError(f"no column matches {pattern!r}; the table has: {first_few(names)}")
        chosen.update(found)
    return [n for n in names if n in chosen]


def make_people(
    frame: pd.DataFrame,
    about: Mapping[str, Any],
    *,
    by: str,
    group: str = "subject",
    columns: Sequence[str],
    number: bool = False,
) -> People:
    """Return a table reduced to people.

    A person's value is the mean of the prints, each less what its finger adds to any person's prints. What fingers add
    is fitted together with the people (least squares), so that a person without thumbs is not taken for one with
    narrow ridges. The label plays no part in it.

    Parameters
    ----------
    frame : pandas.DataFrame
        As read_table gives it.
    about : mapping
        Its sidecar, which holds the columns' units.
    by, group : str
        Columns of the label and of the people.
    columns : sequence of str
        Features to compare.
    number : bool
        The label is a number, however few values it has.

    Raises
    ------
    TableError
        If a column is missing, a person has two levels, fewer than two levels have enough people, or the label has too
        many levels.
    """
    known = {c["name"]: c for c in about["columns"]}
    if by == group:
        raise TableError(f"by and group are both {by!r}: one person per level has no spread to compare with")
    notes: list[str] = []
    frame = labelled_rows(frame, known, by, group, notes)
    made = int((frame["simulated"].map(as_text) == "yes").sum()) if "simulated" in frame else 0
    if made:
        which = "all prints" if made == len(frame) else f"{made:,} of {len(frame):,} prints"
        notes.append(f"{which} are simulated, with their labels; the result says nothing about people")
    if using := [c for c in columns if by in known[c].get("uses", ())]:
        notes.append(f"{count_of(len(using), 'column')} left out, computed with the help of {by}: {first_few(using)}")
        columns = [c for c in columns if c not in using]
    names, person = np.unique([as_text(v) for v in frame[group]], return_inverse=True)
    levels: tuple[str, ...] = ()
    if number or is_quantity(frame[by]):
        numbers = pd.to_numeric(frame[by], errors="coerce").to_numpy(np.float64)
        if not np.isfinite(numbers).all():
            raise TableError(f"{by} holds {frame[by][~np.isfinite(numbers)].iloc[0]!r}, which is not a number")
        label: NDArray[Any] = np.bincount(person, numbers) / np.bincount(person)
        varies = np.abs(numbers - label[person]) > 1e-9 * np.abs(numbers).max()
        if varies.any():
            count = len(np.unique(person[varies]))
            # A feature is measured on prints, and its mean says something of the person.
            if by not in known and np.mean((numbers - label[person]) ** 2) > np.var(label):
                raise TableError(_belongs_to_prints(by, f"{count} of {len(names)} people", names[person[varies][0]]))
            who = count_of(count, "person", "people")
            notes.append(f"{by} differs between prints of {who}; their mean is compared")
        if len(names) < 2 * MIN_PEOPLE or np.ptp(label) == 0:
            raise TableError(f"{by} of {len(names)} people: at least {2 * MIN_PEOPLE} with different values are needed")
        kept = np.ones(len(names), bool)
    else:
        levels, label, kept = _code_levels(np.array([as_text(v) for v in frame[by]]), names, person, by, notes)
    rows = kept[person]
    person = np.cumsum(kept)[person[rows]] - 1
    if len(person) == person.max() + 1:
        notes.append(f"every {group} has one print; if people gave several, name their column with --group")
    prints = frame.loc[rows, list(columns)].to_numpy(np.float32)
    given = frame.loc[rows, [c for c in FINGER if c in frame and c != by]].to_numpy()
    texts = [" ".join("unknown" if v is None or v != v else str(v) for v in row) for row in given]
    occurring, finger = np.unique(texts, return_inverse=True)
    fingers = tuple(map(str, occurring)) if len(occurring) > 1 else ()
    units, meanings = (tuple(str(known[c].get(what, "")) for c in columns) for what in ("unit", "meaning"))
    described = by, group, levels, label[kept], tuple(columns), units, meanings
    return People(*described, person_values(prints, person, finger), prints, person, finger, fingers, tuple(notes))


def person_values(prints: NDArray[Any], person: Index, finger: Index) -> Float:
    """Return each person's mean over prints, less what their fingers add; float64, shape (people, columns).

    `prints` has shape (prints, columns); `person` and `finger`, shape (prints,), are codes from 0.
    """
    rows, out = np.arange(len(person)), np.empty((int(person.max()) + 1, prints.shape[1]))
    by_person, by_finger = (sparse.csr_array((np.ones(len(rows)), (codes, rows))) for codes in (person, finger))
    for start in range(0, prints.shape[1], COLUMNS_AT_ONCE):
        part = slice(start, start + COLUMNS_AT_ONCE)
        given = prints[:, part].astype(np.float64)
        known = np.isfinite(given)
        there = known.astype(np.float64)
        n, n_finger = by_person @ there, by_finger @ there
        mean = _divide(np.where(known, given, 0).sum(axis=0), there.sum(axis=0))
        rest = np.where(known, given - mean, 0)
        spread = np.abs(rest).max(axis=0, initial=0)
        added = np.zeros_like(n_finger)
        value = np.zeros_like(n)
        for _ in range(ROUNDS if len(n_finger) > 1 else 1):
            now = _divide(by_finger @ (rest - there * value[person]), n_finger)
            now -= _divide((now * n_finger).sum(axis=0), n_finger.sum(axis=0))
            value = _divide(by_person @ (rest - there * now[finger]), n)
            moved, added = np.abs(now - added).max(axis=0), now
            if (moved <= TOLERANCE * spread).all():
                break
        out[:, part] = np.where(n > 0, mean + value, np.nan)
    return out


def _divide(a: Float, b: Float) -> Float:
    """Return a / b, 0 where b is."""
    return np.asarray(np.divide(a, b, out=np.zeros_like(a), where=b > 0))


def _code_levels(
    values: NDArray[Any], names: NDArray[Any], person: Index, by: str, notes: list[str]
) -> tuple[tuple[str, ...], Index, NDArray[np.bool_]]:
    """Return the levels with enough people, each person's level, and which people have one of these."""
    levels, code = np.unique(values, return_inverse=True)
    label = np.empty(len(names), np.intp)
    label[person] = code
    if (torn := np.flatnonzero(label[person] != code)).size:
        at = torn[0]
        both = ", ".join(sorted({str(levels[code[at]]), str(levels[label[person[at]]])}))
        torn_people = f"{len(np.unique(person[torn]))} of {len(names)} people"
        raise TableError(_belongs_to_prints(by, torn_people, f"{names[person[at]]}: {both}"))
    if len(levels) > MAX_LEVELS:
        raise TableError(
            f"{by} has {len(levels)} levels, more than {MAX_LEVELS}: {first_few(list(map(str, levels)))}. "
            "If it is a quantity, give --number"
        )
    count = np.bincount(label, minlength=len(levels))
    enough = count >= MIN_PEOPLE
    sizes = [f"{level} {n}" for level, n in zip(levels, count, strict=True)]
    if enough.sum() < 2:
        raise TableError(f"two levels of {by} with at least {MIN_PEOPLE} people are needed; people: {', '.join(sizes)}")
    if few := [s for s, keep in zip(sizes, enough, strict=True) if not keep]:
        notes.append(f"levels with fewer than {MIN_PEOPLE} people left out: {', '.join(few)}")
    kept = tuple(str(level) for level in levels[enough])
    return kept, np.cumsum(enough)[label] - 1, enough[label]


def _belongs_to_prints(by: str, who: str, example: str) -> str:
    return (
        f"{by} differs between prints of one person ({who}, such as {example}), and compare takes a label of people. "
        "If it should not differ, correct it, or name the right column of people with --group. If it is one of prints, "
        f"such as the finger or the hand, compare within people: average each person's prints by {by}, then test the "
        "differences, for instance with scipy.stats.wilcoxon"
    )
