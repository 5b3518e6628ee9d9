"""The main job from end to end on prints that a program makes: a set, its feature table, and pages to look at.

    make demo

First come 48 simulated prints of 12 simulated subjects: 2 fingers each, 2 impressions of each finger. They belong to
no person, so they can be shown and shared. Then the commands that a user would type turn them into a table, a page to
explore it, and a report on how well the prints show the sex of each subject. A few prints are drawn stage by stage.
Everything is written to demo/, which is replaced each time.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

# One thread per process, which the workers of `extract` keep to as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import ridgefeat as rf
from ridgefeat.report import save_overlay
from ridgefeat.synth import write_set

SUBJECTS, FINGERS, IMPRESSIONS, SEED = 12, 2, 2, 1
DRAWN = 3
DEMO = Path(__file__).resolve().parent.parent / "demo"


def main() -> None:
    started = time.perf_counter()
    # Commands are shown, and run, as from the folder that holds demo/.
    os.chdir(DEMO.parent)
    # Only what an earlier run made is removed.
    for name in ("prints", "minutiae", "overlays", "compared"):
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

    print("\n4. A page to explore the table:")
    ridgefeat("explore", "demo/features.csv", "--images", "demo/prints", "-o", "demo/explore.html", "--overwrite")

    print("5. A report that compares classifiers:")
    ridgefeat(
        *("bench", "demo/features.csv", "--target", "sex", "--group", "subject", "--folds", "3"),
        *("--classifiers", "dummy,logistic,knn", "--fast", "--jobs", "1", "-o", "demo/compared"),
    )

    print(f"Done in {time.perf_counter() - started:.0f} s. Open these files in a browser:")
    for name in (f"overlays/{images[0].name}", "explore.html", "compared/report.html"):
        print(DEMO / name)


def ridgefeat(*words: str) -> None:
    """Run the command line as a user would, and show what is run."""
    print(f"   $ {shlex.join(['ridgefeat', *words])}", flush=True)
    done = subprocess.run([sys.executable, "-m", "ridgefeat.cli", *words], check=False)
    print(flush=True)
    if done.returncode:
        sys.exit(f"ridgefeat ended with exit code {done.returncode}; the demo stops here")


if __name__ == "__main__":
    main()
