"""Is a table the same bytes whatever the number of workers, and however often the run was killed?

    python benchmarks/kill_resume.py [FOLDER] [--kills 20] [--prints 400] [--seed 0]

Extracts prints of real data with one worker, with two, and with two in a run that is killed (kill -9) at random
moments and resumed each time: one kill in five anywhere from the start on, the others after the run has finished
something new. Then compares the files. Writes benchmarks/results/kill_resume.md.
"""

from __future__ import annotations

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
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("RIDGEFEAT_DATA", ROOT / ".data"))


def start(prints: Path, output: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ridgefeat.cli", "extract", str(prints), "-o", str(output), "-q", *options]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)


def finish(process: subprocess.Popen[bytes]) -> None:
    if process.wait() != 0:
        sys.exit(f"extract ended with exit code {process.returncode}")


def killed(prints: Path, output: Path, kills: int, whole: float, rng: random.Random) -> tuple[list[int], set[str]]:
    """Kill runs at random moments and resume them.

    Return how many prints were finished after each kill, and the digest of every table that came out of it.
    """
    done: list[int] = []
    digests = set()
    folder = output.with_name(f".{output.name}.partial")
    while len(done) < kills:
        before = finished(folder)
        process = start(prints, output, "-j", "2", "--resume")
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
    finish(start(prints, output, "-j", "2", "--resume"))
    return done, digests | {digest(output)}


def finished(folder: Path) -> int:
    """Return how many rows a journal holds."""
    spans = [p.stem.split("-") for p in folder.glob("*.npz")] if folder.exists() else []
    return sum(int(stop) - int(first) for first, stop in spans)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA / "SOCOFing" / "Real")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--prints", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if not given.folder.is_dir():
        sys.exit(f"{given.folder} is not there; set RIDGEFEAT_DATA or name a folder of prints")
    with tempfile.TemporaryDirectory() as scratch:
        prints = Path(scratch) / "prints"
        prints.mkdir()
        for path in sorted(p for p in given.folder.rglob("*") if p.is_file())[: given.prints]:
            shutil.copy2(path, prints)
        one, two, many = (Path(scratch) / f"{name}.csv" for name in ("one", "two", "killed"))
        finish(start(prints, one, "-j", "1"))
        began = time.perf_counter()
        finish(start(prints, two, "-j", "2"))
        whole = time.perf_counter() - began
        done, resumed = killed(prints, many, given.kills, whole, random.Random(given.seed))
        digests = {"-j 1": digest(one), "-j 2": digest(two)}
        digests |= {f"-j 2, killed {len(done)} times ({i})": d for i, d in enumerate(sorted(resumed), 1)}
        count = len(list(prints.iterdir()))
    same = len(set(digests.values())) == 1
    lines = [
        "# The same bytes, whatever happens",
        "",
        f"{count} prints of {given.folder.name}, all families; seed {given.seed}; `python benchmarks/kill_resume.py`.",
        "",
        "| run | sha256 of the table |",
        "| --- | --- |",
        *(f"| {name} | `{value[:32]}…` |" for name, value in digests.items()),
        "",
        f"Prints finished after each kill: {', '.join(map(str, done))}.",
        f"The tables are {'the same' if same else 'DIFFERENT'}.",
    ]
    print("\n".join(lines))
    target = ROOT / "benchmarks" / "results" / "kill_resume.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n")
    sys.exit(not same)


if __name__ == "__main__":
    main()
