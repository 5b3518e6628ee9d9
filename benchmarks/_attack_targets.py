"""Every parser of the package as attack.py calls it: a function from bytes to something comparable."""

from __future__ import annotations

from _common import DATA  # isort: skip

import bz2
import gzip
import hashlib
import json
import lzma
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import _attack_seeds as seeds
import numpy as np

from ridgefeat.errors import RidgefeatError


@dataclass(frozen=True)
class Target:
    """One parser.

    Attributes
    ----------
    read : callable
        Takes a file's bytes and returns what was read, comparable; raises RidgefeatError if it refuses them.
    inside : callable, optional
        Mutates the content of a file and recomputes its checksums.
    shown : tuple of str
        Kinds of mutation that a checksum or an end marker shows: none of them may give other content.
    """

    name: str
    seeds: Sequence[bytes]
    read: Callable[[bytes], Any]
    inside: Callable[[random.Random, bytes, Callable[[bytes], bytes]], bytes] | None = None
    shown: tuple[str, ...] = ()


CHECKSUM = ("flip", "cut", "zeros", "splice", "extreme", "repeat", "token")
END = ("cut", "zeros")
ENDLESS = ("bmp", "dib", "tiff", "pnm", "webp, lossless", "webp, lossy", "tiff, packbits", "tiff, group 3")
SHOWN = {"png": CHECKSUM, **dict.fromkeys(ENDLESS, ("cut",))}
"""Kinds of mutation that each image format shows; END for all others."""


def digest(*parts: Any) -> bytes:
    """Return a digest of arrays, frames and whatever else a parser returns."""
    found = hashlib.sha1()
    for part in parts:
        found.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode("utf-8", "backslashreplace"))
    return found.digest()


def frame_digest(frame: Any) -> bytes:
    return digest(list(frame.columns), *(frame[c].tolist() for c in frame.columns))


