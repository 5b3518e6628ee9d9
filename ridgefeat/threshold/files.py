"""A score file's columns, and what each of them is: by its name, or without a header by what it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.files import MISSING_WORDS, os_errors_as
from ridgefeat.tabular import Table, find_thousands, is_number, match_names, name_columns, open_table, read_parquet

_YES = "1 1.0 t true wahr vrai y yes ja mate mated m genuine gen g authentic match matched km target tar client same"
_NO = "0 0.0 f false falsch faux n no nein non impostor imposter imp i different diff knm"
MEANING = dict.fromkeys([*_YES.split(), "samesource", "intra", "positive", "pos"], True) | dict.fromkeys(
    [*_NO.split(), "differentsource", "inter", "negative", "neg", "-1", "-1.0", "unmatched"]
    + [f"{no}{word}" for no in ("non", "not", "no") for word in ("mate", "mated", "match", "matched", "target")],
    False,
)
"""Whether a label means mated, or non-mated: by its letters and digits in small letters, as `meaning` looks it up."""
NAMES = {
    "score": ("score",),
    "label": ("mated", "label", "y_true", "genuine"),
    "subject_probe": ("subject_probe", "subject", "group"),
    "subject_reference": ("subject_reference",),
    "probe": ("probe",),
    "reference": ("reference",),
}
"""What each column is called in tables of this package, by its role; the first one that is there is taken."""
OTHER_NAMES = {
    "score": ("scores", "similarity", "match_score", "matching_score", "llr", "distance", "dissimilarity"),
    "label": ("target", "targettype", "is_mated", "is_genuine", "is_match", "match", "same", "ground_truth", "truth"),
    "subject_probe": ("probe_subject", "probe_subject_id", "subject_id_probe", "real_id"),
    "subject_reference": ("reference_subject", "gallery_subject", "subject_gallery")
    + ("bio_ref_subject_id", "claimed_id"),
    "probe": ("probe_id", "probe_key", "probe_template_id", "query", "test", "segmentid", "segment"),
    "reference": ("reference_id", "gallery", "gallery_id", "bio_ref_template_id")
    + ("enroll", "enrol", "model", "modelid"),
}
"""What other programs call them; one of them at most may be there."""
_SCORE = re.compile(r"(.*_)?(score|similarity|distance|dist)")
_FIRST_OF_TWO = re.compile(
    r"(?:(subject|person|identity|user)|image|img|file|path|print|template|sample|name|id)(?:_?(?:id|name|file|path))?"
    r"(?:_?1|_a)"
)
MAX_BYTES = 8_000_000_000
"""Maximum size of a file, and of the columns that are read from Parquet, uncompressed."""
MAX_ROWS = 200_000_000
MAX_COLUMNS = 5
"""Columns of a file without a header; one with more numbers in a row is a matrix."""


@dataclass(frozen=True)
class Columns:
    """A file with a row per comparison, or per score, or per pair of prints."""

    path: Path
    frame: pd.DataFrame
    """Scores as float64; text, stripped, else; None where missing."""
    roles: dict[str, str]
    """The columns that are known, by their role (the keys of NAMES)."""
    note: str = ""
    """How they were recognised, if not by their names."""

    def prints(self, names: Sequence[str] = ()) -> list[pd.Series[str]]:
        """Return the columns that name prints, or the given ones; raise ScoreError, with its row, for an empty cell."""
        names = names or [self.roles[r] for r in ("probe", "reference") if r in self.roles]
        columns = [self.frame[n] for n in names]
        for column in columns:
            if (missing := column.isna().to_numpy()).any():
                raise ScoreError(f"{self.path}, row {1 + missing.argmax()}: {column.name!r} is empty; name every print")
        return [column.astype(str) for column in columns]


@dataclass(frozen=True)
class Matrix:
    """A file with a row per probe and a column per reference: shape (rows, columns); names are None if it has none."""

    path: Path
    values: NDArray[np.float64]
    rows: list[str] | None = None
    columns: list[str] | None = None
    note: str = ""


def read_file(
    path: Path, *, score: str | None = None, label: str | None = None, others: Sequence[str] = (), alone: bool = True
) -> Columns | Matrix:
    """Return what a file holds.

    `score` and `label` name columns that have other names; `others` are needed too. Where the file is not `alone`,
    `0,93` in every line is a number with a decimal comma. Raises ScoreError if the file cannot be read, or its columns
    are ambiguous.
    """
    where = str(path)
    with os_errors_as(ScoreError, f"{path} cannot be read", "; give a table of scores"):
        parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not parts:
            raise ScoreError(f"folder {path} holds no .parquet file; give a table of scores, or a folder of them")
        if not path.is_dir() and (table := open_table(path, ScoreError, where, max_bytes=MAX_BYTES)):
            return _read_text(table, score, label, alone)
        needed = partial(_needed, score=score, label=label, others=others)
        frame = read_parquet(parts, ScoreError, where, needed, max_bytes=MAX_BYTES, max_rows=MAX_ROWS)
    frame.columns = match_names(list(map(str, frame.columns)), (), where, ScoreError)
    roles = find_roles(frame.columns.tolist(), path, score, label)
    if "score" in roles:
        frame[roles["score"]] = pd.to_numeric(frame[roles["score"]], errors="coerce").astype(np.float64)
    return Columns(path, frame, roles)


def _needed(there: list[str], score: str | None, label: str | None, others: Sequence[str]) -> list[str]:
    """Return the columns of Parquet that are needed; all if one is missing, so that the message can list them."""
    names = [n.strip() for n in there]
    roles = find_roles(names, Path(), score, label, strict=False)
    if not {"score", "label"} <= set(roles) or not set(others) <= set(names):
        return there
    kept = {*others, "classifier", "repeat", "failure"}
    kept |= {name for role, name in roles.items() if role not in ("probe", "reference")}
    return [n for n in there if n.strip() in kept or n.strip().startswith("p_")]


def find_roles(
    names: Sequence[str], path: Path, score: str | None = None, label: str | None = None, *, strict: bool = True
) -> dict[str, str]:
    """Return the columns that are known by their names, in any capitals, by their role."""
    plain: dict[str, list[str]] = {}
    for name in names:
        plain.setdefault(_plain(name), []).append(name)
    found: dict[str, str] = {}
    for role, usual in NAMES.items():
        given = {"score": score, "label": label}.get(role)
        if given is not None:
            near = [given] if given in names else plain.get(_plain(given), [])
            if not near and strict:
                raise ScoreError(f"{path} has no column {given!r}; there are: {name_columns(names)}")
        else:
            near = next((plain[n] for n in usual if n in plain), [])
            near = near or [name for n in OTHER_NAMES[role] for name in plain.get(n, ())]
            if role == "score" and not near:
                near = [name for n, alike in plain.items() if _SCORE.fullmatch(n) for name in alike]
            if len(near) > 1 and role in ("probe", "reference") and found.keys() & {"label", "subject_reference"}:
                continue  # names of prints are not needed
        if len(near) > 1 and strict:
            advice = f"name one with --{role}-column" if role in ("score", "label") else "rename one"
            raise ScoreError(f"{path}: columns {name_columns(near)} may each be the {role}; {advice}")
        if near:
            found[role] = near[0]
    for name, one in plain.items():  # such as image1, image2 and person_a, person_b
        first = _FIRST_OF_TWO.fullmatch(name)
        two = plain.get(f"{name[:-1]}{'2' if name[-1] == '1' else 'b'}") if first else None
        if first and two:
            prefix = "subject_" if first[1] else ""
            if found.setdefault(f"{prefix}probe", one[0]) == one[0]:
                found.setdefault(f"{prefix}reference", two[0])
    return found


def meaning(label: object) -> bool | None:
    """Return whether a label ("Genuine", "non-match", "-1") means mated or non-mated; None if neither."""
    return MEANING.get(re.sub(r"(?<=[a-z])[\s_-]+(?=[a-z])", "", str(label).strip().lower()))


def is_distance(name: str) -> bool:
    """Whether a column's name says that smaller is more similar."""
    return _plain(name).endswith(("distance", "dist", "dissimilarity"))


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name.casefold()).strip("_")


