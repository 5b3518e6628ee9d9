"""Cards and slaps with known truth: simulated prints, with frame lines, captions and handwriting; several fingers."""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ridgefeat.synth import make_print

FONTS = {
    "tuned": ("DejaVuSans-Bold.ttf", "DejaVuSans.ttf", "STIXGeneralBol.ttf"),
    "held out": ("DejaVuSerif.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSerif-Bold.ttf", "cmr10.ttf"),
}
WORDS = {
    "tuned": ("1. RIGHT THUMB", "6. L. THUMB", "RIGHT MIDDLE", "Signature of official"),
    "held out": ("3. R. MIDDLE", "10. LEFT LITTLE", "Left index", "DATE 12.07.1987", "HIM 8871", "Rechter Ringfinger"),
}
ARTEFACTS = ("frame", "caption", "handwriting", "all")


def make_card(seed: int, artefacts: str, split: str):
    """Return a card's image, the print's true mask, and the same card without anything but the print."""
    rng = np.random.default_rng([seed, ARTEFACTS.index(artefacts), split == "tuned"])
    made = make_print(
        int(rng.integers(1 << 30)), noise_level=int(rng.integers(1, 3)), period_mm=float(rng.uniform(0.4, 0.52))
    )
    height, width = (int(n) for n in rng.integers(560, 900, 2))
    paper = rng.uniform(215, 252)
    plain = np.full((height, width), paper) + rng.normal(0, rng.uniform(0.5, 4), (height, width))
    truth = np.zeros((height, width), bool)
    y, x = int(rng.integers(60, height - 440)), int(rng.integers(50, width - 400))
    inside = np.s_[y : y + 400, x : x + 360]
    white = np.percentile(made.image, 95)
    plain[inside] = np.minimum(plain[inside], np.where(made.image < white - 12, made.image / white * paper, 255))
    truth[inside] = made.truth.mask
    ink = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(ink)
    if artefacts in ("frame", "all"):
        _frame(draw, rng, x, y, width, height)
    if artefacts in ("caption", "all"):
        for _ in range(int(rng.integers(1, 4))):
            _caption(draw, rng, split, width, y)
    if artefacts in ("handwriting", "all"):
        for _ in range(int(rng.integers(1, 3))):
            _handwriting(draw, rng, split, width, height, truth)
    drawn = cv2.GaussianBlur(np.asarray(ink, np.float32), (0, 0), rng.uniform(0.5, 1.0))
    card = plain * drawn / 255
    return *(np.clip(i, 0, 255).astype(np.uint8) for i in (card, plain)), truth


def _frame(draw, rng, x, y, width, height):
    lean = rng.normal(0, 0.012)
    breadth, dark = int(rng.integers(2, 7)), int(rng.integers(0, 110))
    for at in (x - rng.integers(5, 45), x + 360 + rng.integers(0, 40)):
        draw.line([(at, 0), (at + lean * height, height)], dark, breadth)
    for at in (y - rng.integers(5, 55), y + 400 + rng.integers(-30, 40)):
        draw.line([(0, at), (width, at - lean * width)], dark, breadth)


def _caption(draw, rng, split, width, y):
    font = Path(mpl.get_data_path()) / "fonts" / "ttf" / str(rng.choice(FONTS[split]))
    size = int(rng.integers(22, 52))
    at = int(rng.integers(5, 150)), int(rng.integers(2, max(3, y - size)))
    draw.text(at, str(rng.choice(WORDS[split])), int(rng.integers(0, 100)), ImageFont.truetype(font, size))


