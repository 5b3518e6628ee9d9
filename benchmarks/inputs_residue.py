"""Masks of prints with something next to them: is the mask the print alone?

    python benchmarks/inputs_residue.py

Simulated prints with known masks, next to which there are a sensor's dark frame, what an earlier finger left, streaks
of a column sensor, the grey rectangle of a swipe sensor, or the next phalanx; and prints that must stay whole: one with
a fading tip, a dry one, and a fainter finger next to a sharp one. "Before" is the same mask without stages/residue.py.
The limits there were chosen by looking at the real prints named below, on which no figure is therefore unseen; the
simulated prints were made afterwards, but how frames are followed, and what stays, was settled after their first
results. Real prints have no true mask: the masks that changed by more than 1 % of their area are counted, and were all
looked at. Needs the sets below RIDGEFEAT_DATA or .data/ for that part. Prints the tables
and writes benchmarks/results/residue.md.
"""

from __future__ import annotations

from _common import DATA, report, table  # isort: skip

from functools import cached_property

import cv2
import numpy as np

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.sources import find_prints
from ridgefeat.stages import segmentation
from ridgefeat.synth import make_print
from ridgefeat.synth.flow import smooth_noise
from ridgefeat.table import Recipe, open_print

cv2.setNumThreads(1)

PRINTS = 40
PAPER = 235.0
SHAPE = (680, 480)
PX_PER_MM = 500 / 25.4
SETS = {
    "FVC2002 DB1": ("FVC2002/DB1_B", 1),
    "FVC2002 DB2": ("FVC2002/DB2_B", 1),
    "FVC2002 DB3": ("FVC2002/DB3_B", 1),
    "FVC2002 DB4": ("FVC2002/DB4_B", 1),
    "FVC2004 DB1": ("FVC2004/DB1_B", 1),
    "FCJ2020": ("FCJ2020", 1),
    "SD4": ("SD4", 1),
    "SOCOFing, every tenth": ("SOCOFing/Real", 10),
    "latents' clean prints": ("Latent/clean", 1),
}


class Before(Fingerprint):
    """A print as it was segmented before residue was looked for."""

    @cached_property
    def mask(self):
        found, segmentation.find_residue = segmentation.find_residue, lambda image, ridges, *_: np.zeros_like(ridges)
        try:
            return Fingerprint.mask.func(self)
        finally:
            segmentation.find_residue = found


class Scene:
    """A sheet on which prints are pressed: ink from 0 to 1, and the mask of what belongs to the print."""

    def __init__(self, rng):
        self.rng, self.ink, self.truth = rng, np.zeros(SHAPE, np.float32), np.zeros(SHAPE, bool)

    def press(self, x, y, *, strength=1.0, level=1, part=np.s_[:, :], is_own=True, broken=0.0):
        """Press a part of a new print with its box's corner at (x, y); `broken` is the share of it that is missing."""
        made = make_print(
            int(self.rng.integers(1 << 30)), noise_level=level, period_mm=float(self.rng.uniform(0.4, 0.54))
        )
        left, top, width, height = cv2.boundingRect(made.truth.mask.view(np.uint8))
        box = np.s_[top : top + height, left : left + width]
        mask = made.truth.mask[box][part]
        white = np.percentile(made.image, 95)
        ink = strength * np.clip(1 - made.image[box][part] / white, 0, 1) * mask
        if broken:
            patches = smooth_noise(mask.shape, 4, self.rng)
            ink *= patches > np.quantile(patches, broken)
        there = np.s_[max(y, 0) : y + mask.shape[0], max(x, 0) : x + mask.shape[1]]
        shown = np.s_[max(-y, 0) :, max(-x, 0) :]
        height, width = self.ink[there].shape
        ink, mask = ink[shown][:height, :width], mask[shown][:height, :width]
        self.ink[there] = np.where(self.truth[there], self.ink[there], np.maximum(self.ink[there], ink))
        if is_own:
            self.truth[there] |= mask
        return np.array(cv2.boundingRect(mask.view(np.uint8))) + (max(x, 0), max(y, 0), 0, 0)

    def image(self):
        noise = self.rng.normal(0, self.rng.uniform(0.5, 3), SHAPE)
        return np.clip(PAPER * (1 - self.ink) + noise, 0, 255)


