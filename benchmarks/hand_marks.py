"""Minutiae against a person's marks: FVC2004 DB1_B, compared with every peer that installs from PyPI.

    python benchmarks/hand_marks.py

The marks have no angle and are not exhaustive (edges and poor areas are left out), so precision is a lower bound:
recall must be read with the number of minutiae reported. One-to-one assignment within 12 px and within 15 px, type
ignored. Average precision: the area under precision against recall as the quality threshold falls. Each system is
shown with all its minutiae; with the quality threshold that gives its best F1 on these prints; with the one that gives
its best F1 on the other four fingers; and with the one that keeps a recall of 0.85. Intervals by bootstrap over
fingers. As the marks have no angle, F1 within 15 px and 30 degrees is measured on synthetic prints. Needs FVC2004 below
RIDGEFEAT_DATA or .data/. Prints the table and writes benchmarks/results/hand_marks.md.
"""

from __future__ import annotations

from _common import need, report, table  # isort: skip

import cv2
import numpy as np
import pandas as pd
from _matching import assigned, turned
from _peers import MINUTIAE, available, why_absent

from ridgefeat.synth import make_impression, make_master

cv2.setNumThreads(1)

REACHES = (12, 15)
RECALLS = (0.80, 0.85)
ANGLE = np.pi / 6
SYNTHETIC = 10
"""Synthetic fingers, each at noise levels 1 to 3."""
RNG = np.random.default_rng(11)


def counts(found, marks, quality):
    """Return hits within each of REACHES, reported and marked, one row a print."""
    rows = []
    for got, true in zip(found, marks, strict=True):
        kept = got.above(quality)
        hits = [assigned(kept.xy, true, reach).shape[1] for reach in REACHES]
        rows.append((*hits, len(kept.xy), len(true)))
    return np.array(rows, float)


def figures(c, reach=REACHES[0]):
    """Return recall, precision, F1 and the number of minutiae per print."""
    *hits, reported, marked = c.sum(0)
    hits = hits[REACHES.index(reach)]
    return hits / marked, hits / max(reported, 1), 2 * hits / (reported + marked), reported / len(c)


def average_precision(by_level, chosen=slice(None)):
    """Return the sum of precision times the gain in recall as the threshold falls."""
    points = [figures(by_level[q][chosen])[:2] for q in sorted(by_level, reverse=True)]
    recall, precision = np.array([(0, 0), *points]).T
    return float(np.sum(np.diff(recall) * precision[1:]))


def best_level(by_level, chosen=slice(None)):
    """Return the quality threshold of the highest F1 on some prints."""
    return max(by_level, key=lambda q: figures(by_level[q][chosen])[2])


def interval(fingers, figure):
    """Return the 95 % interval of a figure of prints over resampled fingers, in brackets."""
    names = np.unique(fingers)
    draws = []
    for _ in range(1000):
        chosen = np.concatenate([np.flatnonzero(fingers == f) for f in RNG.choice(names, len(names))])
        draws.append(figure(chosen))
    return f"[{np.percentile(draws, 2.5):.2f}, {np.percentile(draws, 97.5):.2f}]"


def rows_of(name, by_level, fingers):
    """Return the table's rows of one system."""
    best = best_level(by_level)
    held_out = np.empty_like(by_level[best])
    for finger in np.unique(fingers):
        own = fingers == finger
        held_out[own] = by_level[best_level(by_level, ~own)][own]
    ranking = f"{average_precision(by_level):.3f} {interval(fingers, lambda own: average_precision(by_level, own))}"
    shown = [("all", by_level[0.0], ranking)]
    if best > 0:
        shown += [(f"quality ≥ {best:.0f}", by_level[best], "")]
        shown += [("quality chosen on other fingers", held_out, "")]
    rows = []
    for what, c, ap in shown:
        recall, precision, f1, number = figures(c)
        wider = figures(c, REACHES[1])[2]
        f1 = f"{f1:.3f} {interval(fingers, lambda own, c=c: figures(c[own])[2])}"
        rows.append([name, what, f"{recall:.3f}", f"{precision:.3f}", f1, f"{wider:.3f}", ap, f"{number:.1f}"])
    return rows


