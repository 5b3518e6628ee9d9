"""Minutiae against a person's marks: FVC2004 DB1_B, compared with every peer that installs from PyPI.

    python benchmarks/hand_marks.py

The marks have no angle and are not exhaustive (edges and poor areas are left out), so precision is a lower bound:
recall must be read with the number of minutiae reported. One-to-one assignment within 12 px, type ignored. Each
system is shown with all its minutiae and with the quality threshold that gives its best F1; and with the one that
keeps a recall of 0.85, for how many minutiae it then needs. Intervals by bootstrap over fingers. Needs FVC2004 below
RIDGEFEAT_DATA or .data/. Prints the table and writes benchmarks/results/hand_marks.md.
"""

from __future__ import annotations

from _common import need, report, table  # isort: skip

import cv2
import numpy as np
import pandas as pd
from _matching import assigned
from _peers import MINUTIAE, available, why_absent

cv2.setNumThreads(1)

REACH = 12
RECALL = 0.85
RNG = np.random.default_rng(11)


def counts(found, marks, quality):
    """Return hits, reported and marked, one row a print."""
    rows = []
    for got, true in zip(found, marks, strict=True):
        kept = got.above(quality)
        rows.append((assigned(kept.xy, true, REACH).shape[1], len(kept.xy), len(true)))
    return np.array(rows, float)


def figures(c):
    hits, reported, marked = c.sum(0)
    return hits / marked, hits / max(reported, 1), 2 * hits / (reported + marked), reported / len(c)


def f1_interval(c, fingers):
    """95 % interval of F1 over resampled fingers."""
    names = np.unique(fingers)
    draws = []
    for _ in range(1000):
        chosen = np.concatenate([np.flatnonzero(fingers == f) for f in RNG.choice(names, len(names))])
        draws.append(figures(c[chosen])[2])
    return f"[{np.percentile(draws, 2.5):.2f}, {np.percentile(draws, 97.5):.2f}]"


def main() -> None:
    folder = need("FVC2004/DB1_B")
    marked = pd.read_csv(folder / "minutiae_hand_marked.csv")
    names = sorted(marked.file.unique())
    fingers = np.array([name.split("_")[0] for name in names])
    marks = [marked.loc[marked.file == name, ["x", "y"]].to_numpy(float) for name in names]
    images = [cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE) for name in names]
    systems, absent = available(MINUTIAE)
    rows, economy = [], []
    for name, run in systems.items():
        found = [run(image) for image in images]
        levels = np.unique(np.concatenate([f.quality for f in found]).round())
        by_level = {q: counts(found, marks, q) for q in [0.0, *levels[:: max(1, len(levels) // 60)]]}
        best = max(by_level, key=lambda q: figures(by_level[q])[2])
        for q, what in ((0.0, "all"), (best, f"quality ≥ {best:.0f}")):
            recall, precision, f1, number = figures(by_level[q])
            cells = [
                f"{recall:.3f}",
                f"{precision:.3f}",
                f"{f1:.3f} {f1_interval(by_level[q], fingers)}",
                f"{number:.1f}",
            ]
            rows.append([name, what, *cells])
            if best == 0:
                break
        kept = [q for q in by_level if figures(by_level[q])[0] >= RECALL]
        number = f"{figures(by_level[max(kept)])[3]:.1f}" if kept else "not reached"
        economy.append([name, number])
    head = ["system", "minutiae", "recall", "precision", "F1", "a print"]
    introduction = (
        f"{len(names)} prints of {len(np.unique(fingers))} fingers, {sum(map(len, marks))} marks, 12 px. The "
        "threshold of best F1 is chosen on these same prints, for every system alike."
    )
    parts = [
        introduction,
        table(head, rows),
        f"## Minutiae a print that a recall of {RECALL} takes",
        table(["system", "minutiae a print"], economy),
    ]
    report("hand_marks", "Minutiae against a person's marks", [*parts, *why_absent(absent)])


if __name__ == "__main__":
    main()
