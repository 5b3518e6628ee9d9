"""Scores from one file or two: what `files` understands of each, made into checked Scores and one line of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.sheets import cell_text
from ridgefeat.tabular import name_columns
from ridgefeat.threshold.files import NAMES, Columns, Matrix, is_distance, meaning, read_file
from ridgefeat.threshold.scores import Scores

Texts = Sequence[str]
Bools = NDArray[np.bool_]
_OTHER_FILE = re.compile(r"impost[eo]r|(non|un)[-_ ]?(mated|match|target)|negative|(?<![a-z])imp(?![a-z])")
_MATED_FILE = re.compile(r"genuine|mated|match|client|positive|target|(?<![a-z])gen(?![a-z])")
WHAT_TO_GIVE = (
    "give a column of labels (mated: 1 or 0), columns subject_probe and subject_reference, or --regex with a group "
    "`subject` that reads subjects from the names of prints"
)


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


def join_files(one: Columns | Matrix, two: Columns | Matrix) -> Columns:
    """Return the comparisons of two files: mated and non-mated scores, trials and scores, a matrix and its mask."""
    if isinstance(one, Matrix) and isinstance(two, Matrix):
        is_mask = [set(np.unique(m.values[~np.isnan(m.values)])) <= {0, 1, -1} for m in (one, two)]
        if sum(is_mask) != 1 or one.values.shape != two.values.shape:
            raise ScoreError(
                f"{one.path} and {two.path} must be a matrix of scores and its mask (1 mated, 0 non-mated, -1 neither) "
                f"of the same shape; they have {_shape(one)} and {_shape(two)} cells"
            )
        return from_matrix(one, two) if is_mask[1] else from_matrix(two, one)
    if isinstance(one, Matrix) or isinstance(two, Matrix):
        matrix, other = (one, two) if isinstance(one, Matrix) else (two, one)
        assert isinstance(matrix, Matrix) and isinstance(other, Columns)
        return _named(matrix, other)
    has_score, has_label = (["score" in f.roles for f in (one, two)], ["label" in f.roles for f in (one, two)])
    if all(has_score) and not any(has_label):
        return _mated_and_others(one, two)
    for trials, scores in ((one, two), (two, one)):
        if "label" in trials.roles and "score" not in trials.roles and "score" in scores.roles:
            return _join_trials(trials, scores)
    raise ScoreError(
        f"{one.path} and {two.path} are not understood together: they hold {_roles(one)}, and {_roles(two)}. Give the "
        "mated and the non-mated scores, or a list of trials with labels and their scores, or a matrix and its mask"
    )


def _roles(found: Columns) -> str:
    return " and ".join(found.roles) or f"columns {name_columns(found.frame.columns.tolist())}"


def _mated_and_others(one: Columns, two: Columns) -> Columns:
    """Return two files of scores as one table; their names say which is mated, or else the first one is."""
    names = [f.path.stem.lower() for f in (one, two)]
    kinds = [False if _OTHER_FILE.search(n) else True if _MATED_FILE.search(n) else None for n in names]
    first_mated = kinds[0] if kinds[0] is not None else kinds[1] is not True
    if kinds[0] is not None and kinds[0] == kinds[1]:
        raise ScoreError(f"{one.path} and {two.path} both name {'' if kinds[0] else 'non-'}mated scores; rename one")
    mated, others = (one, two) if first_mated else (two, one)
    frames = [f.frame.rename(columns={f.roles["score"]: "score"}) for f in (mated, others)]
    frame = pd.concat(frames, ignore_index=True)
    frame["mated"] = np.repeat([True, False], [len(f) for f in frames])
    roles = {r: n for r, n in mated.roles.items() if others.roles.get(r) == n} | {"score": "score", "label": "mated"}
    why = "" if any(k is not None for k in kinds) else ", the file that was given first"
    words = "".join(f"; {f.path.name}: {f.note}" for f in (mated, others) if f.note not in ("", "no header"))
    return Columns(mated.path, frame, roles, f"mated in {mated.path.name}{why}, non-mated in {others.path.name}{words}")


def _join_trials(trials: Columns, scores: Columns) -> Columns:
    """Return a list of trials with the scores of another file, by the names of prints, or line by line without any."""
    note = f"trials and labels from {trials.path.name}, scores from {scores.path.name}"
    notes = [note, *(f"{f.path.name}: {f.note}" for f in (trials, scores) if f.note)]
    taken = {trials.roles["label"], scores.roles["score"]}
    shared = [n for n in trials.frame.columns if n in scores.frame.columns and n not in taken]
    shared = [] if any(n.startswith("column ") for n in shared) else shared
    left, right = trials.prints(shared), scores.prints(shared)
    score = scores.roles["score"]
    if not right and len(scores.frame.columns) == 1:
        if len(trials.frame) != len(scores.frame):
            raise ScoreError(
                f"{trials.path} lists {len(trials.frame):,} trials, but {scores.path} {len(scores.frame):,} scores "
                "without names; give one score per trial, in their order"
            )
        frame = trials.frame.assign(score=scores.frame[score].to_numpy())
        return Columns(
            trials.path, frame, {**trials.roles, "score": "score"}, "; ".join([*notes, "joined line by line"])
        )
    if len(left) != len(right) or not left:
        differs = f"{trials.path} names prints by {len(left)} columns, {scores.path} by {len(right)}"
        raise ScoreError(f"{differs}; call these columns probe and reference in both")
    keys = [pd.Series(["\t".join(row) for row in zip(*columns, strict=True)]) for columns in (left, right)]
    for f, key in zip((trials, scores), keys, strict=True):
        if (again := key.duplicated()).any():
            where = f"{f.path}, row {again.to_numpy().argmax() + 1}: {key[again].iloc[0]!r}"
            raise ScoreError(f"{where} occurs for a second time; keep one row per trial")
    found = pd.Series(scores.frame[score].to_numpy(), index=keys[1]).reindex(keys[0])
    scored = keys[0].isin(keys[1])
    if not scored.any():
        first = " and ".join(repr(next(iter(key), "")) for key in keys)
        raise ScoreError(
            f"no trial of {trials.path} has a score in {scores.path}: the first are {first}; names must be the same"
        )
    if not scored.all():
        notes.append(f"{int((~scored).sum()):,} trials have no score, the first {keys[0][~scored].iloc[0]!r}")
    if unused := len(keys[1]) - int(scored.sum()):
        notes.append(f"{unused:,} scores belong to no trial and are left out")
    frame = trials.frame.assign(score=found.to_numpy())
    return Columns(trials.path, frame, {**trials.roles, "score": "score"}, "; ".join(notes))


def _named(matrix: Matrix, names: Columns) -> Columns:
    """Return a square matrix's scores, with the names or subjects of its rows and columns from a file."""
    column = names.frame.columns
    listed = [cell_text(v) for v in names.frame.iloc[:, 0]]
    if len(column) != 1 or matrix.values.shape != (len(listed), len(listed)):
        raise ScoreError(
            f"{names.path} must hold one name or subject per row of {matrix.path}, a matrix of {_shape(matrix)}; it "
            f"has {len(listed):,} rows and {len(column)} columns"
        )
    return from_matrix(replace(matrix, rows=listed, columns=listed))


