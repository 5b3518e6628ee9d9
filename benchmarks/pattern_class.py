"""Pattern class by the Poincare index, compared with the labels of NIST Special Database 4 and with synthetic truth.

    python benchmarks/pattern_class.py

Needs SD4 below RIDGEFEAT_DATA or .data/. Prints the confusion matrices and writes benchmarks/results/pattern_class.md.
"""

from __future__ import annotations

from _common import need, report, table  # isort: skip

import numpy as np
import pandas as pd

from ridgefeat.features.orient import CLASSES, pattern_class
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.sources import find_prints, load_print
from ridgefeat.synth import make_print

SD4 = {"A": "arch", "T": "tented_arch", "L": "left_loop", "R": "right_loop", "W": "whorl"}


def confusion(true, predicted):
    matrix = pd.crosstab(pd.Categorical(true, CLASSES), pd.Categorical(predicted, CLASSES), dropna=False)
    rows = [[c, *matrix.loc[c].tolist()] for c in CLASSES]
    return table(["label", *(f"predicted {c}" for c in CLASSES)], rows)


def accuracy(true, predicted):
    """Share of right answers of five classes, and of four (arch and tented arch together), with Wilson's interval."""
    texts = []
    for name, merge in (("five", {}), ("four", {"tented_arch": "arch"})):
        right = [merge.get(a, a) == merge.get(b, b) for a, b in zip(true, predicted, strict=True)]
        n, p, z = len(right), float(np.mean(right)), 1.96
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        texts.append(f"{name} classes {100 * p:.1f} % [{100 * (middle - half):.1f}, {100 * (middle + half):.1f}]")
    return f"Right of {len(true)}: " + "; ".join(texts) + "."


def main() -> None:
    folder = need("SD4")
    true, predicted = [], []
    for source in find_prints([folder], index=folder / "index.csv"):
        loaded = load_print(source)
        true.append(SD4[source.labels["pattern_class"]])
        predicted.append(pattern_class(Fingerprint(loaded.pixels, (loaded.dpi_x, loaded.dpi_y))) or "none")
    parts = ["## SD4", confusion(true, predicted), accuracy(true, predicted)]
    true, predicted = [], []
    for seed in range(100):
        wanted = CLASSES[seed % 5]
        made = make_print(seed, pattern=wanted, noise_level=1 + seed % 3)
        true.append(wanted)
        predicted.append(pattern_class(Fingerprint(made.image, made.dpi)) or "none")
    parts += ["## Synthetic prints, noise levels 1 to 3", confusion(true, predicted), accuracy(true, predicted)]
    parts.append(
        "A partial print may not show its delta or core; the truth here is the finger's, not what the print shows."
    )
    report("pattern_class", "Pattern classes", parts)


if __name__ == "__main__":
    main()
