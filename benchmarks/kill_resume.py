"""Is a table byte-identical however often its run was killed? Does a kill or a full disk leave half a result?

    python benchmarks/kill_resume.py [FOLDER] [--kills 50] [--moments 20] [--prints 200] [--seed 0]
        [--parts NAMES] [--commands NAMES]

resume: extracts real prints with one worker; with two; with two in a run that is killed (kill -9) and resumed again and
again (one kill in five at any time, the others after the run has finished new prints); the same on a local Dask
cluster; and on a disk with too little space, which is enlarged each time it is full.
commands: kills every command that writes files at random moments, and runs it on full disks, over an earlier result.
The disks are tmpfs of a limited size, which only root can mount; otherwise that part is skipped, with a note.
Writes benchmarks/results/kill_resume.md.
"""

from _common import DATA, ROOT, report, table  # isort: skip

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import _kill_commands


def start(prints: Path, output: Path, *options: str, quiet: bool = False) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ridgefeat", "extract", str(prints), "-o", str(output), "-q", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environment, start_new_session=True, stderr=subprocess.DEVNULL if quiet else None
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    if process.wait() != 0:
        sys.exit(f"extract ended with exit code {process.returncode}")


def killed(
    prints: Path, output: Path, kills: int, whole: float, rng: random.Random, *options: str
) -> tuple[list[int], set[str]]:
    """Kill runs at random moments and resume them.

    Return how many prints were finished after each kill, and the digest of every table that came out of it.
    """
    done: list[int] = []
    digests = set()
    folder = output.with_name(f".{output.name}.partial")
    while len(done) < kills:
        before = finished(folder)
        process = start(prints, output, *options, "--resume", quiet=True)
        if len(done) % 5:  # starting up takes seconds on a busy machine, and almost every kill would fall into it
            while process.poll() is None and finished(folder) == before:
                time.sleep(0.01)
        try:
            process.wait(rng.uniform(0, 1.5 * whole / kills))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            done.append(finished(folder))
            continue
        finish(process)
        digests.add(digest(output))
        output.unlink()
        output.with_suffix(".json").unlink()
    finish(start(prints, output, *options, "--resume"))
    return done, digests | {digest(output)}


def on_a_small_disk(prints: Path, disk: Path, whole: Path, times: int) -> tuple[int, str] | None:
    """Extract on a disk with too little room, a little more each time; return how often it was full, and the digest."""
    output, step = disk / whole.name, 4 * whole.stat().st_size // times + 4096
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={step}", "tmpfs", disk], capture_output=True).returncode:
        return None
    try:
        for full in range(20 * times):
            code = start(prints, output, "-j", "1", "--resume", quiet=True).wait()
            if code == 0:
                return full, digest(output)
            if code != 2 or output.exists():
                sys.exit(f"extract on a full disk ended with exit code {code}, table there: {output.exists()}")
            size = step * (full + 2)
            subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
        sys.exit("extract never had room enough")
    finally:
        subprocess.run(["umount", disk], check=True)


def finished(folder: Path) -> int:
    """Return how many rows a journal holds."""
    spans = [p.stem.split("-") for p in folder.glob("*.npz")] if folder.exists() else []
    return sum(int(stop) - int(first) for first, stop in spans)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def resume(given: argparse.Namespace, scratch: Path) -> list[str]:
    """Return the section on the bytes of a table."""
    prints = scratch / "prints"
    prints.mkdir()
    for path in sorted(p for p in given.folder.rglob("*") if p.is_file())[: given.prints]:
        shutil.copy2(path, prints)
    one, two, many, dask = (scratch / f"{name}.csv" for name in ("one", "two", "killed", "dask"))
    finish(start(prints, one, "-j", "1"))
    began = time.perf_counter()
    finish(start(prints, two, "-j", "2"))
    whole, rng = time.perf_counter() - began, random.Random(given.seed)
    rows = {"-j 1": digest(one), "-j 2": digest(two)}
    notes = []
    for label, output, options in (("-j 2", many, ("-j", "2")), ("Dask", dask, ("-j", "2", "--engine", "dask=local"))):
        if label == "Dask" and find_spec("distributed") is None:
            notes.append("Not measured with Dask: the extra is not installed.")
            continue
        done, found = killed(prints, output, given.kills, whole, rng, *options)
        rows |= {f"{label}, killed {len(done)} times ({i})": d for i, d in enumerate(sorted(found), 1)}
        notes.append(f"{label}: prints finished after each kill: {', '.join(map(str, done))}.")
    if (small := on_a_small_disk(prints, scratch / "disk", one, given.kills)) is None:
        notes.append("Not measured on a full disk: no tmpfs can be mounted.")
    else:
        rows[f"-j 1, on a disk that was full {small[0]} times"] = small[1]
    count, same = len(list(prints.iterdir())), len(set(rows.values())) == 1
    return [
        f"{count} prints of {given.folder.name}, all families; seed {given.seed}.",
        table(["run", "sha256 of the table"], [[name, f"`{value[:32]}…`"] for name, value in rows.items()]),
        *notes,
        f"The tables are {'the same' if same else 'DIFFERENT'}.",
    ]


def every_command(given: argparse.Namespace, scratch: Path) -> list[str]:
    """Return the section on every command."""
    data, rng = scratch / "data", random.Random(given.seed)
    data.mkdir()
    _kill_commands.prepare(data)
    names = given.commands.split(",") if given.commands else list(_kill_commands.commands(data))
    rows, disks = [], []
    for name in names:
        rows.append(_kill_commands.check(name, data, scratch, given.moments, rng))
        disks.append(_kill_commands.on_full_disk(name, data, scratch / "full"))
        print(rows[-1], disks[-1], file=sys.stderr, flush=True)
    said = [f"{row[0]}: {example}" for row in (*rows, *filter(None, disks)) for example in row[-1]]
    return [
        "Each command writes over an earlier result, and is killed with its workers (kill -9) at random moments of its "
        "run, every other time just when its first temporary file is there. Afterwards no file may be cut, and where "
        "the file that describes the others is there, each must have the digest that it says. Then the command is run "
        "once more, and no temporary file may be left.",
        table(
            ["command", "kills", "the result as before", "else", "faults", "temporary files at the end"],
            [r[:-1] for r in rows],
        ),
        "On a disk with room for 0 to 95 % of the results, over an earlier result:",
        "Not measured: no tmpfs can be mounted."
        if None in disks
        else table(
            ["command", "disks", "refused in one line", "the result as before", "faults"], [d[:-1] for d in disks if d]
        ),
        *said,
    ]


PARTS = {
    "resume": ("Resumed runs give the same bytes", resume),
    "commands": ("No command leaves half a result", every_command),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA / "SOCOFing" / "Real")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--prints", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", help="these alone, separated by commas")
    parser.add_argument("--parts", default=",".join(PARTS))
    given = parser.parse_args()
    if "resume" in given.parts and not given.folder.is_dir():
        sys.exit(f"{given.folder} is not there; set RIDGEFEAT_DATA or name a folder of prints")
    paragraphs = []
    for name in given.parts.split(","):
        title, measure = PARTS[name]
        with tempfile.TemporaryDirectory() as scratch:
            paragraphs += [f"## {title}", *measure(given, Path(scratch))]
    report("kill_resume", "Killed runs and full disks", paragraphs)


if __name__ == "__main__":
    main()
