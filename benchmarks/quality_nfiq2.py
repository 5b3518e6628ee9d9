"""Quality measures compared with NIST's own: the output of NFIQ 2 and ours on its three SFinGe prints.

    python benchmarks/quality_nfiq2.py

Prints the tables and writes benchmarks/results/quality_nfiq2.md. Needs NFIQ2_SFinGe under RIDGEFEAT_DATA or .data/.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cv2
import numpy as np

from ridgefeat.features.quality.family import quality
from ridgefeat.fingerprint import Fingerprint

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "quality_nfiq2.md"

HISTOGRAMS = {"fda": "FDA", "lcs": "LCS", "ocl": "OCL", "of": "OF", "rvu": "RVUP"}
SAME = {
    "quality_mu": "Mu",
    "quality_mmb": "MMB",
    **{
        f"quality_{ours}_{stat}": f"{nist}_Bin10_{word}"
        for ours, nist in HISTOGRAMS.items()
        for stat, word in (("mean", "Mean"), ("std", "StdDev"))
    },
    "quality_roi_mean": "ImgProcROIArea_Mean",
    "quality_coherence_sum": "OrientationMap_ROIFilter_CoherenceSum",
    "quality_coherence_roi": "OrientationMap_ROIFilter_CoherenceRel",
}
ON_MINUTIAE = {
    "minutiae_count": "FingerJetFX_MinutiaeCount",
    "quality_minutiae_center": "FingerJetFX_MinCount_COMMinRect200x200",
    "quality_minutiae_mu": "FJFXPos_Mu_MinutiaeQuality_2",
    "quality_minutiae_ocl": "FJFXPos_OCL_MinutiaeQuality_80",
}


def nist_values(path: Path) -> dict[str, float]:
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return {name: float(value) for name, _, value in lines if value}


def our_values(path: Path) -> dict[str, float]:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    names = (c.name for c in quality.all_columns())
    return dict(zip(names, quality.compute(Fingerprint(image, 500)).tolist(), strict=True))


def values_table(pairs: list[tuple[dict[str, float], dict[str, float]]], names: dict[str, str]) -> list[str]:
    head = "".join(f" print {i + 1}: ours | NIST | % |" for i in range(len(pairs)))
    lines = [f"| measure |{head}", "| --- |" + " ---: |" * (3 * len(pairs))]
    for ours, nist in names.items():
        cells = "".join(
            f" {a[ours]:.5g} | {b[nist]:.5g} | {100 * (a[ours] - b[nist]) / b[nist]:+.2f} |" for a, b in pairs
        )
        lines.append(f"| {ours} ({nist}) |{cells}")
    return lines


def bins_table(pairs: list[tuple[dict[str, float], dict[str, float]]]) -> list[str]:
    lines = ["| measure | print | ours, bins 0 to 9 | NIST | moved, % |", "| --- | ---: | --- | --- | ---: |"]
    for ours, nist in HISTOGRAMS.items():
        for i, (a, b) in enumerate(pairs):
            x = np.array([a[f"quality_{ours}_bin{k}"] for k in range(10)])
            y = np.array([b[f"{nist}_Bin10_{k}"] for k in range(10)])
            moved = 100 * np.abs(x - y).sum() / 2 / y.sum()
            texts = (" ".join(f"{v:.0f}" for v in values) for values in (x, y))
            lines.append(f"| {ours} | {i + 1} | {' | '.join(texts)} | {moved:.1f} |")
    return lines


def main() -> int:
    folder = Path(os.environ.get("RIDGEFEAT_DATA", ROOT / ".data")) / "NFIQ2_SFinGe"
    images = sorted((folder / "images").glob("*.pgm"))
    if not images:
        print(f"skipped: no images in {folder / 'images'}; set RIDGEFEAT_DATA to the folder that has NFIQ2_SFinGe")
        return 0
    pairs = [(our_values(p), nist_values(folder / "output" / f"{p.stem}_output.txt")) for p in images]
    worst = max(abs(a[o] - b[n]) / b[n] for a, b in pairs for o, n in SAME.items())
    lines = [
        "# Quality measures compared with those of NFIQ 2",
        "",
        f"NIST's NFIQ 2 and the family `quality` on NIST's {len(images)} SFinGe prints. The largest difference",
        f"of a measure that both compute from the same pixels is {100 * worst:.2f} %.",
        "",
        *values_table(pairs, SAME),
        "",
        "Histogram bins (numbers of blocks; for RVU, of width ratios), and how many lie in another bin:",
        "",
        *bins_table(pairs),
        "",
        "What is left: the region of interest is blurred at a quarter of the size, for speed, so that its edge",
        "moves by a pixel or two.",
        "",
        "These rest on minutiae, which NFIQ 2 takes from FingerJet FX and we from our own stages; they need not agree:",
        "",
        *values_table(pairs, ON_MINUTIAE),
        "",
    ]
    text = "\n".join(lines)
    print(text)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
