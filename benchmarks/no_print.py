"""Images without a print: are minutiae found where there are none?

    python benchmarks/no_print.py

Blank images, white noise and noise smoothed into the ridges' own band, twenty of each kind; NBIS mindtct (extra
`peers`) for comparison. Prints the table and writes benchmarks/results/no_print.md.
"""

from __future__ import annotations

from _common import report, table  # isort: skip

import cv2
import numpy as np

from ridgefeat.fingerprint import Fingerprint

SHAPE = (400, 360)
COUNT = 20


def noise(rng, smoothing=0.0, below=0.0):
    field = rng.normal(size=SHAPE).astype(np.float32)
    if smoothing:
        field = cv2.GaussianBlur(field, (0, 0), smoothing)
    if below:
        field -= cv2.GaussianBlur(field, (0, 0), below)
    return np.clip(128 + 50 * field / field.std(), 0, 255).astype(np.uint8)


def enlarged(rng):
    small = rng.integers(0, 256, (SHAPE[0] // 5, SHAPE[1] // 5)).astype(np.uint8)
    return cv2.resize(small, SHAPE[::-1], interpolation=cv2.INTER_CUBIC)


def gradient(rng):
    slope = rng.normal(size=2)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] / 400
    return np.clip(128 + 80 * (slope[0] * x + slope[1] * y), 0, 255).astype(np.uint8)


KINDS = {
    "all white": lambda rng: np.full(SHAPE, 255, np.uint8),
    "all black": lambda rng: np.zeros(SHAPE, np.uint8),
    "smooth gradient": gradient,
    "white noise": noise,
    "noise, smoothed by 1 px": lambda rng: noise(rng, 1),
    "noise, smoothed by 2 px": lambda rng: noise(rng, 2),
    "noise, smoothed by 3 px": lambda rng: noise(rng, 3),
    "noise in the ridges' band (1.6 to 2.6 px)": lambda rng: noise(rng, 1.6, 2.6),
    "noise enlarged fivefold": enlarged,
    "salt and pepper": lambda rng: np.where(rng.random(SHAPE) < 0.05, 0, 255).astype(np.uint8),
}


def mindtct():
    try:
        import nbis
    except ImportError:
        return None
    settings = nbis.NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=False, ppi=None
    )
    extractor = nbis.new_nbis_extractor(settings)

    def count(image):
        try:
            return len(extractor.extract_minutiae(cv2.imencode(".png", image)[1].tobytes()).get())
        except Exception:
            return float("nan")

    return count


def main() -> None:
    peer = mindtct()
    rows = []
    for kind, make in KINDS.items():
        images = [make(np.random.default_rng([n, 7])) for n in range(COUNT)]
        prints = [Fingerprint(image, 500) for image in images]
        ours = [len(fp.minutiae) for fp in prints]
        flagged = sum("no_print" in fp.flags for fp in prints)
        theirs = [peer(image) for image in images] if peer else []
        shown = f"{np.nanmedian(theirs):.0f}" if np.isfinite(theirs).any() else "refused" if theirs else "absent"
        rows.append([kind, COUNT, flagged, max(ours), shown])
    head = ["kind", "images", "flagged no_print", "minutiae, most in one image", "mindtct, median minutiae"]
    report("no_print", "Images without a print", [f"{SHAPE[1]}×{SHAPE[0]} px at 500 dpi.", table(head, rows)])


if __name__ == "__main__":
    main()
