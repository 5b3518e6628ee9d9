"""What people really have: every kind of input that 0.1 refused or misread, then and now.

    python benchmarks/inputs.py [REVISION]

Makes an input of each kind from simulated prints and random scores, runs the same command with REVISION (default: the
last commit of 0.1) and with this tree, and prints exit code and result of both. No figure here depends on chance or
on real prints. Writes benchmarks/results/inputs.md.
"""

from __future__ import annotations

from _common import report, table  # isort: skip

import base64
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from PIL import Image
from same_results import REVISION, checkout

from ridgefeat.errors import RidgefeatError
from ridgefeat.synth import make_print, make_subjects

KINDS = {}
"""Kind -> (what to expect, function that writes the input into the current folder and returns the command)."""


def kind(name, expected):
    def keep(make):
        KINDS[name] = expected, make
        return make

    return keep


def save(path, pixels, **how):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **{"dpi": (500, 500), **how})


def people(root, names=("alice", "bob")):
    """Write two impressions of two fingers of each person into folders of their own."""
    made = make_subjects(len(names), seed=3, fingers=2, impressions=2, noise_level=1)
    for number, one in enumerate(made):
        save(f"{root}/{names[number // 4]}/{1 + number // 2 % 2}_{1 + number % 2}.png", one.print.image)


def scores(seed=0):
    """Return 200 mated and 400 non-mated scores of 20 subjects as a table."""
    rng = np.random.default_rng(seed)
    rows = [(f"s{a}_1.png", f"s{b}_2.png", rng.normal(3 * (a == b))) for a in range(20) for b in range(20)]
    return pd.DataFrame(rows, columns=["probe", "reference", "score"])


def lines(path, text, **how):
    Path(path).write_text(text, **how)
    return path


THRESHOLD = ("-o", "out")


@kind("a folder per person, the same file names in each", "4 mated pairs")
def _():
    people("tree")
    return ["verify", "tree", "-o", "out.csv", "--impostors", "all"]


@kind("an index with `NA` as subject", "no person called NA: two fingers are not mated")
def _():
    people("tree", ["a"])
    files = sorted(Path("tree/a").iterdir())
    pd.DataFrame({"file": [f"tree/a/{f.name}" for f in files], "subject": ["NA", "x", "NA", "y"]}).to_csv(
        "nas.csv", index=False
    )
    return ["verify", "tree", "--index", "nas.csv", "-o", "out.csv", "--impostors", "all"]


def index(**how):
    people("tree", ["a"])
    files = sorted(Path("tree/a").iterdir())
    frame = pd.DataFrame({how.pop("name", "file"): [f"a/{f.name}" for f in files], "weight": [1.5, 2.5, 3.5, 4.5]})
    frame.to_csv("tree/index.csv", index=False, **how)
    return ["extract", "tree", "--index", "tree/index.csv", "--families", "ridge", "-o", "out.csv"]


@kind("an index in UTF-16 with tabs (Excel's `Unicode text`)", "labels read")
def _():
    return index(sep="\t", encoding="utf-16")


@kind("an index with semicolons and decimal commas", "labels read as numbers")
def _():
    return index(sep=";", decimal=",")


@kind("an index whose column is `image`", "read with `--index-column image`")
def _():
    return [*index(name="image"), "--index-column", "image"]


@kind("an index as .xlsx", "labels read")
def _():
    command = index()
    pd.read_csv("tree/index.csv").to_excel("tree/index.xlsx", index=False)
    return [*command[:3], "tree/index.xlsx", *command[4:]]


def feature_table(write):
    def make():
        rng = np.random.default_rng(0)
        for number, one in enumerate(make_subjects(12, seed=0, fingers=1, impressions=2, noise_level=1)):
            save(f"p/{number // 2}_{1 + number % 2}.png", one.print.image)
        pd.DataFrame(
            [(f"{s}_{i}.png", f"s{s}", "MF"[s % 2]) for s in range(12) for i in (1, 2)],
            columns=["file", "subject", "sex"],
        ).to_csv("p/index.csv", index=False)
        subprocess.run(
            [sys.executable, "-m", "ridgefeat.cli", "extract", "p", "--index", "p/index.csv", "--families", "ridge"]
            + ["-o", "f.csv", "-q"],
            check=True,
        )
        write(pd.read_csv("f.csv", dtype=str, keep_default_na=False), rng)
        return ["bench", "f.csv", "--target", "sex", "--classifiers", "dummy,logistic", "--folds", "3", "-o", "out"]

    return make


