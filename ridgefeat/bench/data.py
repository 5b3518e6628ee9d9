"""A feature table made ready for comparison: the kind of target, usable rows and columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ridgefeat.audit.table import as_text, is_quantity, labelled_rows
from ridgefeat.bench.results import Kind, Problem
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import count_of, first_few


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
