"""Score files -> a row per comparison: one file or two, and the subjects that names of prints give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.tabular import name_columns
from ridgefeat.threshold.files import Columns, Matrix

Texts = Sequence[str]
Bools = NDArray[np.bool_]
_MATED_FILE = re.compile(
    r"genuine|(?<!non)(?<!non[-_ ])mated|(?<!non)(?<!non[-_ ])match|client|positive|target|\bgen\b"
)
_OTHER_FILE = re.compile(r"impost[eo]r|non[-_ ]?(mated|match|target)|negative|\bimp\b")
WHAT_TO_GIVE = (
    "give a column of labels (mated: 1 or 0), columns subject_probe and subject_reference, or --regex with a group "
    "`subject` that reads subjects from the names of prints"
)


def join_files(one: Columns | Matrix, two: Columns | Matrix) -> Columns:
    """Return the comparisons of two files: mated and non-mated scores, trials and scores, a matrix and its mask."""
    if isinstance(one, Matrix) and isinstance(two, Matrix):
        return _masked(one, two)
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
    kinds = [
        None if bool(o) == bool(m) else bool(m)
        for m, o in ((_MATED_FILE.search(n), _OTHER_FILE.search(n)) for n in (f.path.stem.lower() for f in (one, two)))
    ]
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
    left, right = trials.names(), scores.names()
    score = scores.roles["score"]
    if not right:
        if len(trials.frame) != len(scores.frame):
            raise ScoreError(
                f"{trials.path} lists {len(trials.frame):,} trials, but {scores.path} {len(scores.frame):,} scores "
                "without names; give one score per trial, in their order"
            )
        frame, notes = trials.frame.assign(score=scores.frame[score].to_numpy()), [*notes, "joined line by line"]
        return Columns(trials.path, frame, {**trials.roles, "score": "score"}, "; ".join(notes))
    if len(left) != len(right):
        raise ScoreError(f"{trials.path} names prints by {len(left)} columns, {scores.path} by {len(right)}")
    keys = [f.frame[names].astype(str).agg("\t".join, axis=1) for f, names in ((trials, left), (scores, right))]
    for f, key in zip((trials, scores), keys, strict=True):
        if (again := key.duplicated()).any():
            row = int(again.to_numpy().argmax())
            raise ScoreError(
                f"{f.path}, row {row + 1}: {key.iloc[row]!r} occurs for a second time; keep one row per trial"
            )
    found = pd.Series(scores.frame[score].to_numpy(), index=keys[1]).reindex(keys[0])
    known = keys[0].isin(keys[1])
    if not known.any():
        raise ScoreError(
            f"no trial of {trials.path} has a score in {scores.path}: the first ones are {keys[0].iloc[0]!r} and "
            f"{keys[1].iloc[0]!r}; names must be the same"
        )
    if not known.all():
        notes.append(f"{int((~known).sum()):,} trials have no score, the first {keys[0][~known].iloc[0]!r}")
    if unused := len(keys[1]) - int(known.sum()):
        notes.append(f"{unused:,} scores belong to no trial and are left out")
    frame = trials.frame.assign(score=found.to_numpy())
    return Columns(trials.path, frame, {**trials.roles, "score": "score"}, "; ".join(notes))


def _masked(one: Matrix, two: Matrix) -> Columns:
    """Return a matrix's scores, mated where a mask of the same shape is 1 and non-mated where it is 0."""
    is_mask = [
        bool(np.isin(m.values, (0, 1, -1)).any()) and set(np.unique(m.values[~np.isnan(m.values)])) <= {0, 1, -1}
        for m in (one, two)
    ]
    if sum(is_mask) != 1 or one.values.shape != two.values.shape:
        raise ScoreError(
            f"{one.path} and {two.path} must be a matrix of scores and its mask (1 mated, 0 non-mated, -1 neither) of "
            f"the same shape; they have {one.values.shape[0]} x {one.values.shape[1]} and "
            f"{two.values.shape[0]} x {two.values.shape[1]} cells"
        )
    scores, mask = (one, two) if is_mask[1] else (two, one)
    use = np.isin(mask.values, (0, 1))
    if _is_symmetric(scores.values) and _is_symmetric(mask.values):
        use &= np.triu(np.ones(use.shape, bool), 1)
    rows, columns = np.nonzero(use)
    frame = pd.DataFrame({"score": scores.values[use], "mated": mask.values[use] == 1})
    note = f"matrix of {_shape(scores)}; mated where {mask.path.name} is 1, non-mated where it is 0"
    names = [
        scores.rows or [f"row {i}" for i in range(1, use.shape[0] + 1)],
        scores.columns or [f"row {i}" for i in range(1, use.shape[1] + 1)],
    ]
    return Columns(
        scores.path,
        frame.assign(probe=np.array(names[0], object)[rows], reference=np.array(names[1], object)[columns]),
        {"score": "score", "label": "mated"},
        note,
    )


def _named(matrix: Matrix, names: Columns) -> Columns:
    """Return a square matrix's scores, with the names or subjects of its rows and columns from a file."""
    column = names.frame.columns
    listed = names.frame.iloc[:, 0].astype(str).tolist()
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


