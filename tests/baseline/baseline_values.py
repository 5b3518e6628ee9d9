"""Feature values of three stored prints, by which a changed number becomes a decision.

`make baseline REASON="..."` measures them again and notes in CHANGES.md which columns changed, by how much and why.
"""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np

from ridgefeat.features.family import BUILT_IN, families
from ridgefeat.fingerprint import Fingerprint

FOLDER = Path(__file__).resolve().parent
VALUES = FOLDER / "features.json"
CHANGES = FOLDER / "CHANGES.md"
PRINTS = {
    "whorl": {"dpi": 500, "hand": "left"},
    "left_loop": {"dpi": 500, "hand": "right"},
    "right_loop_coarse": {"dpi": (199, 173), "hand": None},
}
"""Synthetic prints of tests/data, stored as pictures so that a change of the generator does not move them."""

RELATIVE = 1e-4
ABSOLUTE = 1e-5
"""Of the value, and of the column's range. Rounding in another version of OpenCV, SciPy or NumPy stays below
(float32 has 7 digits, sums over a print lose one or two); a change of method does not."""


def columns():
    """Every built-in column."""
    return [c for name in BUILT_IN for c in families()[name].all_columns()]


def measure():
    """Values by column and print; None where undefined."""
    values = {c.name: {} for c in columns()}
    for name, how in PRINTS.items():
        image = cv2.imread(str(FOLDER.parent / "data" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        fp = Fingerprint(image, **how)
        found = np.concatenate([families()[family].compute(fp) for family in BUILT_IN])
        for column, value in zip(columns(), found, strict=True):
            values[column.name][name] = None if np.isnan(value) else float(np.format_float_positional(value))
    return values


def stored():
    """The stored values, by column and print."""
    return json.loads(VALUES.read_text(encoding="utf-8"))


def digest(values):
    """A short digest of values, which the last change's entry names."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def differs(column, old, new):
    """Whether a value is another one, beyond rounding."""
    if old is None or new is None:
        return old is not new
    return abs(new - old) > RELATIVE * abs(old) + ABSOLUTE * min(column.high - column.low, 100)


def changed(old, new):
    """Names of the columns with different values, of new ones, and of those that are gone."""
    known = {c.name: c for c in columns()}
    both = [n for n in new if n in old]
    moved = [n for n in both if any(differs(known[n], old[n].get(p), new[n].get(p)) for p in PRINTS)]
    return moved, [n for n in new if n not in old], [n for n in old if n not in new]


def update(reason):
    """Store what is measured now, and note why it changed; return the note."""
    new = measure()
    old = stored() if VALUES.exists() else {}
    moved, added, gone = changed(old, new)
    if not (moved or added or gone):
        return "Nothing changed."
    by_family = ", ".join(
        f"{name} {sum(n.startswith(f'{name}_') for n in moved)}"
        for name in BUILT_IN
        if any(n.startswith(f"{name}_") for n in moved)
    )
    note = f"- `{digest(new)}` {reason.strip()}"
    note += f" Moved: {by_family}." * bool(moved)
    note += f" New: {len(added)} columns." * bool(added)
    note += f" Gone: {', '.join(gone) if len(gone) <= 10 else f'{len(gone)} columns'}." * bool(gone)
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in new.items()]
    VALUES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    text = CHANGES.read_text(encoding="utf-8") if CHANGES.exists() else "# Why stored feature values changed\n\n"
    CHANGES.write_text(f"{text}{note}\n", encoding="utf-8")
    return note
