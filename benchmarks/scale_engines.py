"""Does a cluster make the same table as one process, what does it cost, and what if workers and driver are killed?

    python benchmarks/scale_engines.py [--prints 4200] [--steps same,overhead,dask-kill,ray-kill] [--rounds 4]
        [--overhead-prints 2000]

Dask: a scheduler and two workers as processes of their own, on loopback; Ray: a local cluster of two. All of them and
the driver share this machine's cores. Each step's figures are kept in benchmarks/results/scale_engines.json, so that
steps can be run one at a time; benchmarks/results/scale_engines.md shows all that are there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from _common import ROOT, need, report, table  # isort: skip

KEPT = ROOT / "benchmarks" / "results" / "scale_engines.json"
BIN = Path(sys.executable).parent
# As docs/scale.md says: what a worker looks at many times a second, and memory given back at once, cost time.
ADVISED = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL": "1s",
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
}
QUIET = {**os.environ, "RAY_DISABLE_IMPORT_WARNING": "1", "PYTHONPATH": str(ROOT)}


def start(prints, output, *options):
    """Start an extraction as a process of its own, in its own group."""
    command = [sys.executable, "-m", "ridgefeat.cli", "extract", "--list", str(prints), "-o", f"{output}/", "-q"]
    return subprocess.Popen([*command, *options], env=QUIET, start_new_session=True)


def extract(prints, output, *options):
    """Return wall seconds of an extraction, start-up included."""
    began = time.perf_counter()
    code = start(prints, output, *options).wait()
    if code:
        raise SystemExit(f"extract {' '.join(options)} ended with {code}")
    return time.perf_counter() - began


def digest(folder):
    """Return one digest of all parts, names included."""
    out = hashlib.sha256()
    for part in sorted(folder.glob("part-*")):
        out.update(part.name.encode() + part.read_bytes())
    return out.hexdigest()[:16]


def rows(folder):
    """Return how many rows a table has, and how many prints."""
    from ridgefeat.table import read_table

    sources = read_table(folder, verify=True, columns=()).meta_source
    return len(sources), sources.nunique()


@contextmanager
def dask_cluster(workers=2):
    """Yield the address of a scheduler, and the workers' processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, quiet = f"tcp://127.0.0.1:{port}", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = [BIN / "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = [BIN / "dask", "worker", address, "--nthreads", "1", "--no-dashboard", "--memory-limit", "2GB"]
    env = {**QUIET, **ADVISED}
    processes = [subprocess.Popen(scheduler, env=QUIET, start_new_session=True, **quiet)]
    try:
        processes += [subprocess.Popen(worker, env=env, start_new_session=True, **quiet) for _ in range(workers)]
        from distributed import Client

        with Client(address, timeout=30) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address, processes[1:]
    finally:
        for process in processes[::-1]:
            end(process)