def _shape(matrix: Matrix) -> str:
    return f"{matrix.values.shape[0]:,} x {matrix.values.shape[1]:,}"


def _is_symmetric(values: NDArray[np.float64]) -> bool:
    return values.shape[0] == values.shape[1] and bool(np.array_equal(values, values.T, equal_nan=True))


def _half(values: NDArray[np.float64]) -> Bools | None:
    """Return where a square matrix's scores are, if one half without the diagonal holds a single number; else None."""
    upper = np.triu(np.ones(values.shape, bool), 1)
    constant = [len(np.unique(values[half])) == 1 for half in (upper, upper.T)]
    return None if sum(constant) != 1 or len(values) < 3 else upper.T if constant[0] else upper


def from_matrix(matrix: Matrix, mask: Matrix | None = None) -> Columns:
    """Return a matrix's scores, each comparison once: no print with itself, a symmetric matrix's upper half."""
    if mask is None and (matrix.rows is None or matrix.columns is None):
        raise ScoreError(
            f"{matrix.path} is a matrix ({_shape(matrix)}) without names: what is mated is unclear. Give names in "
            "its first row and column, or a second file: a mask (1 mated, 0 non-mated) or a name per row"
        )
    use: NDArray[Any] = np.ones(matrix.values.shape, bool) if mask is None else np.isin(mask.values, (0, 1))
    notes = [f"matrix of {_shape(matrix)}", *([matrix.note] if matrix.note else [])]
    if _is_symmetric(matrix.values) and (mask is None or _is_symmetric(mask.values)):
        use &= np.triu(np.ones(use.shape, bool), 1)
        notes[0] += ", symmetric, of which the upper half is read"
    elif matrix.values.shape[0] == matrix.values.shape[1] and (half := _half(matrix.values)) is not None:
        use &= half
        notes[0] += ", of which one half is constant and left out"
    elif mask is None and matrix.rows == matrix.columns:
        use &= ~np.eye(len(use), dtype=bool)
        notes[0] += ", without its diagonal"
    if empty := int((use & np.isnan(matrix.values)).sum()):
        use &= ~np.isnan(matrix.values)
        notes.append(f"{empty:,} empty cells are left out")
    rows, columns = np.nonzero(use)
    cells: dict[str, Any] = {"score": matrix.values[use]}
    if matrix.rows is not None and matrix.columns is not None:
        cells |= {"probe": np.array(matrix.rows, object)[rows], "reference": np.array(matrix.columns, object)[columns]}
    roles = {name: name for name in cells}
    if mask is not None:
        cells["mated"], roles["label"] = mask.values[use] == 1, "mated"
        notes.append(f"mated where {mask.path.name} is 1, non-mated where it is 0")
    return Columns(matrix.path, pd.DataFrame(cells), roles, "; ".join(notes))