def from_matrix(matrix: Matrix) -> Columns:
    """Return a named matrix's scores, each comparison once: no print with itself, a symmetric matrix's upper half."""
    if matrix.rows is None or matrix.columns is None:
        raise ScoreError(
            f"{matrix.path} is a matrix ({_shape(matrix)}) without names: what is mated is unclear. Give names in "
            "its first row and column, or a second file: a mask (1 mated, 0 non-mated) or a name per row"
        )
    use = np.ones(matrix.values.shape, bool)
    note = f"matrix of {_shape(matrix)}"
    if matrix.rows == matrix.columns:
        half = _is_symmetric(matrix.values)
        use = np.triu(use, 1) if half else ~np.eye(len(use), dtype=bool)
        note += ", symmetric, of which the upper half is read" if half else ", without its diagonal"
    use &= ~np.isnan(matrix.values)
    rows, columns = np.nonzero(use)
    named = {"probe": np.array(matrix.rows, object)[rows], "reference": np.array(matrix.columns, object)[columns]}
    roles = {r: r for r in ("score", "probe", "reference")}
    return Columns(matrix.path, pd.DataFrame({**named, "score": matrix.values[use]}), roles, note)


def with_subjects(found: Columns, pattern: str | None) -> Columns:
    """Return comparisons with labels: those that are there, those of two columns of subjects, or those of names."""
    frame, roles = found.frame, dict(found.roles)
    if pattern is None and {"subject_probe", "subject_reference"} <= set(roles) and "label" not in roles:
        a, b = (roles[r] for r in ("subject_probe", "subject_reference"))
        same = (frame[a].astype(str) == frame[b].astype(str)).to_numpy()
        how = f"mated where `{a}` is `{b}`" if not a.startswith("column ") else "mated where both are equal"
        return _with_labels(found, same, roles, how)
    names = found.names()
    if ("label" in roles and pattern is None) or len(names) < 2:
        return found
    probe, reference = (pd.factorize(frame[n].astype(str)) for n in names)
    sides = [list(map(str, probe[1])), list(map(str, reference[1]))]
    keys, how = _keys_by(pattern, sides) if pattern else _keys(sides, probe[0], reference[0], found)
    fingers = [np.array(k, object)[codes] for k, codes in zip(keys, (probe[0], reference[0]), strict=True)]
    same = None if "label" in roles else np.asarray(fingers[0] == fingers[1])
    persons = [[str(f).partition("\t")[0] for f in side] for side in fingers]
    found = replace(found, frame=frame.assign(subject_probe=persons[0], subject_reference=persons[1]))
    return _with_labels(
        found, same, {**roles, "subject_probe": "subject_probe", "subject_reference": "subject_reference"}, how
    )


def _with_labels(found: Columns, same: Bools | None, roles: dict[str, str], how: str) -> Columns:
    if same is not None:
        found = replace(found, frame=found.frame.assign(mated=same))
        roles = {**roles, "label": "mated"}
    return replace(found, roles=roles, note="; ".join(n for n in (found.note, how) if n))


def _keys_by(pattern: str, sides: Sequence[Texts]) -> tuple[list[list[str]], str]:
    """Return each name's subject as a regular expression reads it."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ScoreError(f"--regex {pattern!r} is no regular expression: {error}") from None
    if "subject" not in compiled.groupindex:
        raise ScoreError(f"--regex {pattern!r} has no group `subject`; write it as (?P<subject>...)")
    out = []
    for names in sides:
        found = [compiled.search(n) for n in names]
        if None in found:
            raise ScoreError(f"--regex {pattern!r} does not fit the name {names[found.index(None)]!r}")
        others = [k for k in compiled.groupindex if k not in ("subject", "impression")]
        out.append(["\t".join(m[k] or "" for k in ("subject", *others)) for m in found if m])
    return out, f"mated where {pattern!r} reads the same from both names"


def _keys(sides: Sequence[Texts], probe: Any, reference: Any, found: Columns) -> tuple[list[list[str]], str]:
    """Return each name's subject: the part before its first or last separator, if all ways to cut give one result."""
    ways: dict[str, tuple[list[list[str]], Bools]] = {}
    for words, cut in _CUTS.items():
        keys = [[cut(re.sub(r"\.[A-Za-z]\w{0,4}$", "", n.replace("\\", "/"))) for n in names] for names in sides]
        if all(k is not None for side in keys for k in side):
            texts = [[str(k) for k in side] for side in keys]
            same = np.array(texts[0], object)[probe] == np.array(texts[1], object)[reference]
            if same.any() and not same.all():
                ways[words] = texts, same
    if not ways:
        same = np.array(sides[0], object)[probe] == np.array(sides[1], object)[reference]
        if same.any() and not same.all():
            return [list(s) for s in sides], "mated where both names are equal, taken as subjects"
        raise ScoreError(f"{found.path} does not say which comparisons are mated; {WHAT_TO_GIVE}")
    (first, (texts, same)), *others = ways.items()
    for words, (_, other) in others:
        if not np.array_equal(same, other):
            raise ScoreError(
                f"{found.path} does not say which comparisons are mated: {int(same.sum()):,} are if the subject is the "
                f"{first}, and {int(other.sum()):,} if it is the {words} ({sides[0][0]!r}); {WHAT_TO_GIVE}"
            )
    return (
        texts,
        f"mated where the {first} is equal ({len({*texts[0], *texts[1]}):,} subjects, such as {texts[0][0]!r})",
    )


def _before(name: str, last: bool) -> str | None:
    cuts = [m.start() for m in re.finditer(r"[/_-]", name) if 0 < m.start() < len(name) - 1]
    return name[: cuts[-1 if last else 0]] if cuts else None


_CUTS = {
    "part of the name before the last `_`, `-` or `/`": lambda n: _before(n, True),
    "part before the first one": lambda n: _before(n, False),
    "part of the file's name before the last `_` or `-`": lambda n: _before(n.rpartition("/")[2], True),
    "part of the file's name before the first `_` or `-`": lambda n: _before(n.rpartition("/")[2], False),
}
