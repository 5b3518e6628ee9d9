"""What is done about one image under several names: its people taken as one, its prints dropped, or only said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ridgefeat.audit.duplicate_sets import connect
from ridgefeat.audit.run import Audit
from ridgefeat.audit.table import pictures_stand
from ridgefeat.bench.results import Problem
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import first_few

if TYPE_CHECKING:
    import pandas as pd

Duplicates = Literal["merge", "drop", "warn"]
DUPLICATES: tuple[Duplicates, ...] = ("merge", "drop", "warn")
PICTURES = ("identical", "near_duplicate")
"""Kinds of the audit's findings that say several prints are one picture."""
RELATED = ("same_finger", "altered_copy")
"""Other pictures of one finger: kept, but never parted."""


@dataclass(frozen=True, eq=False)
class Decision:
    """What is left after duplicates are dealt with.

    Attributes
    ----------
    groups : ndarray of object, shape (prints,)
        Group names; those that were merged read 363+376.
    keep : ndarray of bool, shape (prints,)
    changed : bool
    note : str
        What was done, in one sentence.
    """

    groups: NDArray[Any]
    keep: NDArray[np.bool_]
    changed: bool
    note: str


def decide(groups: NDArray[Any], target: NDArray[Any], audit: Audit, how: str) -> Decision:
    """Return what becomes of prints that an audit found to be one picture or one finger.

    Parameters
    ----------
    groups, target : ndarray, shape (prints,)
        Group names as text, and target values (None where missing), of the table that was audited.
    audit : Audit
    how : "merge", "drop" or "warn"
        merge: groups that share a picture or a finger, altered or not, become one, so that no split parts them. drop:
        of each picture the first print is kept, none where its prints have different target values; groups that share a
        finger in other pictures become one. warn: nothing is changed.

    Raises
    ------
    ParameterError
        For another `how`.
    """
    if how not in DUPLICATES:
        raise ParameterError(f"what to do on duplicates must be {', '.join(DUPLICATES)}, got {how!r}")
    everyone = np.ones(len(groups), np.bool_)
    if how == "warn":
        count = sum(f.count for f in audit.of_kind(*PICTURES))
        note = f"{pictures_stand(count)} under several names; nothing was changed: the figures may be too good"
        return Decision(groups, everyone, False, note if count else "no duplicates")
    if how == "merge":
        merged, note = _merged(groups, _sets(audit, *PICTURES, *RELATED))
        note = note or "no group shares a picture with another; nothing was changed"
        return Decision(merged, everyone, merged is not groups, note)
    keep, dropped = _kept(target, _sets(audit, *PICTURES), audit.target)
    merged, joined = _merged(groups, [s for s in _sets(audit, *RELATED) if keep[s].all()])
    note = "; ".join(filter(None, (dropped, joined)))
    note = note or "no picture stands under several names; nothing was changed"
    return Decision(merged, keep, merged is not groups or not keep.all(), note)


def settle(problem: Problem, audit: Audit, how: str) -> Problem:
    """Return the problem without one image on both sides of a fold by group, and a note of what was done."""
    y = problem.y.astype(object)
    done = decide(problem.groups.astype(str).astype(object), y, audit, how)
    if not done.changed:
        silent = not audit.of_kind(*PICTURES)
        return problem if silent else replace(problem, notes=(*problem.notes, done.note))
    rows = np.flatnonzero(done.keep)
    return replace(
        problem,
        features=problem.features.iloc[rows].reset_index(drop=True),
        labels=problem.labels.iloc[rows].reset_index(drop=True),
        y=problem.y[rows],
        groups=done.groups[rows],
        sources=problem.sources[rows],
        notes=(*problem.notes, done.note),
    )


def resolve(frame: pd.DataFrame, audit: Audit, how: str = "merge") -> tuple[pd.DataFrame, str]:
    """Return a table without the duplicates that an audit found across groups, and what was done in one sentence.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table that was audited, its rows in the same order. It is left as it is.
    audit : Audit
        What was found.
    how : {"merge", "drop", "warn"}
        As in `decide`. After merging the group column holds text such as 363+376.

    Raises
    ------
    ParameterError
        For another `how`.
    TableError
        If the table is not the one that was audited.
    """
    if len(frame) != audit.prints or audit.group not in frame or audit.target not in frame:
        raise TableError(
            f"the audit is of a table with {audit.prints} prints, {audit.group!r} and {audit.target!r}; this one has "
            f"{len(frame)} prints; audit it first"
        )
    names = np.array([_text(v) for v in frame[audit.group]], object)
    target = frame[audit.target]
    done = decide(names, target.astype(object).where(target.notna(), None).to_numpy(), audit, how)
    if not done.changed:
        return frame, done.note
    out = frame.loc[done.keep].reset_index(drop=True)
    if done.groups is not names:
        out[audit.group] = done.groups[done.keep]
    return out, done.note


def _sets(audit: Audit, *kinds: str) -> list[list[int]]:
    return [list(s) for f in audit.of_kind(*kinds) for s in f.rows]


def _merged(groups: NDArray[Any], sets: Sequence[Sequence[int]]) -> tuple[NDArray[Any], str]:
    """Return group names with those that share a set joined by +, and what was joined."""
    values, codes = np.unique(groups.astype(str), return_inverse=True)
    found = connect([(int(codes[s[0]]), int(codes[i])) for s in sets for i in s[1:]], len(values))
    together = [m for m in found if len(m) > 1]
    if not together:
        return groups, ""
    names, told = values.astype(object), []
    for members in together:
        name = "+".join(sorted(names[members], key=lambda n: (len(n), n)))
        names[members] = name
        told.append(name)
    told.sort(key=lambda n: (len(n.split("+")[0]), n))
    before = sum(map(len, together))
    return names[codes], f"{before} groups that share pictures were merged into {len(together)}: {first_few(told)}"


def _kept(target: NDArray[Any], sets: Sequence[Sequence[int]], name: str) -> tuple[NDArray[np.bool_], str]:
    """Return which prints stay, and what was dropped."""
    keep = np.ones(len(target), np.bool_)
    together = connect([(s[0], i) for s in sets for i in s[1:]], len(target))
    conflicts = 0
    for members in together:
        differ = len({v for v in target[members] if v is not None}) > 1
        conflicts += differ
        keep[members if differ else members[1:]] = False
    if keep.all():
        return keep, ""
    return keep, (
        f"{int((~keep).sum())} of {len(keep)} prints were dropped: of {len(together) - conflicts} pictures under "
        f"several names the first print was kept, {conflicts} with different values of {name!r} are gone altogether"
    )


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
