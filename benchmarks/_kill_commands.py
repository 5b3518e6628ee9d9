"""Kill every command that writes files at random moments, fill its disk, and check what is left."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np

DESCRIPTIONS = ("manifest.json", "_manifest.json")
FREE = (0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
"""Free space of the disks on which each command is run, as a share of the size of its results."""


def commands(data: Path) -> dict[str, list[str]]:
    """Return each command line without the output, which is appended."""
    prints, table, scores, index = (str(data / n) for n in ("prints", "t.csv", "s.csv", "prints/index.csv"))
    one = sorted(Path(prints).glob("*.png"))[0]
    few = ["--classifier", "logistic", "--folds", "2"]
    return {
        "synth": ["synth", "-n", "2", "--truth"],
        "extract": ["extract", prints, "--families", "ridge", "-j", "1", "-o"],
        "extract --minutiae": ["extract", prints, "--families", "ridge", "-j", "1", "--minutiae", "OUT/m", "-o"],
        "extract into a folder": ["extract", prints, "--families", "ridge", "-j", "1", "-o"],
        "merge": ["merge", table, table, "--duplicates", "-o"],
        "split": ["split", table, "-o"],
        "verify": ["verify", prints, "--index", index, "-o"],
        "enrol": ["enrol", prints, "--index", index, "-j", "1", "-o"],
        "identify --draw": ["identify", str(one), "--gallery", prints, "--draw"],
        "threshold": ["threshold", scores, "--folds", "1", "--methods", "exact,fmr=10%", "-o"],
        "train": ["train", table, "--target", "sex", *few, "-o"],
        "predict": ["predict", str(data / "model.skops"), table, "-o"],
        "bench": ["bench", table, "--target", "sex", "--classifiers", "dummy,logistic", "--folds", "2", "--fast", "-o"],
        "explore": ["explore", table, "--no-tsne", "-o"],
        "show": ["show", str(one), "-o"],
        "compare": ["compare", table, "--by", "sex", "--group", "subject", "-o"],
        "audit": ["audit", prints, "--index", index, "-j", "1", "-o"],
        "reliability": ["reliability", table, "--finger", "finger", "-o"],
        "explain": ["explain", str(one), "ridge_density_radial", "-o"],
    }


OUTPUTS = {
    "extract into a folder": "parts/",
    "split": "split",
    "enrol": "people.gallery",
    "synth": "set",
    "threshold": "thresholds",
    "bench": "bench",
    "identify --draw": "match.png",
    "train": "trained.skops",
    "explore": "page.html",
    "show": "print.png",
    "compare": "compared",
    "audit": "audited",
    "explain": "why.png",
}


def start(words: list[str]) -> int:
    """Run a command in a process of its own group, which has everything imported already; return its number."""
    if child := os.fork():
        return child
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    code = 1
    try:
        from ridgefeat.cli import main

        sys.argv = ["ridgefeat", *words]
        main([*words, "-q"], prog_name="ridgefeat")
    except SystemExit as error:
        code = int(error.code or 0)
    finally:
        os._exit(code)


def ended(child: int) -> bool:
    """Whether a process has ended; its result can still be asked for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def run(words: list[str]) -> int:
    """Run a command to its end; return its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(start(words), 0)[1])


def damage(path: Path) -> str:
    """Return what is wrong with a file; empty if it is whole."""
    data = path.read_bytes()
    try:
        if path.suffix == ".json":
            json.loads(data)
        elif path.suffix == ".csv":
            rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
            assert data.endswith(b"\n") and len({len(r) for r in rows}) == 1
        elif path.suffix == ".png":
            assert data.endswith(b"IEND\xaeB`\x82") and cv2.imdecode(np.frombuffer(data, np.uint8), 0) is not None
        elif path.suffix == ".html":
            assert data.rstrip().endswith(b"</html>")
        elif path.suffix in (".npz", ".skops"):
            assert ZipFile(path).testzip() is None
        elif path.suffix == ".gallery":
            from ridgefeat.verify import Gallery

            assert not data or Gallery(path).load(range(len(Gallery(path)))) is not None
        elif path.suffix == ".parquet":
            assert data.startswith(b"PAR1") and data.endswith(b"PAR1")
        else:
            assert data
    except Exception as error:
        return f"{path.name} is cut ({type(error).__name__})"
    return ""


def visible(folder: Path) -> list[Path]:
    """Return the files below a folder that are not hidden, nor below a folder that is."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    return [p for p in files if all(x[0] != "." and x not in ("_work",) for x in p.relative_to(folder).parts)]


