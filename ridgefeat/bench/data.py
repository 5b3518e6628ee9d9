"""A feature table made ready for comparison: the kind of target, usable rows and columns, and pairs of prints as rows.

Can a classifier predict from two prints whether they share a label, such as their person? Each row of pairs has the
absolute difference and the product of every column of two prints. People are divided into small blocks; pairs are made
inside a block, and a block stays on one side of a fold, so that nobody of a test pair was seen in training. For each
pair of fingers (and of the other labels in which prints of a pair must differ) as many pairs that share the label are
formed as pairs that do not, and at most ten of either kind per person are drawn from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from ridgefeat.audit.table import as_text, is_quantity, labelled_rows
from ridgefeat.bench.inputs import FINGER, level_names
from ridgefeat.bench.results import Kind, Problem
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import count_of, first_few

FINGER_LABELS = (*FINGER, "finger_id")
"""Labels that say which finger a print is of."""
MAX_BLOCK, MIN_BLOCKS = 4, 10
"""People in a block, at most; fewer where there would be less than so many blocks."""
PAIRS_PER_PERSON = 10
"""Pairs of either kind, at most, for each person of a block."""
PRODUCT = "_product"
"""Ending of the columns of products; those of differences keep their names."""
BLOCKS = "block"
"""The label that numbers the blocks."""

Ints = NDArray[np.int64]


def load(
    path: str | Path,
    *,
    families: Iterable[str] | None = None,
    named: Iterable[str] = (),
    labels: Iterable[str] | None = None,
    feature_columns: Sequence[str] = (),
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table, with no more columns than are wanted, and its sidecar.

    Parameters
    ----------
    path : str or Path
    families : iterable of str, optional
        Families of the features to read; all without.
    named : iterable of str
        Columns to read in any case, features included.
    labels : iterable of str, optional
        Labels to read in addition to `named`; all without.
    feature_columns : sequence of str
        Patterns of the feature columns of a table without a sidecar, such as "a*".

    Raises
    ------
    TableError
        If either cannot be read.
    ParameterError
        If a family does not exist.
    """
    from ridgefeat.table import describe_foreign, load_sidecar, read_table

    about = describe_foreign(path, feature_columns) if feature_columns else load_sidecar(path)
    always = set(named)
    chosen = {name for columns in _by_family(about["columns"], families).values() for name in columns}
    wanted = [c["name"] for c in about["columns"] if c["name"] in chosen or c["name"] in always]
    frame = read_table(path, columns=wanted, labels=None if labels is None else {*labels, *always}, about=about)
    if labels is not None and not always <= set(frame.columns):
        # So that a message on a missing label can list the others.
        frame = read_table(path, columns=(), about=about)
    return frame, about


def make_problem(
    frame: pd.DataFrame,
    about: Mapping[str, Any],
    *,
    target: str,
    group: str,
    kind: Kind | None = None,
    positive: str | None = None,
    families: Iterable[str] | None = None,
) -> Problem:
    """Return the problem of predicting one column from a table's features.

    Parameters
    ----------
    frame : pandas.DataFrame
        As read_table gives it.
    about : mapping
        Its sidecar, which says which columns are features.
    target, group : str
        Columns of what is predicted, and of the people (or groups) who stay on one side of a split.
    kind : "binary", "multiclass" or "regression", optional
        Of the target; inferred from the column without.
    positive : str, optional
        Class of precision and recall; the rarer one without.
    families : iterable of str, optional
        Use only their columns.

    Returns
    -------
    Problem

    Raises
    ------
    TableError
        If a column is missing, or the target has one value only or cannot be what `kind` says.
    ParameterError
        If a family or the positive class does not exist.
    """
    known = {c["name"] for c in about["columns"]}
    if target == group:
        raise TableError(f"target and group are both {target!r}: nothing could be predicted for people not yet seen")
    notes: list[str] = []
    frame = labelled_rows(frame, known, target, group, notes, role="target")
    by_family = _by_family([c for c in about["columns"] if c["name"] in frame.columns], families)
    if not by_family:
        raise TableError("the table has no feature column")
    names = [name for columns in by_family.values() for name in columns]
    if target in names:
        raise TableError(f"target {target!r} is itself a feature; name a label column")
    using = {c["name"] for c in about["columns"] if target in c.get("uses", ())}
    names = _leave_out(names, using, f"computed with the help of {target!r}", notes)
    if not names:
        raise TableError(f"every feature column was computed with the help of {target!r}; nothing is left")
    names = _informative(frame, names, notes)
    kept = set(names)
    if kind is None:
        kind = infer_kind(frame[target])
        if kind == "multiclass" and is_numeric_dtype(frame[target].dtype):
            count = frame[target].nunique()
            notes.append(
                f"target {target!r} has {count} different whole numbers, which are taken as classes; for a quantity "
                "give --kind regression"
            )
    classes, y = _encode(frame[target], kind, target)
    if kind != "binary":
        positive = None
    elif positive is None:
        positive = classes[int(np.argmin(np.bincount(y, minlength=2)))]
    elif positive not in classes:
        raise ParameterError(f"no class {positive!r} can be the positive one; there are: {', '.join(classes)}")
    return Problem(
        target=target,
        group=group,
        kind=kind,
        classes=classes,
        positive=positive,
        features=frame[names].astype(np.float32),
        families={f: own for f, columns in by_family.items() if (own := [n for n in columns if n in kept])},
        y=y,
        groups=np.array([as_text(v) for v in frame[group]], object),
        sources=frame["meta_source"].astype(str).to_numpy(object),
        labels=frame[[c for c in frame.columns if c not in known or c == target]],
        notes=tuple(notes),
        about=dict(about),
    )


