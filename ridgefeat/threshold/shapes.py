"""Score files -> a row per comparison: one file or two, and the subjects that names of prints give."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.sheets import cell_text
from ridgefeat.tabular import name_columns
from ridgefeat.threshold.files import Columns, Matrix

Texts = Sequence[str]
Bools = NDArray[np.bool_]
_OTHER_FILE = re.compile(r"impost[eo]r|(non|un)[-_ ]?(mated|match|target)|negative|(?<![a-z])imp(?![a-z])")
_MATED_FILE = re.compile(r"genuine|mated|match|client|positive|target|(?<![a-z])gen(?![a-z])")
WHAT_TO_GIVE = (
    "give a column of labels (mated: 1 or 0), columns subject_probe and subject_reference, or --regex with a group "
    "`subject` that reads subjects from the names of prints"
)


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
        raise ScoreError(f"--regex {pattern!r} is no regular expression: {error}") from None
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
