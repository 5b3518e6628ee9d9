"""Ten million prints: how long, on what, for how much? A simulation from the times of the parts, measured here.

    python benchmarks/scale_simulation.py [--prints 10000000] [--sample 300] [--price 0.04] [--seeds 10]

Measured, each several times: seconds a worker takes for a SOCOFing print and for an FVC print (one thread, image read
from disk), seconds the driver takes for a row in a folder of parts and in CSV, and the bytes of a row in both.
Simulated: workers that take units of a second and a half from one driver, which keeps them one after the other; workers
that are lost now and then, with the unit they had. Prices and rates of loss are assumptions, and are listed with the
result. Writes benchmarks/results/scale_simulation.md.
"""

from __future__ import annotations

import argparse
import heapq
import pickle
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from _common import need, report, table  # isort: skip

import numpy as np

UNIT = 1.5
LOSS_HOURS = 500
"""Worker hours between two losses of a worker."""
LOSSES = (LOSS_HOURS, 10, 1)
DELIVERY = 0.02
"""Seconds an engine takes to bring a unit to a worker and its rows back."""
RESTART = 30.0
REPEATS = 3
LISTED = 20_000
"""Prints for which the memory of the driver is measured."""
MACHINES = [
    ("laptop, 4 cores", 4, 1),
    ("one machine, 64 cores", 64, 1),
    ("16 machines, 1,024 cores, one driver", 1024, 1),
    ("16 machines, 1,024 cores, 16 drivers on lists of their own, merged", 1024, 16),
]
KINDS = ("SOCOFing", "FVC2002 DB1")


def worker_seconds(files):
    """Return CPU seconds a print, in one process on one thread, several times; and what came of it."""
    from ridgefeat.sources import find_prints
    from ridgefeat.table.batches import compute_batch
    from ridgefeat.table.recipe import Recipe

    items = find_prints(files)
    compute_batch(0, items[:10], [None] * 10, Recipe.make())
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        batch = compute_batch(0, items, [None] * len(items), Recipe.make())
        times.append((time.process_time() - began) / len(items))
    return times, batch, items


def driver_seconds(items, batch, output):
    """Return CPU seconds that the driver takes to keep a row, several times, a row's bytes, and a worker's for digits.

    Values are like the real ones, but no two rows the same, which would compress far too well.
    """
    from ridgefeat.table import assembly, writing
    from ridgefeat.table.batches import Batch
    from ridgefeat.table.recipe import Recipe
    from ridgefeat.table.row import numbers

    per, rng = 64, np.random.default_rng(0)
    count = assembly.PART_ROWS // len(items) * len(items)
    rows = np.arange(count) % len(items)
    features = batch.features[rows] * rng.normal(1, 0.01, (count, 1)).astype(np.float32)
    batches = [
        Batch(at, [dict(batch.meta[i]) for i in rows[at : at + per]], features[at : at + per])
        for at in range(0, count, per)
    ]
    digits = 0.0
    if not output.endswith("/"):
        began = time.process_time()
        batches = [replace(b, lines=[",".join(numbers(v)) for v in b.features]) for b in batches]
        digits = (time.process_time() - began) / count

    arrived = [pickle.dumps(b, protocol=5) for b in batches]

    def ready(extraction, spans, keep):
        for b in arrived:
            keep(pickle.loads(b))

    computed, writing.compute_missing = writing.compute_missing, ready
    times = []
    try:
        for _ in range(REPEATS):
            with tempfile.TemporaryDirectory() as scratch:
                began = time.process_time()
                writing.write_table([items[i] for i in rows], Recipe.make(), f"{scratch}/{output}", jobs=1)
                times.append((time.process_time() - began) / count)
                made = [p for p in Path(scratch).rglob("*") if p.suffix in (".parquet", ".csv")]
                size = sum(p.stat().st_size for p in made) / count
    finally:
        writing.compute_missing = computed
    return times, size, digits


def listed_bytes(files):
    """Return how many bytes of the driver's memory a print takes that it only knows of."""
    import tracemalloc

    from ridgefeat.sources import find_prints

    with tempfile.TemporaryDirectory() as scratch:
        lines = Path(scratch) / "prints.txt"
        lines.write_text(
            "\n".join(str(files[i % len(files)].with_name(f"{i}__M_Left_index_finger.BMP")) for i in range(LISTED))
        )
        tracemalloc.start()
        kept = find_prints([], lists=[lines])
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    return held / len(kept)


