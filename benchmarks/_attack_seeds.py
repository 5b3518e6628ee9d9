"""Valid files of every kind that the package reads, and mutations behind their checksums, for attack.py."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import ridgefeat as rf
from ridgefeat.sheets import write_sheet
from ridgefeat.structure import Minutiae, SingularPoints
from ridgefeat.synth import make_print
from ridgefeat.templates import encode_record, write_minutiae_csv, write_xyt

Mutate = Callable[[bytes], bytes]


@cache
def pixels() -> np.ndarray:
    """A piece of a synthetic print, 64x56 px."""
    image = np.asarray(make_print(1).image)
    y, x = image.shape[0] // 2, image.shape[1] // 2
    return np.ascontiguousarray(image[y : y + 64, x : x + 56])


def saved(kind: str, mode: str = "L", **options: object) -> bytes:
    """Return the piece as an image file that Pillow writes."""
    file = io.BytesIO()
    Image.fromarray(pixels()).convert(mode).save(file, kind, **options)
    return file.getvalue()


def tiff(compression: str | None, mode: str = "L") -> bytes:
    """Return the piece as a TIFF whose tags stand before the pixels, so that its end is the end of its pixels."""
    image = Image.open(io.BytesIO(saved("TIFF", mode, compression=compression)))
    tags = {t: image.tag_v2[t] for t in (256, 257, 258, 259, 262, 266, 277, 278) if t in image.tag_v2}
    source = saved("TIFF", mode, compression=compression)
    data = b"".join(source[a : a + n] for a, n in zip(image.tag_v2[273], image.tag_v2[279], strict=True))
    if compression == "jpeg":  # its tables stand in a tag of their own
        data = saved("JPEG")
    tags = {t: v[0] if isinstance(v, tuple) else v for t, v in tags.items()} | {279: len(data), 278: tags[257]}
    tags[273] = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + data


def rle_bmp() -> bytes:
    """Return the piece as a run-length encoded BMP of 256 greys."""
    flat = (pixels() // 64 * 64)[::-1]
    body = b""
    for row in flat:
        starts = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
        for at, stop in zip(starts, [*starts[1:], len(row)], strict=True):
            body += bytes([stop - at, row[at]])
        body += b"\0\0"
    body += b"\0\1"
    palette = b"".join(bytes([v, v, v, 0]) for v in range(256))
    header = struct.pack("<IiiHHIIiiII", 40, flat.shape[1], flat.shape[0], 1, 8, 1, len(body), 19685, 19685, 256, 0)
    start = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start) + header + palette + body


def images() -> dict[str, list[bytes]]:
    """Return valid images by format, for TIFF by compression as well."""
    bmp = [saved("BMP", m, dpi=(500, 500)) for m in ("1", "L", "RGB")]
    plain = b"P2\n56 64 255\n" + b" ".join(b"%d" % v for v in pixels().ravel())
    deep = Image.fromarray(pixels().astype(np.uint16) * 257)
    png16 = io.BytesIO()
    deep.save(png16, "PNG")
    found = {
        "bmp": [*bmp, saved("BMP", "P")],
        "bmp, run-length encoded": [rle_bmp()],
        "dib": [data[14:] for data in bmp],
        "png": [*(saved("PNG", m, dpi=(500, 500)) for m in ("1", "L", "P", "RGBA")), png16.getvalue()],
        "jpeg": [saved("JPEG", m, dpi=(500, 500)) for m in ("L", "RGB", "CMYK")] + [saved("JPEG", progressive=True)],
        "tiff": [*(saved("TIFF", m, dpi=(500, 500)) for m in ("1", "L", "RGB")), tiff(None)],
        "pnm": [*(saved("PPM", m) for m in ("1", "L", "RGB")), plain],
        "gif": [saved("GIF", m) for m in ("1", "L", "RGB")],
        "webp, lossless": [saved("WEBP", m, lossless=True) for m in ("L", "RGBA")],
        "webp, lossy": [saved("WEBP", quality=80)],
        "jpeg 2000": [saved("JPEG2000", m) for m in ("L", "RGB")] + [saved("JPEG2000", no_jp2=True)],
    }
    for name in ("lzw", "packbits", "adobe_deflate", "jpeg"):
        key = name if name in ("packbits", "jpeg") else f"tiff_{name}"
        found[f"tiff, {name.removeprefix('adobe_')}"] = [tiff(key), saved("TIFF", "RGB", compression=key)]
    found["tiff, group 3"] = [tiff(c, "1") for c in ("group3", "tiff_ccitt")]
    found["tiff, group 4"] = [tiff("group4", "1")]
    try:
        import wsq  # noqa: F401 - registers the format with Pillow

        found["wsq"] = [saved("WSQ")]
    except ImportError:
        pass
    return found


def reference() -> tuple[Minutiae, SingularPoints]:
    """Return the true minutiae and singular points of a synthetic print."""
    truth = make_print(1).truth
    return truth.minutiae.best(40), truth.singular_points


def templates() -> dict[str, tuple[str, str, list[bytes]]]:
    """Return templates by format, each with its suffix and what `read_minutiae` takes as its form."""
    minutiae, points = reference()
    size = {"width": 360, "height": 400, "dpi_x": 500.0, "dpi_y": 500.0}
    with tempfile.TemporaryDirectory() as folder:
        csv, xyt = Path(folder) / "a.csv", Path(folder) / "a.xyt"
        write_minutiae_csv(csv, minutiae, points, dpi_x=500.0, dpi_y=500.0)
        write_xyt(xyt, minutiae, height=400, dpi_x=500.0, dpi_y=500.0)
        texts = [csv.read_bytes(), xyt.read_bytes()]
    records = [encode_record(minutiae, points, standard=s, **size) for s in ("iso", "ansi")]
    cells = records[0][28 : 28 + 6 * len(minutiae)]
    view = bytes(19) + struct.pack(">BBHHBHHBB", 1, 0, 197, 197, 0, 360, 400, 0x60, len(minutiae)) + cells + b"\0\0"
    records.append(b"FMR\x00030\0" + struct.pack(">IHB", 15 + len(view), 1, 0) + view)
    normal = b"".join(struct.pack(">HHB", 1 << 14 | 50 * i, 30 * i, 7 * i) for i in range(1, 30))
    compact = bytes(v for i in range(1, 30) for v in (8 * i, 7 * i, 1 << 6 | i))
    encoded = [base64.encodebytes(r) for r in records] + [records[0].hex().encode()]
    return {
        "record (ISO, ANSI)": (".fmr", "auto", records),
        "record as text": (".txt", "auto", encoded),
        "card, normal": (".bin", "iso-normal-card", [normal]),
        "card, compact": (".bin", "iso-compact-card", [compact]),
        "xyt": (".xyt", "auto", [texts[1], b"10 20 30\n40 50 60\n"]),
        "minutiae csv": (".csv", "auto", [texts[0], texts[0].replace(b",", b";")]),
    }


def tagged(kind: int, fields: dict[int, bytes], data: bytes | None = None) -> bytes:
    """Return a tagged record of a transaction."""
    parts = [b"%d.%03d:%s" % (kind, n, v) for n, v in fields.items()]
    parts += [] if data is None else [b"%d.999:%s" % (kind, data)]
    body = b"\x1d" + b"\x1d".join(parts) + b"\x1c"
    length = len(body) + len(b"%d.001:" % kind)
    return b"%d.001:%d" % (kind, length + len(str(length + 3))) + body


def transactions() -> list[bytes]:
    """Return transactions with images of several kinds and minutiae."""
    small = np.ascontiguousarray(pixels()[:16, :16])
    binary = struct.pack(">IBB6sBHHB", 18 + 256, 1, 0, b"\2".ljust(6, b"\xff"), 0, 16, 16, 0) + small.tobytes()
    fields = {2: b"02", 3: b"1", 6: b"16", 7: b"16", 8: b"1", 9: b"500", 10: b"500", 11: b"NONE", 12: b"8", 13: b"2"}
    minutiae = b"\x1e".join(b"%d\x1f%04d%04d%03d\x1f2\x1fA" % (i, 90 * i, 80 * i, 9 * i) for i in range(1, 20))
    coded = {**fields, 6: b"56", 7: b"64", 11: b"PNG"}
    bodies = [
        (4, binary),
        (14, tagged(14, fields, small.tobytes())),
        (14, tagged(14, coded, saved("PNG"))),
        (9, tagged(9, {2: b"02", 3: b"1", 4: b"S", 12: minutiae})),
    ]
    listed = b"\x1e".join([b"1\x1f%d" % (len(bodies) + 1), b"2\x1f00", *(b"%d\x1f02" % k for k, _ in bodies)])
    first = tagged(1, {2: b"0500", 3: listed, 4: b"TST", 11: b"19.69", 12: b"19.69"})
    person = tagged(2, {2: b"00", 18: b"NAME"})
    return [first + person + b"".join(body for _, body in bodies)]


def table() -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a small feature table and its sidecar."""
    rng = np.random.default_rng(0)
    n, names = 24, ["ridge_made_0", "ridge_made_1", "texture_made_2"]
    frame = pd.DataFrame({"meta_source": [f"{i}.png" for i in range(n)]})
    frame = frame.assign(meta_sha256="0" * 64, meta_width=96, meta_height=96, meta_dpi_x=500.0, meta_dpi_y=500.0)
    frame = frame.assign(meta_layout="made", meta_error=None, meta_flags=None)
    frame = frame.assign(subject=np.arange(n) // 2 + 1, sex=np.where(np.arange(n) // 2 % 2, "male", "female"))
    frame = frame.assign(age=20.5 + np.arange(n) // 2)
    frame[names] = rng.normal(size=(n, 3)).astype(np.float32) + 2 * (frame.sex == "male").to_numpy()[:, None]
    frame[names] = frame[names].astype(np.float32)
    about = {"format": "ridgefeat table 1", "version": rf.__version__, "families": ["ridge", "texture"]}
    about |= {"parameters": {}, "parameters_digest": "0" * 16, "schema_digest": "1" * 16, "layout": "made", "rows": n}
    about |= {"label_kinds": {"subject": "integer", "sex": "text", "age": "number"}}
    return frame, {**about, "columns": [{"name": name, "unit": "", "low": -9, "high": 9} for name in names]}


def csv_dialects(frame: pd.DataFrame) -> list[bytes]:
    """Return a table as CSV with commas, semicolons, tabs, quotes, in UTF-16 and Windows-1252."""
    text = frame.to_csv(index=False)
    comma = frame.to_csv(index=False, sep=";", decimal=",", encoding="utf-8-sig")
    quoted = frame.to_csv(index=False, quoting=1, lineterminator="\r\n")
    tabs = frame.to_csv(index=False, sep="\t").replace("female", "féminin")
    return [text.encode(), comma.encode("utf-8-sig"), quoted.encode("utf-16"), tabs.encode("cp1252")]


def sheet(frame: pd.DataFrame) -> bytes:
    """Return a table as .xlsx."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xlsx"
        cells = frame.astype(object).where(frame.notna(), None)
        write_sheet(path, [list(frame), *cells.itertuples(index=False, name=None)], ValueError)
        return path.read_bytes()


def parquet(frame: pd.DataFrame) -> list[bytes]:
    """Return a table as Parquet, plain and compressed."""
    out = []
    for options in ({"compression": None, "use_dictionary": False}, {"compression": "snappy"}, {"compression": "zstd"}):
        file = io.BytesIO()
        frame.to_parquet(file, index=False, **options)
        out.append(file.getvalue())
    return out


def score_files() -> dict[str, list[bytes]]:
    """Return score files of every shape."""
    rng = np.random.default_rng(0)
    mated = np.arange(40) % 4 == 0
    frame = pd.DataFrame({"probe": [f"p{i % 8}" for i in range(40)], "reference": [f"r{i % 5}" for i in range(40)]})
    frame = frame.assign(mated=mated.astype(int), score=(rng.normal(size=40) + 3 * mated).round(4))
    named = frame.assign(subject_probe=np.arange(40) % 8, subject_reference=np.arange(40) % 8 + 1 - mated)
    names = [f"s{i // 2}_{i % 2}" for i in range(6)]
    square = pd.DataFrame(rng.normal(size=(6, 6)).round(3), names, names)
    bare = frame[["mated", "score"]].to_csv(index=False, header=False, sep=" ")
    bob = frame.assign(real=np.where(mated, frame.reference, "r9"))[["reference", "real", "probe", "score"]]
    shapes = [bare]
    shapes.append(bob.to_csv(index=False, header=False, sep=" "))
    return {
        "scores csv": [*csv_dialects(named), *csv_dialects(frame)[:2], *(s.encode() for s in shapes)],
        "scores csv, matrix": [square.to_csv().encode(), square.to_csv(sep=";", decimal=",").encode()],
        "scores xlsx": [sheet(frame)],
        "scores parquet": parquet(named),
    }


def network() -> list[bytes]:
    """Return a small convolutional network as ONNX."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    weights = {"k": rng.normal(size=(4, 1, 3, 3)), "w": rng.normal(size=(3, 4)), "b": np.zeros(3)}
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], name="conv", kernel_shape=[3, 3]),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["v"], name="flat"),
        helper.make_node("Gemm", ["v", "w", "b"], ["y"], name="dense", transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 16, 16])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])
    tensors = [numpy_helper.from_array(a.astype(np.float32), n) for n, a in weights.items()]
    graph = helper.make_graph(nodes, "g", [x], [y], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return [model.SerializeToString()]


MEMBERS = {"a/1_1.bmp": saved("BMP"), "a/1_2.bmp": saved("BMP", "1"), "b/2_1.png": saved("PNG")}


def archives() -> dict[str, list[bytes]]:
    """Return archives by suffix."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, (name, data) in enumerate(MEMBERS.items()):
            archive.writestr(name, data, zipfile.ZIP_STORED if i == 1 else None)
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, data in MEMBERS.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    whole = tar.getvalue()
    found = {".zip": packed.getvalue(), ".tar": whole, ".tar.gz": gzip.compress(whole, mtime=0)}
    found |= {".tar.bz2": bz2.compress(whole), ".tar.xz": lzma.compress(whole)}
    return {suffix: [data] for suffix, data in found.items()}


# ---- past the checksums: each changes what lies inside, and makes the file whole again around it


def inside_png(rng: random.Random, data: bytes, mutate: Mutate) -> bytes:
    """Change one chunk, its header or the pixels before they are packed, and renew all checksums."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    chosen = rng.randrange(len(chunks))
    out = data[:8]
    for i, (kind, body) in enumerate(chunks):
        if i == chosen:
            body = (
                zlib.compress(mutate(zlib.decompress(body))) if kind == b"IDAT" and rng.random() < 0.7 else mutate(body)
            )
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out


def inside_zip(rng: random.Random, data: bytes, mutate: Mutate) -> bytes:
    """Change one member of a zip file, or give it the content of another."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(i.filename, archive.read(i)) for i in archive.infolist()]
    chosen = rng.randrange(len(members))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, (name, body) in enumerate(members):
            if i == chosen:
                body = rng.choice(members)[1] if rng.random() < 0.1 else mutate(body)
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED, 1)
    return out.getvalue()


def inside_tar(rng: random.Random, data: bytes, mutate: Mutate) -> bytes:
    """Change one header of a tar file, its checksum renewed, or what follows."""
    starts = [i for i in range(0, len(data) - 511, 512) if data[i + 257 : i + 262] == b"ustar"]
    at = rng.choice(starts)
    head = bytearray(mutate(data[at : at + 512])[:512].ljust(512, b"\0"))
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return data[:at] + bytes(head) + data[at + 512 :]


def inside_packed(module: Any) -> Callable[[random.Random, bytes, Mutate], bytes]:
    """Return what changes a tar file inside a compressed one."""

    def inside(rng: random.Random, data: bytes, mutate: Mutate) -> bytes:
        whole = module.decompress(data)
        return bytes(module.compress(inside_tar(rng, whole, mutate) if rng.random() < 0.7 else mutate(whole)))

    return inside


def inside_record(rng: random.Random, data: bytes, mutate: Mutate) -> bytes:
    """Change a record of minutiae, and renew its length."""
    broken = bytearray(mutate(data))
    broken[8:12] = struct.pack(">I", len(broken))
    return bytes(broken)


def inside_json(rng: random.Random, data: bytes, mutate: Mutate) -> bytes:
    """Change one value of a JSON text for one of another type."""
    content = json.loads(data)
    strange: Sequence[Any] = (
        None,
        True,
        -1,
        1e308,
        10**40,
        "",
        "x" * 5000,
        [],
        {},
        [[]],
        {"a": {}},
        float("nan"),
        "../../x",
    )
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            walk(value[key])

    walk(content)
    for _ in range(rng.choice((1, 1, 1, 3))):
        holder, key = rng.choice(places)
        if rng.random() < 0.2 and isinstance(holder, dict):
            holder.pop(key, None)
        elif rng.random() < 0.2:
            other, place = rng.choice(places)
            if place in other if isinstance(other, dict) else place < len(other):
                holder[key] = json.loads(json.dumps(other[place]))
        elif isinstance(holder, dict) or key < len(holder):
            holder[key] = rng.choice(strange)
    return json.dumps(content).encode()