@kind("a feature table saved again by a spreadsheet (`;`, decimal commas)", "read")
@feature_table
def _(frame, rng):
    features = [c for c in frame if c.startswith("ridge_")]
    frame[features] = frame[features].apply(lambda column: column.str.replace(".", ","))
    frame.to_csv("f.csv", sep=";", index=False)


@kind("a feature table in which labels are `NA`", "missing labels, two classes")
@feature_table
def _(frame, rng):
    frame.loc[:3, "sex"] = "NA"
    frame.to_csv("f.csv", index=False)


@kind("two one-column score files", "read")
def _():
    s = scores()
    mated = s.probe.str.split("_").str[0] == s.reference.str.split("_").str[0]
    for name, which in (("genuine.txt", mated), ("impostor.txt", ~mated)):
        s.score[which].to_csv(name, index=False, header=False)
    return ["threshold", "genuine.txt", "impostor.txt", *THRESHOLD]


@kind("score file with `Label;Score` and words", "read")
def _():
    s = scores()
    mated = s.probe.str.split("_").str[0] == s.reference.str.split("_").str[0]
    pd.DataFrame({"Label": np.where(mated, "Genuine", "Impostor"), " Score ": s.score}).to_csv(
        "s.csv", sep=";", index=False, decimal=","
    )
    return ["threshold", "s.csv", *THRESHOLD]


def bob(columns):
    def make():
        s = scores()
        claimed, real = s.reference.str.split("_").str[0], s.probe.str.split("_").str[0]
        own = [claimed, s.reference, real, s.probe, s.score] if columns == 5 else [claimed, real, s.probe, s.score]
        pd.concat(own, axis=1).to_csv("scores-dev", sep=" ", header=False, index=False)
        return ["threshold", "scores-dev", *THRESHOLD]

    return make


kind("bob's four columns", "read")(bob(4))
kind("bob's five columns", "read")(bob(5))


@kind("a similarity matrix with names", "read")
def _():
    s = scores().pivot(index="probe", columns="reference", values="score")
    s.to_csv("matrix.csv")
    return ["threshold", "matrix.csv", *THRESHOLD]


@kind("a list of trials and a list of scores", "read")
def _():
    s = scores()
    mated = s.probe.str.split("_").str[0] == s.reference.str.split("_").str[0]
    s.assign(label=mated.astype(int))[["label", "probe", "reference"]].to_csv(
        "trials.txt", sep=" ", header=False, index=False
    )
    s.to_csv("scores.txt", sep=" ", header=False, index=False)
    return ["threshold", "trials.txt", "scores.txt", *THRESHOLD]


@kind("probe, gallery, score without labels", "read, subjects from the names, or what to give")
def _():
    scores().to_csv("s.csv", index=False)
    return ["threshold", "s.csv", *THRESHOLD]


@kind("a protocol with semicolons", "read")
def _():
    people("tree")
    lines("p.csv", "probe;reference\nalice/1_1.png;alice/1_2.png\nalice/1_1.png;bob/1_1.png\n")
    return ["verify", "tree", "--protocol", "p.csv", "-o", "out.csv"]


def extract(*more):
    return ["extract", "in", "--families", "ridge,minutiae", "-o", "out.csv", *more]


@kind("GIF, JFIF, WebP and JPEG 2000 with a PNG, and two files that are not images", "5 rows; the others counted")
def _():
    made = make_print(1).image
    for name in ("a.png", "b.gif", "c.jfif", "d.webp", "e.jp2"):
        save(f"in/{name}", made, **({"format": "JPEG"} if name == "c.jfif" else {}))
    lines("in/notes.txt", "x")
    lines("in/Thumbs.db", "x")
    return extract()


