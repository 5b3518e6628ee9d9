"""Every stage against known truth, compared with every peer that installs from PyPI, on the same prints in one run.

    python benchmarks/accuracy.py [--prints N]

Synthetic prints of all five pattern classes at five noise levels, on seeds other than tuning's. Orientation: root
mean square deviation over the true mask. Period: mean absolute percentage error over it. Mask: share of wrong pixels.
Minutiae: precision, recall, F1 after one-to-one assignment, type ignored and required. Singular points: share found
within 20 px. Intervals by bootstrap over prints. Prints the tables and writes benchmarks/results/accuracy.md.
"""

from __future__ import annotations

import argparse
import time

from _common import report, table  # isort: skip

import cv2
import numpy as np
from _matching import assigned, scores, turned
from _peers import MINUTIAE, available, why_absent

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.synth import make_impression, make_master

cv2.setNumThreads(1)

CLASSES = ("left_loop", "whorl", "right_loop", "tented_arch", "arch")
TOLERANCES = {"8 px, 18°": (8, np.pi / 10), "12 px, 22.5°": (12, np.pi / 8), "16 px, 30°": (16, np.pi / 6)}
LEVELS = ("0 clean", "1 good", "2 fair", "3 poor", "4 hard")
RNG = np.random.default_rng(5)


def prints(count):
    for n in range(count):
        master = make_master(CLASSES[n % 5], rng=np.random.default_rng([20261121, n]), period_mm=0.38 + 0.02 * (n % 8))
        yield [make_impression(master, rng=np.random.default_rng([20261122, n, k]), noise_level=k) for k in range(5)]


def interval(values):
    """Mean and 95 % interval by bootstrap over prints."""
    values = np.asarray(values, float)
    draws = RNG.choice(values, (1000, len(values))).mean(1)
    return f"{values.mean():.2f} [{np.percentile(draws, 2.5):.2f}, {np.percentile(draws, 97.5):.2f}]"


def rmsd(angle, truth):
    off = turned(angle, truth.orientation.angle, np.pi)[truth.mask]
    return np.rad2deg(np.sqrt(np.mean(off.astype(float) ** 2)))


def period_error(period, truth):
    inside = truth.mask & np.isfinite(period)
    return 100 * np.mean(np.abs(period[inside] - truth.period[inside]) / truth.period[inside])


def mask_error(mask, truth):
    return 100 * np.mean((mask > 0) != truth.mask)


def ridgefeat_stages():
    def run(image):
        fp = Fingerprint(image, 500)
        return fp.mask, fp.orientation.angle, fp.period

    return run


def pyfing_stages(segmentation, orientation, frequency):
    def make():
        import pyfing as pf
        import torch

        torch.set_num_threads(1)

        def run(image, true_mask):
            with torch.no_grad():
                mask = pf.fingerprint_segmentation(image, 500, segmentation)
                # The true mask is handed over, so that an error of the mask is not one of the orientation.
                given = true_mask.astype(np.uint8) * 255
                angle = pf.orientation_field_estimation(image, given, 500, orientation)
                return mask, angle, pf.frequency_estimation(image, angle, given, 500, frequency)

        run.wants_mask = True
        return run

    return make


STAGES = {
    "ridgefeat": ridgefeat_stages,
    "pyfing, classical (GMFS, GBFOE, XSFFE)": pyfing_stages("GMFS", "GBFOE", "XSFFE"),
    "pyfing, neural (SUFS, SNFOE, SNFFE)": pyfing_stages("SUFS", "SNFOE", "SNFFE"),
}


def stage_tables(made):
    found, absent = available(STAGES)
    errors = {name: [[[], [], []] for _ in LEVELS] for name in found}
    for impressions in made:
        for level, impression in enumerate(impressions):
            for name, run in found.items():
                extra = (impression.truth.mask,) if getattr(run, "wants_mask", False) else ()
                mask, angle, period = run(impression.image, *extra)
                truth = impression.truth
                for store, value in zip(
                    errors[name][level],
                    (rmsd(angle, truth), period_error(period, truth), mask_error(mask, truth)),
                    strict=True,
                ):
                    store.append(value)
    parts = []
    for k, title in enumerate(("Orientation, RMSD in degrees", "Period, mean error in %", "Mask, wrong pixels in %")):
        rows = [[name, *(interval(errors[name][level][k]) for level in range(len(LEVELS)))] for name in found]
        parts += [f"## {title}", table(["system", *LEVELS], rows)]
    return parts + why_absent(absent)