def wrong(folder: Path) -> list[str]:
    """Return what is wrong with the results in a folder: files that are cut, or not what their description says."""
    found = [text for p in visible(folder) if (text := damage(p))]
    for path in [p for p in folder.rglob("*.json") if not p.name.startswith(".")]:
        held = json.loads(path.read_bytes())
        files = dict(held.get("files") or {}) if path.name == "manifest.json" else {}
        files |= {p["file"]: p["sha256"] for p in (held.get("parts") or [])}
        if "file" in (held.get("table") or {}):
            files[held["table"]["file"]] = held["table"]["sha256"]
        if isinstance(held.get("sha256"), str):  # of scores
            files[path.with_suffix(".csv").name] = held["sha256"]
        for name, digest in files.items():
            there = path.parent / name
            if not there.is_file() or hashlib.sha256(there.read_bytes()).hexdigest() != digest:
                found.append(f"{path.name} does not describe {name}")
    return found


def left_over(folder: Path) -> list[str]:
    """Return the temporary files and folders in a folder."""
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.name.endswith(".tmp") or ".results-" in p.name]


def state(folder: Path) -> dict[str, bytes]:
    """Return all visible files; those of a run that can be resumed are not."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in visible(folder)}


def check(name: str, data: Path, scratch: Path, kills: int, rng: random.Random) -> list[object]:
    """Kill a command at random moments, each time over an earlier result; return a row of the table."""
    folder = scratch / "killed"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    words = [w.replace("OUT", str(folder)) for w in commands(data)[name]]
    words += [f"{folder}/{OUTPUTS.get(name, f'{name.split()[0]}.csv')}", *(["--overwrite"] * (name != "synth"))]
    words = [*words, "--overwrite"] if name == "synth" else words
    began = time.perf_counter()
    if code := run(words):
        raise SystemExit(f"{name} ended with exit code {code}")
    whole, outcomes, faults = time.perf_counter() - began, Counter(), []
    done, missed = 0, False
    while done < kills:
        before, child, began = state(folder), start(words), time.perf_counter()
        moment = rng.uniform(0, whole)
        if done % 2 and not missed:  # every other time while files are written and renamed
            while not ended(child) and not any(n[0] == "." for n in os.listdir(folder)):  # noqa: PTH208
                time.sleep(0.001)
            moment = time.perf_counter() - began + rng.uniform(0, 0.03)
        while time.perf_counter() - began < moment and not ended(child):
            time.sleep(0.0005)
        with suppress(OSError):
            os.killpg(child, signal.SIGKILL)
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
        killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        missed = not killed
        done += killed
        outcomes["earlier" if state(folder) == before else "other"] += killed
        faults += wrong(folder)
    code = run(words)
    faults += wrong(folder) + ([f"exit code {code} afterwards"] if code else [])
    left = left_over(folder)
    return [name, done, outcomes["earlier"], outcomes["other"], len(faults), len(left), [*faults[:1], *left[:1]]]


def on_full_disk(name: str, data: Path, disk: Path) -> list[object] | None:
    """Run a command on disks with too little room, each time over an earlier result; None where none can be mounted."""
    refused = kept = 0
    faults: list[str] = []
    words = [*commands(data)[name], OUTPUTS.get(name, f"{name.split()[0]}.csv"), "--overwrite"]
    size = 64 << 20
    for share in FREE:
        disk.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], capture_output=True)
        if done.returncode:
            return None
        try:
            given = [w.replace("OUT", str(disk)) for w in words[:-2]] + [f"{disk}/{words[-2]}", words[-1]]
            run(given)
            before = state(disk)
            needed = sum((len(v) + 4095) // 4096 * 4096 for v in before.values())
            free = os.statvfs(disk)
            fill = free.f_bavail * free.f_bsize - int(share * needed)
            with (disk / ".fill").open("wb") as file:
                file.write(bytes(fill // 4096 * 4096))
            code = run(given)
            refused += code == 2
            kept += state(disk) == before
            if code not in (0, 2):
                faults.append(f"exit code {code}")
            faults += wrong(disk) + left_over(disk)
        finally:
            subprocess.run(["umount", disk], check=True)
    return [name, len(FREE), refused, kept, len(faults), faults[:1]]


def prepare(data: Path) -> None:
    """Create the inputs of the commands."""
    import_module("sklearn.ensemble")  # before the processes are split off
    for name in ("bench", "compare", "report", "synth", "threshold", "verify"):
        import_module(f"ridgefeat.{name}")
    prints, table = str(data / "prints"), str(data / "t.csv")
    for words in (
        ["synth", prints, "-n", "24", "--fingers", "1", "--impressions", "2", "--seed", "1"],
        ["extract", prints, "--index", f"{prints}/index.csv", "--families", "ridge", "-j", "1", "-o", table],
        ["verify", prints, "--index", f"{prints}/index.csv", "--impostors", "all", "-o", str(data / "s.csv")],
        [
            "train",
            table,
            "--target",
            "sex",
            "--classifier",
            "logistic",
            "--folds",
            "2",
            "-o",
            str(data / "model.skops"),
        ],
    ):
        if code := run(words):
            raise SystemExit(f"{words[0]} ended with exit code {code}")
