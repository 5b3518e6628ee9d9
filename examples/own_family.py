"""A custom feature family, published by an entry point: the command, its listings and the table then include it.

    python examples/own_family.py

A family is a module. Each function follows the columns that it computes, with unit, range, meaning and source. A
package publishes it in its metadata:

    [project.entry-points."ridgefeat.families"]
    symmetry = "ridge_symmetry:symmetry"

Here that package is written to a temporary folder in the form in which pip would install it, so that nothing needs to
be installed to try it. It measures how similar the left and the right half of the ridge flow of a print are.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

MODULE = '''
"""How symmetric the ridge flow is about the print's vertical axis."""

import numpy as np

from ridgefeat.features import Column, Family

symmetry = Family("symmetry", "Likeness of the ridge flow left and right of the print's middle.")


@symmetry.columns(
    Column("symmetry_flow_mean", "degrees", 0, 90, "mean angle between the flow and its mirror image", "this example"),
    Column("symmetry_coverage", "", 0, 1, "share of the print with a mirror image inside the print"),
)
def flow(fp):
    """Compare each place with its mirror place; a mirrored flow at angle a runs at -a."""
    if not fp.mask.any():
        return None
    columns = np.flatnonzero(fp.mask.any(0))
    inside = fp.mask[:, columns[0] : columns[-1] + 1]
    angle = fp.orientation.angle[:, columns[0] : columns[-1] + 1]
    both = inside & inside[:, ::-1]
    if not both.any():
        return [np.nan, 0.0]
    apart = np.abs(np.angle(np.exp(2j * (angle + angle[:, ::-1]))))[both] / 2
    return [float(np.rad2deg(apart.mean())), float(both.sum() / inside.sum())]
'''


def publish(folder: Path) -> None:
    """Write the package as pip would lay it down: the module, and its metadata with the entry point."""
    (folder / "ridge_symmetry.py").write_text(MODULE, encoding="utf-8")
    about = folder / "ridge_symmetry-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ridge-symmetry\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        "[ridgefeat.families]\nsymmetry = ridge_symmetry:symmetry\n", encoding="utf-8"
    )


def ridgefeat(folder: Path, *words: str) -> str:
    """Run the command with the package on its path, and show it."""
    print(f"$ ridgefeat {' '.join(words)}")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "ridgefeat.cli", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    print(done.stdout)
    return done.stdout


def main(folder: Path) -> str:
    """Return the table that was made."""
    publish(folder)
    ridgefeat(folder, "synth", "prints", "-n", "4", "--seed", "2", "--fingers", "1")
    ridgefeat(folder, "features", "--families", "symmetry")
    ridgefeat(
        folder,
        *("extract", "prints", "--index", "prints/index.csv"),
        *("--families", "symmetry", "-j", "1", "-o", "own.csv"),
    )
    table = (folder / "own.csv").read_text(encoding="utf-8")
    header, *rows = (line.split(",") for line in table.splitlines())
    shown = [header.index(c) for c in ("meta_source", "symmetry_flow_mean", "symmetry_coverage")]
    for row in (header, *rows):
        print("  ".join(f"{row[k]:<32}" for k in shown))
    return table


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))