@kind("a .png that is not a PNG", "a row with its reason")
def _():
    save("in/a.png", make_print(1).image)
    lines("in/b.png", "<html>")
    return extract()


@kind("raw grey pixels", "read with `--raw WIDTHxHEIGHT`")
def _():
    made = make_print(1).image
    Path("in").mkdir()
    Path("in/a.raw").write_bytes(made.tobytes())
    return extract("--raw", f"{made.shape[1]}x{made.shape[0]}")


@kind("a PNG with EXIF's rotation", "turned")
def _():
    exif = Image.Exif()
    exif[274] = 6
    save("in/a.png", make_print(1).image, exif=exif)
    return extract()


@kind("white ridges", "flagged `inverted`; the same numbers as with dark ridges")
def _():
    save("in/a.png", ~make_print(1).image)
    return extract()


@kind("a piece of 64 x 64 px", "`too_small`, and measured")
def _():
    save("in/a.png", make_print(1).image[150:214, 120:184])
    return extract()


@kind("a print at 250 dpi without a resolution", "`resolution_assumed`, and what the ridges suggest")
def _():
    made = make_print(1).image
    small = cv2.resize(made, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    save("in/a.png", small, dpi=None)
    return extract()


@kind("a name that macOS decomposed", "its label found")
def _():
    save("in/Gro\u0308ße.png", make_print(1).image)
    lines("i.csv", "file,subject\nGröße.png,7\n", encoding="utf-8")
    return extract("--index", "i.csv")


def card():
    page = np.full((760, 800), 250, np.uint8)
    made = make_print(1).image
    page[150 : 150 + made.shape[0], 200 : 200 + made.shape[1]] = made
    cv2.rectangle(page, (210, 152), (555, 560), 40, 3)
    cv2.putText(page, "1. R. THUMB", (60, 110), cv2.FONT_HERSHEY_SIMPLEX, 2.2, 60, 6)
    turns = np.linspace(0, 14, 400)
    scrawl = np.column_stack([170 + 100 * np.cos(turns) + 8 * turns, 650 + 60 * np.sin(1.3 * turns)]).astype(np.int32)
    cv2.polylines(page, [scrawl], False, 50, 5)
    return page


@kind("a print on a card with a frame and writing", "the print alone")
def _():
    save("in/a.png", card())
    return extract()


@kind("four fingers in one image", "four rows with `--fingers split`")
def _():
    page = np.full((700, 1700), 250, np.uint8)
    for i, drop in enumerate((150, 40, 0, 60)):
        made = make_print(20 + i).image[:500]
        page[drop + 40 : drop + 40 + len(made), 30 + 415 * i : 30 + 415 * i + made.shape[1]] = made
    save("in/a.png", page)
    return extract("--fingers", "split")


def template(name, change):
    def make():
        people("prints", ["a"])
        subprocess.run(
            [sys.executable, "-m", "ridgefeat.cli", "extract", "prints", "--families", "ridge", "-o", "f.csv", "-q"]
            + ["--minutiae", "gallery"],
            check=True,
        )
        Path("probe").mkdir()
        data = Path("gallery/a/1_1.fmr").read_bytes()
        Path(f"probe/{name}").write_bytes(change(data))
        for other in Path("gallery/a").iterdir():
            if other.suffix != ".fmr" or other.stem == "1_1":
                other.unlink()
        return ["identify", f"probe/{name}", "--gallery", "gallery/a"]

    return make


kind("an ISO record padded with zeros", "read")(template("a.fmr", lambda data: data + bytes(1024 - len(data))))
kind("an ISO record whose length is one short", "read")(
    template("a.fmr", lambda data: data[:8] + (len(data) - 1).to_bytes(4, "big") + data[12:])
)
kind("an ISO record as base64 text", "read")(template("a.txt", base64.b64encode))
kind("an ISO record without a suffix", "read")(template("record", lambda data: data))


@kind("an ANSI/NIST transaction with a raw image (type 14)", "its print, with finger position")
def _():
    made = make_print(1).image
    Path("in").mkdir()
    Path("in/a.an2").write_bytes(transaction(made))
    return extract()


def transaction(made):
    """Return a transaction of a type-1, a type-2 and a type-14 record with one raw image."""
    height, width = made.shape

    def record(number, fields, tail=b""):
        body = b"\x1d".join(f"{number}.{k:03d}:".encode() + v for k, v in fields) + tail
        for digits in range(1, 9):
            first = f"{number}.001:{len(body) + len(f'{number}.001:') + digits + 2}".encode()
            if len(first) == len(f"{number}.001:") + digits:
                return first + b"\x1d" + body + b"\x1c"
        raise AssertionError

    content = b"1\x1f2\x1e2\x1f00\x1e14\x1f01"
    head = [(2, b"0500"), (3, content), (4, b"FP"), (5, b"20200101"), (7, b"DAI"), (8, b"ORI"), (9, b"T1")]
    size = [(6, str(width).encode()), (7, str(height).encode()), (8, b"1"), (9, b"500"), (10, b"500"), (11, b"NONE")]
    image = [(2, b"01"), (3, b"0"), (4, b"SRC"), (5, b"20200101"), *size, (12, b"8"), (13, b"2")]
    records = [
        record(1, [*head, (11, b"19.69"), (12, b"19.69")]),
        record(2, [(2, b"00"), (18, b"DOE,JOHN")]),
        record(14, image, b"\x1d14.999:" + made.tobytes()),
    ]
    return b"".join(records)


def run(package, folder, command):
    """Run a command in a folder; return what it says in a few words."""
    environment = {**os.environ, "PYTHONPATH": str(package), "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "ridgefeat.cli", *command], cwd=folder, env=environment, capture_output=True, text=True
    )
    return f"exit {done.returncode}: {summary(folder, done)}".replace(f"{folder}/", "")


def summary(folder, done):
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in said if line.startswith(("Error", "Traceback"))]
    if errors:
        return errors[0][:160]
    out = folder / "out.csv"
    if done.stdout and not out.exists() and done.args[3] == "identify":
        return "; ".join(line.strip() for line in done.stdout.splitlines()[:2])
    if not out.exists():
        informative = [line for line in said if "mated" in line or "sex" in line or "EER" in line]
        return "; ".join(informative[:2] or said[-1:])[:200]
    frame = pd.read_csv(out)
    if "score" in frame and "mated" in frame:
        return f"{len(frame)} comparisons, {int(frame.mated.sum())} mated"
    if "meta_source" not in frame:
        return f"{len(frame)} rows"
    words = [f"{len(frame)} row(s)"]
    for name in ("meta_flags", "meta_error", "subject", "finger", "weight", "meta_width", "minutiae_count"):
        if name in frame and frame[name].notna().any():
            words.append(f"{name} {', '.join(map(str, frame[name].dropna().unique()[:4]))}")
    return "; ".join(words + [line for line in said if "dpi" in line or "assed over" in line])[:260]


def main():
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        old = checkout(sys.argv[1] if len(sys.argv) > 1 else REVISION, Path(folder) / "old")
        new = Path(__file__).resolve().parents[1]
        os.environ["PYTHONPATH"] = str(new)
        for number, (name, (expected, make)) in enumerate(KINDS.items()):
            results = []
            for which, package in (("old", old), ("new", new)):
                place = Path(folder) / f"{which}{number}"
                place.mkdir()
                os.chdir(place)
                try:
                    command = make()
                except (OSError, RidgefeatError, subprocess.CalledProcessError) as error:
                    results.append(f"input not made: {error}")
                    continue
                results.append(run(package, place, command))
            rows.append([name, f"`{' '.join(command)}`", expected, *results])
            print(rows[-1], file=sys.stderr)
        os.chdir(new)
    cells = [[str(c).replace("|", "\\|") for c in row] for row in rows]
    text = "Inputs made from simulated prints and random scores; the same command with 0.1 and now."
    report("inputs", "Inputs", [text, table(["input", "command", "expected", "0.1", "now"], cells)])


if __name__ == "__main__":
    main()
