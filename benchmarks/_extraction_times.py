"""CPU time of extraction by one version of the package: run by extract_speed.py, in a process for each version.

    python benchmarks/_extraction_times.py TREE PRINTS.npz

For each number of a print on standard input, prints the times in ms as JSON: four and six families from grey values on,
then each stage and family by itself, in the order in which each needs only what was computed before.
"""

from __future__ import annotations

import json
import sys
import time

import _common  # noqa: F401 - one thread
import cv2
import numpy as np

STAGES = {
    "_normalised": "normalisation",
    "gabor": "Gabor bank",
    "mask": "mask",
    "is_inverted": "polarity",
    "normalised": "normalisation",
    "orientation": "orientation",
    "period": "period",
    "enhanced": "enhancement",
    "ink": "ink",
    "skeleton": "skeleton",
    "singular_points": "singular points",
    "minutiae": "minutiae",
    "pattern": "pattern class",
    "flags": "flags",
}
"""Attributes and what they are; a version has those that it has."""


def main(tree: str, prints: str) -> None:
    sys.path.insert(0, tree)
    cv2.setNumThreads(1)
    import ridgefeat
    from ridgefeat.features import select
    from ridgefeat.fingerprint import Fingerprint

    if not ridgefeat.__file__.startswith(tree):
        raise SystemExit(f"{ridgefeat.__file__} is not in {tree}")
    families = select(["ridge", "orient", "gabor", "minutiae", "quality", "texture"])

    def all_of(count, grey):
        fp = Fingerprint(grey, 500)
        return [family.compute(fp) for family in families[:count]], fp.flags

    def timed(work, *args):
        start = time.process_time()
        work(*args)
        return 1e3 * (time.process_time() - start)

    def times(grey):
        found = {"four families": timed(all_of, 4, grey), "six families": timed(all_of, 6, grey)}
        fp = Fingerprint(grey, 500)
        for attribute, stage in STAGES.items():
            if hasattr(type(fp), attribute):
                found[f"stage {stage}"] = found.get(f"stage {stage}", 0) + timed(getattr, fp, attribute)
        return found | {f"family {family.name}": timed(family.compute, fp) for family in families}

    images = list(np.load(prints).values())
    times(images[0])
    for line in sys.stdin:
        print(json.dumps(times(images[int(line)])), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