def make_scene(kind, seed):
    """Return an image and the mask of its print."""
    rng = np.random.default_rng([seed, len(kind), ord(kind[0])])
    scene = Scene(rng)
    x, y, width, height = scene.press(90, 60, level=3 if kind == "dry" else int(rng.integers(1, 3)))
    right, below = x + width, y + height
    crop = np.s_[:, :]
    if kind == "earlier print":
        at = right - int(rng.integers(40, 90)), int(y + rng.integers(-20, 120))
        scene.press(*at, strength=rng.uniform(0.12, 0.35), is_own=False, broken=rng.uniform(0.4, 0.7))
    if kind == "next phalanx":
        part = np.s_[: int(rng.integers(110, 220)), 40:-40]
        gap, pale = int(rng.uniform(0.2, 2.0) * PX_PER_MM), rng.uniform(0.4, 0.9)
        scene.press(x + 40, below + gap, strength=pale, part=part, is_own=False, broken=rng.uniform(0.3, 0.6))
    if kind == "second finger, fainter":
        part = np.s_[:, : SHAPE[1] - right - 20]
        scene.press(right + 12, 80, strength=rng.uniform(0.45, 0.7), level=2, part=part)
    if kind == "fading tip":
        fade = np.clip((np.arange(SHAPE[0]) - y) / (0.4 * height), 0, 1) * 0.85 + 0.15
        scene.ink *= fade[:, None].astype(np.float32)
    image = scene.image()
    if kind == "dark frame":
        crop = np.s_[: below + 10, : right + int(rng.uniform(0.3, 1.5) * PX_PER_MM)]
        image, scene.truth = image[crop], scene.truth[crop]
        breadth, tone = int(rng.integers(1, 4)), rng.uniform(0, 90)
        image[:, -breadth:] = tone
        if rng.random() < 0.5:
            image[-breadth:] = tone
    if kind == "streaks":
        columns = cv2.GaussianBlur(rng.normal(0, 1, (1, SHAPE[1])), (0, 0), rng.uniform(1, 2.5))
        near = np.exp(-(((np.arange(SHAPE[1]) - right) / 50.0) ** 2))
        image = np.clip(image * 0.8 + rng.uniform(4, 12) * near * columns / columns.std(), 0, 255)
    if kind == "grey rectangle":
        inside = np.zeros(SHAPE, bool)
        inside[: below + int(rng.integers(5, 40)), x - int(rng.integers(5, 40)) : right + int(rng.integers(5, 40))] = (
            True
        )
        grain = cv2.GaussianBlur(rng.normal(0, 1, SHAPE), (0, 0), rng.uniform(1, 2))
        image = np.where(inside, image * 0.8 + rng.uniform(3, 9) * grain / grain.std(), 255).clip(0, 255)
    return image.astype(np.uint8), scene.truth


KINDS = ("dark frame", "earlier print", "streaks", "grey rectangle", "next phalanx")
WHOLE = ("fading tip", "dry", "second finger, fainter")


def simulated():
    rows = []
    for kind in (*KINDS, *WHOLE):
        figures = []
        for seed in range(PRINTS):
            image, truth = make_scene(kind, seed)
            own = []
            for print_ in (Before(image, 500), Fingerprint(image, 500)):
                m = print_.all_minutiae
                false = ~cv2.dilate(truth.view(np.uint8), np.ones((9, 9), np.uint8))[m.y.astype(int), m.x.astype(int)]
                own.append(
                    (
                        100 * np.mean(print_.mask & ~truth) / truth.mean(),
                        100 * np.mean(truth & ~print_.mask) / truth.mean(),
                        np.count_nonzero(false & 1),
                        "several_prints" in print_.flags,
                    )
                )
            figures.append(own)
        before, now = np.mean(np.array(figures, float), 0)
        several = [f"{100 * v[3]:.0f} %" for v in (before, now)]
        cells = [f"{before[k]:.1f}, {now[k]:.1f}" for k in range(3)]
        rows.append([kind, PRINTS, *cells, ", ".join(several)])
    head = ["next to the print, or the print", "prints", "mask outside it (% of its area): before, now",
            "print outside the mask (%)", "minutiae off the print", "flagged several_prints"]  # fmt: skip
    return table(head, rows)


def real():
    recipe, rows = Recipe.make(), []
    for name, (folder, step) in SETS.items():
        if not (DATA / folder).is_dir():
            continue
        changes, minutiae, several = [], np.zeros(2, int), np.zeros(2, int)
        for source in find_prints([DATA / folder])[::step]:
            fp = open_print(source, recipe)
            old = Before(fp.original, (fp.dpi_x, fp.dpi_y))
            changes.append(np.count_nonzero(old.mask != fp.mask) / max(1, np.count_nonzero(old.mask)))
            minutiae += len(old.all_minutiae), len(fp.all_minutiae)
            several += ["several_prints" in p.flags for p in (old, fp)]
        changed = np.array(changes) > 0.01
        share = f"{100 * np.mean(np.array(changes)[changed]):.0f} %" if changed.any() else ""
        rows.append([name, len(changes), changed.sum(), share, *(f"{a}, {b}" for a, b in (minutiae, several))])
    head = ["set", "prints", "masks changed by more than 1 %", "of their area, on average", "minutiae: before, now",
            "flagged several_prints"]  # fmt: skip
    return table(head, rows)


def main() -> None:
    report("residue", "What lies next to a print",
           ["## Simulated prints", simulated(), "## Real prints", real()])  # fmt: skip


if __name__ == "__main__":
    main()
