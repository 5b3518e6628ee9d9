"""What a new user wants to do, as commands in a new environment: do they work, and how long do they take?

    python benchmarks/newcomer_tasks.py [PYTHON]

Ten tasks of a student, an engineer and a lecturer on 100 simulated prints: .tif files, and a list as Excel saves it
(byte-order mark, semicolons, German headings). What each task took in version 0.1 was noted when users tried it. The
tree is installed in a new environment of PYTHON (by default the running one), and the commands run there. A task works
if its commands succeed and its result is there.
"""

from __future__ import annotations

from _common import ROOT, report, table  # isort: skip

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from ridgefeat.synth import write_set

PRINTS, FINGERS, IMPRESSIONS = 100, 2, 2

FAMILY = """
import numpy as np
from ridgefeat.features import Column, Family

tone = Family("tone", "Grey values of the print.")

@tone.columns(Column("tone_median", "grey levels", 0, 255, "median grey value inside the print"))
def median(fp):
    return [float(np.median(fp.image[fp.mask]))] if fp.mask.any() else None
"""
NOTEBOOK = """
import pandas as pd
import ridgefeat as rf
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

index = pd.read_csv("list.csv", sep=";", encoding="utf-8-sig")
prints = [f"prints/{name}" for name in index["Datei"]]
model = make_pipeline(rf.FeatureExtractor(["ridge"]), SimpleImputer(), StandardScaler(), LogisticRegression())
print(cross_val_score(model, prints, index["Geschlecht"], groups=index["Person"], cv=GroupKFold(5)).mean())
"""
BY_PERSON = (
    "import pandas as pd; t = pd.read_csv('list-table.csv'); "
    "t.groupby('Person')[['ridge_density_mean', 'minutiae_count']].mean().to_csv('people.csv')"
)
NAMES = r"(?P<subject>\d+)_(?P<finger>\w+)_(?P<impression>\d)\.tif"
INDEX = ("--index", "list.csv", "--index-column", "Datei")
TASKS = [
    (
        "prints and a list from Excel: density and number of minutiae by person",
        "a header renamed, 1 command, 3 lines of pandas",
        [
            ["extract", "prints", *INDEX, "--families", "ridge,minutiae", "-o", "list-table.csv"],
            ["python", "-c", BY_PERSON],
        ],
        "people.csv",
    ),
    (
        "box plot of groups as PDF",
        "own matplotlib, 3 lines",
        [["compare", "list-table.csv", "--by", "Geschlecht", "--group", "Person", "-o", "groups"]],
        "groups/**/*.pdf",
    ),
    (
        "which print is this, and how sure",
        "1 command",
        [["identify", "prints/{first}", "--gallery", "prints", *INDEX, "--draw", "match.png"]],
        "match.png",
    ),
    (
        "threshold for a false match rate of 0.1 %, with its interval",
        "2 commands, no interval of the threshold",
        [
            ["verify", "prints", "--regex", NAMES, "--impostors", "all", "-o", "scores.csv"],
            ["threshold", "scores.csv", "--methods", "fmr=0.1%", "-o", "thresholds"],
        ],
        "thresholds/thresholds.csv",
    ),
    (
        "minutiae of one print: table and drawing",
        "2 commands, and a table nobody asked for",
        [
            ["extract", "prints/{first}", "--minutiae", "points", "--families", "minutiae", "-o", "one.csv"],
            ["show", "prints/{first}", "--panels", "minutiae", "--numbers", "-o", "points.pdf"],
        ],
        "points/*.csv",
    ),
    (
        "a feature of one's own in the table",
        "a package with an entry point, installed by pip",
        [["extract", "prints", "--families", "ridge,own.py:tone", "-o", "own.csv"]],
        "own.csv",
    ),
    ("scikit-learn in a notebook", "README copied", [["python", "notebook.py"]], "notebook.py"),
    (
        "explain a number",
        "not possible",
        [["explain", "prints/{first}", "ridge_density_mean", "--among", "list-table.csv", "-o", "why.png"]],
        "why.png",
    ),
    (
        "predict my own labels: sex, and age in years",
        "1 command for sex; age not possible",
        [
            ["bench", "list-table.csv", "--target", "Geschlecht", "--group", "Person", "--fast", "-o", "sex"],
            ["bench", "list-table.csv", "--target", "Alter", "--group", "Person", "--fast", "-o", "age"],
        ],
        "age/report.html",
    ),
    (
        "a page to explore, and a report on classifiers, of a whole set (its table is made in the first task)",
        "3 commands with the table",
        [
            ["explore", "list-table.csv", "--images", "prints", "-o", "explore.html"],
            ["bench", "list-table.csv", "--target", "Geschlecht", "--group", "Person", "-o", "all"],
        ],
        "explore.html",
    ),
]


def make_prints(folder: Path) -> str:
    """Write the prints as .tif and their list; return the first one's name."""
    index = write_set(folder / "made", PRINTS, 4, fingers=FINGERS, impressions=IMPRESSIONS)
    with index.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    (folder / "prints").mkdir()
    ages = np.random.default_rng(4).integers(18, 70, PRINTS)
    lines = [["Datei", "Person", "Geschlecht", "Alter", "Größe"]]
    for row in rows:
        image = cv2.imread(str(folder / "made" / row["file"]), cv2.IMREAD_GRAYSCALE)
        name = f"{int(row['subject']):02d}_{row['finger']}_{row['impression']}.tif"
        dpi = [cv2.IMWRITE_TIFF_RESUNIT, 2, cv2.IMWRITE_TIFF_XDPI, 500, cv2.IMWRITE_TIFF_YDPI, 500]
        cv2.imwrite(str(folder / "prints" / name), image, dpi)
        person = int(row["subject"])
        lines.append([name, f"P{person:02d}", "w" if row["sex"] == "female" else "m", ages[person], "1,70"])
    with (folder / "list.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows(lines)
    (folder / "own.py").write_text(FAMILY, encoding="utf-8")
    (folder / "notebook.py").write_text(NOTEBOOK, encoding="utf-8")
    return str(lines[1][0])


def main(python: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        subprocess.run([python, "-m", "venv", folder / "env"], check=True)
        programs = folder / "env" / "bin"
        # Of a clone, so that building leaves nothing in this folder.
        subprocess.run(["git", "clone", "-q", ROOT, folder / "tree"], check=True)
        install = [programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", folder / "tree"]
        subprocess.run(install, check=True)
        first, rows, failed = make_prints(folder), [], []
        # Nothing of this tree but what was installed.
        alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        for task, before, commands, result in TASKS:
            began, good = time.perf_counter(), True
            for words in commands:
                given = [w.format(first=first) if "{first}" in w else w for w in words]
                start = [programs / "python"] if given[0] == "python" else [programs / "ridgefeat", given[0]]
                done = subprocess.run(
                    [*start, *given[1:]], cwd=folder, capture_output=True, text=True, check=False, env=alone
                )
                if done.returncode:
                    good = False
                    failed.append(f"{task}: {' '.join(given[:2])}: {done.stderr.strip().splitlines()[-1]}")
            good &= bool(list(folder.glob(result)))
            names = ", ".join(w[0] for w in commands)
            rows.append([task, before, names, "yes" if good else "no", f"{time.perf_counter() - began:.0f}"])
            print(*rows[-1], sep=" | ", flush=True)
    head = ["task", "in 0.1", "commands now", "works", "clock, s"]
    report("newcomer_tasks", "A newcomer's ten tasks", [(__doc__ or "").split("\n\n")[2], table(head, rows), *failed])


if __name__ == "__main__":
    main(*(sys.argv[1:] or [sys.executable]))