def from_file(folder: Path, suffix: str, read: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """Return a reader of bytes that are put into a file first."""
    path = folder / (suffix if "/" in suffix else f"a{suffix}").lstrip("/")
    seconds = count()

    def from_bytes(data: bytes) -> Any:
        path.write_bytes(data)
        os.utime(path, (0, next(seconds)))  # lists of archives' members are kept by size and time of change
        return read(path)

    return from_bytes


def image_targets() -> Iterator[Target]:
    from ridgefeat.sources import decode_image
    from ridgefeat.sources.wsq import read_wsq_header

    for name, files in seeds.images().items():
        inside = seeds.inside_png if name == "png" else None
        yield Target(name, files, lambda d: digest(decode_image(d).pixels), inside, SHOWN.get(name, END))
        if name == "wsq":
            yield Target("wsq header", files, read_wsq_header)


def print_targets(folder: Path) -> Iterator[Target]:
    from ridgefeat.sources import find_prints, load_print, read_region
    from ridgefeat.sources.images import read_place
    from ridgefeat.sources.places import RawPixels, RawSize, list_archive
    from ridgefeat.sources.transactions import find_in_transaction
    from ridgefeat.templates import decode_type9, read_minutiae, read_type9

    @dataclass(frozen=True)
    class Memory:
        data: bytes
        state: str = ""

        def read(self, limit: int) -> bytes:
            return self.data

    def records(data: bytes) -> Any:
        out = []
        for found in find_in_transaction(Path("/a.an2"), "a.an2", Memory(data), with_minutiae=True):
            if found.error is None and found.place.kind == 9:
                out.append(digest(decode_type9(found.place.record()).minutiae.x))
            elif found.error is None and not found.place.record().startswith(b"\xff\xa0"):
                out.append(digest(load_print(found).pixels))
            else:
                out.append(digest(found.error))
        return out

    def minutiae(path: Path, form: str) -> bytes:
        found = read_minutiae(path, form=form)
        m = found.minutiae
        return digest(m.x, m.y, m.direction, m.kind, m.quality, found.singular_points.x, found.dpi_x)

    def members(path: Path) -> Any:
        out = set()
        for name, place, error in list_archive(path):
            if place is not None and error is None:
                try:
                    out.add(digest(read_place(place, name).pixels))
                except RidgefeatError:
                    continue
        return frozenset(out)

    real = [p.read_bytes() for p in sorted((DATA / "AN2").glob("*"))] if (DATA / "AN2").is_dir() else []
    files = seeds.transactions() + [data if len(data) < 70_000 else data[:8_000] for data in real]
    yield Target("transaction", files, records)
    yield Target(
        "raw pixels",
        [seeds.pixels().tobytes()],
        from_file(folder, ".raw", lambda p: digest(read_place(RawPixels(p, RawSize(56, 64)), "a").pixels)),
        None,
        ("cut",),
    )
    yield Target(
        "type 9 in a file", files[:1], from_file(folder, ".an2", lambda p: digest(read_type9(p)[0].minutiae.x))
    )
    for name, (suffix, form, found) in seeds.templates().items():
        read = from_file(folder, suffix, lambda p, form=form: minutiae(p, form))
        yield Target(name, found, read, seeds.inside_record if name.startswith("record (") else None)
    inside = {".zip": seeds.inside_zip, ".tar": seeds.inside_tar}
    inside |= {f".tar.{n}": seeds.inside_packed(m) for n, m in (("gz", gzip), ("bz2", bz2), ("xz", lzma))}
    for suffix, found in seeds.archives().items():
        shown = () if suffix == ".tar" else CHECKSUM
        yield Target(f"archive {suffix}", found, from_file(folder, suffix, members), inside[suffix], shown)
    (folder / "1.png").write_bytes(seeds.saved("PNG"))
    corners = [b"x,y\n1,2\n30,4\n30,40\n", b"[[1, 2], [30, 4], [30, 40]]", seeds.saved("PNG")]
    read = from_file(folder, ".region", lambda p: digest(read_region(p, seeds.pixels().shape)))
    yield Target("region", corners, read)
    lists = [b"1.png\n./1.png\nb/2.png\n", b"1.png\0b/2.png\0", b"memory://a/1.png\r\n1.png"]
    yield Target(
        "list of files",
        lists,
        from_file(folder, ".list", lambda p: digest([str(s.relative) for s in find_prints([], lists=[p])])),
    )


def table_targets(folder: Path) -> Iterator[Target]:
    from ridgefeat.params import Params
    from ridgefeat.sources.index import read_index
    from ridgefeat.table import check_same, iterate_table, load_sidecar, read_table
    from ridgefeat.threshold.reading import read_scores
    from ridgefeat.verify.enrolment import Entry
    from ridgefeat.verify.protocols import read_pairs

    frame, about = seeds.table()
    sidecar = json.dumps(about).encode()

    def features(path: Path) -> bytes:
        path.with_suffix(".json").write_bytes(sidecar)
        for _ in iterate_table(path, rows=7):
            pass
        return frame_digest(read_table(path))

    def described(path: Path) -> bytes:
        found = load_sidecar(path)
        check_same(found, about)
        return digest(found, frame_digest(read_table(path.with_name("s.csv"))))

    yield Target("feature table csv", seeds.csv_dialects(frame), from_file(folder, ".csv", features))
    yield Target("feature table xlsx", [seeds.sheet(frame)], from_file(folder, ".xlsx", features), seeds.inside_zip)
    yield Target("feature table parquet", seeds.parquet(frame), from_file(folder, ".parquet", features))
    index = frame[["meta_source", "subject", "sex", "age"]].rename(columns={"meta_source": "file"}).assign(dpi=500)
    indexes = [*seeds.csv_dialects(index), seeds.sheet(index), *seeds.parquet(index)[:1]]
    yield Target("index", indexes, from_file(folder, ".index", lambda p: digest(read_index(p))))
    entries = [Entry(f"{i}.png") for i in range(24)]
    pairs = (
        frame[["meta_source"]]
        .rename(columns={"meta_source": "probe"})
        .assign(reference=frame.meta_source[::-1].tolist(), mated=(np.arange(24) % 2))[:12]
    )
    yield Target(
        "pairs",
        [*seeds.csv_dialects(pairs), seeds.sheet(pairs)],
        from_file(folder, ".pairs", lambda p: digest(read_pairs(p, entries)[0].reference)),
    )
    for name, files in seeds.score_files().items():
        regex = r"s(?P<subject>\d+)" if "matrix" in name else None
        read = from_file(folder, ".scores", lambda p, r=regex: digest(read_scores(p, regex=r).scores.similarity))
        yield Target(name, files, read, seeds.inside_zip if "xlsx" in name else None)
    (folder / "s.csv").write_bytes(seeds.csv_dialects(frame)[0])
    yield Target("sidecar", [sidecar], from_file(folder, "/s.json", described), seeds.inside_json)
    params = json.dumps(Params().to_dict()).encode()
    yield Target(
        "parameters", [params], from_file(folder, ".params", lambda p: Params.load(p).digest), seeds.inside_json
    )


def model_targets(folder: Path) -> Iterator[Target]:
    from ridgefeat.audit.known import look_at, pack_index, read_print_index, write_index
    from ridgefeat.backbone.onnx_network import OnnxNetwork
    from ridgefeat.bench import load_model, make_problem, predict, save_model, train
    from ridgefeat.synth import make_print, read_truth
    from ridgefeat.synth.files import write_truth

    frame, about = seeds.table()
    problem = make_problem(frame, about, target="sex", group="subject")
    files = [save_model(train(problem, name), folder / f"{name}.skops").read_bytes() for name in ("logistic", "tree")]

    def answers(path: Path) -> bytes:
        return frame_digest(predict(load_model(path), frame, about))

    yield Target("model", files, from_file(folder, ".skops", answers), seeds.inside_zip, CHECKSUM)
    write_truth(folder / "t.npz", make_print(1, shape=(100, 100)).truth)
    truth = (folder / "t.npz").read_bytes()
    yield Target(
        "truth of a synthetic print",
        [truth],
        from_file(folder, ".npz", lambda p: digest(read_truth(p).period)),
        seeds.inside_zip,
    )

    rows = [{"file": f"{i}.png", "set": "made", "subject": str(i // 2)} for i in range(4)]
    looks = [look_at(make_print(i, shape=(160, 160)).image) for i in range(4)]
    write_index(pack_index(rows, looks), folder / "known.index")

    def known(path: Path) -> bytes:
        found = read_print_index(path)
        return digest(frame_digest(found.prints), found.digests, found.digest_rows, found.marks, *found.find(looks))

    whole = (folder / "known.index").read_bytes()
    yield Target("index of prints", [whole], from_file(folder, ".known", known), seeds.inside_zip, CHECKSUM)

    images = np.zeros((2, 1, 16, 16), np.float32)

    def outputs(path: Path) -> bytes:
        network = OnnxNetwork(path)
        network.layers()
        shape = (2, 16, 16, network.channels) if network.channels_last else (2, network.channels, 16, 16)
        return digest(*network.open([network.embedding()])(np.resize(images, shape)))

    yield Target("network (onnx)", seeds.network(), from_file(folder, ".onnx", outputs))


def targets(folder: Path) -> Iterator[Target]:
    """Yield every parser; files are put below a folder."""
    yield from image_targets()
    yield from print_targets(folder)
    yield from table_targets(folder)
    yield from model_targets(folder)
