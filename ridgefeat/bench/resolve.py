"""What is done about duplicates: groups merged, prints dropped, or only a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.bench.audit import Audit
from ridgefeat.bench.twins import connect
from ridgefeat.errors import ParameterError, TableError

if TYPE_CHECKING:
    import pandas as pd

HOW = ("merge", "drop", "warn")
PICTURES = ("identical", "near_duplicate")
RELATED = ("same_finger", "altered_copy")
"""Other pictures of one finger: kept, but never parted."""
SHOWN = 5


def resolve(frame: pd.DataFrame, audit: Audit, how: str = "merge") -> tuple[pd.DataFrame, str]:
    """Return a table without the duplicates that an audit found across groups, and what was done in one sentence.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table that was audited, its rows in the same order. It is left as it is.
    audit : Audit
        What was found.
    how : {"merge", "drop", "warn"}
        merge: groups that share a picture or a finger, altered or not, become one, so that no split parts them; the
        group column then holds text such as 363+376. drop: of each picture the first print is kept, none where its
        prints have different target values. warn: nothing is changed.

    Raises
    ------
    ParameterError
        For another `how`.
    TableError
        If the table is not the one that was audited.
    """
    if how not in HOW:
        raise ParameterError(f"what to do on duplicates must be {', '.join(HOW)}, got {how!r}")
    if len(frame) != audit.prints or audit.group not in frame or audit.target not in frame:
        raise TableError(
            f"the audit is of a table with {audit.prints} prints, {audit.group!r} and {audit.target!r}; this one has "
            f"{len(frame)} prints; audit it first"
        )
    if how == "merge":
        return _merge(frame, audit)
    if how == "drop":
        return _drop(frame, audit)
    sets = sum(f.count for f in audit.of_kind(*PICTURES))
    return (
        frame,
        f"{sets} pictures stand under several names; nothing was changed" if sets else "no duplicates",
    )


def _merge(frame: pd.DataFrame, audit: Audit) -> tuple[pd.DataFrame, str]:
    import pandas as pd

    groups = frame[audit.group]
    codes, values = pd.factorize(groups)
    rows = [s for f in audit.of_kind(*PICTURES, *RELATED) for s in f.rows]
    links = [(int(codes[s[0]]), int(codes[i])) for s in rows for i in s[1:]]
    merged = [m for m in connect(links, len(values)) if len(m) > 1]
    if not merged:
        return frame, "no group shares a picture with another; nothing was changed"
    names = np.array([_text(v) for v in values], dtype=object)
    told = []
    for members in merged:
        name = "+".join(sorted(names[members], key=lambda n: (len(n), n)))
        names[members] = name
        told.append(name)
    out = frame.copy()
    out[audit.group] = names[codes]
    shown = ", ".join(told[:SHOWN]) + (", …" if len(told) > SHOWN else "")
    before = sum(map(len, merged))
    return out, f"{before} groups that share pictures were merged into {len(merged)}: {shown}"


def _drop(frame: pd.DataFrame, audit: Audit) -> tuple[pd.DataFrame, str]:
    rows = [s for f in audit.of_kind(*PICTURES) for s in f.rows]
    sets = connect([(s[0], i) for s in rows for i in s[1:]], len(frame))
    gone: list[int] = []
    conflicts = 0
    for members in sets:
        differ = frame[audit.target].iloc[members].dropna().nunique() > 1
        conflicts += differ
        gone += members if differ else members[1:]
    if not gone:
        return frame, "no picture stands under several names; nothing was changed"
    keep = np.ones(len(frame), np.bool_)
    keep[gone] = False
    note = (
        f"{len(gone)} of {len(frame)} prints were dropped: of {len(sets) - conflicts} pictures under several names the "
        f"first print was kept, {conflicts} with different values of {audit.target!r} are gone altogether"
    )
    return frame.loc[keep].reset_index(drop=True), note


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
