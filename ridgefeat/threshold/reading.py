"""Scores from files: what `files` and `shapes` understand of them, made into checked Scores and one line of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.tabular import name_columns
from ridgefeat.threshold.files import NAMES, Columns, Matrix, is_distance, meaning, read_file
from ridgefeat.threshold.scores import Scores
from ridgefeat.threshold.shapes import from_matrix, join_files, with_subjects


@dataclass(frozen=True)
class ScoreTable:
    """The scores of a file, and how it was read.

    Attributes
    ----------
    scores : Scores
    note : str
        The columns and rows that were used, for the reader.
    """

    scores: Scores
    note: str


def read_scores(
    path: str | Path,
    second: str | Path | None = None,
    *,
    distance: bool = False,
    positive: str | None = None,
    classifier: str | None = None,
    score_column: str | None = None,
    label_column: str | None = None,
    count_failures: bool = False,
    where: Sequence[str] = (),
    regex: str | None = None,
) -> ScoreTable:
    """Return the scores of a table in a file, and how they were read.

    Accepted are columns `subject_probe, subject_reference, mated, score` (others are ignored); two columns of label and
    score in any order, with or without names; `source, group, y_true, classifier, ..., score` as bench writes them; the
    four and five columns of bob; columns `probe, reference, score`, or a matrix, with names that give the subjects. Two
    files are mated and non-mated scores, trials and their scores, or a matrix and its mask or names.

    Parameters
    ----------
    path, second : str or Path
        CSV in any dialect, columns with spaces between, .xlsx, a Parquet file, or a folder of Parquet files.
    distance : bool
        Whether smaller scores indicate a match.
    positive : str, optional
        The label that counts as mated, if labels are neither 1 and 0 nor words for them.
    classifier : str, optional
        The classifier to read, if the table holds several.
    score_column, label_column : str, optional
        Names of the columns, if they have other names.
    count_failures : bool
        Whether an empty score is a failure to acquire. If a column `failure` gives the reason of every empty score, as
        in tables of `verify`, they are counted as such in any case.
    where : sequence of str
        Conditions column=value; rows that meet them all are read.
    regex : str, optional
        Regular expression with a group `subject` that reads subjects from names of prints; mated are equal ones.

    Raises
    ------
    ScoreError
        If the file cannot be read, columns are missing or ambiguous, or the scores cannot be evaluated.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "scores.csv"
    ...     with path.open("w") as file:
    ...         print("label,score", "mated,0.9", "non-mated,0.2", "mated,0.7", sep=chr(10), file=file)
    ...     table = read_scores(path)
    >>> table.scores.score, table.scores.mated
    (array([0.9, 0.2, 0.7]), array([ True, False,  True]))
    >>> table.note
    '2 mated and 1 non-mated comparisons; scores in `score`, mated where `label` is mated; no column names subjects;
    higher is more similar'
    """
    path = Path(path)
    conditions = [condition.partition("=")[0].strip() for condition in where]
    read = partial(read_file, score=score_column, label=label_column, others=conditions, alone=second is None)
    found = read(path)
    if second is not None:
        found = join_files(found, read(Path(second)))
    elif isinstance(found, Matrix):
        found = from_matrix(found)
    found = with_subjects(found, regex)
    frame, roles, notes = found.frame, found.roles, [found.note] if found.note else []
    if where:
        frame = _only(frame, where, path)
        notes.append(f"rows of {', '.join(where)}")
    if "classifier" in frame.columns:
        frame, note = _one_classifier(frame, classifier, path)
        notes.append(note)
    elif classifier is not None:
        raise ScoreError(f"{path} has no column `classifier`, so --classifier {classifier} selects nothing; omit it")
    label, score = (_needed(roles, role, found) for role in ("label", "score"))
    if not len(frame):
        raise ScoreError(f"{path} holds no scores; give one row per comparison")
    mated, chosen = _mated(frame, label, positive, path, score)
    if score_column is None and f"p_{chosen}" in frame.columns:
        score = f"p_{chosen}"
    distance = distance or is_distance(score)
    subjects = _subjects(frame, roles)
    if not count_failures and (failed := _failures(frame, score)):
        count_failures = True
        notes.append(f"{failed:,} failures to acquire")
    notes.append(f"scores in {_called(score)}")
    # Labels that are True and False were made here, from a second file or from subjects, and are explained above.
    if frame[label].dtype != bool:
        words = chosen or " or ".join(str(v) for v in frame[label].unique() if meaning(v))
        notes[-1] += f", mated where {_called(label)} is {words}"
    found_subjects = ", ".join(_called(n) for n, _ in subjects)
    notes.append(f"subjects in {found_subjects}" if subjects else "no column names subjects")
    codes = dict(zip(("subject_probe", "subject_reference"), (code for _, code in subjects), strict=False))
    values = frame[score].to_numpy(np.float64)
    made = Scores.make(values, mated, **codes, distance=distance, count_failures=count_failures)
    counts = f"{int(mated.sum()):,} mated and {int((~mated).sum()):,} non-mated comparisons"
    return ScoreTable(made, "; ".join([counts, *notes, f"{'lower' if distance else 'higher'} is more similar"]))


def _called(name: str) -> str:
    return name if name.startswith("column ") else f"`{name}`"


def _needed(roles: dict[str, str], role: str, found: Columns) -> str:
    """Return a column by its role."""
    if role in roles:
        return roles[role]
    there = list(found.frame.columns)
    alone = "" if len(there) > 1 else ". One column of scores needs a second file: the non-mated ones"
    raise ScoreError(
        f"{found.path} has no column {' or '.join(NAMES[role])}; there are: {name_columns(there)}. "
        f"Name yours with --{role}-column{alone}"
    )


def _only(frame: pd.DataFrame, where: Sequence[str], path: Path) -> pd.DataFrame:
    """Return the rows that meet every condition column=value."""
    for condition in where:
        name, equals, value = (part.strip() for part in condition.partition("="))
        if not equals or name not in frame.columns:
            there = name_columns(list(frame.columns))
            raise ScoreError(f"condition {condition!r} must be column=value; columns of {path} are {there}")
        held = frame[name].astype(str).str.strip()
        if not (held == value).any():
            raise ScoreError(f"{path}: no {name} is {value!r}; there are: {name_columns(sorted(set(held)))}")
        frame = frame[(held == value).to_numpy()]
    return frame.reset_index(drop=True)


def _failures(frame: pd.DataFrame, score: str) -> int:
    """Return the number of rows without a score, if a column `failure` gives the reason of each; else 0."""
    if "failure" not in frame.columns:
        return 0
    missing = frame[score].isna()
    reasons = frame["failure"].notna() & (frame["failure"].astype(str).str.strip() != "")
    return int(missing.sum()) if bool((reasons | ~missing).all()) else 0


def _one_classifier(frame: pd.DataFrame, wanted: str | None, path: Path) -> tuple[pd.DataFrame, str]:
    names = [str(n) for n in frame["classifier"].dropna().unique()]
    if wanted is None and len(names) == 1:
        wanted = names[0]
    if wanted not in names:
        problem = "holds several classifiers" if wanted is None else f"holds no classifier {wanted!r}"
        raise ScoreError(f"{path} {problem}; pick one with --classifier: {name_columns(names)}")
    frame = frame[frame["classifier"].astype(str) == wanted]
    note = f"classifier {wanted}"
    if "repeat" in frame.columns and frame["repeat"].nunique() > 1:
        # A further repeat scores the same prints again and is no new evidence.
        first = frame["repeat"].iloc[0]
        frame, note = frame[frame["repeat"] == first], f"{note}, repeat {first}"
    return frame.reset_index(drop=True), note


def _mated(
    frame: pd.DataFrame, label: str, positive: str | None, path: Path, score: str
) -> tuple[NDArray[np.bool_], str | None]:
    """Return which rows are mated, and the label that means mated if it is no usual word."""
    column = frame[label]
    _check_filled(column, f"{path}: {label}", "every score needs its label")
    codes, names = pd.factorize(column)
    labels = [str(n).strip() for n in names]
    if positive is not None:
        if positive not in labels:
            raise ScoreError(f"{path}: no {label} is {positive!r}; there are: {name_columns(labels)}")
        return np.isin(codes, [k for k, n in enumerate(labels) if n == positive]), positive
    meanings = [meaning(n) for n in labels]
    if None not in meanings and not {"0", "-1"} <= set(labels):  # in some files 0 is non-mated and -1 neither
        return np.array(meanings)[codes], None
    if len(labels) == 2 and all(f"p_{n}" in frame.columns for n in labels):
        # In bench's tables the score is that of the positive class, so its probability rises with it.
        ranks = frame[[score, *(f"p_{n}" for n in labels)]].rank()
        chosen = max(labels, key=lambda n: ranks[score].corr(ranks[f"p_{n}"]))
        return codes == labels.index(chosen), chosen
    raise ScoreError(
        f"{path}: {label} holds {name_columns(labels)}, so it is unclear which label means mated; use 1 and 0, or name "
        "the mated label with --positive"
    )


def _subjects(frame: pd.DataFrame, roles: dict[str, str]) -> list[tuple[str, NDArray[np.int64]]]:
    """Return the columns of subjects in one numbering."""
    names = [roles[r] for r in ("subject_probe", "subject_reference") if r in roles]
    if "subject_probe" not in roles:
        return []
    columns = [c.astype(object) if c.dtype == "category" else c for c in (frame[n] for n in names)]
    for name, column in zip(names, columns, strict=True):
        _check_filled(column, name, "name every subject, or leave the column out")
    same_type = len({c.dtype for c in columns}) == 1
    codes = pd.factorize(pd.concat(columns if same_type else [c.astype(str) for c in columns]))[0]
    return list(zip(names, np.split(codes.astype(np.int64), len(columns)), strict=True))


def _check_filled(column: pd.Series[Any], name: str, advice: str) -> None:
    missing = column.isna().to_numpy()
    if missing.any():
        raise ScoreError(f"{name} is empty in row {1 + missing.argmax()}; {advice}")