def with_subjects(found: Columns, pattern: str | None) -> Columns:
    """Return comparisons with labels: those that are there, those of two columns of subjects, or those of names."""
    frame, roles = found.frame, found.roles
    same: Bools | None
    if pattern is None and {"subject_probe", "subject_reference"} <= set(roles) and "label" not in roles:
        a, b = (roles[r] for r in ("subject_probe", "subject_reference"))
        same = (frame[a].astype(str) == frame[b].astype(str)).to_numpy()
        how = "mated where both are equal" if a.startswith("column ") else f"mated where `{a}` is `{b}`"
    elif ("label" in roles and pattern is None) or not {"probe", "reference"} <= set(roles) or not len(frame):
        return found
    else:
        codes, different = pd.factorize(pd.concat(found.prints()))
        fingers, how = _fingers([str(n) for n in different], codes.reshape(2, -1), found, pattern)
        probe, reference = np.array(fingers, object)[codes].reshape(2, -1)
        same = None if "label" in roles else np.asarray(probe == reference)
        persons = [[str(f).partition("\t")[0] for f in side] for side in (probe, reference)]
        frame = frame.assign(subject_probe=persons[0], subject_reference=persons[1])
        roles = {**roles, "subject_probe": "subject_probe", "subject_reference": "subject_reference"}
    if same is not None:
        frame, roles = frame.assign(mated=same), {**roles, "label": "mated"}
    return replace(found, frame=frame, roles=roles, note="; ".join(n for n in (found.note, how) if n))


def _fingers(names: Texts, codes: NDArray[Any], found: Columns, pattern: str | None) -> tuple[Texts, str]:
    """Return what each name is of, and in words how it was read: by a regular expression, or else by its parts.

    A name's parts end at `_`, `-` and `/`. All ways to read them that give mated and non-mated comparisons must agree.
    """
    if pattern is not None:
        return _read_by(pattern, names), f"mated where {pattern!r} reads the same from both names"
    bare = [re.sub(r"\.[A-Za-z]\w{0,4}$", "", n.replace("\\", "/")) for n in names]
    ways: dict[str, tuple[Texts, Bools]] = {}
    for words, cut in _WAYS.items():
        fingers = [cut(n) for n in bare]
        probe, reference = np.array(fingers, object)[codes]
        if all(fingers) and 0 < (same := np.asarray(probe == reference)).sum() < len(same):
            ways[words] = [str(f) for f in fingers], same
    if not ways:
        raise ScoreError(f"{found.path} does not say which comparisons are mated; {WHAT_TO_GIVE}")
    (first, (read, same)), *others = ways.items()
    for words, (_, other) in others:
        if not np.array_equal(same, other):
            raise ScoreError(
                f"{found.path} does not say which comparisons are mated: {int(same.sum()):,} if the subject is "
                f"{first}, {int(other.sum()):,} if it is {words}, of names such as {names[0]!r}; {WHAT_TO_GIVE}"
            )
    return read, f"mated where {first} is equal ({len(set(read)):,} subjects, such as {read[0]!r})"


def _read_by(pattern: str, names: Texts) -> Texts:
    """Return the groups of a regular expression but the impression, the subject first."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ScoreError(f"--regex {pattern!r} is not a regular expression: {error}") from None
    if "subject" not in compiled.groupindex:
        raise ScoreError(f"--regex {pattern!r} has no group `subject`; write it as (?P<subject>...)")
    groups = ["subject", *(k for k in compiled.groupindex if k not in ("subject", "impression"))]
    found = [compiled.search(n) for n in names]
    if None in found:
        raise ScoreError(f"--regex {pattern!r} does not fit the name {names[found.index(None)]!r}")
    return ["\t".join(m[k] or "" for k in groups) for m in found if m]


def _cut(name: str, which: int) -> str:
    """Return the part of a name before one of its separators; empty without any."""
    ends = [m.start() for m in re.finditer(r"[/_-]", name) if 0 < m.start() < len(name) - 1]
    return name[: ends[which]] if ends else ""


_WAYS: dict[str, Callable[[str], str]] = {
    "the whole name": lambda name: name,
    "the name before its last `_`, `-` or `/`": lambda name: _cut(name, -1),
    "the name before its first `_`, `-` or `/`": lambda name: _cut(name, 0),
    "the file's name before its last `_` or `-`": lambda name: _cut(name.rpartition("/")[2], -1),
    "the file's name before its first `_` or `-`": lambda name: _cut(name.rpartition("/")[2], 0),
}
