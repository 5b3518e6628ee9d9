"""What is read from real ANSI/NIST transactions?

    python benchmarks/inputs_transactions.py

Every image of the transactions in AN2 is compared with an independent decoder's: WSQ with the one of _wsq_decoder.py,
written from the specification, JPEG with OpenCV's, pixels without compression with NumPy. Where the package `nistitl`
(extra peers) is installed, the bytes of every image must be those that it finds, too. Minutiae of type 9 are compared
with ridgefeat's own. Writes benchmarks/results/transactions.md.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import _wsq_decoder
import cv2
import numpy as np
from _common import need, report, table
from scipy.spatial import cKDTree

import ridgefeat as rf
from ridgefeat.an2 import BINARY_IMAGES, split
from ridgefeat.errors import RidgefeatError
from ridgefeat.sources import find_prints, load_print
from ridgefeat.templates import read_type9

NEAR = 8.0
"""Pixels at 500 dpi within which two minutiae are one."""


def independently(data: bytes, size: tuple[int, int]) -> tuple[str, np.ndarray | None]:
    """Return the name of a decoder, and what it makes of an image's bytes."""
    if data.startswith(b"\xff\xa0"):
        return "benchmarks/_wsq_decoder.py", _wsq_decoder.decode(data)
    if data.startswith(b"\xff\xd8"):
        colours = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
        return "OpenCV", colours if colours.ndim == 2 else cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)
    if len(data) == size[0] * size[1]:
        return "NumPy", np.frombuffer(data, np.uint8).reshape(size[::-1])
    return "none", None


def payloads(path: Path) -> list[bytes] | None:
    """Return the images of a transaction as nistitl finds them; None without it."""
    try:
        import nistitl
    except ImportError:
        return None
    message = nistitl.Message()
    message.parse(path.read_bytes())
    return [
        bytes(r.value[13:]) if r.type in BINARY_IMAGES else r._999
        for k in (3, 4, 5, 6, 13, 14)
        for r in message.iter(k)
    ]


def images(folder: Path) -> list[str]:
    rows: list[list[object]] = []
    found_by_peer = Counter[str]()
    passed = Counter[str]()
    for path in sorted(folder.iterdir()):
        data, peer = path.read_bytes(), payloads(path)
        records, _ = split(data)
        kinds = ", ".join(f"{k} ({n} times)" if n > 1 else f"{k}" for k, n in Counter(r.kind for r in records).items())
        for found in find_prints(path, passed_over=passed):
            if found.place is None and found.error:
                rows.append([found.relative, kinds, "-", "-", "-", "-", "-", "-", found.error])
                continue
            record = next(r for r in records if r.data == (found.place.start, found.place.stop))
            code = record.fields[8 if record.kind in BINARY_IMAGES else 11].decode()
            code = {"0": "0 (none)", "1": "1 (WSQ)"}.get(code, code)
            held = data[slice(*record.data)]
            name, expected = independently(held, record.size)
            try:
                print_ = load_print(found)
                shown = "×".join(map(str, print_.pixels.shape[::-1]))
                different = "-" if expected is None else int((expected != print_.pixels).sum())
                remark = " ".join(print_.flags)
            except RidgefeatError as error:
                shown, different, remark, name = "-", "-", str(error).removeprefix(f"{found.relative}: "), "-"
            # nistitl keeps an empty field 999 that stands before the true one.
            found_by_peer[
                "not installed" if peer is None else "equal" if any(p.endswith(held) for p in peer) else "no"
            ] += 1
            labels = found.labels
            rows.append(
                [
                    found.relative,
                    kinds,
                    labels.get("finger_position", "-"),
                    labels.get("impression_type", "-"),
                    code,
                    "×".join(map(str, record.size)),
                    shown,
                    f"{name}: {different}" if name != "-" else "-",
                    remark or "-",
                ]
            )
    head = [
        "print",
        "records by type",
        "position",
        "impression",
        "compression",
        "size in the record",
        "size",
        "decoder: pixels that differ",
        "remark",
    ]
    peer_text = ", ".join(f"{k} {n}" for k, n in found_by_peer.items())
    read = [row for row in rows if row[6] != "-"]
    equal = sum(str(row[7]).endswith(": 0") for row in read)
    return [
        table(head, rows),
        f"{len(read)} of {sum(found_by_peer.values())} images are read; {equal} of them are equal, pixel by pixel, to "
        "the second decoder's.",
        f"Bytes of the images, compared with nistitl's: {peer_text}. Passed over: "
        + ", ".join(f"{n} {k}{'s' * (n > 1)}" for k, n in passed.items())
        + ".",
    ]


def minutiae(path: Path) -> str:
    """Compare the minutiae of type 9 with those that ridgefeat finds in the image of the same finger."""
    (record,) = read_type9(path)
    theirs, cores = record.minutiae, record.singular_points
    ours = rf.read(path)
    own = ours.minutiae
    tree = cKDTree(np.column_stack([own.x, own.y]))
    height = record.height * 500 / record.dpi_y
    rows: list[list[object]] = []
    for name, y in (("bottom", theirs.y), ("top", height - theirs.y)):
        distance, at = tree.query(np.column_stack([theirs.x, y]))
        near = distance < NEAR
        for turn, meaning in ((0, "away from the ridge, as the standard says"), (180, "into the ridge")):
            apart = (np.degrees(own.direction[at] - theirs.direction)[near] + turn + 180) % 360 - 180
            rows.append(
                [name, meaning, int(near.sum()), f"{np.median(np.abs(apart)):.1f}", int((abs(apart) < 30).sum())]
            )
    points = ours.singular_points
    apart = [f"{np.hypot(x - points.x, y - points.y).min():.1f}" for x, y in zip(cores.x, cores.y, strict=True)]
    head = [
        "y counts from the",
        "direction points",
        f"within {NEAR:g} px",
        "median difference in degrees",
        "within 30 degrees",
    ]
    return (
        f"The {len(theirs)} minutiae of type 9 in {path.name} compared with the {len(own)} that ridgefeat finds in its "
        "image, by what its numbers could mean; ridgefeat reads them as in the first row. Its core and delta are "
        f"{' and '.join(apart)} px from ridgefeat's.\n\n{table(head, rows)}"
    )


def main() -> None:
    folder = need("AN2")
    began = time.perf_counter()
    find_prints(folder)
    listed = time.perf_counter() - began
    report(
        "transactions",
        "ANSI/NIST transactions",
        [
            "The 13 transactions in AN2, samples of NIST and others; "
            "`python benchmarks/inputs_transactions.py`. Nothing was tuned on them.",
            *images(folder),
            minutiae(folder / "type-9-10-14.an2"),
            f"Listing the prints of the {len(list(folder.iterdir()))} files took {1000 * listed:.0f} ms.",
        ],
    )


if __name__ == "__main__":
    main()