def _read_text(table: Table, score: str | None, label: str | None, alone: bool) -> Columns | Matrix:
    halves = table.separator == "," and all(len(r) == 2 and "".join(r).lstrip("-").isdigit() for r in table.head)
    if halves and not alone:
        head = [[",".join(r)] for r in table.head]
        table = replace(table, separator="\t", decimal=",", head=head, names=head[0])
    if (matrix := _as_matrix(table, score or label)) is not None:
        return matrix
    if not _has_header(table):
        return _without_header(table)
    table = table.rename(())
    roles = find_roles(table.names, table.path, score, label)
    columns = table.names
    if len(columns) == 2 and columns[0] == "(column 1)" and all(r[0].isdigit() for r in table.head[1:]):
        columns = columns[1:]  # without the numbers of rows
    if len(columns) == 1 and is_number(table.head[-1][-1], table.decimal):
        roles = {"score": columns[0]}
    if "score" in roles:
        _check_thousands(table, roles["score"])
    numbers = {roles["score"]} if "score" in roles else set()
    numbers |= {n for n in table.names if n.startswith("p_")} if "classifier" in table.names else set()
    names = {roles[r] for r in ("probe", "reference") if r in roles}
    texts = {*roles.values(), "classifier", "repeat", "failure"} & set(table.names) - numbers
    frame = next(table.frames(numbers, columns=columns, repeated=texts - names), pd.DataFrame(columns=columns))
    for name in texts - {"failure"}:
        frame[name] = _texts(frame[name])
    return Columns(table.path, frame, roles, table.words)


