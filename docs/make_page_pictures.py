"""Make what README shows of simulated prints: docs/pictures/compare.png, explain.png, explore.png and bench.png.

    make pictures

The first two are what README's own commands draw; the others are photographs of pages, which need Chromium on the path.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from PIL import Image

FOLDER = Path(__file__).resolve().parent / "pictures"
WIDTH = 1000
CHROMIUM = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
CHROMIUM += ("--disable-sync", "--no-first-run", "--hide-scrollbars", "--virtual-time-budget=8000")
SELECT = """<script>addEventListener("load", function look() {
  if (document.documentElement.dataset.ready !== "yes") { setTimeout(look, 50); return; }
  document.querySelector("header").hidden = true;
  const rows = [];
  for (let i = 0; i < N && rows.length < 9; i += 4) rows.push(i);
  choose(rows);
  focusOn(rows[2]);
});</script>"""


def main() -> None:
    """Make the pictures of README's commands, then the prints, the table and both pages whose tops are photographed."""
    FOLDER.mkdir(exist_ok=True)
    follow_readme()
    with TemporaryDirectory() as name:
        folder = Path(name)
        ridgefeat(folder, "synth prints -n 128 --fingers 2 --impressions 2 --seed 1 --sex-effect 0.35")
        ridgefeat(folder, "extract prints --index prints/index.csv -o features.csv --families ridge,minutiae,quality")
        ridgefeat(folder, "explore features.csv --images prints --by sex -o explore.html")
        ridgefeat(
            folder,
            "bench features.csv --target sex --group subject --folds 4 --fast -o out "
            "--classifiers dummy,logistic,knn,random-forest",
        )
        page = (folder / "explore.html").read_text(encoding="utf-8")
        # Without its policy the page runs one script more, which selects some prints.
        page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace(
            "</body>", SELECT + "</body>"
        )
        (folder / "selected.html").write_text(page, encoding="utf-8")
        photograph(folder / "selected.html", FOLDER / "explore.png", 1300, 860)
        photograph(folder / "out" / "report.html", FOLDER / "bench.png", 1240, 1130)


def follow_readme() -> None:
    """Run README's commands up to the figures of compare and explain, and keep these."""
    readme = (FOLDER.parent.parent / "README.md").read_text(encoding="utf-8")
    with TemporaryDirectory() as name:
        folder = Path(name)
        for command in ("synth", "extract", "compare", "explain"):
            line = re.search(rf"^ridgefeat ({command} .*)$", readme, re.M)
            assert line, f"README does not run {command}"
            ridgefeat(folder, line[1])
        keep(cv2.imread(str(folder / "differences" / "figures" / "effects.png")), FOLDER / "compare.png", 600)
        keep(cv2.imread(str(folder / "why.png")), FOLDER / "explain.png", 900)


def ridgefeat(folder: Path, command: str) -> None:
    """Run a command in a folder."""
    subprocess.run([sys.executable, "-m", "ridgefeat.cli", *shlex.split(command), "-q"], cwd=folder, check=True)


def photograph(page: Path, picture: Path, width: int, height: int) -> None:
    """Write the top of a page as a small PNG with 256 colours."""
    shot = page.with_suffix(".png")
    options = (f"--window-size={width},{height}", f"--screenshot={shot}")
    subprocess.run([*CHROMIUM, *options, page.as_uri()], check=True, capture_output=True)
    keep(cv2.imread(str(shot)), picture, WIDTH)


def keep(image: np.ndarray, picture: Path, width: int) -> None:
    """Write an image (height x width x BGR) at a width in pixels as a small PNG with 256 colours."""
    height = round(image.shape[0] * width / image.shape[1])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    Image.fromarray(small[..., ::-1]).quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
    print(f"{picture.relative_to(FOLDER.parent.parent)}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
