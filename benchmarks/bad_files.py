"""Do bad files ever sink a run? Two hundred of them among good prints, through the command line.

    python benchmarks/bad_files.py [--count 200]

Each must be a row with a reason, the exit code 1, nothing may hang, and memory (all processes) must stay below 1 GB.
Then, for every format: what becomes of a file that was cut, whose tail is zero, or three bytes of which are wrong.
Writes benchmarks/results/bad_files.md.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
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


def memory_of(pid: int) -> int:
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
        peak = max(peak, memory_of(process.pid))
        time.sleep(0.01)
    watchdog.cancel()
    return process.returncode, peak, time.perf_counter() - began


FORMATS: dict[str, tuple[str, dict[str, object]]] = {
    "PNG": ("PNG", {}),
    "GIF": ("GIF", {}),
    "JPEG": ("JPEG", {}),
    "JPEG, progressive": ("JPEG", {"progressive": True}),
    "JPEG 2000": ("JPEG2000", {}),
    "WebP": ("WEBP", {}),
    "WebP, lossless": ("WEBP", {"lossless": True}),
    "TIFF, LZW": ("TIFF", {"compression": "tiff_lzw"}),
    "TIFF, PackBits": ("TIFF", {"compression": "packbits"}),
    "TIFF, deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF, JPEG": ("TIFF", {"compression": "jpeg"}),
    "TIFF, ZSTD": ("TIFF", {"compression": "zstd"}),
    "TIFF, LZMA": ("TIFF", {"compression": "lzma"}),
    "TIFF, group 4": ("TIFF", {"compression": "group4"}),
    "TIFF": ("TIFF", {}),
    "BMP": ("BMP", {}),
    "PGM": ("PPM", {}),
}
DAMAGES = ("cut", "zeroed tail", "three wrong bytes")
TRIES = 40


def damaged(data: bytes, how: str, rng: random.Random) -> bytes:
    """Return a file of which a part is gone, zero or wrong; the first 200 and last 200 bytes, headers mostly, stay."""
    at = rng.randrange(len(data) // 4, len(data) * 3 // 4)
    if how == "cut":
        return data[:at]
    out = bytearray(data)
    if how == "zeroed tail":
        out[at:] = bytes(len(out) - at)
    else:
        for _ in range(3):
            out[rng.randrange(200, len(out) - 200)] ^= rng.randrange(1, 256)
    return bytes(out)


def directory_first(data: bytes) -> bytes:
    """Return a TIFF whose directory stands before its pixels, so that a damaged tail does not reach it."""
    (start,) = struct.unpack_from("<I", data, 4)
    if start == 8:
        return data
    moved = len(data) - start
    out = bytearray(data[:4] + struct.pack("<I", 8) + data[start:] + data[8:start])
    for at in range(10, 10 + 12 * struct.unpack_from("<H", out, 8)[0], 12):
        tag, kind, count, value = struct.unpack_from("<HHII", out, at)
        if tag == 273 and count == 1:
            struct.pack_into("<I", out, at + 8, value + moved)
        elif count * {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}[kind] > 4:
            struct.pack_into("<I", out, at + 8, value - start + 8 if value >= start else value + moved)
    return bytes(out)


def damage_table() -> list[str]:
    """Return a table of formats: of how many damaged files each is read, and the largest share of pixels changed."""
    from ridgefeat.errors import ImageError
    from ridgefeat.sources import decode_image

    noise = np.random.default_rng(0).normal(0, 12, (200, 200))
    pixels = np.clip(ridges() + noise, 0, 255).astype(np.uint8)
    rows = []
    for name, (kind, options) in FORMATS.items():
        image, file = Image.fromarray(pixels), io.BytesIO()
        tall = {"strip_size": 1 << 20} if kind == "TIFF" else {}
        (image.convert("1") if "group" in name else image).save(file, kind, **options, **tall)
        data = directory_first(file.getvalue()) if kind == "TIFF" else file.getvalue()
        whole, rng, cells = decode_image(data).pixels, random.Random(1), []
        for how in DAMAGES:
            changed = []
            for _ in range(TRIES):
                with suppress(ImageError):
                    found = decode_image(damaged(data, how, rng)).pixels
                    changed.append(float((found != whole).mean()) if found.shape == whole.shape else 1.0)
            cells.append(f"{len(changed)} of {TRIES}, {max(changed):.1%}" if changed else "none")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return [
        "## Damaged data, by format",
        "",
        f"Of {TRIES} files each: how many are read, and the largest share of pixels that differ. Formats without an "
        "end or a checksum (BMP, PGM, TIFF without compression) cannot tell.",
        "",
        "| format | " + " | ".join(DAMAGES) + " |",
        "| --- | --- | --- | --- |",
        *rows,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    given = parser.parse_args()
    from ridgefeat.table import read_table

    with tempfile.TemporaryDirectory() as scratch:
        prints, output = Path(scratch) / "prints", Path(scratch) / "t.csv"
        prints.mkdir()
        made = make(prints, given.count)
        command = [sys.executable, "-m", "ridgefeat.cli", "extract", str(prints), "-o", str(output), "-j", "2"]
        code, peak, seconds = watched(command)
        table = read_table(output) if output.exists() else None
    if table is None:
        sys.exit(f"no table was written; exit code {code}")
    rows = table.set_index("meta_source").meta_error
    rows = rows.where(rows.notna(), None)
    reasons = {kind: next((rows.get(n) for n, k in made.items() if k == kind), None) for kind in KINDS}
    counts, named = Counter(made.values()), Counter(k for n, k in made.items() if rows.get(n))
    lines = [
        "# Bad files among good prints",
        "",
        f"{len(made)} bad files and 10 good prints, two workers; `python benchmarks/bad_files.py`.",
        "",
        "| kind | files | rows with a reason | the first reason |",
        "| --- | --- | --- | --- |",
        *(f"| {k} | {counts[k]} | {named[k]} | {reasons[k] or '-'} |" for k in KINDS if counts[k]),
        "",
        f"Exit code {code}; {seconds:.1f} s; at most {peak / 2**20:.0f} MB in all processes; "
        f"{int(rows[[n for n in rows.index if n.startswith('good')]].isna().sum())} of 10 good prints without error.",
    ]
    lines += ["", *damage_table()]
    print("\n".join(lines))
    target = ROOT / "benchmarks" / "results" / "bad_files.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n")
    unforeseen = [r for r in rows.dropna() if "please report" in r]
    sound = code == 1 and named == counts and peak < 2**30 and not unforeseen
    sys.exit(0 if sound else f"not as it should be: {unforeseen[:3] or counts - named}")


if __name__ == "__main__":
    main()
