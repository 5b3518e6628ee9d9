"""The main job from end to end on prints that a program makes: a set, its feature table, and a page to look at.

    make demo

First come 48 simulated prints of 6 simulated subjects: 4 fingers each, 2 impressions of each finger. They belong to
nobody, so they can be shown and given away. Then the command that a user would type turns them into a table. A few are
drawn stage by stage, and a page gathers all of it. Everything lands in demo/, which is made anew each time.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

# One thread a process, which the workers of `extract` keep to as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import ridgefeat as rf
from ridgefeat.report.extract_page import write_extract_page
from ridgefeat.report.show import save_overlay
from ridgefeat.synth import write_set

SUBJECTS, FINGERS, IMPRESSIONS, SEED = 6, 4, 2, 1
DRAWN = 3
DEMO = Path(__file__).resolve().parent.parent / "demo"


def main() -> None:
    started = time.perf_counter()
    # Commands are shown, and run, as from the folder that holds demo/.
    os.chdir(DEMO.parent)
    # Only what an earlier run made is taken away.
    for name in ("prints", "minutiae", "overlays"):
        shutil.rmtree(DEMO / name, ignore_errors=True)

    count = SUBJECTS * FINGERS * IMPRESSIONS
    print(f"1. Making {count} simulated prints of {SUBJECTS} simulated subjects ...", flush=True)
    index = write_set("demo/prints", count, SEED, fingers=FINGERS, impressions=IMPRESSIONS)
    print(f"   labels: {index}\n")

    print("2. From prints to a table:")
    ridgefeat("extract", "demo/prints", "--validate", "--index", "demo/prints/index.csv")
    ridgefeat(
        *("extract", "demo/prints", "--index", "demo/prints/index.csv"),
        *("-o", "demo/features.csv", "--minutiae", "demo/minutiae", "--overwrite"),
    )

    print("3. Drawing some prints stage by stage:")
    images = sorted(Path("demo/prints").glob("*.png"))
    Path("demo/overlays").mkdir(parents=True, exist_ok=True)
    for image in images[:: len(images) // DRAWN][:DRAWN]:
        overlay = Path("demo/overlays") / image.name
        save_overlay(rf.read(image), overlay)
        print(f"   {overlay}")

    print(f"\n4. Gathering all of it on a page ... ({time.perf_counter() - started:.0f} s so far)", flush=True)
    page = write_extract_page(
        "demo/features.csv", "demo/index.html", images_root="demo/prints", title=f"Demo: {count} simulated prints"
    )
    print(f"\nDone in {time.perf_counter() - started:.0f} s. Open this page in a browser:\n{page.resolve()}")


def ridgefeat(*words: str) -> None:
    """Run the command line as a user would, and show what is run."""
    print(f"   $ {shlex.join(['ridgefeat', *words])}", flush=True)
    done = subprocess.run([sys.executable, "-m", "ridgefeat.cli", *words], check=False)
    print(flush=True)
    if done.returncode:
        sys.exit(f"ridgefeat ended with exit code {done.returncode}; the demo stops here")


if __name__ == "__main__":
    main()
