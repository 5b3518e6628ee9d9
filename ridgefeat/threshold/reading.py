"""Score tables as files: comparisons, two columns of label and score, or a table of `bench`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.files import exact_numbers, first_few, first_line, import_pyarrow
from ridgefeat.threshold.scores import Scores

YES = frozenset({"1", "1.0", "true", "yes", "mated", "genuine", "match"})
NO = frozenset({"0", "0.0", "false", "no", "non-mated", "nonmated", "impostor", "imposter", "non-match"})
LABELS = ("mated", "label", "y_true", "genuine")
PROBES = ("subject_probe", "subject", "group")
OPTIONAL = ("subject_reference", "classifier", "repeat", "failure")
"""Optional columns that are used."""
MAX_BYTES = 8_000_000_000
"""Maximum size of a file, and of the columns that are read from Parquet, uncompressed."""
SHOWN = 8
"""Names in a message."""


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
    *,
    distance: bool = False,
    positive: str | None = None,
    classifier: str | None = None,
    score_column: str | None = None,
    label_column: str | None = None,
    count_failures: bool = False,
    where: Sequence[str] = (),
) -> ScoreTable:
    """Return the scores of a table in a file, and how they were read.

    Accepted columns are `subject_probe, subject_reference, mated, score` (others are ignored); two columns of label and
    score in any order, with or without names; and `source, group, y_true, classifier, ..., score` as bench writes them.

    Parameters
    ----------
    path : str or Path
        CSV in UTF-8, a Parquet file, or a folder of Parquet files.
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
    'scores from column score; no column names subjects'
    """
    path = Path(path)
    conditions = [condition.partition("=")[0].strip() for condition in where]
    frame = _read(path, lambda there: _needed(there, score_column, label_column, conditions))
    notes = []
    if where:
        frame = _only(frame, where, path)
        notes.append(f"rows of {', '.join(where)}")
    if "classifier" in frame.columns:
        frame, note = _one_classifier(frame, classifier, path)
        notes.append(note)
    elif classifier is not None:
        raise ScoreError(f"{path} has no column `classifier`, so --classifier {classifier} selects nothing; omit it")
    label = _column(frame, label_column, LABELS, "label", path)
    score = _column(frame, score_column, ("score",), "score", path)
    mated, chosen = _mated(frame, label, positive, path, score)
    if score_column is None and f"p_{chosen}" in frame.columns:
        score = f"p_{chosen}"
    if chosen is not None:
        notes.append(f"{chosen} counts as mated")
    subjects = _subjects(frame)
    if not count_failures and (failed := _failures(frame, score)):
        count_failures = True
        notes.append(f"{failed:,} failures to acquire")
    notes.append(f"scores from column {score}")
    notes.append("subjects from " + ", ".join(n for n, _ in subjects) if subjects else "no column names subjects")
    made = Scores.make(
        _values(frame[score], score, path),
        mated,
        subject_probe=subjects[0][1] if subjects else None,
        subject_reference=subjects[1][1] if len(subjects) > 1 else None,
        distance=distance,
        count_failures=count_failures,
    )
    return ScoreTable(made, "; ".join(notes))


def _needed(there: list[str], score: str | None, label: str | None, further: Sequence[str]) -> list[str]:
    """Return the columns to read; all of them if one is missing, so that the message can list them."""
    stripped = [n.strip() for n in there]
    scores, labels = ({name} if name else set(usual) for name, usual in ((score, ("score",)), (label, LABELS)))
    if not (scores & set(stripped) and labels & set(stripped)) or not set(further) <= set(stripped):
        return there
    kept = {*scores, *labels, *further, *PROBES, *OPTIONAL}
    return [n for n in there if n.strip() in kept or n.strip().startswith("p_")]


def _read(path: Path, wanted: Callable[[list[str]], list[str]]) -> pd.DataFrame:
    how = {"encoding": "utf-8-sig", "skipinitialspace": True, **exact_numbers(pd.__version__)}
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ScoreError(f"{path} has {path.stat().st_size:,} bytes, more than {MAX_BYTES:,}; take a sample")
        if path.is_dir() or path.suffix.lower() == ".parquet":
            frame = _read_parquet(path, wanted)
        else:
            frame = pd.read_csv(path, **how, low_memory=False)
            if len(frame.columns) == 2 and all(map(_is_number, frame.columns)):  # nameless: the label is 0 and 1 alone
                frame = pd.read_csv(path, **how, header=None)
                binary = frame.isin([0, 1]).all().tolist()
                frame.columns = pd.Index(["score", "label"] if binary == [False, True] else ["label", "score"])
    except OSError as error:
        raise ScoreError(f"{path} cannot be read: {error.strerror or error}; give a CSV table of scores") from None
    except (ValueError, UnicodeError, OverflowError, MemoryError) as error:
        raise ScoreError(
            f"{path} is no table: {first_line(error)}; give CSV in UTF-8 with columns such as mated, score"
        ) from None
    frame.columns = frame.columns.astype(str).str.strip()
    if frame.empty:
        raise ScoreError(f"{path} holds no scores; give one row per comparison")
    return frame


def _is_number(name: str) -> bool:
    with suppress(ValueError):
        float(name)
        return True
    return False


def _read_parquet(path: Path, wanted: Callable[[list[str]], list[str]]) -> pd.DataFrame:
    """Return the wanted columns of a Parquet file, or of all files in a folder in the order of their names."""
    pa, parquet = import_pyarrow(ScoreError, path)
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise ScoreError(f"folder {path} holds no .parquet file; give a table of scores, or a folder of Parquet files")
    tables, size = [], 0
    try:
        for file in files:
            with parquet.ParquetFile(file) as opened:
                names = wanted(opened.schema_arrow.names)
                groups = [opened.metadata.row_group(i) for i in range(opened.metadata.num_row_groups)]
                cells = [group.column(j) for group in groups for j in range(group.num_columns)]
                size += sum(c.total_uncompressed_size for c in cells if c.path_in_schema.partition(".")[0] in names)
                if size > MAX_BYTES:
                    raise ScoreError(f"{path} has more than {MAX_BYTES:,} bytes of scores; take a sample")
                tables.append(opened.read(columns=names))
        frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    except (pa.ArrowException, ValueError) as error:
        raise ScoreError(f"{path} holds no scores in Parquet: {first_line(error)}") from None
    return frame


def _only(frame: pd.DataFrame, where: Sequence[str], path: Path) -> pd.DataFrame:
    """Return the rows that meet every condition column=value."""
    for condition in where:
        name, equals, value = (part.strip() for part in condition.partition("="))
        if not equals or name not in frame.columns:
            raise ScoreError(
                f"condition {condition!r} must be column=value; columns of {path} are {_some(list(frame.columns))}"
            )
        held = frame[name].astype(str).str.strip()
        if not (held == value).any():
            raise ScoreError(f"{path}: no {name} is {value!r}; there are: {_some(sorted(set(held)))}")
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
        raise ScoreError(f"{path} {problem}; pick one with --classifier: {_some(names)}")
    frame = frame[frame["classifier"].astype(str) == wanted]
    note = f"classifier {wanted}"
    if "repeat" in frame.columns and frame["repeat"].nunique() > 1:
        # A further repeat scores the same prints again and is no new evidence.
        first = frame["repeat"].iloc[0]
        frame, note = frame[frame["repeat"] == first], f"{note}, repeat {first}"
    return frame.reset_index(drop=True), note


def _column(frame: pd.DataFrame, wanted: str | None, usual: Sequence[str], what: str, path: Path) -> str:
    names = list(frame.columns)
    if wanted is not None and wanted not in names:
        raise ScoreError(f"{path} has no column {wanted!r}; there are: {_some(names)}")
    found = wanted or next((name for name in usual if name in names), None)
    if found is None:
        raise ScoreError(
            f"{path} has no column {' or '.join(usual)}; there are: {_some(names)}. Name yours with --{what}-column"
        )
    return found


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
            raise ScoreError(f"{path}: no {label} is {positive!r}; there are: {_some(labels)}")
        return np.isin(codes, [k for k, n in enumerate(labels) if n == positive]), positive
    lower = [n.lower() for n in labels]
    if all(n in YES | NO for n in lower):
        return np.array([n in YES for n in lower])[codes], None
    if len(labels) == 2 and all(f"p_{n}" in frame.columns for n in labels):
        # In bench's tables the score is that of the positive class, so its probability rises with it.
        ranks = frame[[score, *(f"p_{n}" for n in labels)]].rank()
        chosen = max(labels, key=lambda n: ranks[score].corr(ranks[f"p_{n}"]))
        return codes == labels.index(chosen), chosen
    raise ScoreError(
        f"{path}: {label} holds {_some(labels)}, so it is unclear which label means mated; use 1 and 0, or name "
        "the mated label with --positive"
    )


def _subjects(frame: pd.DataFrame) -> list[tuple[str, NDArray[np.int64]]]:
    """Return the columns of subjects in one numbering."""
    probe = next((n for n in PROBES if n in frame.columns), None)
    if probe is None:
        return []
    names = [probe, "subject_reference"] if {"subject_probe", "subject_reference"} <= set(frame.columns) else [probe]
    columns = [frame[n] for n in names]
    for name, column in zip(names, columns, strict=True):
        _check_filled(column, name, "name every subject, or leave the column out")
    same_type = len({c.dtype for c in columns}) == 1
    codes = pd.factorize(pd.concat(columns if same_type else [c.astype(str) for c in columns]))[0]
    return list(zip(names, np.split(codes.astype(np.int64), len(columns)), strict=True))


def _check_filled(column: pd.Series[Any], name: str, advice: str) -> None:
    missing = column.isna().to_numpy()
    if missing.any():
        raise ScoreError(f"{name} is empty in row {1 + missing.argmax()}; {advice}")


def _values(column: pd.Series[Any], name: str, path: Path) -> NDArray[np.float64]:
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    wrong = np.isnan(values) & column.notna().to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        value = str(column.iloc[row])[:40]
        raise ScoreError(f"{path}: {name} in row {1 + row} is {value!r}, not a number; correct or remove the row")
    return values


def _some(names: Sequence[str]) -> str:
    return first_few([str(n)[:40] for n in names], SHOWN)
