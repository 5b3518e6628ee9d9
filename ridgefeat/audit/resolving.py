"""What is done about duplicates that an audit found: groups that share an image are merged, or copies are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.audit.duplicates import connect
from ridgefeat.audit.run import Audit
from ridgefeat.audit.table import as_text, count_images
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import first_few

Duplicates = Literal["merge", "drop", "warn"]
DUPLICATES: tuple[Duplicates, ...] = ("merge", "drop", "warn")
ONE_IMAGE = ("identical", "near_duplicate")
"""Kinds of findings which say that several prints are one image."""
ONE_FINGER = ("same_finger", "altered_copy")
"""Kinds for other images of one finger: kept, but never on two sides of a split."""


@dataclass(frozen=True, eq=False)
class Decision:
    """What remains after duplicates are merged or dropped, and what was done in one sentence."""

    groups: NDArray[Any]
    """Group names, shape (prints,); those that were merged read 363+376."""
    keep: NDArray[np.bool_]
    """Which prints are kept, shape (prints,)."""
    changed: bool
    note: str


def resolve(frame: pd.DataFrame, audit: Audit, how: str = "merge") -> tuple[pd.DataFrame, str]:
    """Return a table without the duplicates that an audit found across groups, and what was done in one sentence.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table that was audited, its rows in the same order. It is left as it is.
    audit : Audit
        What was found.
    how : {"merge", "drop", "warn"}
        merge: groups that share an image or a finger, altered or not, become one, so that no split separates them; the
        group column then holds text such as 363+376. drop: of each image the first print is kept, none where its prints
        have different target values; groups that share a finger in other images become one. warn: nothing is changed.

    Raises
    ------
    ParameterError
        For another `how`.
    TableError
        If the table is not the one that was audited.
    """
    if len(frame) != audit.prints or audit.group not in frame or audit.target not in frame:
        raise TableError(
            f"the audit is of a table with {audit.prints} prints and the columns {audit.group!r} and {audit.target!r}; "
            f"this one has {len(frame)} prints; audit it first"
        )
    names = np.array([as_text(v) for v in frame[audit.group]], object)
    target = frame[audit.target]
    done = decide(names, target.astype(object).where(target.notna(), None).to_numpy(), audit, how)
    if not done.changed:
        return frame, done.note
    out = frame.loc[done.keep].reset_index(drop=True)
    if done.groups is not names:
        out[audit.group] = done.groups[done.keep]
    return out, done.note


def decide(groups: NDArray[Any], target: NDArray[Any], audit: Audit, how: str) -> Decision:
    """Return what to do with prints that an audit found to be one image or one finger; `how` is as in `resolve`.

    `groups` are the prints' group names as text, `target` their target values, None where missing. Raises
    ParameterError for another `how`.
    """
    if how not in DUPLICATES:
        raise ParameterError(f"what to do about duplicates must be one of {', '.join(DUPLICATES)}, got {how!r}")
    everyone = np.ones(len(groups), np.bool_)
    if how == "warn":
        count = sum(f.count for f in audit.of_kind(*ONE_IMAGE))
        note = f"{count_images(count)} filed under several names; nothing was changed: the scores may be too good"
        return Decision(groups, everyone, False, note if count else "no duplicates")
    images, fingers = ([list(s) for f in audit.of_kind(*kinds) for s in f.rows] for kinds in (ONE_IMAGE, ONE_FINGER))
    if how == "merge":
        merged, note = _merge(groups, [*images, *fingers])
        note = note or "no group shares an image with another; nothing was changed"
        return Decision(merged, everyone, merged is not groups, note)
    keep, dropped = _keep_first(target, images, audit.target)
    merged, joined = _merge(groups, [s for s in fingers if keep[s].all()])
    note = "; ".join(filter(None, (dropped, joined))) or "no image is filed under several names; nothing was changed"
    return Decision(merged, keep, merged is not groups or not keep.all(), note)


def _merge(groups: NDArray[Any], sets: Sequence[Sequence[int]]) -> tuple[NDArray[Any], str]:
    """Return group names with those that share a set joined by +, and what was joined."""
    values, codes = np.unique(groups.astype(str), return_inverse=True)
    connected = connect([(int(codes[s[0]]), int(codes[i])) for s in sets for i in s[1:]], len(values))
    if not (to_merge := [m for m in connected if len(m) > 1]):
        return groups, ""
    names, merged = values.astype(object), []
    for members in to_merge:
        name = "+".join(sorted(names[members], key=lambda n: (len(n), n)))
        names[members] = name
        merged.append(name)
    merged.sort(key=lambda n: (len(n.split("+")[0]), n))
    joined = f"{sum(map(len, to_merge))} groups that share images were merged into {len(to_merge)}"
    return names[codes], f"{joined}: {first_few(merged)}"


def _keep_first(target: NDArray[Any], sets: Sequence[Sequence[int]], name: str) -> tuple[NDArray[np.bool_], str]:
    """Return which prints are kept, and what was dropped."""
    keep = np.ones(len(target), np.bool_)
    images = connect([(s[0], i) for s in sets for i in s[1:]], len(target))
    conflicts = 0
    for members in images:
        conflict = len({v for v in target[members] if v is not None}) > 1
        conflicts += conflict
        keep[members if conflict else members[1:]] = False
    if keep.all():
        return keep, ""
    return keep, (
        f"{int((~keep).sum())} of {len(keep)} prints were dropped: of {len(images) - conflicts} images filed under "
        f"several names the first print was kept, of {conflicts} with different values of {name!r} none"
    )
