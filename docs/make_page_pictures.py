"""Photograph the explore and the bench page of simulated prints: docs/pictures/explore.png and bench.png.

    python docs/make_page_pictures.py

Needs Chromium on the path.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

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
    """Make the prints, their table and both pages, and photograph the top of each page."""
    FOLDER.mkdir(exist_ok=True)
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


def ridgefeat(folder: Path, command: str) -> None:
    """Run a command in a folder."""
    subprocess.run([sys.executable, "-m", "ridgefeat.cli", *command.split(), "-q"], cwd=folder, check=True)


def photograph(page: Path, picture: Path, width: int, height: int) -> None:
    """Write the top of a page as a small PNG with 256 colours."""
    shot = page.with_suffix(".png")
    options = (f"--window-size={width},{height}", f"--screenshot={shot}")
    subprocess.run([*CHROMIUM, *options, page.as_uri()], check=True, capture_output=True)
    small = cv2.resize(cv2.imread(str(shot)), (WIDTH, round(height * WIDTH / width)), interpolation=cv2.INTER_AREA)
    from PIL import Image

    Image.fromarray(small[..., ::-1]).quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
    print(f"{picture.relative_to(FOLDER.parent.parent)}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
