"""Are synthetic prints fingerprints to a program that knows nothing of them? NBIS on synthetic and on real prints.

    python benchmarks/synth_peer.py

Scores (bozorth3) of mated and non-mated pairs, synthetic compared with FVC2002 DB1_B if it is found under
RIDGEFEAT_DATA or .data/, and the minutiae of mindtct compared with the truth per noise level. Prints the tables and
writes benchmarks/results/synth_peer.md. Needs the extra `peers`.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import nbis
import numpy as np
from scipy.optimize import linear_sum_assignment

from ridgefeat.synth import make_impression, make_master, make_print
from ridgefeat.synth.files import encode_png

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "synth_peer.md"
DATA = Path(os.environ.get("RIDGEFEAT_DATA", ROOT / ".data"))
FINGERS, IMPRESSIONS = 40, 4
BINS = (0, 5, 10, 20, 40, 80, 160, 10_000)

EXTRACTOR = nbis.new_nbis_extractor(
    nbis.NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=False, ppi=None
    )
)


def scores(sets):
    """Scores of all mated pairs, and of non-mated pairs in the same place of two fingers' impressions."""
    mated = [a.compare(b) for finger in sets for a, b in itertools.combinations(finger, 2)]
    others = [a.compare(b) for one, two in itertools.combinations(sets, 2) for a, b in zip(one, two, strict=False)]
    return np.array(mated), np.array(others)


def equal_error_rate(mated, others):
    thresholds = np.unique(np.concatenate([mated, others]))
    fnmr = np.array([(mated < t).mean() for t in thresholds])
    fmr = np.array([(others >= t).mean() for t in thresholds])
    at = np.argmin(np.abs(fnmr - fmr))
    return (fnmr[at] + fmr[at]) / 2, thresholds[at]


def synthetic_sets():
    for finger in range(FINGERS):
        master = make_master(rng=np.random.default_rng([7, finger]))
        yield [
            EXTRACTOR.extract_minutiae(
                encode_png(
                    make_impression(master, rng=np.random.default_rng([7, finger, i]), noise_level=1 + i % 3).image, 500
                )
            )
            for i in range(IMPRESSIONS)
        ]


def real_sets():
    folder = DATA / "FVC2002" / "DB1_B"
    names = sorted({p.name.split("_")[0] for p in folder.glob("*.tif")})
    for name in names:
        yield [EXTRACTOR.extract_minutiae(p.read_bytes()) for p in sorted(folder.glob(f"{name}_*.tif"))]


def against_truth(level, prints=30, reach=12.0, turn=np.pi / 8):
    """Recall, precision, difference in direction and CPU seconds of making, with one-to-one assignment."""
    found = total = reported = 0
    differences, kinds, seconds, counts = [], [], [], []
    for seed in range(prints):
        start = time.process_time()
        made = make_print(1000 + seed, noise_level=level)
        seconds.append(time.process_time() - start)
        truth = made.truth.minutiae
        counts.append(len(truth))
        peer = EXTRACTOR.extract_minutiae(encode_png(made.image, 500)).get()
        x, y = np.array([m.x() for m in peer]), np.array([m.y() for m in peer])
        theirs = np.deg2rad([m.angle() for m in peer])
        ends = np.array(["end" in str(m.kind()).lower() for m in peer])
        away = np.hypot(truth.x[:, None] - x, truth.y[:, None] - y)
        apart = np.abs(np.angle(np.exp(1j * (truth.direction[:, None] - theirs))))
        cost = np.where((away <= reach) & (apart <= turn), away, 1e6)
        i, j = linear_sum_assignment(cost)
        i, j = i[cost[i, j] < 1e6], j[cost[i, j] < 1e6]
        found, total, reported = found + len(i), total + len(truth), reported + len(x)
        differences += list(np.rad2deg(apart[i, j]))
        clear = truth.quality[i] > 50
        kinds += list((truth.kind[i] == 1)[clear] == ends[j][clear])
    return (
        found / total,
        found / reported,
        np.median(differences),
        np.mean(kinds),
        np.median(counts),
        np.median(seconds),
    )


def main():
    lines = ["# Synthetic prints seen by NBIS", "", "bozorth3 scores of mindtct minutiae (`nbis-py`).", ""]
    lines += [
        "| prints | pairs | n | " + " | ".join(f"{a}-{b - 1}" for a, b in itertools.pairwise(BINS)),
        "| --- | --- | --- | " + " | ".join("---" for _ in BINS[1:]) + " |",
    ]
    lines[-2] = lines[-2].replace("160-9999", "160 and more") + " | median |"
    lines[-1] += " --- |"
    notes = []
    for name, sets in (("synthetic", list(synthetic_sets())), ("FVC2002 DB1_B", list(real_sets()))):
        if not sets:
            notes.append(f"{name} was not found under {DATA.name}: left out.")
            continue
        mated, others = scores(sets)
        for pairs, values in (("mated", mated), ("non-mated", others)):
            shares = np.histogram(values, BINS)[0] / len(values)
            cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
            lines.append(f"| {name} | {pairs} | {len(values)} | {cells} | {np.median(values):g} |")
        rate, threshold = equal_error_rate(mated, others)
        minutiae = np.median([len(one.get()) for finger in sets for one in finger])
        notes.append(
            f"{name}: equal error rate {100 * rate:.2f} % at score {threshold:g} "
            f"({len(mated)} mated, {len(others)} non-mated pairs of {len(sets)} fingers); "
            f"median of {minutiae:g} minutiae a print."
        )
    lines += ["", *(f"- {note}" for note in notes), ""]
    lines += ["mindtct compared with the truth: one-to-one within 12 px and 22.5 degrees, 30 prints per level.", ""]
    lines += [
        "| noise level | truth found | reported and true | median difference in direction | same kind, where clear "
        "| minutiae in truth | CPU s to make a print |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for level in range(4):
        recall, precision, turn, kind, count, seconds = against_truth(level)
        lines.append(
            f"| {level} | {100 * recall:.1f} % | {100 * precision:.1f} % | {turn:.1f} degrees | {100 * kind:.1f} % "
            f"| {count:g} | {seconds:.2f} |"
        )
    text = "\n".join(lines) + "\n"
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
