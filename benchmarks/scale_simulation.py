"""Ten million prints: how long, on what, for how much? A simulation from the times of the parts, measured here.

    python benchmarks/scale_simulation.py [--prints 10000000] [--sample 300] [--price 0.04]

Measured: seconds a worker takes for a SOCOFing print and for an FVC print (one thread, image read from disk), seconds
the driver takes for a row, bytes of a row in a part. Simulated: workers that take units of a second and a half from one
driver, which keeps them one after the other; workers that are lost now and then, with the unit they had. Prices and
rates of loss are assumptions, and stand beside the result. Writes benchmarks/results/scale_simulation.md.
"""

from __future__ import annotations

import argparse
import heapq
import random
import tempfile
import time
from pathlib import Path

from _common import need, report, table  # isort: skip

import numpy as np

UNIT = 1.5
LOSS_HOURS = 500
"""Worker hours between two losses of a worker."""
DELIVERY = 0.02
"""Seconds an engine takes to bring a unit to a worker and its rows back."""
RESTART = 30.0
MACHINES = [
    ("laptop, 4 cores", 4, 1),
    ("one machine, 64 cores", 64, 1),
    ("16 machines, 1,024 cores, one driver", 1024, 1),
    ("16 machines, 1,024 cores, 16 drivers on lists of their own, merged", 1024, 16),
]


def worker_seconds(files):
    """Return CPU seconds a print, in one process on one thread."""
    from ridgefeat.sources import find_prints
    from ridgefeat.table.jobs import Task, run_task
    from ridgefeat.table.recipe import Recipe

    items = find_prints(files)
    run_task(Task(0, items[:10], Recipe.make()))
    began = time.process_time()
    batch = run_task(Task(0, items, Recipe.make()))
    return (time.process_time() - began) / len(items), batch, items


def driver_seconds(items, batch):
    """Return CPU seconds that the driver takes to keep a row, and bytes of a row in the part, rows all different."""
    from ridgefeat.table import dataset, store
    from ridgefeat.table.jobs import Batch
    from ridgefeat.table.recipe import Recipe

    per, parts = 64, []
    rng = np.random.default_rng(0)
    count = dataset.PART_ROWS // len(items) * len(items)
    many = [items[i % len(items)] for i in range(count)]

    def ready(work, spans, keep):
        for at in range(0, count, per):
            rows = [i % len(items) for i in range(at, min(at + per, count))]
            # Values like the real ones, but no two rows the same, which would compress far too well.
            features = batch.features[rows] * rng.normal(1, 0.01, (len(rows), 1)).astype(np.float32)
            keep(Batch(at, [dict(batch.meta[i]) for i in rows], features))

    computed, dataset.compute = dataset.compute, ready
    try:
        with tempfile.TemporaryDirectory() as scratch:
            began = time.process_time()
            store.write_table(many, Recipe.make(), f"{scratch}/parts/", jobs=1)
            seconds = (time.process_time() - began) / count
            parts = [p.stat().st_size for p in Path(scratch).glob("parts/part-*")]
    finally:
        dataset.compute = computed
    return seconds, sum(parts) / count


def simulate(prints, workers, print_seconds, row_seconds, rng):
    """Return wall hours of one driver with so many workers, the share of time they work, and how many were lost."""
    size = max(1, round(UNIT / print_seconds))
    left, lost, busy, now = prints, 0, 0.0, 0.0
    driver = 0.0
    # Each worker comes back for its next unit when the driver has kept its last one.
    ready = [(rng.random() * 2, w) for w in range(workers)]
    heapq.heapify(ready)
    chance = UNIT / (LOSS_HOURS * 3600)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prints", type=int, default=10_000_000)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--price", type=float, default=0.04)
    given = parser.parse_args()
    small = sorted(need("SOCOFing/Real").glob("*.BMP"))
    small = small[:: max(1, len(small) // given.sample)][: given.sample]
    large = sorted(need("FVC2002/DB1_B").glob("*.tif"))
    small_seconds, batch, items = worker_seconds(small)
    large_seconds, _, _ = worker_seconds(large)
    row_seconds, row_bytes = driver_seconds(items, batch)
    image_bytes = [np.mean([f.stat().st_size for f in files]) for files in (small, large)]
    body = []
    for name, workers, drivers in MACHINES:
        for kind, seconds in (("SOCOFing", small_seconds), ("FVC2002 DB1", large_seconds)):
            rng = random.Random(0)
            hours, share, lost = simulate(
                given.prints // drivers, workers // drivers, seconds, row_seconds, rng
            )
            core_hours = hours * workers
            body.append(
                [name, kind, f"{hours:.1f}", f"{100 * share:.0f} %", f"{core_hours:.0f}", lost * drivers,
                 f"{core_hours * given.price:.0f}", f"{core_hours * given.price * 1e6 / given.prints:.2f}"]
            )  # fmt: skip
    ms = [f"{1000 * t:.{d}f} ms of {who}" for t, d, who in
          ((small_seconds, 1, "a worker"), (large_seconds, 1, "a worker"), (row_seconds, 2, "the driver"))]  # fmt: skip
    measured = [
        ["a SOCOFing print (96x103 px, worked on at 241x298), all families", ms[0]],
        ["an FVC2002 DB1 print (388x374 px), all families", ms[1]],
        ["keeping a row: flushing, writing its part", ms[2]],
        ["a row in a part (Parquet)", f"{row_bytes:.0f} bytes"],
        ["an image file, SOCOFing / FVC2002 DB1", " / ".join(f"{b / 1000:.0f} kB" for b in image_bytes)],
    ]
    n = given.prints
    storage = [
        ["table, a folder of parts", f"{n * row_bytes / 1e9:.0f} GB"],
        ["images, SOCOFing's size", f"{n * image_bytes[0] / 1e9:.0f} GB"],
        ["images, FVC2002 DB1's size, uncompressed TIFF", f"{n * image_bytes[1] / 1e9:.0f} GB"],
    ]
    head = [
        "on",
        "prints like",
        "hours",
        "workers busy",
        "core hours",
        "workers lost",
        "cost, $",
        "$ a million",
    ]
    most = [f"{t / row_seconds:.0f}" for t in (small_seconds, large_seconds)]
    report(
        "scale_simulation",
        f"{n:,} prints, simulated",
        [
            "## Measured",
            table(["part", "takes"], measured),
            "## Simulated",
            table(head, body),
            "## Storage",
            table(["what", "size"], storage),
            f"Assumed: ${given.price} a core hour; every core as fast as this machine's; a worker lost every "
            f"{LOSS_HOURS} worker hours, with its unit, and {RESTART:g} s until another stands there; "
            f"{1000 * DELIVERY:g} ms to deliver a unit of about {UNIT} s; images read as fast as they are worked on. "
            "Not in it: queues of a shared cluster, moving the images there, and people's time.",
            f"The driver keeps {1 / row_seconds:,.0f} rows a second, so that it holds back more than about {most[0]} "
            f"workers on prints like SOCOFing's, {most[1]} on those like FVC2002 DB1's. Beyond that, several drivers "
            "work on lists of their own, and `ridgefeat merge` joins their tables.",
        ],
    )


if __name__ == "__main__":
    main()