def synthetic():
    """Return synthetic prints, whose minutiae are known with their directions."""
    seeds = [(finger, level) for finger in range(SYNTHETIC) for level in (1, 2, 3)]
    masters = [make_master(rng=np.random.default_rng([20261129, finger])) for finger in range(SYNTHETIC)]
    return [make_impression(masters[f], rng=np.random.default_rng([20261130, f, k]), noise_level=k) for f, k in seeds]


def with_direction(run, made):
    """Return F1 on synthetic prints within 15 px, and within 15 px and 30 degrees; all minutiae, type ignored."""
    hits, total = np.zeros(2), 0
    for impression in made:
        got, true = run(impression.image), impression.truth.minutiae
        near = turned(got.direction[:, None], true.direction, got.modulo) <= ANGLE
        xy = np.stack([true.x, true.y], 1).astype(float)
        hits += [assigned(got.xy, xy, REACHES[1], allowed).shape[1] for allowed in (True, near)]
        total += len(got.xy) + len(xy)
    return [f"{v:.3f}" for v in 2 * hits / total]


def main() -> None:
    folder = need("FVC2004/DB1_B")
    marked = pd.read_csv(folder / "minutiae_hand_marked.csv")
    names = sorted(marked.file.unique())
    fingers = np.array([name.split("_")[0] for name in names])
    marks = [marked.loc[marked.file == name, ["x", "y"]].to_numpy(float) for name in names]
    images = [cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE) for name in names]
    systems, absent = available(MINUTIAE)
    rows, economy, directed, made = [], [], [], synthetic()
    for name, run in systems.items():
        found = [run(image) for image in images]
        levels = np.unique(np.concatenate([f.quality for f in found]).round())
        by_level = {q: counts(found, marks, q) for q in [0.0, *levels]}
        rows += rows_of(name, by_level, fingers)
        directed.append([name, *with_direction(run, made)])
        reached = {recall: [q for q in by_level if figures(by_level[q])[0] >= recall] for recall in RECALLS}
        kept = [by_level[max(q)] if q else None for q in reached.values()]
        cells = [("not reached", "") if c is None else (f"{figures(c)[3]:.1f}", f"{figures(c)[2]:.3f}") for c in kept]
        economy.append([name, *(cell for pair in cells for cell in pair)])
    head = ["system", "minutiae", "recall", "precision", "F1", "F1, 15 px", "average precision", "per print"]
    introduction = (
        f"{len(names)} prints of {len(np.unique(fingers))} fingers, {sum(map(len, marks))} marks. Recall, precision, "
        "F1 and average precision within 12 px. A quality threshold is chosen on these same prints, or for each finger "
        "on the other four. Parameters of ridgefeat's stages, its default threshold of 58 among them, were chosen on "
        "these and other prints, so that its figures are optimistic; none of the others' were. The marks have no "
        "angle, so F1 within 15 px and 30° cannot be measured on them. Average "
        "precision ranks minutiae by quality; a system that gives none a quality has one point."
    )
    parts = [
        introduction,
        table(head, rows),
        "## Minutiae per print for a given recall, and their F1",
        table(["system", *(h for r in RECALLS for h in (f"per print at {r:.2f}", f"F1 at {r:.2f}"))], economy),
        f"## F1 on {len(made)} synthetic prints: 15 px, and 15 px with 30°",
        "Ten fingers at noise levels 1 to 3, all minutiae of each system, type ignored. Parameters of ridgefeat were "
        "chosen on other prints of the same generator. Systems that report orientations are compared modulo 180°.",
        table(["system", "F1, 15 px", "F1, 15 px and 30°"], directed),
    ]
    report("hand_marks", "Minutiae against a person's marks", [*parts, *why_absent(absent)])


if __name__ == "__main__":
    main()
