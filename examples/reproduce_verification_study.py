"""Thresholds under hard conditions: five ways to choose one, and what differs between them.

    python examples/reproduce_verification_study.py .data/SOCOFing    # altered prints of a public set, some minutes
    python examples/reproduce_verification_study.py --demo            # simulated prints, some seconds

A study verified masked faces and compared ways to choose the decision threshold: traditionally midway between the
mean distances of mated and non-mated comparisons, or by a Gaussian process, by a relation between the two error rates,
or by a grid. Altered fingerprints are the counterpart: a probe that was made useless on purpose. Each method chooses on
four fifths of the subjects and is reported on the others.

A threshold is one number, and one pass over the sorted scores (`exact`) covers every value that matters; a Gaussian
process finds nearly the same in 25 evaluations. The methods differ in their objective: the midpoint of the means
ignores the error rates.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pandas as pd

import ridgefeat as rf
from ridgefeat.synth import make_subjects
from ridgefeat.verify import verify

METHODS = ["mean-distance", "bayes", "far-frr", "grid", "exact"]
FINGERS = 40


def simulated(folder: Path, fingers: int) -> list[Path]:
    """Write two impressions of each simulated finger, the second obliterated in the middle; return both folders."""
    real, altered = folder / "Real", folder / "Altered" / "Altered-Hard"
    for place in (real, altered):
        place.mkdir(parents=True)
    chance = np.random.default_rng(6)
    prints = make_subjects(fingers, seed=6, fingers=1, impressions=2, shape=(260, 230), noise_level=2)
    for made in prints:
        name = f"{made.subject:03d}__{made.sex[0].upper()}_Right_thumb_finger"
        image = made.print.image
        if made.impression == 1:
            cv2.imwrite(str(real / f"{name}.BMP"), image)
            continue
        rows, columns = image.shape
        y, x = np.ogrid[:rows, :columns]
        where = ((y - rows * 0.45) / (rows * 0.24)) ** 2 + ((x - columns / 2) / (columns * 0.24)) ** 2 < 1
        blots = cv2.GaussianBlur(chance.uniform(0, 255, image.shape).astype(np.float32), (0, 0), 4)
        image = np.where(where, np.clip(128 + 9 * (blots - 128), 0, 255), image).astype(np.uint8)
        cv2.imwrite(str(altered / f"{name}_Obl.BMP"), image)
    return [real, folder / "Altered"]


def table(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what each method chose, and its errors on subjects that chose no threshold."""
    made = rf.threshold.Scores.make(
        scores["score"],
        scores["mated"],
        subject_probe=scores["subject_probe"],
        subject_reference=scores["subject_reference"],
        count_failures=True,
    )
    found = rf.threshold.analyse(made, METHODS)
    return found.thresholds()[["method", "evaluations", "threshold", "far", "frr", "hter"]]


def main(words: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Return a table for each level of alteration."""
    parser = argparse.ArgumentParser(description="Decision thresholds on altered fingerprints.")
    parser.add_argument("folder", nargs="?", type=Path, help="a folder that holds SOCOFing's Real and Altered")
    parser.add_argument("--demo", action="store_true", help="simulated prints instead")
    parser.add_argument("--fingers", type=int, default=FINGERS, help="number of simulated fingers")
    given = parser.parse_args(words)
    if given.demo == (given.folder is not None):
        parser.error("give the folder of SOCOFing, or --demo")
    with tempfile.TemporaryDirectory() as made:
        if given.demo:
            folders = simulated(Path(made), given.fingers)
        else:
            folders = [given.folder / "Real", given.folder / "Altered"]
            if missing := [str(f) for f in folders if not f.is_dir()]:
                parser.error(f"no folder {missing[0]}")
        names = r"(?P<subject>\d+)__._(?P<hand>\w+?)_(?P<finger>\w+?)_finger(_(?P<alteration>\w+))?\.BMP"
        further = {"regex": names, "dpi": 500} if given.demo else {}
        scores = verify(folders, "altered", **further).scores
    level = scores["level"].fillna("") if "level" in scores else pd.Series("", scores.index)
    groups = [("all", scores), *((name, part) for name, part in scores.groupby(level) if name)]
    tables = {}
    for name, part in groups:
        tables[name] = table(part)
        print(f"\n{name}: {int(part['mated'].sum())} mated, {int((1 - part['mated']).sum())} non-mated comparisons")
        print(tables[name].to_string(index=False, float_format=lambda v: f"{v:.4f}"))
    return tables


if __name__ == "__main__":
    main()
