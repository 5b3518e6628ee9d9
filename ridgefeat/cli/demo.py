"""`ridgefeat demo`: the main job from end to end, on prints that a program makes."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click

from ridgefeat.cli import Unusable, options
from ridgefeat.files import MANIFEST, owner_of

FEW = "dummy,logistic,knn"


@click.command("demo")
@click.argument("outdir", metavar="[OUTDIR]", default="demo", type=click.Path(file_okay=False))
@options.option("--subjects", "Simulated people; four prints of each.", type=click.IntRange(6), default=12)
def command(outdir: str, subjects: int) -> None:
    """Show the main job from end to end on simulated prints, in half a minute.

    Makes the prints of simulated people: two fingers each, two impressions of each finger. They belong to nobody, so
    they can be shown and shared. Then the commands that you would type, each shown before it runs, turn them into a
    table, a page to explore it, and a comparison of classifiers; one print is drawn stage by stage. An earlier demo in
    OUTDIR is replaced, and nothing else.

    \b
    Examples:
      ridgefeat demo
      ridgefeat demo /tmp/prints-demo
    """
    began, folder = time.perf_counter(), Path(outdir)
    if folder.is_dir() and any(folder.iterdir()) and owner_of(folder / MANIFEST) != "demo":
        raise Unusable(f"{folder} holds other files; give a folder that is new or empty")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(json.dumps({"command": "demo"}) + "\n", encoding="utf-8")
    prints, table, index = folder / "prints", folder / "features.csv", folder / "prints/index.csv"
    overlay, page, compared = folder / "overlay.png", folder / "explore.html", folder / "compared"

    count = ["-n", 4 * subjects, "--fingers", 2, "--impressions", 2, "--seed", 1]
    _run("1. Simulated prints, with an index of labels", "synth", prints, *count)
    _run("2. A table of features", "extract", prints, "--index", index, "-o", table, "--minutiae", folder / "minutiae")
    _run("3. One print, stage by stage", "show", min(prints.glob("*.png")), "-o", overlay)
    _run("4. A page to explore the table", "explore", table, "--images", prints, "-o", page)
    target = ["--target", "sex", "--group", "subject", "--folds", 3, "--classifiers", FEW, "--fast", "--jobs", 1]
    _run("5. Classifiers, compared on people held out", "bench", table, *target, "-o", compared)
    click.echo(f"Done in {time.perf_counter() - began:.0f} s. Open these files:")
    for path in (overlay, page, compared / "report.html"):
        click.echo(str(path.resolve()))


def _run(title: str, *words: object) -> None:
    """Run a command as a user would, and show what is run."""
    line = [str(word) for word in words]
    click.echo(f"{title}\n   $ {shlex.join(['ridgefeat', *line])}")
    # One thread per process, which the workers of `extract` keep to as well.
    done = subprocess.run([sys.executable, "-m", "ridgefeat", *line], env={"OMP_NUM_THREADS": "1", **os.environ})
    click.echo()
    if done.returncode:
        raise Unusable(f"`ridgefeat {line[0]}` ended with exit code {done.returncode}; the demo stops here")