def _handwriting(draw, rng, split, width, height, truth):
    """Loops along a line, as in a cursive hand; or, held out, a scrawl of slow waves."""
    n, size = int(rng.integers(4, 12)), rng.uniform(14, 80)
    t = np.linspace(0, 2 * np.pi * n, 60 * n)
    if split == "tuned":
        px = t * size * rng.uniform(0.05, 0.14) + size * 0.6 * np.sin(t + rng.uniform(0, 2))
        py = size * (np.cos(t) + 0.4 * np.cos(t * rng.uniform(0.3, 0.7)))
    else:
        px, py = (
            size * sum(np.sin(t * f / n + p) for f, p in zip(rng.uniform(0.5, 4, 3), rng.uniform(0, 7, 3), strict=True))
            for _ in range(2)
        )
        px = px + t * size * rng.uniform(0, 0.12)
    turn = rng.normal(0, 0.15)
    px, py = px * np.cos(turn) - py * np.sin(turn), px * np.sin(turn) + py * np.cos(turn)
    for _ in range(40):  # above, below or next to the print; its edge may be touched
        dx, dy = rng.uniform(-20, width - 60), rng.uniform(10, height - 10)
        where = np.stack([px - px.min() + dx, py - py.mean() + dy], 1)
        inside = where.astype(int).clip(0, [width - 1, height - 1])
        if truth[inside[:, 1], inside[:, 0]].mean() < 0.08:
            break
    draw.line([tuple(p) for p in where], int(rng.integers(20, 120)), int(rng.integers(2, 7)), joint="curve")


TIPS_MM = {"index": 0.0, "middle": -8.0, "ring": -4.0, "little": 13.0}
"""How far below the index finger's tip each is, on average, in a slap."""
PX_PER_MM = 500 / 25.4


def pool_of_prints(n: int):
    """Return prints and their masks, cut out, for slaps."""
    prints = [make_print(4000 + k, noise_level=1 + k % 3, period_mm=0.42 + 0.01 * (k % 8)) for k in range(n)]
    out = []
    for p in prints:
        x, y, w, h = cv2.boundingRect(p.truth.mask.view(np.uint8))
        out.append((p.image[y : y + h, x : x + w], p.truth.mask[y : y + h, x : x + w]))
    return out


def make_slap(seed: int, kind: str, pool):
    """Return a slap of four fingers, the fingers' true masks from left to right, and the hand.

    Kinds: free, phalanges (a second print below each), touching (each finger at its neighbour), crooked (turned by up
    to 15 degrees).
    """
    rng = np.random.default_rng([seed, len(kind)])
    hand = str(rng.choice(["right", "left"]))
    lean = rng.normal(0, 0.04) if kind != "crooked" else rng.uniform(-0.26, 0.26)
    paper = rng.uniform(235, 252)
    image = np.full((1250, 1900), paper) + rng.normal(0, 2, (1250, 1900))
    names = list(TIPS_MM) if hand == "right" else list(TIPS_MM)[::-1]
    masks, x = [], 40.0
    for name in names:
        print_, mask = pool[int(rng.integers(len(pool)))]
        scale = rng.uniform(0.74, 0.82) if name == "little" else rng.uniform(0.92, 1.05)
        # Cut rather than shrink: the period of the ridges stays.
        print_, mask = _narrowed(print_, mask, scale)
        gap = rng.uniform(-14, -2) if kind == "touching" and masks else rng.uniform(30, 110)
        x += gap
        y = 300 + (TIPS_MM[name] + rng.normal(0, 2)) * PX_PER_MM + np.sin(lean) * (x - 800)
        own = np.zeros(image.shape, bool)
        _press(image, own, print_, mask, int(x), int(y))
        if kind == "phalanges":
            low, its = pool[int(rng.integers(len(pool)))]
            height = int(rng.integers(120, 260))
            _press(
                image,
                np.zeros_like(own),
                *_narrowed(low[:height], its[:height], 0.85),
                int(x + 15),
                int(y + mask.shape[0] + rng.uniform(40, 90)),
            )
        masks.append(own)
        x += mask.shape[1]
    return np.clip(image, 0, 255).astype(np.uint8), masks, hand


def _narrowed(image, mask, scale):
    y, x = np.mgrid[-1 : 1 : complex(mask.shape[0]), -1 : 1 : complex(mask.shape[1])]
    kept = mask & ((x / scale) ** 2 + (y / min(scale * 1.05, 1)) ** 2 < 1)
    left, top, width, height = cv2.boundingRect(kept.view(np.uint8))
    part = np.s_[top : top + height, left : left + width]
    return image[part], kept[part]


def _press(image, own, print_, mask, x, y):
    height, width = mask.shape
    at = np.s_[y : y + height, x : x + width]
    shown = mask[: image[at].shape[0], : image[at].shape[1]]
    image[at] = np.where(shown, np.minimum(image[at], print_[: shown.shape[0], : shown.shape[1]]), image[at])
    own[at] = shown