def simulate(prints, workers, print_seconds, row_seconds, rng, loss_hours=LOSS_HOURS):
    """Return wall hours of one driver with so many workers, the share of time they work, and how many were lost."""
    size = max(1, round(UNIT / print_seconds))
    left, lost, busy, now = prints, 0, 0.0, 0.0
    driver = 0.0
    # Each worker comes back for its next unit when the driver has kept its last one.
    ready = [(rng.random() * 2, w) for w in range(workers)]
    heapq.heapify(ready)
    chance = UNIT / (loss_hours * 3600)
    flying = []
    while left > 0 or flying:
        if left > 0 and ready and (not flying or ready[0][0] <= flying[0][0]):
            at, worker = heapq.heappop(ready)
            unit = min(size, max(1, left // (4 * workers)))
            left -= unit
            spent = unit * print_seconds * rng.uniform(0.85, 1.15)
            heapq.heappush(flying, (at + DELIVERY + spent, worker, unit, spent))
            continue
        at, worker, unit, spent = heapq.heappop(flying)
        if rng.random() < chance:
            lost += 1
            left += unit
            heapq.heappush(ready, (at + RESTART, worker))
            continue
        busy += spent
        driver = max(driver, at) + unit * row_seconds
        now = max(now, driver)
        # Two units a worker are handed out, so that it waits only where the driver is more than one unit behind.
        heapq.heappush(ready, (max(at, driver - UNIT), worker))
    return now / 3600, busy / (now * workers), lost


def spread(values, digits, scale=1.0):
    """Return the median of repeated measurements with the lowest and highest."""
    low, middle, high = (f"{scale * v:.{digits}f}" for v in (min(values), np.median(values), max(values)))
    return f"{middle} [{low}, {high}]"


def over_seeds(prints, machine, seconds, row_seconds, seeds, loss_hours=LOSS_HOURS):
    """Return the means over seeds of hours, busy share and losses of all drivers, and the losses' range."""
    _, workers, drivers = machine
    runs = []
    for seed in range(seeds):
        rng = random.Random(seed)
        # Every driver is lost from on its own; the slowest decides when all is done.
        own = [
            simulate(prints // drivers, workers // drivers, seconds, row_seconds, rng, loss_hours)
            for _ in range(drivers)
        ]
        runs.append((max(o[0] for o in own), np.mean([o[1] for o in own]), sum(o[2] for o in own)))
    lost = [r[2] for r in runs]
    return (*np.mean(runs, axis=0), min(lost), max(lost))


def simulated(given, kinds, row_seconds):
    """Return a row for each machine and kind of print."""
    body = []
    for machine in MACHINES:
        for kind, seconds in kinds.items():
            hours, share, lost, lowest, highest = over_seeds(given.prints, machine, seconds, row_seconds, given.seeds)
            core_hours = hours * machine[1]
            cost = core_hours * given.price
            expected = given.prints * seconds / 3600 / LOSS_HOURS
            body.append(
                [
                    machine[0],
                    kind,
                    f"{hours:.2f}",
                    f"{100 * share:.0f} %",
                    f"{core_hours:.0f}",
                    f"{expected:.2f}",
                    f"{lost:.1f} ({lowest} to {highest})",
                    f"{cost:.2f}",
                    f"{cost * 1e6 / given.prints:.2f}",
                ]
            )
    return body


def lossy(given, kinds, row_seconds):
    """Return what losing workers more and more often costs, on one machine of 64 cores."""
    seconds, machine = kinds["SOCOFing"], MACHINES[1]
    body, base = [], None
    for loss_hours in (float("inf"), *LOSSES):
        hours, _, lost, lowest, highest = over_seeds(
            given.prints, machine, seconds, row_seconds, given.seeds, loss_hours
        )
        base = base or hours
        every = "never" if loss_hours == float("inf") else f"every {loss_hours} worker hours"
        expected = given.prints * seconds / 3600 / loss_hours
        body.append(
            [
                every,
                f"{expected:.1f}",
                f"{lost:.1f} ({lowest} to {highest})",
                f"{hours:.3f}",
                f"{100 * (hours / base - 1):+.2f} %",
            ]
        )
    return body


def bottlenecks(kinds, row_seconds, row_bytes, image_bytes, listed):
    """Return what a driver, a disk, a store and a memory bear, in workers and prints."""
    body = []
    for kind, image in zip(kinds, image_bytes, strict=True):
        rates = {
            "one driver's core, receiving and keeping rows": 1 / row_seconds,
            "a disk of 200 MB/s, writing units and parts": 2e8 / (2 * row_bytes),
            "a store of 1 GB/s, reading images": 1e9 / image,
        }
        body += [[what, kind, f"{rate:,.0f} prints/s", f"{rate * kinds[kind]:,.0f}"] for what, rate in rates.items()]
    most = f"{1e9 / listed / 1e6:.1f} million prints"
    return [*body, ["1 GB of the driver's memory, knowing prints", "any", most, "any number"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prints", type=int, default=10_000_000)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--price", type=float, default=0.04)
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    small = sorted(need("SOCOFing/Real").glob("*.BMP"))
    small = small[:: max(1, len(small) // given.sample)][: given.sample]
    large = sorted(need("FVC2002/DB1_B").glob("*.tif"))
    small_times, batch, items = worker_seconds(small)
    large_times, _, _ = worker_seconds(large)
    part_times, part_bytes, _ = driver_seconds(items, batch, "parts/")
    csv_times, csv_bytes, digits = driver_seconds(items, batch, "t.csv")
    listed = listed_bytes(small)
    image_bytes = [np.mean([f.stat().st_size for f in files]) for files in (small, large)]
    kinds = dict(zip(KINDS, map(float, map(np.median, (small_times, large_times))), strict=True))
    row_seconds = float(np.median(part_times))
    measured = [
        [
            "a SOCOFing print (96x103 px, worked on at 241x298), all families",
            f"{spread(small_times, 1, 1e3)} ms of a worker",
        ],
        ["an FVC2002 DB1 print (388x374 px), all families", f"{spread(large_times, 1, 1e3)} ms of a worker"],
        ["receiving and keeping a row in a folder of parts", f"{spread(part_times, 2, 1e3)} ms of the driver"],
        [
            "the same in one CSV file",
            f"{spread(csv_times, 2, 1e3)} ms of the driver, {1e3 * digits:.1f} ms of a worker for digits",
        ],
        ["a row, Parquet / CSV", f"{part_bytes:.0f} / {csv_bytes:.0f} bytes"],
        ["an image file, SOCOFing / FVC2002 DB1", " / ".join(f"{b / 1000:.0f} kB" for b in image_bytes)],
        ["a print that the driver knows of", f"{listed:.0f} bytes of its memory"],
    ]
    n = given.prints
    storage = [
        ["table, a folder of parts (Parquet)", f"{n * part_bytes / 1e9:.0f} GB"],
        ["table, CSV", f"{n * csv_bytes / 1e9:.0f} GB"],
        ["images, SOCOFing's size", f"{n * image_bytes[0] / 1e9:.0f} GB"],
        ["images, FVC2002 DB1's size, uncompressed TIFF", f"{n * image_bytes[1] / 1e9:.0f} GB"],
    ]
    head = [
        "on",
        "prints like",
        "hours",
        "workers busy",
        "core hours",
        "losses expected",
        "losses simulated",
        "cost, $",
        "$ a million",
    ]
    most = [f"{t / row_seconds:.0f}" for t in kinds.values()]
    report(
        "scale_simulation",
        f"{n:,} prints, simulated",
        [
            f"## Measured\n\nCPU time on one core of this machine, {REPEATS} times: median [lowest, highest].",
            table(["part", "takes"], measured),
            f"## Simulated\n\nMeans over {given.seeds} seeds; of the losses also the fewest and the most.",
            table(head, simulated(given, kinds, row_seconds)),
            f"## Losing workers\n\nSOCOFing's prints on one machine of 64 cores, {given.seeds} seeds each. A lost "
            f"worker takes its unit of {UNIT} s along and another is ready {RESTART:g} s later.",
            table(
                ["a worker is lost", "losses expected", "losses simulated", "hours", "more time"],
                lossy(given, kinds, row_seconds),
            ),
            "## What is full when\n\nHow many workers each bears before it holds them back.",
            table(
                ["what", "prints like", "bears", "workers"],
                bottlenecks(kinds, row_seconds, part_bytes, image_bytes, listed),
            ),
            "## Storage",
            table(["what", "size"], storage),
            f"Assumed: ${given.price} a core hour; every core as fast as this machine's; a worker lost every "
            f"{LOSS_HOURS} worker hours unless said otherwise, with its unit, and {RESTART:g} s until another is ready "
            f"there; {1000 * DELIVERY:g} ms to deliver a unit of about {UNIT} s; images read as fast as they are "
            "worked on. Losses expected are worker hours over hours between losses. Not in it: queues of a shared "
            "cluster, moving the images there, waiting for disks to flush, and people's time.",
            f"The driver keeps {1 / row_seconds:,.0f} rows a second, so that it holds back more than about {most[0]} "
            f"workers on prints like SOCOFing's, {most[1]} on those like FVC2002 DB1's. Beyond that, several drivers "
            "work on lists of their own, and `ridgefeat merge` joins their tables.",
        ],
    )


if __name__ == "__main__":
    main()
