"""Two workers compared with one, and memory against the number of prints.

    python benchmarks/scaling.py [--prints N] [--rounds N]

Runs `ridgefeat extract` on SOCOFing's originals with -j 1 and -j 2 in turn, start-up included, and asks that the tables
are the same bytes; then measures the largest memory of all processes for a quarter of the prints and for all. Needs
SOCOFing below RIDGEFEAT_DATA or .data/. Prints the tables and writes benchmarks/results/scaling.md.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from _common import need, report, table  # isort: skip

import numpy as np

PAUSE = 0.5


def resident(pid):
    """Memory of a process and all its children in MB, shared pages counted once a process."""
    pids, total = [pid], 0.0
    while pids:
        one = pids.pop()
        try:
            status = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += int(next(line for line in status.splitlines() if line.startswith("Pss:")).split()[1]) / 1024
            for task in Path(f"/proc/{one}/task").iterdir():
                pids += [int(c) for c in (task / "children").read_text().split()]
        except (OSError, StopIteration):
            continue
    return total


def machine_seconds():
    """Return CPU seconds that all processes of this machine have taken, and those that its host took from it."""
    ticks = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _, _, interrupts, soft, stolen = ticks[:8]
    return np.array([user + nice + system + interrupts + soft, stolen]) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    """Return CPU seconds of this process's children that have ended, and their own."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def extract(files, output, jobs, look=False):
    """Return wall seconds, cores that others had meanwhile, peak memory in MB (0 unless asked), the table's digest."""
    command = [sys.executable, "-m", "ridgefeat.cli", "extract", str(files), "-o", str(output), "-j", str(jobs)]
    before, own = machine_seconds(), own_seconds()
    start = time.perf_counter()
    process = subprocess.Popen([*command, "-q", "--overwrite"])
    peak, done = [0.0], threading.Event()

    def watch():
        while not done.wait(PAUSE):
            peak[0] = max(peak[0], resident(process.pid))

    # Looking takes a core a while each time, so that it would count against whatever is timed.
    watcher = threading.Thread(target=watch)
    if look:
        watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - start
    done.set()
    others = ((machine_seconds() - before).sum() - (own_seconds() - own)) / seconds
    if look:
        watcher.join()
    if code:
        raise SystemExit(f"extract ended with {code}")
    return seconds, others, peak[0], hashlib.sha256(output.read_bytes()).hexdigest()


def subset(folder, files):
    folder.mkdir()
    for file in files:
        (folder / file.name).symlink_to(file.resolve())
    return folder


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--prints", type=int, default=4200)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    every = sorted(need("SOCOFing/Real").glob("*.BMP"))
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        some = subset(root / "some", every[: args.prints])
        times, others, digests = {1: [], 2: []}, {1: [], 2: []}, set()
        for _ in range(args.rounds):
            for jobs in times:
                seconds, share, _, digest = extract(some, root / "t.csv", jobs)
                times[jobs].append(seconds)
                others[jobs].append(share)
                digests.add(digest)
        ratios = np.array(times[1]) / np.array(times[2])
        rows = [
            [
                f"-j {jobs}",
                ", ".join(f"{s:.1f}" for s in seconds),
                f"{args.prints / np.median(seconds):.1f}",
                ", ".join(f"{s:.2f}" for s in others[jobs]),
            ]
            for jobs, seconds in times.items()
        ]
        memory = []
        for count in (len(every) // 4, len(every)):
            seconds, _, peak, _ = extract(subset(root / str(count), every[:count]), root / "m.csv", 2, look=True)
            memory.append([count, f"{peak:.0f}", f"{count / seconds:.1f}"])
    report(
        "scaling",
        "Two workers, and memory",
        [
            f"{args.prints} SOCOFing prints, all families, wall seconds in turn, start-up included.",
            table(["workers", "seconds", "prints/s (median)", "cores taken by others meanwhile"], rows),
            f"One worker's time over two's: median {np.median(ratios):.2f} ({ratios.min():.2f}–{ratios.max():.2f}). "
            f"Different tables: {len(digests) - 1}. What others take, other programs and the host, is missing to two "
            "workers and not to one.",
            "## Memory of all processes together, -j 2",
            table(["prints", "most, MB", "prints/s, looked at"], memory),
        ],
    )


if __name__ == "__main__":
    main()
