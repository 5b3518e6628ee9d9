"""What do damaged and hostile files do to every parser? Mutated files of every kind, and bad files among good prints.

    python benchmarks/attack.py [--seconds 8] [--count 1000000] [--whole] [--only NAME]

Valid files, made with the package's own synth (and the transactions in AN2, if present), are mutated: bits are
flipped, the end is cut off or zeroed, pieces are spliced in, removed or repeated, extreme numbers and long runs of
digits are inserted. Where a format has checksums or is compressed, its content is mutated as well, with the checksums
recomputed. An input is named by its parser and number, and can be reproduced: `--only "tiff, lzw" --first 4711 --count
1`. Each parser runs in its own process, which is killed if one input takes two minutes. Then `extract` runs over bad
files among good prints: each must become a row with a reason, and memory (all processes) must stay below 1 GB. Writes
benchmarks/results/attack.md and bad_files.md unless --only is given.
"""

from __future__ import annotations

from _common import report, table  # isort: skip

import argparse
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import _attack_files as attack_files
import _attack_seeds as seeds
from _attack_targets import Target, targets

from ridgefeat.errors import RidgefeatError

COUNTS = ("tried", "refused", "unchanged", "changed", "unnoticed", "uncaught", "slow", "large")
SLOW, LARGE, ENDED = 10.0, 1 << 20, 120.0
"""CPU seconds and KiB above which an input counts as slow and large; maximum wall-clock seconds per input."""
WHOLE = (
    "transaction",
    "type 9 in a file",
    "record (ISO, ANSI)",
    "record as text",
    "card, normal",
    "card, compact",
    "xyt",
)
"""Parsers of transactions and templates; with --whole the first runs to its count, and the others to it together."""
MAX_SIZE = 1 << 18
"""Bytes above which an input is not enlarged."""
EXTREMES = [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\0\0\0\x80", b"\0\0\xff\xff"]
EXTREMES += [b"\xff\xff", b"\0\1", b"\xff", b"\0", b"\x80", b"\xff" * 8, b"\0" * 7 + b"\x40"]
TOKENS = [
    b"9" * 12,
    b"-1",
    b"1e999",
    b"nan",
    b"\0",
    b'"',
    b"\n",
    b"\r",
    b",",
    b";",
    b"\t",
    b"{",
    b"[" * 60,
    b"../",
    b"=1+1",
]
TOKENS += [
    b"\x1c",
    b"\x1d",
    b"\x1e",
    b"\x1f",
    b"14.001:99999999\x1d",
    b"4.999:",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xd8\x00",
]
TOKENS += [b" " * 300, b"null", b"true", b"\xff\xd9", b"\xff\xda", b"1_000", "٣".encode(), b"-", b".", b"0x10"]


# ---- mutations


def mutate(rng: random.Random, data: bytes, others: Sequence[bytes]) -> tuple[str, bytes]:
    """Return how bytes were changed, and the changed ones: one to five changes of one kind."""
    kind = rng.choice(("flip", "flip", "cut", "zeros", "splice", "extreme", "extreme", "repeat", "token"))
    if kind == "cut":
        return kind, data[: rng.randrange(len(data))] if data else b""
    if kind == "zeros":
        at = rng.randrange(len(data)) if data else 0
        return kind, data[:at] + bytes(len(data) - at)
    broken = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        size = len(broken)
        if size > MAX_SIZE:
            break
        # Headers are where the harm is done.
        at = rng.randrange(min(size, rng.choice((40, 300, 1 << 30)))) if size else 0
        if kind == "flip" and size:
            broken[at] ^= 1 << rng.randrange(8)
        elif kind == "extreme":
            value = rng.choice(EXTREMES)
            broken[at : at + len(value)] = value
        elif kind == "token":
            broken[at : at + rng.choice((0, 1, 8))] = rng.choice(TOKENS)
        elif kind == "repeat":
            broken[at:at] = bytes(broken[at : at + rng.choice((1, 4, 12, 100, 2000))]) * rng.choice((1, 2, 30, 300))
        elif rng.random() < 0.5:
            del broken[at : at + rng.choice((1, 2, 4, 50, 1000))]
        else:
            other = rng.choice(others)
            start = rng.randrange(len(other)) if other else 0
            broken[at : at + rng.choice((0, 8, 200))] = other[start : start + rng.choice((1, 8, 200, 3000))]
    return kind, bytes(broken)


def attacked(target: Target, number: int) -> tuple[int, str, bytes]:
    """Return an input by its number: which seed it comes from, how that was changed, and its bytes."""
    rng = random.Random(number)
    chosen = rng.randrange(len(target.seeds))
    data = target.seeds[chosen]
    if target.inside is not None and rng.random() < 0.5:
        return chosen, "inside", target.inside(rng, data, lambda part: mutate(rng, part, target.seeds)[1])
    return chosen, *mutate(rng, data, target.seeds)


# ---- the attack


class Tally:
    """Counts that a process shares with the one that started it, which goes on counting if it dies."""

    def __init__(self) -> None:
        self.numbers = multiprocessing.RawArray("q", len(COUNTS) + 5)

    def __getitem__(self, name: str) -> int:
        return int(self.numbers[self._at(name)])

    def __setitem__(self, name: str, value: int) -> None:
        self.numbers[self._at(name)] = value

    def _at(self, name: str) -> int:
        return (*COUNTS, "number", "begun", "slowest", "largest", "used").index(name)


def outcome(target: Target, number: int, expected: Sequence[Any]) -> tuple[list[str], str]:
    """Return what to count for one input, and the error that should not have been."""
    chosen, kind, data = attacked(target, number)
    try:
        found = target.read(data)
    except RidgefeatError:
        return ["refused"], ""
    except Exception as error:
        return ["uncaught"], f"{kind}: {type(error).__name__}: {str(error)[:200]}"
    whole = expected[chosen]
    if found == whole:
        return ["unchanged"], ""
    if kind in target.shown and not (isinstance(found, frozenset) and found <= whole):
        return ["changed", "unnoticed"], f"{kind}: accepted with other content"
    return ["changed"], ""


def work(target: Target, numbers: range, seconds: float, tally: Tally, notes: Path) -> None:
    """Attack a parser with inputs until so many seconds of the processor are used."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)  # what decoders in C print
    expected = [target.read(data) for data in target.seeds]
    before, used = _reset_peak(), tally["used"] - int(1000 * _cpu_seconds())
    for number in numbers:
        began = _cpu_seconds()
        if tally["used"] > 1000 * seconds:
            return
        tally["number"], tally["begun"] = number, int(1000 * time.monotonic())
        counts, why = outcome(target, number, expected)
        took, peak = _cpu_seconds() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if took > SLOW:
            counts.append("slow")
        if peak > LARGE and peak > before:
            counts.append("large")
        for name in ("tried", *counts):
            tally[name] += 1
        tally["used"] = used + int(1000 * _cpu_seconds())
        tally["slowest"] = max(tally["slowest"], int(1e6 * took))
        tally["largest"] = max(tally["largest"], peak)
        if why or {"slow", "large"} & set(counts):
            with notes.open("a") as file:
                file.write(f"{number}\t{why or ' '.join(counts)} ({took:.1f} s, {peak >> 10} MB)\n")
        if peak > before + (1 << 16):
            before = _reset_peak()


def _cpu_seconds() -> float:
    """Return the seconds of the processor that this process and those it waited for have used."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _reset_peak() -> int:
    """Forget the peak of memory, where the system can do so; return the present one in KiB."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def attack(target: Target, first: int, count: int, seconds: float, folder: Path) -> tuple[Tally, list[str]]:
    """Return the counts for one parser, and notes on what should not have been."""
    tally, notes = Tally(), folder / "notes"
    notes.write_text("")
    start, stop = first, first + count
    context = multiprocessing.get_context("fork")
    while start < stop:
        tally["begun"] = int(1000 * time.monotonic())
        child = context.Process(target=work, args=(target, range(start, stop), seconds, tally, notes))
        child.start()
        while child.is_alive():
            child.join(1.0)
            if time.monotonic() - tally["begun"] / 1000 > ENDED:
                child.kill()
                child.join()
        if child.exitcode == 0:
            break
        if child.exitcode > 0:
            raise SystemExit(f"{target.name}: a whole file is refused, or the attack itself is broken")
        start = tally["number"] + 1
        tally["tried"] += 1
        tally["uncaught"] += 1
        tally["slow"] += child.exitcode == -9
        with notes.open("a") as file:
            file.write(f"{start - 1}\tthe process ended with {child.exitcode}\n")
    return tally, notes.read_text().splitlines()


def damage(images: dict[str, list[bytes]], places: int = 60) -> str:
    """Return as a table what becomes of images that are cut, zeroed from a place on, or have three wrong bytes."""
    from ridgefeat.sources import decode_image

    rng, rows = random.Random(0), []
    for name, files in images.items():
        row: list[object] = [name]
        for kind in ("cut", "zeros", "three wrong bytes"):
            refused = unchanged = 0
            shares = [0.0]
            for i in range(places):
                data = files[i % len(files)]
                at = rng.randrange(len(data) // 3, len(data) - 3)  # behind the header
                tail = {"cut": b"", "zeros": bytes(len(data) - at)}.get(kind, rng.randbytes(3) + data[at + 3 :])
                try:
                    found = decode_image(data[:at] + tail).pixels
                except RidgefeatError:
                    refused += 1
                    continue
                whole = decode_image(data).pixels
                shares.append(1.0 if found.shape != whole.shape else float((found != whole).mean()))
                unchanged += shares[-1] == 0
            changed = len(shares) - 1 - unchanged
            row += [f"{refused}, {unchanged}, {changed}" + (f" (to {100 * max(shares):.0f} %)" if changed else "")]
        rows.append(row)
    return table(["format", "cut", "zeros to the end", "three wrong bytes"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0, help="Seconds of the processor for each parser.")
    parser.add_argument("--count", type=int, default=1_000_000, help="Maximum number of inputs for each parser.")
    parser.add_argument("--whole", action="store_true", help="Transactions finish the count, and so do templates.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first input.")
    parser.add_argument("--only", metavar="NAME", help="Attack this parser alone, without a report.")
    given = parser.parse_args()
    rows: list[list[object]] = []
    found: list[str] = []
    sums = Counter[str]()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        for target in targets(Path(scratch)):
            if given.only in (None, target.name):
                seconds, count = given.seconds, given.count
                if given.whole and target.name in WHOLE:
                    seconds, parsers = float("inf"), 1 if target.name == WHOLE[0] else len(WHOLE) - 1
                    count = -(-count // parsers)
                tally, notes = attack(target, given.first, count, seconds, Path(scratch))
                slowest, peak = f"{tally['slowest'] / 1000:.0f}", tally["largest"] >> 10
                rows.append([target.name, *(f"{tally[n]:,}" for n in COUNTS), slowest, peak, tally["used"] // 1000])
                sums.update({n: tally[n] for n in COUNTS})
                print(*rows[-1], *notes[:8], sep=" | ", flush=True)
                found += [f"{target.name}, input {note}" for note in notes[:3]]
    if given.only:
        return
    head = ["parser", *COUNTS, "slowest (ms)", "peak (MB)", "seconds"]
    report(
        "attack",
        "Attacks on every parser",
        [
            f"`python benchmarks/attack.py --seconds {given.seconds:g} --count {given.count}"
            f"{' --whole' * given.whole}`. A mutated file is refused with a message, or accepted: with the content of "
            "the valid file (unchanged) or with other content (changed). Unnoticed: changed, although a checksum or an "
            "end marker shows the damage. Uncaught: an exception that is not ridgefeat's own, or a crash. Slow: more "
            "than 10 s. Large: more than 1 GB (peak of the process, including 110 MB for libraries).",
            table(head, rows),
            "Together: " + "; ".join(f"{sums[n]:,} {n}" for n in COUNTS) + f"; in {len(rows)} parsers.",
            "\n".join(["Failures:", "", *(f"- {f}" for f in found or ["nothing"])]),
            "Valid images damaged at 60 places after their headers: how many are refused, give the same pixels, and "
            "give other pixels (with the largest share of pixels that differ). Uncompressed pixels, PackBits, WebP and "
            "group 3 fax have neither a checksum nor an end marker; JPEG, JPEG 2000, GIF, LZW, group 4 and WSQ have "
            "an end marker; PNG and deflate have a checksum.\n\n" + damage(seeds.images()),
        ],
    )
    report("bad_files", "Bad files among good prints", [attack_files.run()])


if __name__ == "__main__":
    main()
