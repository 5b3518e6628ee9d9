"""What an installation costs: packages, disk and time, of version 0.1 and of this tree.

    python benchmarks/first_minutes.py [PYTHON ...]

Each PYTHON (by default the running one) makes a new environment for either version, into which `pip install` puts it.
Disk is that of the environment less an empty one's; packages come from pip's cache where it has them.
"""

from __future__ import annotations

from _common import ROOT, report, table  # isort: skip

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIRST = "3c8a976"
"""The commit of version 0.1."""
MIN_SHOWN_MB = 10


def size(path: Path) -> float:
    """Return the megabytes of the files below a folder."""
    return sum(p.lstat().st_size for p in path.rglob("*") if not p.is_dir()) / 1e6


def measure(python: str, tree: Path, folder: Path) -> tuple[list[object], dict[str, float]]:
    """Return Python's version, packages, megabytes, seconds of clock and processor; and the size of each folder."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    run = folder / "bin" / "python"
    (packages,) = folder.glob("lib/*/site-packages")
    before, empty = {p.name for p in packages.iterdir()}, size(folder)
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([run, "-m", "pip", "install", "-q", "--disable-pip-version-check", str(tree)], check=True)
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    version = subprocess.run([run, "-V"], capture_output=True, text=True, check=True).stdout.split()[-1]
    new = {p.name: size(p) for p in packages.iterdir() if p.is_dir() and p.name not in before}
    count = sum(name.endswith(".dist-info") for name in new)
    return [version, count, f"{size(folder) - empty:.0f}", f"{clock:.0f}", f"{processor:.0f}"], new


def main(pythons: list[str]) -> None:
    rows, sizes = [], {}
    with tempfile.TemporaryDirectory() as made:
        old = Path(made, "old")
        old.mkdir()
        archive = subprocess.run(["git", "archive", FIRST], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(old)], input=archive, check=True)
        for i, python in enumerate(pythons):
            for name, tree in (("0.1", old), ("this tree", ROOT)):
                (version, *costs), sizes = measure(python, tree, Path(made, f"{i}{name[:2]}"))
                rows.append([version, name, *costs])
    largest = sorted((s, n) for n, s in sizes.items() if s >= MIN_SHOWN_MB)[::-1]
    report(
        "first_minutes",
        "First minutes: install",
        [
            "`pip install .` in a new environment. Disk: the environment less an empty one.",
            table(["Python", "version", "packages", "disk, MB", "clock, s", "processor, s"], rows),
            "Largest folders of the last row, MB: " + ", ".join(f"{n} {s:.0f}" for s, n in largest) + ".",
        ],
    )


if __name__ == "__main__":
    main(sys.argv[1:] or [sys.executable])
