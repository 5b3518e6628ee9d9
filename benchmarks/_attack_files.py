"""Bad files among good prints, through the command line; attack.py runs it."""

from __future__ import annotations

from _common import ROOT, table  # isort: skip

import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

LIMIT_SECONDS = 300


def ridges(side: int = 200) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    return (127 + 100 * np.cos(2 * np.pi * np.hypot(x + 50, y + 30) / 9)).astype(np.uint8)


def encoded(pixels: np.ndarray, ending: str) -> bytes:
    return bytes(cv2.imencode(ending, pixels)[1])


def huge_png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def huge_bmp() -> bytes:
    good = bytearray(encoded(ridges(), ".bmp"))
    good[18:26] = struct.pack("<ii", 100_000, 100_000)
    return bytes(good)


def huge_pgm() -> bytes:
    return b"P5 100000 100000 255\n" + bytes(1000)


def folder(path: Path) -> None:
    path.mkdir()


def unreadable(path: Path) -> None:
    path.write_bytes(encoded(ridges(), ".png"))
    path.chmod(0)


def broken_link(path: Path) -> None:
    path.symlink_to("nowhere.png")


def looping_link(path: Path) -> None:
    path.symlink_to(path.name)


def writer(content: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content()) and None


KINDS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "empty": (".png", writer(lambda: b"")),
    "truncated PNG": (".png", writer(lambda: encoded(ridges(), ".png")[:900])),
    "truncated BMP": (".bmp", writer(lambda: encoded(ridges(), ".bmp")[:900])),
    "truncated TIFF": (".tif", writer(lambda: encoded(ridges(), ".tif")[:900])),
    "truncated JPEG": (".jpg", writer(lambda: encoded(ridges(), ".jpg")[:300])),
    "text renamed .bmp": (".bmp", writer(lambda: b"dear diary\n" * 50)),
    "1x1": (".png", writer(lambda: encoded(np.zeros((1, 1), np.uint8), ".png"))),
    "1x5000": (".png", writer(lambda: encoded(np.tile(ridges()[:1], (1, 25)), ".png"))),
    "all white": (".bmp", writer(lambda: encoded(np.full((200, 200), 255, np.uint8), ".bmp"))),
    "all black": (".tif", writer(lambda: encoded(np.zeros((200, 200), np.uint8), ".tif"))),
    "PNG that claims 100,000 x 100,000": (".png", writer(huge_png)),
    "BMP that claims 100,000 x 100,000": (".bmp", writer(huge_bmp)),
    "PGM that claims 100,000 x 100,000": (".pgm", writer(huge_pgm)),
    "folder named .png": (".png", folder),
    "unreadable": (".png", unreadable),
    "broken link": (".png", broken_link),
    "link to itself": (".png", looping_link),
    "fifo": (".png", os.mkfifo),
}


def make(prints: Path, count: int) -> dict[str, str]:
    """Make good prints and bad files; return the kind of each bad one by name."""
    for i in range(10):
        cv2.imwrite(str(prints / f"good{i}.png"), ridges())
    made = {}
    for i in range(count):
        kind = list(KINDS)[i % len(KINDS)]
        ending, build = KINDS[kind]
        if kind == "unreadable" and os.geteuid() == 0:
            kind, (ending, build) = "empty", KINDS["empty"]  # nothing is unreadable to root
        path = prints / f"bad{i:03d}{ending}"
        build(path)
        made[path.name] = kind
    return made


def _memory_of(pid: int) -> int:
    """Return the resident bytes of a process and all below it."""
    total, waiting = 0, [pid]
    while waiting:
        at = waiting.pop()
        try:
            status = Path(f"/proc/{at}/status").read_text()
            total += next((int(x.split()[1]) * 1024 for x in status.splitlines() if x.startswith("VmRSS")), 0)
            waiting += map(int, Path(f"/proc/{at}/task/{at}/children").read_text().split())
        except (OSError, StopIteration):
            continue
    return total


def watched(command: list[str]) -> tuple[int, int, float]:
    """Run a command; return its exit code, its peak of memory in bytes, and its seconds."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    peak = 0
    watchdog = threading.Timer(LIMIT_SECONDS, process.kill)
    watchdog.start()
    while process.poll() is None:
        peak = max(peak, _memory_of(process.pid))
        time.sleep(0.01)
    watchdog.cancel()
    return process.returncode, peak, time.perf_counter() - began


def run(count: int = 200) -> str:
    """Return what `extract` makes of bad files among good prints."""
    from ridgefeat.table import read_table

    with tempfile.TemporaryDirectory() as scratch:
        prints, output = Path(scratch) / "prints", Path(scratch) / "t.csv"
        prints.mkdir()
        made = make(prints, count)
        command = [sys.executable, "-m", "ridgefeat.cli", "extract", str(prints), "-o", str(output), "-j", "2"]
        code, peak, seconds = watched(command)
        if not output.exists():
            raise SystemExit(f"no table was written; exit code {code}")
        rows = read_table(output).set_index("meta_source").meta_error
    rows = rows.where(rows.notna(), None)
    reasons = {kind: next((rows.get(n) for n, k in made.items() if k == kind), None) for kind in KINDS}
    counts, named = Counter(made.values()), Counter(k for n, k in made.items() if rows.get(n))
    unforeseen = sum("please report" in str(r) for r in rows)
    good = [rows[name] for name in rows.index if name.startswith("good")]
    return (
        f"`python benchmarks/attack.py`: `extract` over {len(made)} bad files and {len(good)} good prints, two "
        f"workers. Exit code {code}; {seconds:.1f} s; at most {peak / 2**20:.0f} MB in all processes; {unforeseen} "
        f"unforeseen errors; {good.count(None)} of {len(good)} good prints without an error.\n\n"
        + table(
            ["kind", "files", "rows with a reason", "the first reason"],
            [[k, counts[k], named[k], reasons[k] or "-"] for k in KINDS if counts[k]],
        )
    )