def end(process):
    """End a process that was started here, with its group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(output, share, count, driver):
    """Wait until that share of the rows is on disk."""
    while driver.poll() is None:
        done = sum(int(p.stem[10:]) - int(p.stem[:9]) for p in output.glob("_work/*-*.npz"))
        if done >= share * count:
            return done
        time.sleep(0.05)
    raise SystemExit("the run was over before it could be killed; use more --prints")


def below(pid):
    """Return the ids of all processes below one."""
    out, todo = [], [pid]
    while todo:
        for task in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            found = [int(c) for c in task.read_text().split()]
            out += found
            todo += found
    return out


def same(prints, count, scratch):
    """Extract with one process, on Dask and on Ray."""
    out = {"-j 1": (extract(prints, scratch / "one", "-j", "1"), digest(scratch / "one"))}
    with dask_cluster() as (address, _):
        out["Dask, two workers"] = (
            extract(prints, scratch / "dask", "--engine", f"dask={address}"),
            digest(scratch / "dask"),
        )
    seconds = extract(prints, scratch / "ray", "--engine", "ray=local", "-j", "2")
    out["Ray, two workers, cluster started with the run"] = (seconds, digest(scratch / "ray"))
    return out


def cpu_seconds(pids):
    """Return the CPU seconds that processes have taken, their ended children included."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def ended_seconds():
    """Return the CPU seconds of all children that this process has seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def overhead(prints, count, scratch, rounds):
    """Time -j 2 and Dask in turn: a cluster that has loaded nothing yet, and the same again."""
    out = {"prints": count, "runs": []}
    digests = set()
    for i in range(rounds):
        # Every second round the other way about, for what else the machine does comes and goes.
        found = {}
        for which in ("two", "dask") if i % 2 == 0 else ("dask", "two"):
            if which == "two":
                before = ended_seconds()
                seconds = extract(prints, scratch / f"two{i}", "-j", "2")
                found["-j 2"] = [seconds, ended_seconds() - before]
                continue
            with dask_cluster() as (address, _):
                for name in ("first", "again"):
                    cluster = [p for p in below(os.getpid()) if p != os.getpid()]
                    cpu_before, before = cpu_seconds(cluster), ended_seconds()
                    seconds = extract(prints, scratch / f"{name}{i}", "--engine", f"dask={address}")
                    found[name] = [seconds, ended_seconds() - before + cpu_seconds(cluster) - cpu_before]
        out["runs"].append(found)
        digests |= {digest(scratch / f"{name}{i}") for name in ("two", "first", "again")}
    return {**out, "digests": sorted(digests)}


def dask_kill(prints, count, scratch):
    """Kill a worker after a quarter and the driver after a half, then resume with the worker that is left."""
    output = scratch / "killed"
    with dask_cluster() as (address, workers):
        driver = start(prints, output, "--engine", f"dask={address}")
        first = wait_for(output, 0.25, count, driver)
        end(workers[0])
        second = wait_for(output, 0.5, count, driver)
        end(driver)
        extract(prints, output, "--engine", f"dask={address}", "--resume")
    return {"worker": first, "driver": second, "digest": digest(output), "rows": rows(output)}


def ray_kill(prints, count, scratch):
    """The same on Ray: one of its actors, then the driver with its cluster."""
    output = scratch / "killed"
    options = ("--engine", "ray=local", "-j", "2")
    driver = start(prints, output, *options)
    first = wait_for(output, 0.2, count, driver)
    actors = [p for p in below(driver.pid) if Path(f"/proc/{p}/cmdline").read_bytes().startswith(b"ray::PoolActor")]
    os.kill(actors[0], signal.SIGKILL)
    second = wait_for(output, 0.5, count, driver)
    children = below(driver.pid)
    end(driver)
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    extract(prints, output, *options, "--resume")
    return {"worker": first, "driver": second, "digest": digest(output), "rows": rows(output)}


def overhead_table(runs):
    """Return a row a round: seconds and CPU seconds of each way."""
    ways = {"-j 2": "-j 2", "first": "Dask, first use", "again": "Dask, again"}
    head = ["round", *(f"{w}, s" for w in ways.values()), *(f"{w}, CPU s" for w in ways.values())]
    body = [[i, *(f"{run[w][k]:.1f}" for k in (0, 1) for w in ways)] for i, run in enumerate(runs, 1)]
    return table(head, body)


def overhead_words(runs):
    """Return what Dask takes more than -j 2, by round: median, lowest and highest."""
    said = []
    for name, words in (("first", "on first use"), ("again", "again")):
        for k, what in ((0, "time"), (1, "CPU")):
            more = sorted(100 * (run[name][k] / run["-j 2"][k] - 1) for run in runs)
            said.append(f"{what} {words}: **{statistics.median(more):+.1f} %** [{more[0]:+.1f}, {more[-1]:+.1f}]")
    load = statistics.median(run["first"][0] - run["again"][0] for run in runs)
    return (
        f"Dask compared with -j 2, median [lowest, highest]: {'; '.join(said)}. What first use takes more than "
        f"the next, {load:.1f} s, does not grow with the prints."
    )


def write(kept):
    """Write what is known as Markdown."""
    count = kept["prints"]
    lines = [f"{count} SOCOFing prints, all families, into a folder of parts, on two cores."]
    digests = {}
    if "same" in kept:
        digests |= {name: d for name, (_, d) in kept["same"].items()}
        body = [[name, f"`{d}`"] for name, (_, d) in kept["same"].items()]
        lines += ["## The same bytes", table(["run", "digest of all parts"], body)]
    if "runs" in kept.get("overhead", {}):
        o = kept["overhead"]
        digests |= {f"overhead {i}": d for i, d in enumerate(o["digests"]) if o["prints"] == count}
        lines += [
            "## Dask against -j 2 on the same two cores",
            f"{o['prints']} prints, {len(o['runs'])} rounds in turn. The start of the cluster is not counted. "
            "On first use its workers load the libraries, as those of -j 2 do each time; again they have them (as with "
            "`--preload`, which docs/scale.md advises). CPU is that of driver, scheduler, nannies and workers. Dask's "
            "profiler is off and its workers look at themselves once a second, as advised there too.",
            overhead_table(o["runs"]),
            overhead_words(o["runs"]),
        ]
    for step, name in (("dask-kill", "Dask"), ("ray-kill", "Ray")):
        if step in kept:
            k = kept[step]
            digests[step] = k["digest"]
            lines += [
                f"## {name}: a worker killed, then the driver, then resumed",
                f"A worker was killed (kill -9) with {k['worker']} rows on disk, the driver with {k['driver']}; then "
                f"--resume. Rows: {k['rows'][0]}, prints among them: {k['rows'][1]}, digest `{k['digest']}`.",
            ]
    lines.append(f"Different tables among all these runs: {len(set(digests.values())) - 1}.")
    report("scale_engines", "Engines: the same table on Dask and Ray", lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prints", type=int, default=4200)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--overhead-prints", type=int, default=2000)
    parser.add_argument("--steps", default="same,overhead,dask-kill,ray-kill")
    given = parser.parse_args()
    files = sorted(need("SOCOFing/Real").glob("*.BMP"))[: given.prints]
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if kept.get("prints") != len(files):
        kept = {"prints": len(files)}
    steps = {"same": same, "dask-kill": dask_kill, "ray-kill": ray_kill}
    for step in given.steps.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            prints = root / "prints.txt"
            some = files[: given.overhead_prints] if step == "overhead" else files
            prints.write_text("\n".join(str(f.resolve()) for f in some))
            if step == "overhead":
                kept[step] = overhead(prints, len(some), root, given.rounds)
            else:
                kept[step] = steps[step](prints, len(files), root)
        KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    write(kept)


if __name__ == "__main__":
    main()
