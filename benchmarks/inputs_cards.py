"""Cards and slaps: is the mask the print alone, and is every finger of a slap found and named?

    python benchmarks/inputs_cards.py

Cards are simulated prints with frame lines, captions and handwriting, of which the true mask is known. The limits in
stages/cards.py were chosen on the fonts, words and strokes called "tuned", with other seeds; the others were not looked
at. They were also chosen so that no mask of FVC2002, FVC2004, FCJ2020 and SOCOFing changes. SD4's ink prints have no
true mask: minutiae are counted in rectangles of bare card, which were marked by eye in some images. Slaps are composed
of simulated prints. Needs SD4 and the other sets below RIDGEFEAT_DATA or .data/ for their part. Prints the tables and
writes benchmarks/results/cards.md.
"""

from __future__ import annotations

from _common import DATA, report, table  # isort: skip

from functools import cached_property

import cv2
import numpy as np
from _cards import ARTEFACTS, make_card, make_slap, pool_of_prints

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.sources import find_prints
from ridgefeat.stages import segmentation
from ridgefeat.stages.fingers import HANDS, name_fingers, split_fingers
from ridgefeat.table import Recipe, open_print
from ridgefeat.table.api import SPLIT_PARAMS

cv2.setNumThreads(1)

CARDS, SLAPS = 20, 24
SETS = {"FVC2002": 1, "FVC2004": 1, "FCJ2020": 1, "SOCOFing": 20, "SD4": 1}
"""Sets, and how many prints each one that is looked at stands for."""
BARE = {
    "f0024_06": [(0, 390, 35, 480)],
    "f0062_06": [(0, 0, 97, 80), (460, 0, 512, 60)],
    "f0100_10": [(0, 0, 512, 25), (0, 0, 40, 230)],
    "f0284_10": [(430, 0, 512, 60)],
    "f0316_03": [(0, 0, 40, 450), (435, 60, 512, 450)],
    "f0344_06": [(430, 0, 512, 120)],
    "f0454_04": [(0, 0, 512, 18), (440, 35, 512, 130)],
    "f0529_06": [(0, 0, 90, 480), (480, 60, 512, 480), (0, 0, 512, 25)],
}
"""Left, top, right and bottom, in px, of parts of SD4's images without ridges."""


class Unfiltered(Fingerprint):
    """A print as version 0.1 segmented it: lines and writing are not looked for."""

    @cached_property
    def mask(self):
        found, segmentation.find_writing = segmentation.find_writing, lambda image, cells, *_: np.zeros_like(cells)
        try:
            return segmentation.segment(self._resampled, self.gabor, self.params.segmentation)
        finally:
            segmentation.find_writing = found


def cards():
    rows = []
    for split in ("tuned", "held out"):
        for kind in ARTEFACTS:
            wrong = []
            for seed in range(CARDS):
                card, plain, truth = make_card(seed, kind, split)
                masks = [Unfiltered(card).mask, Fingerprint(card).mask, Fingerprint(plain).mask]
                wrong.append([(m != truth).mean() for m in masks])
            wrong = 100 * np.array(wrong)
            clean = np.mean(wrong[:, :2] < wrong[:, 2:] + 0.1, 0)
            rows.append(
                [split, kind, CARDS, *(f"{w:.2f}" for w in wrong.mean(0)), *(f"{100 * c:.0f} %" for c in clean)]
            )
    head = ["fonts and strokes", "on the card", "cards", "wrong pixels, 0.1 (%)", "now (%)", "print alone (%)",
            "as good as alone, 0.1", "now"]  # fmt: skip
    return table(head, rows)


def real():
    """Masks that changed, prints that would be cut, and, on SD4, minutiae on bare card."""
    rows, on_card = [], np.zeros(2, int)
    recipe = Recipe.make()
    for name, step in SETS.items():
        if not (DATA / name).is_dir():
            continue
        changed = cut = total = 0
        for source in find_prints([DATA / name])[::step]:
            fp = open_print(source, recipe)
            old = Unfiltered(fp.original, (fp.dpi_x, fp.dpi_y))
            total += 1
            changed += (old.mask != fp.mask).any()
            cut += len(split_fingers(fp.mask)) > 1
            for left, top, right, bottom in BARE.get(source.path.stem, ()) if name == "SD4" else ():
                for k, found in enumerate((old.minutiae, fp.minutiae)):
                    inside = (found.x >= left) & (found.x < right) & (found.y >= top) & (found.y < bottom)
                    on_card[k] += np.count_nonzero(inside)
        rows.append([name, total, changed, cut])
    head = ["set", "prints of one finger", "masks that changed since 0.1", "cut by --fingers split"]
    return table(head, rows), (
        f"SD4: {sum(map(len, BARE.values()))} rectangles of bare card next to the print were marked in {len(BARE)} "
        f"images. Version 0.1 found {on_card[0]} minutiae in them, now there are {on_card[1]}."
    )


def slaps():
    pool, rows = pool_of_prints(24), []
    for kind in ("free", "phalanges", "touching", "crooked"):
        counted = ordered = coded = named = misnamed = flagged = 0
        for seed in range(SLAPS):
            image, truth, hand = make_slap(seed, kind, pool)
            fingers = split_fingers(Fingerprint(image, params=Params().updated(SPLIT_PARAMS)).mask)
            counted += len(fingers) == 4
            if len(fingers) == 4:
                ordered += all(overlap(f, t) > 0.7 for f, t in zip(fingers, truth, strict=True))
                names = [
                    f.get("finger") for f in name_fingers(fingers, {"finger_position": str(13 + (hand == "left"))})
                ]
                coded += names == list(HANDS[hand])
                names = [f.get("finger") for f in name_fingers(fingers)]
                named += names == list(HANDS[hand])
                misnamed += names not in ([None] * 4, list(HANDS[hand]))
            flagged += any(f.touching for f in fingers)
        rows.append(
            [kind, SLAPS, *(f"{100 * n / SLAPS:.0f} %" for n in (counted, ordered, coded, named, misnamed, flagged))]
        )
    head = ["slaps", "made", "four fingers", "each in its place (IoU > 0.7)", "named by code", "by arrangement",
            "wrongly", "flagged touching_fingers"]  # fmt: skip
    return table(head, rows)


def overlap(finger, truth):
    left, top, width, height = finger.box
    own = np.zeros_like(truth)
    own[top : top + height, left : left + width] = finger.mask
    return np.count_nonzero(own & truth) / np.count_nonzero(own | truth)


def main() -> None:
    report(
        "cards",
        "Cards and slaps",
        ["## Masks on simulated cards", cards(), "## Real prints", *real(), "## Simulated slaps", slaps()],
    )  # fmt: skip


if __name__ == "__main__":
    main()