def infer_kind(column: pd.Series[Any]) -> Kind:
    """Return the kind of a target column: text and few whole numbers are classes, other numbers a quantity."""
    return "regression" if is_quantity(column) else "binary" if column.nunique() == 2 else "multiclass"


def _by_family(columns: Iterable[Mapping[str, Any]], families: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return names of columns by the family that they begin with or that is given, of the wanted ones."""
    found: dict[str, list[str]] = {}
    for column in columns:
        found.setdefault(column.get("family") or column["name"].partition("_")[0], []).append(column["name"])
    if families is None:
        return found
    wanted = list(families)
    if unknown := [f for f in wanted if f not in found]:
        raise ParameterError(f"the table has no family {', '.join(unknown)}; it has: {', '.join(found)}")
    return {f: columns for f, columns in found.items() if f in wanted}


def _informative(frame: pd.DataFrame, names: list[str], notes: list[str]) -> list[str]:
    """Leave out columns that are the same in every print; no label is looked at."""
    values = frame[names].to_numpy(np.float32)
    kinds = {"empty in every print": np.isnan(values).all(axis=0), "constant": (values == values[0]).all(axis=0)}
    left = names
    for reason, which in kinds.items():
        left = _leave_out(left, {names[i] for i in np.flatnonzero(which)}, reason, notes)
    if not left:
        raise TableError("every feature column is empty or constant; nothing can be predicted from them")
    return left


def _leave_out(names: list[str], out: set[str], reason: str, notes: list[str]) -> list[str]:
    if gone := [n for n in names if n in out]:
        notes.append(f"{count_of(len(gone), 'column')} left out, {reason}: {first_few(gone)}")
    return [n for n in names if n not in out]


def _encode(column: pd.Series[Any], kind: Kind, target: str) -> tuple[tuple[str, ...], Any]:
    if kind == "regression":
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
        if not np.isfinite(numbers).all():
            bad = column[~np.isfinite(numbers)].iloc[0]
            raise TableError(f"target {target!r} holds {bad!r}, which is not a number; regression needs numbers")
        if np.ptp(numbers) == 0:
            raise TableError(f"target {target!r} is {numbers[0]:g} in every print; there is nothing to predict")
        return (), numbers
    values = np.array([as_text(v) for v in column])
    classes, y = np.unique(values, return_inverse=True)
    if len(classes) < 2:
        raise TableError(f"target {target!r} is {str(classes[0])!r} in every print; two classes are needed")
    if kind == "binary" and len(classes) > 2:
        raise TableError(f"target {target!r} has {len(classes)} classes, not two: {first_few(list(classes))}")
    if len(classes) > len(values) // 2:
        raise TableError(
            f"target {target!r} has {len(classes)} classes in {len(values)} prints; is it a name or a number? "
            "For a quantity ask for regression"
        )
    return tuple(map(str, classes)), y.astype(np.int64)


def pair_prints(
    frame: pd.DataFrame,
    about: Mapping[str, Any],
    *,
    by: str,
    group: str,
    differ: Sequence[str] = (),
    match: Sequence[str] = (),
    seed: int = 42,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table with a row per pair of prints, and its sidecar, from a table with a row per print and its own.

    `by` is the label that two prints may share. If it is `group`, the label of the people, pairs are of two different
    fingers; otherwise, of two different people. In the labels `differ`, such as the session, the prints of a pair are
    different; the labels `match`, such as the sex, are shared by all people of a block and thus do not distinguish
    pairs. Raises TableError if a label is missing, or no two prints can be paired.
    """
    needed = [by, group, *differ, *match]
    if lacking := [name for name in needed if name not in frame]:
        features = {c["name"] for c in about["columns"]}
        labels = [str(c) for c in frame if c not in features and not str(c).startswith("meta_")]
        raise TableError(f"the table has no label {lacking[0]!r}; it has: {first_few(labels)}")
    frame = frame[frame[needed].notna().all(axis=1)].reset_index(drop=True)
    names = [c["name"] for c in about["columns"] if c["name"] in frame]
    fingers = [name for name in FINGER_LABELS if name in frame and name != by]
    finger = _codes(frame, fingers)
    condition = _codes(frame, list(dict.fromkeys([*fingers, *differ])))
    person, label = _codes(frame, [group]), _codes(frame, [by])
    apart = np.stack([_codes(frame, [name]) for name in differ], 1) if differ else np.zeros((len(frame), 0), np.int64)
    rng = np.random.default_rng(seed)
    found, block_of = [], []
    for number, people in enumerate(_blocks(person, _codes(frame, match), rng)):
        rows = np.flatnonzero(np.isin(person, people))
        i, j = (rows[k] for k in np.triu_indices(len(rows), 1))
        usable = (apart[i] != apart[j]).all(axis=1)
        if by == group:
            usable &= (finger[i] != finger[j]) | (not fingers)
        else:
            usable &= person[i] != person[j]
        i, j = _balanced(i[usable], j[usable], label, condition, PAIRS_PER_PERSON * len(people), rng)
        found.append(np.stack([i, j]))
        block_of += [number] * len(i)
    first, second = np.concatenate(found, axis=1) if found else np.zeros((2, 0), np.int64)
    if not len(first):
        needs = "people need prints of several fingers" if by == group else "people must not all have the same value"
        advice = "; leave out --differ or --match" if differ or match else ""
        raise TableError(
            f"no two prints can be paired by {by!r}: {needs}, and two people need prints of the same fingers{advice}"
        )
    values = _standardised(frame[names].to_numpy(np.float32), finger)
    one, two = values[first], values[second]
    sources = frame["meta_source"].astype(str).to_numpy(object)
    columns = {
        "meta_source": sources[first] + " | " + sources[second],
        f"same_{by}": np.where(label[first] == label[second], "yes", "no"),
        BLOCKS: np.array(block_of).astype(str).astype(object),
    }
    described = [c for c in about["columns"] if c["name"] in set(names)]
    described += [{**c, "name": c["name"] + PRODUCT} for c in described]
    made = pd.DataFrame(np.concatenate([np.abs(one - two), one * two], axis=1), columns=[c["name"] for c in described])
    return pd.concat([pd.DataFrame(columns), made], axis=1), {**about, "columns": described}


def _codes(frame: pd.DataFrame, labels: Sequence[str]) -> Ints:
    """Return a number per print for its levels of some labels together; 0 where there are none."""
    if not labels:
        return np.zeros(len(frame), np.int64)
    return np.unique(level_names(frame, list(labels)).astype(str), return_inverse=True)[1].astype(np.int64)


def _blocks(person: Ints, level: Ints, rng: np.random.Generator) -> list[Ints]:
    """Return the people of each block, at random among those of one level; a rest of one person joins another block."""
    people, first = np.unique(person, return_index=True)
    size = max(2, min(MAX_BLOCK, len(people) // MIN_BLOCKS))
    blocks = []
    for value in np.unique(level[first]):
        own = rng.permutation(people[level[first] == value])
        parts = np.array_split(own, max(1, min(-(-len(own) // size), len(own) // 2)))
        blocks += [part for part in parts if len(part) > 1]
    return blocks


def _balanced(i: Ints, j: Ints, label: Ints, condition: Ints, most: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Form as many pairs of either kind for every two conditions; draw `most` of each kind, if there are more."""
    order = rng.permutation(len(i))
    i, j = i[order], j[order]
    low, high = np.minimum(condition[i], condition[j]), np.maximum(condition[i], condition[j])
    frame = pd.DataFrame({"low": low, "high": high, "same": label[i] == label[j]})
    place = frame.groupby(["low", "high", "same"]).cumcount()
    counts = frame.groupby(["low", "high"])["same"].agg(["sum", "size"])
    counts["fewest"] = np.minimum(counts["sum"], counts["size"] - counts["sum"])
    kept = np.flatnonzero(place < frame.join(counts, on=["low", "high"])["fewest"])
    same = frame["same"].to_numpy()[kept]
    chosen = np.sort(np.concatenate([kept[same][:most], kept[~same][:most]]))
    return i[chosen], j[chosen]


def _standardised(values: NDArray[np.float32], finger: Ints) -> NDArray[np.float32]:
    """Return columns without the mean and the spread of each finger, so that no pair is recognised by its fingers."""
    frame = pd.DataFrame(values)
    by = frame.groupby(finger)
    spread = by.transform("std").replace(0, np.nan)
    return ((frame - by.transform("mean")) / spread).to_numpy(np.float32)
