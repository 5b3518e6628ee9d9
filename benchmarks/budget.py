"""Has extraction become slower? Counts, which do not depend on the machine, compared with recorded ones.

    python benchmarks/budget.py [--record]

For each stage and family of two simulated prints: the calls that the package's own code makes, and the peak of the
memory that they hold. Either may exceed its figure in benchmarks/budget.json by 10 %. More ends with exit code 1 and
the names. --record writes the figures anew, after a gain or a change that is worth its cost.
"""

from __future__ import annotations

import argparse
import json
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from pathlib import Path
from types import FrameType
from typing import Any

import ridgefeat
from ridgefeat.features import select
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.synth.simple import dislocated_grating, rings
from ridgefeat.work.threads import one_thread

RECORDED = Path(__file__).with_suffix(".json")
PACKAGE = str(Path(ridgefeat.__file__).parent)
STAGES = (
    *("_resampled", "_normalised", "gabor", "mask", "is_inverted", "image", "normalised", "orientation", "period"),
    *("enhanced", "ink", "binary", "skeleton", "_turning_points", "flow", "_missed_points", "singular_points"),
    *("all_minutiae", "minutiae", "pattern", "flags"),
)
"""In the order in which each needs only those before it."""
PRINTS = {"grating": dislocated_grating((388, 374), 9.0, 0.5).image, "rings": rings((320, 300), 8.0).image}
ALLOWED = 1.10
SMALL = {"calls": 5, "kB": 50}
"""More than these must be added as well: a stage of three calls may take a fourth."""


def count(work: Callable[[], Any]) -> dict[str, int]:
    """Return the calls that the package makes in some work, and the peak of what it allocates."""
    calls = 0

    def on_event(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        caller = {"call": frame.f_back, "c_call": frame}.get(event)
        calls += caller is not None and caller.f_code.co_filename.startswith(PACKAGE)

    tracemalloc.start()
    sys.setprofile(on_event)
    try:
        work()
    finally:
        sys.setprofile(None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return {"calls": calls, "kB": round(peak / 1024)}


@one_thread()
def measure() -> dict[str, dict[str, int]]:
    """Return the counts of each stage and family of each print."""
    parts = {f"stage {name}": attrgetter(name) for name in STAGES}
    parts |= {f"family {family.name}": family.compute for family in select()}
    found = {}
    for kind, image in (*PRINTS.items(), *PRINTS.items()):  # twice, because the first ones fill caches
        fp = Fingerprint(image, 500)
        found |= {f"{kind}: {part}": count(partial(work, fp)) for part, work in parts.items()}
    return found


def exceeded(found: dict[str, dict[str, int]], recorded: dict[str, dict[str, int]]) -> list[str]:
    """Return what is over budget, as text."""
    wrong = [f"{part}: not in both; run with --record" for part in sorted(found.keys() ^ recorded.keys())]
    for part in found.keys() & recorded.keys():
        for what, now in found[part].items():
            before = recorded[part][what]
            if now > max(ALLOWED * before, before + SMALL[what]):
                wrong.append(f"{part}: {now} {what}, {now / max(before, 1) - 1:+.0%} of {before}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true", help="write the figures that later runs are compared with")
    found = measure()
    if parser.parse_args().record:
        RECORDED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    wrong = exceeded(found, json.loads(RECORDED.read_text("utf-8")))
    print(f"{len(found)} parts, {sum(c['calls'] for c in found.values())} calls;", len(wrong), "over budget")
    print("\n".join(wrong), end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
