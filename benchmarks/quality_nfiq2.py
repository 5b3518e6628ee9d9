"""Quality measures compared with NIST's own: the output of NFIQ 2 and ours on its three SFinGe prints and on FVC's.

    python benchmarks/quality_nfiq2.py

Prints the tables and writes benchmarks/results/quality_nfiq2.md. Needs NFIQ2_SFinGe, FVC2002 and FVC2004 under
RIDGEFEAT_DATA or .data/, and NFIQ 2 in `nbis-py` (extra `peers`) for FVC's prints.
"""

from __future__ import annotations

from pathlib import Path

from _common import need, report, table  # isort: skip

import cv2
import nbis
import numpy as np

from ridgefeat.features.quality.family import quality
from ridgefeat.fingerprint import Fingerprint

FVC = ("FVC2002/DB1_B", "FVC2002/DB2_B", "FVC2002/DB3_B", "FVC2002/DB4_B", "FVC2004/DB1_B")
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
    names, fp = (c.name for c in quality.all_columns()), Fingerprint(image, 500)
    measured = dict(zip(names, quality.compute(fp).tolist(), strict=True))
    return {**measured, "minutiae_count": len(fp.minutiae)}


def values_table(pairs: list[tuple[dict[str, float], dict[str, float]]], names: dict[str, str]) -> str:
    head = [f"print {i + 1}: {what}" for i in range(len(pairs)) for what in ("ours", "NIST", "%")]
    rows: list[list[object]] = []
    for ours, nist in names.items():
        both = [(a[ours], b[nist]) for a, b in pairs]
        cells = [cell for x, y in both for cell in (f"{x:.5g}", f"{y:.5g}", f"{100 * (x - y) / y:+.2f}")]
        rows.append([f"{ours} ({nist})", *cells])
    return table(["measure", *head], rows)


def bins_table(pairs: list[tuple[dict[str, float], dict[str, float]]]) -> str:
    rows: list[list[object]] = []
    for ours, nist in HISTOGRAMS.items():
        for i, (a, b) in enumerate(pairs):
            x = np.array([a[f"quality_{ours}_bin{k}"] for k in range(10)])
            y = np.array([b[f"{nist}_Bin10_{k}"] for k in range(10)])
            moved = 100 * np.abs(x - y).sum() / 2 / y.sum()
            texts = (" ".join(f"{v:.0f}" for v in values) for values in (x, y))
            rows.append([ours, i + 1, *texts, f"{moved:.1f}"])
    return table(["measure", "print", "ours, bins 0 to 9", "NIST", "moved, %"], rows)


def differences(files: list[Path]) -> tuple[dict[str, list[float]], int]:
    """Return each measure's relative differences from NFIQ 2's, in per cent, and on how many prints NFIQ 2 fails."""
    settings = nbis.NbisExtractorSettings(
        min_quality=0.0, get_center=False, check_fingerprint=False, compute_nfiq2=True, ppi=None
    )
    extractor = nbis.new_nbis_extractor(settings)
    found: dict[str, list[float]] = {name: [] for name in SAME}
    failed = 0
    for path in files:
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        try:
            file = cv2.imencode(".png", image)[1].tobytes()
            nist = {f.name: f.value for f in extractor.extract_minutiae(file).quality().features}
        except nbis.NbisError:
            failed += 1
            continue
        ours = our_values(path)
        for name, theirs in SAME.items():
            found[name].append(100 * abs(ours[name] - nist[theirs]) / abs(nist[theirs]))
    return found, failed


def main() -> None:
    folder = need("NFIQ2_SFinGe")
    images = sorted((folder / "images").glob("*.pgm"))
    pairs = [(our_values(p), nist_values(folder / "output" / f"{p.stem}_output.txt")) for p in images]
    worst = max(abs(a[o] - b[n]) / b[n] for a, b in pairs for o, n in SAME.items())
    files = [path for name in FVC for path in sorted(need(name).glob("*.tif"))]
    apart, failed = differences(files)
    compared = len(files) - failed
    within = min(np.mean(np.array(v) < 0.8) for v in apart.values())
    rows = [
        [name, *(f"{v:.3f}" for v in np.percentile(off, (50, 95, 100))), f"{100 * np.mean(np.array(off) < 0.01):.1f}"]
        for name, off in apart.items()
    ]
    report(
        "quality_nfiq2",
        "Quality measures compared with those of NFIQ 2",
        [
            f"NIST's NFIQ 2 and the family `quality`. On NIST's {len(images)} SFinGe prints the largest difference of "
            f"a measure that both compute from the same pixels is {100 * worst:.2f} %. On {compared} prints of FVC2002 "
            "and FVC2004 (NFIQ 2 of nbis-py, which gives NIST's values on the SFinGe prints) each measure is within "
            f"0.8 % on at least {100 * within:.1f} % of prints, and single prints are further apart. NFIQ 2 fails on "
            f"{failed} more. Nothing was tuned on FVC's prints for this.",
            f"## Difference in % on {compared} prints of FVC2002 and FVC2004",
            table(["measure", "median", "95th percentile", "largest", "prints below 0.01 %, %"], rows),
            f"## NIST's {len(images)} SFinGe prints",
            values_table(pairs, SAME),
            "Histogram bins (numbers of blocks; for RVU, of width ratios), and how many lie in another bin:",
            bins_table(pairs),
            "The region of interest is blurred at a quarter of the size, for speed, so that its edge moves by a pixel "
            "or two: that is the difference of the last three measures.",
            "These rest on minutiae, which NFIQ 2 takes from FingerJet FX and we from our own stages; they need not "
            "agree:",
            values_table(pairs, ON_MINUTIAE),
        ],
    )


if __name__ == "__main__":
    main()
