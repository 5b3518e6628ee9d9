"""Is a table the same bytes whatever the number of workers, and however often the run was killed?

    python benchmarks/kill_resume.py [FOLDER] [--kills 20] [--prints 400] [--seed 0]

Extracts prints of real data with one worker, with two, and with two in a run that is killed (kill -9) at random
moments and resumed each time; then compares the files. Writes benchmarks/results/kill_resume.md.
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
    command = [
        sys.executable,
        "-m",
        "ridgefeat.cli",
        "extract",
        str(prints),
        "-o",
        str(output),
        "-q",
        *options,
    ]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)


def finish(process: subprocess.Popen[bytes]) -> None:
    if process.wait() != 0:
        sys.exit(f"extract ended with exit code {process.returncode}")


def timed(prints: Path, output: Path, jobs: int) -> float:
    began = time.perf_counter()
    finish(start(prints, output, "-j", str(jobs)))
    return time.perf_counter() - began


def killed(prints: Path, output: Path, kills: int, whole: float, rng: random.Random) -> list[int]:
    """Kill the run again and again; return how many prints were finished after each kill."""
    done = []
    folder = output.with_name(f".{output.name}.partial")
    for _ in range(kills):
        process = start(prints, output, "-j", "2", "--resume")
        # The first second or two goes to starting up; a kill may well fall into it.
        time.sleep(rng.uniform(0.2, 3.0 + 1.2 * whole / kills))
        if process.poll() is not None:
            break
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        spans = [p.stem.split("-") for p in folder.glob("*.npz")] if folder.exists() else []
        done.append(sum(int(stop) - int(first) for first, stop in spans))
    finish(start(prints, output, "-j", "2", "--resume"))
    return done


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
        seconds = {"-j 1": timed(prints, one, 1), "-j 2": timed(prints, two, 2)}
        done = killed(prints, many, given.kills, seconds["-j 2"], random.Random(given.seed))
        digests = {"-j 1": digest(one), "-j 2": digest(two), f"-j 2, killed {len(done)} times": digest(many)}
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
        f"The tables are {'the same' if same else 'DIFFERENT'}. Wall clock: "
        + ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
        + f" (ratio {seconds['-j 1'] / seconds['-j 2']:.2f}).",
    ]
    print("\n".join(lines))
    target = ROOT / "benchmarks" / "results" / "kill_resume.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n")
    sys.exit(not same)


if __name__ == "__main__":
    main()
