"""CPU time of extraction by one version of the package: run by extract_speed.py, in a process for each version.

    python benchmarks/_extraction_times.py TREE PRINTS.npz

For each number of a print on standard input, prints [print, ms] by what was timed, as JSON: four and six families from
grey values on, then each stage and family by itself, in the order in which each needs only what was computed before.
The three are on prints a third of them apart, so that tables which depend on a print's size are as new as in use.
Threads are pinned once, as the command line's workers do.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress

import _common  # noqa: F401 - one thread
import cv2
import numpy as np

STAGES = {
    "gabor": "Gabor bank",
    "mask": "mask",
    "is_inverted": "polarity",
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

    def by_part(grey):
        fp = Fingerprint(grey, 500)
        first = "_normalised" if hasattr(Fingerprint, "_normalised") else "normalised"
        stages = {first: "normalisation"} | {a: name for a, name in STAGES.items() if hasattr(Fingerprint, a)}
        found = {f"stage {name}": timed(getattr, fp, attribute) for attribute, name in stages.items()}
        return found | {f"family {family.name}": timed(family.compute, fp) for family in families}

    images = list(np.load(prints).values())
    all_of(6, images[0])
    with suppress(ImportError):  # 0.1 has none
        from ridgefeat.work.threads import one_thread

        pinned = one_thread()
        pinned.__enter__()
    for line in sys.stdin:
        one, other, third = ((int(line) + k * len(images) // 3) % len(images) for k in range(3))
        found = {"four families": [one, timed(all_of, 4, images[one])]}
        found["six families"] = [other, timed(all_of, 6, images[other])]
        found |= {part: [third, ms] for part, ms in by_part(images[third]).items()}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
