"""Training and test rows: folds by group, and protocols that leak and are marked as such."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ridgefeat.bench.results import Fold, Problem
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import count_of

Split = Literal["group", "holdout", "image"]
SPLITS: tuple[Split, ...] = ("group", "holdout", "image")
HOLDOUT_PARTS = 5
"""A holdout is one of so many parts."""
STRATA = 10
"""Quantile bins by which a quantity is balanced over folds."""


def make_folds(
    problem: Problem, split: Split = "group", *, folds: int = 5, repeats: int = 1, seed: int = 42
) -> tuple[Fold, ...]:
    """Return training and test rows of every fold of every repeat; repeat r has the random seed `seed` + r.

    "group" gives stratified folds by group; "holdout" one part in five of the groups held out, whatever `folds` says;
    "image" random folds by image, which leak. Raises ParameterError for an unknown split, or fewer than 2 folds or 1
    repeat; TableError if there are fewer groups, or fewer groups of one class, than folds.
    """
    if split not in SPLITS:
        raise ParameterError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if folds < 2 or repeats < 1:
        raise ParameterError(f"folds must be 2 or more and repeats 1 or more, got {folds} and {repeats}")
    parts = HOLDOUT_PARTS if split == "holdout" else folds
    strata = strata_of(problem)
    _enough(problem, strata, parts, split)
    return tuple(
        checked(problem, Fold(repeat, number, *pair), leaks=split == "image")
        for repeat in range(repeats)
        for number, pair in enumerate(_pairs(strata, problem.groups, split, parts, seed + repeat))
        if number == 0 or split != "holdout"
    )


def strata_of(problem: Problem) -> Any:
    """Return what folds are balanced by: the class, or the quantile bin of a number; int64, shape (prints,)."""
    if problem.kind != "regression":
        return problem.y
    edges = np.quantile(problem.y, np.linspace(0, 1, STRATA + 1)[1:-1])
    return np.searchsorted(edges, problem.y, side="right")


def checked(problem: Problem, fold: Fold, *, leaks: bool = False) -> Fold:
    """Return the fold with the groups on both sides named; raise TableError if there are any where none may be."""
    shared = np.intersect1d(problem.groups[fold.train].astype(str), problem.groups[fold.test].astype(str))
    if len(shared) and not leaks:
        raise TableError(
            f"{len(shared)} of the {problem.group}s are in training and in test, first {str(shared[0])!r}; "
            "every figure would be too good. If the names mean different people, rename them"
        )
    if problem.kind != "regression" and len(np.unique(problem.y[fold.train])) < len(np.unique(problem.y)):
        lacking = f"a class is missing from the training side of fold {fold.number}"
        raise TableError(f"{lacking}; ask for fewer folds or more data")
    return replace(fold, shared_groups=tuple(map(str, shared)))


def between(problem: Problem, is_test: Any) -> tuple[Fold, ...]:
    """Return the one fold that tests on the rows `is_test` and trains on the others, but for groups of both sides."""
    names = problem.groups.astype(str)
    train = ~is_test & ~np.isin(names, names[is_test])
    if not train.any():
        raise TableError(
            f"every {problem.group} of the table to train on is in the one to test on; nothing is left to train on. "
            "If the names mean different people, rename them"
        )
    return (checked(problem, Fold(0, 0, np.flatnonzero(train), np.flatnonzero(is_test))),)


def across(problem: Problem, table: Any) -> tuple[Fold, ...]:
    """Return a fold per table: trained on the others, tested on it; table is int, shape (prints,)."""
    sides = [(int(t), np.flatnonzero(table != t), np.flatnonzero(table == t)) for t in np.unique(table)]
    return tuple(checked(problem, Fold(0, *side)) for side in sides)


def inner_folds(problem: Problem, folds: Sequence[Fold], n_folds: int, seed: int) -> tuple[Fold, ...]:
    """Return folds of each fold's training rows, with its position as repeat; raise TableError for too few groups."""
    parts = [replace(problem, y=problem.y[f.train], groups=problem.groups[f.train]) for f in folds]
    return tuple(
        Fold(i, inner.number, fold.train[inner.train], fold.train[inner.test])
        for i, (fold, part) in enumerate(zip(folds, parts, strict=True))
        for inner in make_folds(part, folds=n_folds, seed=seed)
    )


def inner_splits(y: Any, groups: Any, folds: int, seed: int) -> list[tuple[Any, Any]]:
    """Return stratified folds by group within training rows, fewer where there are few groups."""
    y = np.asarray(y)
    strata = y if y.dtype.kind in "iub" else np.searchsorted(np.quantile(y, [0.25, 0.5, 0.75]), y)
    return _pairs(strata, groups, "group", max(2, min(folds, len(np.unique(groups.astype(str))))), seed)


def describe(folds: Sequence[Fold], problem: Problem) -> list[str]:
    """Return a line per fold: how many prints and groups are on each side, and how many groups on both."""
    lines = []
    for f in folds:
        sides = [
            f"{name} {len(rows)} prints of {len(set(problem.groups[rows]))} {problem.group}s"
            for name, rows in (("training", f.train), ("test", f.test))
        ]
        shared = "none"
        if f.shared_groups:
            inside = np.isin(problem.groups[f.test].astype(str), f.shared_groups).mean()
            shared = f"{len(f.shared_groups)} {problem.group}s, {inside:.0%} of the test prints (LEAKS)"
        lines.append(f"repeat {f.repeat + 1} fold {f.number + 1}: {', '.join(sides)}; on both sides: {shared}")
    return lines


def _pairs(strata: Any, groups: Any, split: str, parts: int, seed: int) -> list[tuple[Any, Any]]:
    kind = StratifiedKFold if split == "image" else StratifiedGroupKFold
    splitter = kind(parts, shuffle=True, random_state=seed)
    # The caller checks for a class or bin with fewer groups than folds.
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        return list(splitter.split(np.zeros(len(strata)), strata, groups.astype(str)))


def _enough(problem: Problem, strata: Any, parts: int, split: Split) -> None:
    fewer = f"fewer than the {parts} folds"
    if split == "image":
        smallest = int(np.bincount(strata).min())
        if smallest < parts:
            raise TableError(f"a class of {problem.target!r} has {count_of(smallest, 'print')}, {fewer}")
        return
    count = len(set(problem.groups.astype(str)))
    if count < parts:
        raise TableError(f"the table has {count_of(count, problem.group)}, {fewer}; ask for fewer folds")
    for i, name in enumerate(problem.classes):
        count = len(set(problem.groups[problem.y == i].astype(str)))
        if count < parts:
            raise TableError(
                f"class {name!r} of {problem.target!r} has {count_of(count, problem.group)}, {fewer}; "
                "ask for fewer folds, leave that class out of the table, or pass --kind regression if it is a number"
            )