def _check_thousands(table: Table, score: str) -> None:
    """Raise ScoreError if the scores' first rows may have thousands separators."""
    at = table.names.index(score)
    cells = [r[at] if at < len(r) else "" for r in (table.head[1:] if table.has_header else table.head)]
    if table.separator != "," and (found := find_thousands(cells)):
        row, other = cells.index(found) + 1, next(c for c in cells if "," not in c and "." not in c and c)
        raise ScoreError(
            f"{table.path}, row {row}, column {score!r}: {found!r}, with {other!r} elsewhere, may have a "
            "thousands separator or a decimal sign; write thousands without one, or decimals everywhere"
        )


def _has_header(table: Table) -> bool:
    """Whether the first row names columns: it holds no number, and no label of a list of trials without names."""
    first = table.head[0]
    if any(is_number(c, table.decimal) for c in first):
        return False
    below = [r for r in table.head[1:] if len(r) == len(first)]
    if len(first) == 1 and not any(is_number(r[0], table.decimal) for r in below):  # a list of names
        return bool(find_roles(first, table.path, strict=False))
    labels = [c for c, cells in enumerate(zip(*below, strict=True)) if None not in map(meaning, cells)]
    named = len(find_roles(first, table.path, strict=False)) > 1
    return named or all(meaning(first[c]) is None for c in labels)


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of text stripped, None where missing; each different text is held once."""
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    codes, different = (column.cat.codes.to_numpy(), column.cat.categories) if is_category else pd.factorize(column)
    kept = [None if v in ("", *MISSING_WORDS) else v for v in (str(d).strip() for d in different)]
    if is_category and kept == different.tolist():
        return column
    return pd.Series(np.array([*kept, None], object)[codes], dtype=object)


def _as_matrix(table: Table, given: str | None) -> Matrix | None:
    """Return a file as a matrix, if its first rows are one: numbers alone, or with names above and before them."""
    first, rows = table.head[0], table.head[1:]
    if len(first) < 3 or len(rows) < 2 or any(len(r) != len(first) for r in rows):
        return None

    def numeric(cells: Sequence[str]) -> bool:
        return all(c in MISSING_WORDS or not c or is_number(c, table.decimal) for c in cells)

    if not all(numeric(r[1:]) for r in rows):
        return None
    names = [str(i) for i in range(len(first))]
    if numeric(first):
        bare = all(numeric(r) for r in rows) and first[0] != ""
        if bare and _is_bare_matrix(table):
            values = next(table.with_names(names, has_header=False).frames(names)).to_numpy(np.float64)
            return Matrix(table.path, values, note=table.words)
        if bare or first[0] != "":
            return None
    elif any(is_number(c, table.decimal) for c in first[1:]):
        if first[0] and {*first[1:]} != {r[0] for r in rows}:
            return None
    elif given is not None or {"score", "label"} & set(find_roles(first, table.path, strict=False)):
        return None
    frame = next(table.with_names(names, has_header=True).frames(names[1:]))
    rows_named = _texts(frame["0"]).astype(str).tolist()
    return Matrix(table.path, frame[names[1:]].to_numpy(np.float64), rows_named, first[1:], table.words)


def _is_bare_matrix(table: Table) -> bool:
    """Whether rows of numbers are a matrix, and not columns of labels, numbers of prints and scores."""
    width, cells = len(table.head[0]), {c for r in table.head for c in r}
    with_fractions = sum(any("." in r[c] or "," in r[c] for r in table.head) for c in range(width))
    is_mask = cells <= {"0", "1", "-1", "", *MISSING_WORDS}
    return width > MAX_COLUMNS or width == len(table.head) or is_mask or with_fractions > 1


def _without_header(table: Table) -> Columns:
    """Return a file without a header; what its columns are is found from all of their cells."""
    names = [f"column {i}" for i in range(1, len(table.head[0]) + 1)]
    if len(names) > MAX_COLUMNS:
        raise _ambiguous(table)
    table = table.with_names(names, has_header=False)
    frame = next(table.frames()).apply(_texts)
    kinds = {n: _kind(frame[n], table.decimal) for n in names}
    note = "; ".join(filter(None, ["no header", table.words]))
    numeric = [n for n in names if kinds[n] != "name"]
    labels = [n for n in names if kinds[n] == "label"]
    fractions = [n for n in numeric if kinds[n] == "fraction"]
    if len(names) in (4, 5) and kinds[names[-1]] in ("whole", "fraction") and len(labels) != 1:
        real = names[1 if len(names) == 4 else 2]
        same = (frame[names[0]] == frame[real]).to_numpy()
        if same.any() and not same.all():
            roles = {"score": names[-1], "subject_reference": names[0], "subject_probe": real, "probe": names[-2]}
            kind = "claimed identity, real identity, name" if len(names) == 4 else "claimed, model, real identity, name"
            return _numbered(table, frame, roles, f"{note}; the {len(names)} columns of bob ({kind}, score)")
    free = [n for n in numeric if n not in labels]
    score = next((found for found in (fractions, free) if len(found) == 1), [])
    if len(free) > len(score) + 2 or (free and not score) or len(labels) > 1:
        raise _ambiguous(table)
    prints = [n for n in names if n not in (*labels, *score)][:2]
    roles = dict(zip(("score", "label"), (next(iter(score), ""), next(iter(labels), "")), strict=True))
    roles |= dict(zip(("probe", "reference"), prints, strict=False))
    return _numbered(table, frame, {r: n for r, n in roles.items() if n}, note)


def _ambiguous(table: Table) -> ScoreError:
    return ScoreError(
        f"{table.path} has no header, and its {len(table.head[0])} columns may mean several things (first row: "
        f"{', '.join(table.head[0][:6])}); write names above them, such as probe, reference, mated, score"
    )


def _kind(column: pd.Series[Any], decimal: str) -> str:
    """Return what a column of text holds: "label" (both words for mated and not), "fraction", "whole" or "name"."""
    different = [v for v in column.unique() if v is not None]
    if len(different) <= len(MEANING) and {meaning(v) for v in different} == {True, False}:
        return "label"
    if not all(is_number(v, decimal) for v in different):
        return "name"
    return "whole" if all(v.lstrip("+-").isdigit() for v in different) else "fraction"


def _numbered(table: Table, frame: pd.DataFrame, roles: dict[str, str], note: str) -> Columns:
    """Return columns with the scores as numbers."""
    if "score" in roles:
        _check_thousands(table, roles["score"])
        cells = frame[roles["score"]]
        frame[roles["score"]] = pd.to_numeric(cells.str.replace(table.decimal, ".", regex=False)).astype(np.float64)
    return Columns(table.path, frame, roles, note)
