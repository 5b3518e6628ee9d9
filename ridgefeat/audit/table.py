"""AuditTable, the table as the checks see it; AuditParams, their limits; Finding, what they yield."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ridgefeat.errors import TableError
from ridgefeat.files import first_few
from ridgefeat.stages.parameter import parameter, parameters

Index = NDArray[np.intp]
Fold = tuple[Index, Index]

IDENTITY = ("subject", "hand", "finger", "finger_id")
"""Labels that say which finger a print is of."""
OTHER_LABELS = ("sex", "impression", "alteration", "level")
PRINT_LABELS = ("hand", "finger", "finger_id", "impression", "alteration", "level")
"""Labels of a print and not of a person: they may vary within a group."""
TOO_GOOD_AUC = 0.95
"""Area under the ROC curve from which a result is too good for a label of people."""
PERSON = re.compile(
    r"subj|person|people|donor|participant|patient|volunteer|individual|name|(^|_)id(entity)?$", re.IGNORECASE
)
"""Names of columns that may say whose print it is."""
MAX_INTEGER_CLASSES = 10
"""Whole numbers with at most so many distinct values are classes, with more a quantity."""
MAX_NUMERIC_CLASSES = 20
"""Distinct numbers beyond which a target is a quantity, not a class."""


@dataclass(frozen=True, eq=False)
class AuditTable:
    """A table under audit, with names, groups and target as codes."""

    frame: pd.DataFrame
    target: str
    group: str
    names: NDArray[Any]
    """File names, shape (prints,); the row's number where the table has none."""
    group_codes: Index
    """Each print's index into group_names."""
    group_names: tuple[str, ...]
    target_codes: Index
    """Each print's index into target_names; -1 where the target is missing."""
    target_names: tuple[str, ...]
    quantity: bool
    """Whether the target is a number, not a class."""
    folds: tuple[Fold, ...]
    """Positions of training and of test prints."""
    limits: AuditParams
    features: tuple[str, ...]
    """The columns that a classifier is given."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def belongs_to_group(self) -> bool:
        """Whether the target has one value in nearly every group with several prints, as sex has in a person."""
        if self.target in PRINT_LABELS:
            return False
        different, prints = self.values_by_group()
        several = prints > 1
        return not several.any() or bool(np.mean(different[several] == 1) >= self.limits.identity_share)

    @property
    def can_be_too_good(self) -> bool:
        """Whether the target should not be predictable from a print: a label of people that is not a ridge pattern."""
        return self.belongs_to_group and self.target != self.group and not self.target.lower().startswith("pattern")

    def values_by_group(self) -> tuple[Index, Index]:
        """Return how many target values, and how many prints with one, each group has."""
        known = self.target_codes >= 0
        pairs = np.unique(np.stack([self.group_codes[known], self.target_codes[known]]), axis=1)
        count = len(self.group_names)
        return np.bincount(pairs[0], minlength=count), np.bincount(self.group_codes[known], minlength=count)

    def seen_in_training(self, codes: Index) -> tuple[list[int], int, int]:
        """Return which codes (one per print, -1 for none) are on both sides of a fold, those in most folds first.

        Also return how many test prints have one of them, and how many are tested.
        """
        shared = Counter[int]()
        hit = tested = 0
        for train, test in self.folds:
            both = np.setdiff1d(np.intersect1d(codes[train], codes[test]), [-1])
            shared.update(both.tolist())
            hit += int(np.isin(codes[test], both).sum())
            tested += len(test)
        return sorted(shared, key=lambda code: (-shared[code], code)), hit, tested

    def feature_values(self, rows: Index | slice = slice(None)) -> NDArray[np.float32]:
        """Return the features of some rows, float32, shape (rows, columns); missing is NaN."""
        return self.frame[list(self.features)].iloc[rows].to_numpy(np.float32, na_value=np.nan)


def make_table(
    frame: pd.DataFrame,
    target: str,
    group: str,
    folds: Sequence[Any] | None,
    limits: AuditParams,
    features: Sequence[str] | None = None,
) -> AuditTable:
    """Check a table and its folds, and encode names, groups and target.

    Without `features`, they are all columns of numbers that are not meta, label, group or target. Raises TableError if
    the table is empty or lacks a column, a print has no group, no print has a target, or a fold's positions are not the
    table's.
    """
    if len(frame) == 0:
        raise TableError("the table to audit has no rows; extract features from some prints first")
    for role, name in (("target", target), ("group", group)):
        if (count := list(frame.columns).count(name)) != 1:
            there = ", ".join(str(c) for c in frame.columns[:20])
            found = f"there {count} times" if count else "not in the table"
            raise TableError(f"the {role} column {name!r} is {found}; its first columns are: {there}")
    names = np.array([f"row {i}" for i in range(len(frame))], dtype=object)
    if "meta_source" in frame:
        source = frame["meta_source"]
        names = np.where(source.isna().to_numpy(), names, source.astype(object).to_numpy())
    group_codes, group_names = _codes(frame[group])
    if (missing := np.flatnonzero(group_codes < 0)).size:
        without = f"{missing.size} prints have no {group!r} to split by, first {names[missing[0]]}"
        advice = "leave these prints out, because it is unclear to which side of a split they belong"
        raise TableError(f"{without}; fill it in or {advice}")
    target_codes, target_names = _codes(frame[target])
    if not target_names:
        raise TableError(f"no print has a value of the target {target!r}; name another target or add labels")
    quantity = bool(getattr(frame[target].dtype, "kind", "O") in "fiu" and len(target_names) > MAX_NUMERIC_CLASSES)
    checked = tuple(_fold(number, fold, len(frame)) for number, fold in enumerate(folds or ()))
    codes = (names, group_codes, group_names, target_codes, target_names)
    if features is None:
        kinds = {n: getattr(kind, "kind", "O") for n, kind in frame.dtypes.items() if isinstance(n, str)}
        numbers = [n for n, kind in kinds.items() if kind in "fiub" and not n.startswith("meta_")]
        features = [n for n in numbers if n not in {target, group, *IDENTITY, *OTHER_LABELS}]
    elif unknown := [n for n in features if n not in frame]:
        raise TableError(f"the table has no column {first_few(unknown)}, which a classifier is said to be given")
    return AuditTable(frame, target, group, *codes, quantity, checked, limits, tuple(features))


def _codes(column: pd.Series[Any]) -> tuple[Index, tuple[str, ...]]:
    values = column.astype(object).where(column.notna(), None)
    if not pd.api.types.is_numeric_dtype(column):
        values = values.map(lambda v: None if v is None or v == "" else str(v))
    codes, uniques = pd.factorize(np.asarray(values, dtype=object), sort=True)
    return np.asarray(codes, np.intp), tuple(map(as_text, uniques))


def as_text(value: object) -> str:
    """Return a label as text; 3.0, which is what 3 becomes in a column with gaps, is "3"."""
    return str(int(value)) if isinstance(value, (float, np.floating)) and value.is_integer() else str(value)


def is_quantity(column: pd.Series[Any]) -> bool:
    """Return whether a label is a quantity: a number, but neither two values nor few whole numbers, which are classes.

    Examples
    --------
    >>> is_quantity(pd.Series([1, 2, 3])), is_quantity(pd.Series([20.5, 31.0, 47.0]))
    (False, True)
    """
    values = column.dropna()
    if not is_numeric_dtype(values.dtype) or is_bool_dtype(values.dtype) or values.nunique() <= 2:
        return False
    numbers = values.to_numpy(np.float64)
    return bool(values.nunique() > MAX_INTEGER_CLASSES or (numbers != np.round(numbers)).any())


def labelled_rows(
    frame: pd.DataFrame, features: Collection[str], label: str, group: str, notes: list[str], *, role: str = "label"
) -> pd.DataFrame:
    """Return the rows that were measured and have a label and a person; `notes` gets a line on those left out.

    Raises TableError if a column is missing, with the columns that could serve, or if no row is left.
    """
    for what, name in ((role, label), ("group", group)):
        if name not in frame.columns:
            labels = [c for c in frame.columns if c not in features and not c.startswith("meta_")]
            found = ", ".join(labels) or "no label column at all (extract with --layout, --index or --regex)"
            advice = _group_advice(frame, [c for c in labels if c != label]) if what == "group" else ""
            raise TableError(f"the table has no {what} column {name!r}; it has: {found}{advice}")
    failed = frame["meta_error"].notna() if "meta_error" in frame else frame[label].isna() & False
    for reason, out in (
        ("could not be read (meta_error)", failed),
        (f"have no {label}", frame[label].isna() & ~failed),
        (f"have no {group}", frame[group].isna() & frame[label].notna() & ~failed),
    ):
        if out.any():
            notes.append(f"{int(out.sum()):,} of {len(frame):,} prints left out: they {reason}")
    keep = ~failed & frame[label].notna() & frame[group].notna()
    if not keep.any():
        raise TableError(f"no print has features, {label} and {group}: {'; '.join(notes) or 'the table is empty'}")
    return frame[keep].reset_index(drop=True)


def _group_advice(frame: pd.DataFrame, labels: Sequence[str]) -> str:
    """Return which labels could be the people, those with the most values first, and what is left without one."""
    count = {c: frame[c].nunique() for c in labels}
    able = [c for c in labels if count[c] < frame[c].count() and (PERSON.search(c) or count[c] > MAX_INTEGER_CLASSES)]
    able.sort(key=lambda c: (PERSON.search(c) is None, -count[c]))
    could = "; ".join(f"--group {c} ({count[c]:,} values in {frame[c].count():,} prints)" for c in able[:3])
    return (
        f". Name the column that says whose print it is{f', which could be {could}' if could else ''}. --group "
        "meta_source treats every print as a person of its own: with several prints of a person, results are too good"
    )


def _fold(number: int, fold: Any, prints: int) -> Fold:
    try:
        train, test = (np.asarray(side) for side in fold)
    except (TypeError, ValueError):
        raise TableError(f"fold {number} must be a pair: positions of training and of test prints") from None
    for side, at in (("training", train), ("test", test)):
        if at.ndim != 1 or at.dtype.kind not in "iu" or at.size == 0:
            raise TableError(f"the {side} side of fold {number} must be a list of at least one row position")
        if at.min() < 0 or at.max() >= prints:
            row = int(at.max() if at.max() >= prints else at.min())
            rows = f"the table has rows 0 to {prints - 1}; the folds belong to another table"
            raise TableError(f"the {side} side of fold {number} names row {row}, but {rows}")
    return train.astype(np.intp), test.astype(np.intp)


@parameters
class AuditParams:
    """Limits of the leak audit."""

    near_correlation: float = parameter(
        0.95, "", 0.5, 1.0, "minimum correlation of two aligned images that are copies of one image"
    )
    same_finger_correlation: float = parameter(
        0.8, "", 0.5, 1.0, "minimum correlation of aligned images of one finger; different fingers stay below 0.6"
    )
    neighbours: int = parameter(3, "", 1, 50, "most similar images that each image is compared with in full")
    near_rows: float = parameter(
        0.6, "", 0.0, 1.0, "maximum distance of copied rows, by the median distance to another group's nearest row"
    )
    identity_share: float = parameter(
        0.9, "", 0.5, 1.0, "minimum share of groups with one target value for a target that belongs to the group"
    )
    perfect_auc: float = parameter(
        0.99, "", 0.5, 1.0, "minimum area under the ROC curve of a column that holds the target, whatever the others do"
    )
    suspect_auc: float = parameter(0.8, "", 0.5, 1.0, "area under the ROC curve below which no feature is suspected")
    crowd_factor: float = parameter(
        2.0, "", 1.0, 10.0, "how many times the separation d' of the best ordinary columns a suspected one has"
    )
    trait_auc: float = parameter(
        0.65, "", 0.5, 1.0, "minimum area under the ROC curve of a file property, or a gap, that predicts the target"
    )
    min_groups: int = parameter(12, "", 4, 1000, "groups below which no column is probed")


Severity = Literal["leak", "warning", "note"]
Names = tuple[str, ...]

SEVERITIES: tuple[Severity, ...] = ("leak", "warning", "note")
"""Worst first. A leak makes a score too good, or shows that labels cannot be true; a warning should be looked at by a
person; a note is for information."""
ADVICE = {
    "groups": "name the column that says whose print it is, and split by it",
    "folds": "split by person: `ridgefeat split`, or folds by group",
    "identical": "keep one file of each image, or put all of them on one side of the split",
    "near_duplicate": "keep one file of each image, or put all of them on one side of the split; augment training "
    "prints only, after the split",
    "same_finger": "compare the prints by eye, correct the names, and keep each person on one side of the split",
    "label_conflict": "look at the named prints and correct or drop their labels",
    "altered_copy": "keep altered copies with their originals, or test on people without any",
    "column": "leave the column out, unless it can be measured without knowing the target",
    "column_pair": "leave one of the two columns out",
    "columns_together": "test on prints of another acquisition",
    "missing": "fill gaps within training folds, without the target",
    "file": "capture, scale and store all classes alike; otherwise test on prints of another acquisition",
    "order": "shuffle people before you split",
    "target_name": "leave the column out",
    "recognised": "cite the set, and take people, fingers and sex from its own file names",
    "known_people": "split by the people that the set names; drop prints that are in training and in test",
    "impossible_label": "do not use this label; ask its publisher where it is from",
    "known_label": "take the label from the set's own file names",
}
"""What to do about a finding, by its kind."""


def count_images(count: int, which: str = "") -> str:
    """Return the beginning of a sentence on some images.

    Examples
    --------
    >>> count_images(1), count_images(2, "nearly the same by their features,")
    ('1 image is', '2 images, nearly the same by their features, are')
    """
    noun = "image" if count == 1 else "images"
    return f"{count} {noun}{', ' + which if which else ''} {'is' if count == 1 else 'are'}"


@dataclass(frozen=True)
class Finding:
    """One thing that the audit found.

    Attributes
    ----------
    kind : str
        groups, folds, identical, near_duplicate, same_finger, label_conflict, altered_copy, recognised, known_people,
        impossible_label, known_label, column, column_pair, columns_together, too_good, missing, file, order,
        target_name, target or not_checked.
    severity : {"leak", "warning", "note"}
        How bad it is.
    message : str
        What was found, in one sentence.
    files : tuple of tuple of str
        Files that belong together, set by set; empty where it concerns no file.
    groups : tuple of tuple of str
        The groups (people) of each set, in the same order.
    cost : str
        What it costs, in words and numbers.
    count : int
        How many sets, prints or columns it concerns; the message says which.
    rows : tuple of tuple of int
        Positions in the table of each set's prints, in the files' order.
    columns : tuple of str
        Columns that it concerns.
    resolved : bool
        Whether the leak was removed before any classifier was fitted.
    """

    kind: str
    severity: Severity
    message: str
    files: tuple[Names, ...] = ()
    groups: tuple[Names, ...] = ()
    cost: str = ""
    count: int = 0
    rows: tuple[tuple[int, ...], ...] = ()
    columns: Names = ()
    resolved: bool = False

    @property
    def advice(self) -> str:
        """What to do about it; empty for a note that needs nothing."""
        is_needed = self.severity != "note" or (self.kind == "recognised" and self.count)
        return ADVICE.get(self.kind, "") if is_needed else ""


def on_columns(kind: str, severity: Severity, message: str, cost: str, columns: Sequence[str]) -> Finding:
    """Return a finding about columns or properties of files."""
    return Finding(kind, severity, message, cost=cost, count=len(columns), columns=tuple(columns))


def not_checked(message: str, count: int = 0) -> Finding:
    """Return the note that says what could not be checked, and why."""
    return Finding("not_checked", "note", message, count=count)
