"""Fit the projection of minutia cylinders to codes, on simulated prints alone.

    python benchmarks/fit_codes.py [--prints 160] [--seed 4711]

Principal components of the usable cylinders. Writes ridgefeat/verify/codes.npz and prints the share of the variance
that the codes keep.
"""

from _common import ROOT  # isort: skip

import argparse
import tempfile

import numpy as np

from ridgefeat import verify
from ridgefeat.synth import write_set
from ridgefeat.verify.codes import SIZE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prints", type=int, default=160)
    parser.add_argument("--seed", type=int, default=4711)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_set(folder, given.prints, seed=given.seed, fingers=1)
        entries = verify.enrol(verify.find_sources([folder]))
    cylinders = [e.content.cylinders for e in entries if e.content is not None]
    values = np.concatenate([c.values[c.usable] for c in cylinders])
    mean = values.mean(0)
    strength, axes = np.linalg.svd(values - mean, full_matrices=False)[1:]
    kept = np.square(strength[:SIZE]).sum() / np.square(strength).sum()
    path = ROOT / "ridgefeat" / "verify" / "codes.npz"
    np.savez_compressed(path, mean=mean.astype(np.float16), axes=axes[:SIZE].T.astype(np.float16))
    print(f"{len(values)} cylinders of {len(cylinders)} prints; {SIZE} numbers keep {100 * kept:.0f} % of the variance")


if __name__ == "__main__":
    main()