def minutiae_tables(made):
    found, absent = available(MINUTIAE)
    tally = {name: np.zeros((len(LEVELS), len(TOLERANCES), 2)) for name in found}
    sizes = {name: np.zeros((len(LEVELS), 2)) for name in found}
    failures = dict.fromkeys(found, 0)
    for impressions in made:
        for level, impression in enumerate(impressions):
            true = impression.truth.minutiae
            true_xy = np.stack([true.x, true.y], 1).astype(float)
            for name, run in found.items():
                try:
                    got = run(impression.image)
                except Exception:
                    failures[name] += 1
                    sizes[name][level] += 0, len(true)
                    continue
                sizes[name][level] += len(got.xy), len(true)
                off = turned(got.direction[:, None], true.direction, got.modulo)
                same = got.kind[:, None] == true.kind
                for k, (reach, angle) in enumerate(TOLERANCES.values()):
                    near = off <= angle
                    tally[name][level, k, 0] += assigned(got.xy, true_xy, reach, near).shape[1]
                    tally[name][level, k, 1] += assigned(got.xy, true_xy, reach, near & same).shape[1]
    parts = []
    for k, tolerance in enumerate(TOLERANCES):
        rows = []
        for name in found:
            cells = []
            for level in range(len(LEVELS)):
                n, true = sizes[name][level]
                p, r, f = scores(tally[name][level, k, 0], n, true)
                typed = scores(tally[name][level, k, 1], n, true)[2]
                cells.append(f"{f:.3f} ({p:.2f}, {r:.2f}); {typed:.3f}")
            rows.append([name, *cells])
        parts += [
            f"## Minutiae within {tolerance}: F1 (precision, recall); F1 with the type right",
            table(["system", *LEVELS], rows),
        ]
    failed = [f"{name} {n}" for name, n in failures.items() if n]
    return parts + ([f"Failed on prints: {', '.join(failed)}."] if failed else []) + why_absent(absent)


def singular_table(made):
    hits, true, reported = np.zeros((3, len(LEVELS)))
    for impressions in made:
        for level, impression in enumerate(impressions):
            a, b = Fingerprint(impression.image, 500).singular_points, impression.truth.singular_points
            pairs = assigned(
                np.stack([a.x, a.y], 1).astype(float),
                np.stack([b.x, b.y], 1).astype(float),
                20,
                a.kind[:, None] == b.kind,
            )
            hits[level] += pairs.shape[1]
            true[level] += len(b)
            reported[level] += len(a)
    cells = [
        f"{hits[k]:.0f} of {true[k]:.0f} ({hits[k] / true[k]:.2f}); {reported[k] - hits[k]:.0f} false"
        for k in range(len(LEVELS))
    ]
    return ["## Singular points within 20 px", table(["system", *LEVELS], [["ridgefeat", *cells]])]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--prints", type=int, default=15, help="fingers, each at five noise levels")
    count = parser.parse_args().prints
    start = time.perf_counter()
    made = list(prints(count))
    introduction = (
        f"{count} synthetic fingers of all five classes, each at five noise levels; mean and 95 % interval by "
        "bootstrap over prints. pyfing's orientation and period are given the true mask. Directions are compared "
        "modulo 360°, for fingerprint-recognition and fingerprint-enhancer, which report orientations, modulo 180°."
    )
    parts = [introduction, *stage_tables(made), *minutiae_tables(made), *singular_table(made)]
    report("accuracy", "Accuracy on synthetic truth", [*parts, f"{time.perf_counter() - start:.0f} s in all."])


if __name__ == "__main__":
    main()
