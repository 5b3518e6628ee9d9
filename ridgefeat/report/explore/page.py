"""A feature table as a page to explore: maps, distributions, correlations, outliers and the prints themselves.

write_explore_page("features.csv", "explore.html", images_root="prints/")

One HTML file with its data and script inside, which works offline. The same table and prints give the same bytes. The
numbers are packed here and unpacked by data.js.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from ridgefeat._version import __version__
from ridgefeat.bench.selection import rank_scores
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.params import Params
from ridgefeat.report.explore import sample
from ridgefeat.report.explore.maps import Maps, correlate, make_maps, separate_groups
from ridgefeat.report.explore.pictures import PackedPrint, Progress, draw_prints
from ridgefeat.report.explore.sample import as_text, choose_grouping, list_groupings
from ridgefeat.report.page import describe_simulated, embed_script, write_page
from ridgefeat.stages.flags import MEANINGS
from ridgefeat.structure import Float
from ridgefeat.table import describe_foreign, load_sidecar

MAX_PRINTS = 5000
"""Prints on a page; of a larger table a sample."""
ROOM = 25 << 20
"""Bytes of a page; pictures use what the numbers leave."""
MIN_PICTURE = 900
"""Minimum bytes of a picture, however little room is left."""
OVERLAY_ROOM = 420
"""Approximate bytes of a print's marks and outline."""
MAX_OUTLIERS = 100
SCRIPTS = ("data", "plot", "scatter", "spread", "heat", "prints", "lists", "main")


@dataclass(frozen=True)
class Explored:
    """A page that was written, and its size in bytes.

    It shows `prints` of the table's `of` rows: `pictures` with a picture whose longer side has at most `picture_side`
    pixels (0 without any), and `missing` that could not be read again, the first because of `first_missing`.
    """

    page: Path
    prints: int
    of: int
    columns: int
    pictures: int
    missing: int
    picture_side: int
    first_missing: str
    bytes: int


@dataclass(frozen=True)
class ExploreOptions:
    """Options of a page."""

    images_root: Path | None = None
    """The folder that was extracted; without it the page has no pictures."""
    by: str | None = None
    """The label to colour and compare by at first."""
    limit: int = MAX_PRINTS
    """Maximum number of prints; a larger table is sampled, stratified by label."""
    neighbours: bool = True
    """Make the map of neighbours (t-SNE)."""
    overlays: bool = True
    """Detect minutiae and outlines of the prints again, and draw them over the prints."""
    jobs: int | None = 1
    """Worker processes."""
    seed: int = 0
    """Random seed of the sample and the maps."""
    feature_columns: tuple[str, ...] = ()
    """Patterns of the feature columns of a table without a sidecar, such as "a*"; it has no pictures."""


def write_explore_page(
    table: str | Path,
    page: str | Path,
    options: ExploreOptions | None = None,
    *,
    progress: Progress | None = None,
    on_message: Any = None,
) -> Explored:
    """Write a page to explore a feature table with.

    Parameters
    ----------
    table : str or Path
        The table, with its sidecar next to it.
    page : str or Path
        The page to write; an existing one is replaced.
    options : ExploreOptions, optional
    progress : callable, optional
        Called with the numbers of prints done, failed and in total while pictures are made.
    on_message : callable, optional
        Called with a sentence on each step.

    Returns
    -------
    Explored

    Raises
    ------
    TableError
        If the table or its sidecar cannot be read, is empty, or has no label `by`; if none of its prints lies below
        `images_root`; or if the page cannot be written.
    ParameterError
        If `limit` is below 1, or pictures are asked for of a table without a sidecar.
    """
    options, table, page = options or ExploreOptions(), Path(table), Path(page)
    on_message = on_message or (lambda words: None)
    if options.limit < 1:
        raise ParameterError(f"a page needs at least 1 print, got {options.limit}")
    if options.feature_columns and options.images_root is not None:
        raise ParameterError(
            "pictures need the sidecar of `ridgefeat extract`; leave --images or --feature-columns out"
        )
    about = describe_foreign(table, options.feature_columns) if options.feature_columns else load_sidecar(table)
    columns = list(about["columns"])
    known = {c["name"] for c in columns}
    read = sample.read_candidates(table, known, about, options.limit, options.seed)
    if read is None or not columns:
        total = 0 if read is None else len(read.labels)
        raise TableError(f"table {table} has {total} prints and {len(columns)} features; nothing to explore")
    labels = [n for n in read.labels.columns if not n.startswith("meta_")]
    groups = list_groupings(read.labels, labels)
    by = options.by
    if by is not None and by not in labels:
        raise TableError(f"table {table} has no label {by!r}; there are: {', '.join(labels) or 'none'}")
    if by is not None and by not in [g["name"] for g in groups]:
        raise TableError(
            f"label {by!r} has {read.labels[by].nunique()} different values in {len(read.labels)} prints of {table}; "
            "comparing needs at least two, at most half as many as prints, and not the subject"
        )
    at, total = choose_grouping(groups, by), len(read.labels)
    strata = groups[at]["codes"] if at >= 0 else np.zeros(total, np.uint8)
    frame = read.frame.iloc[sample.draw_rows(strata, read.rows, read.keys, options.limit)].reset_index(drop=True)
    content = _numbers(frame, columns, labels, about, options, on_message)
    held = sum(map(len, [*content["values"], *(v for v in content.values() if isinstance(v, str))]))
    drawn, side = _pictures(frame, about, options, ROOM - held, progress, on_message)
    content |= _pack_prints(drawn)
    missing = [d.error for d in drawn if d.error]
    why = missing[0] if missing else ""
    content["about"] |= {"total": total, "side": side, "missing": len(missing), "why": why}
    written = write_page(page, "explore/page.html", _view(table.name, content, frame, about))
    counts = len(frame), total, len(columns), len(drawn) - len(missing), len(missing)
    return Explored(written, *counts, side, why, written.stat().st_size)


def _numbers(
    frame: pd.DataFrame,
    columns: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    about: Mapping[str, Any],
    options: ExploreOptions,
    on_message: Any,
) -> dict[str, Any]:
    """Return everything except pictures: strings of packed numbers, and `about`, which describes them."""
    names = [str(c["name"]) for c in columns]
    values = np.ascontiguousarray(frame[names].to_numpy(np.float32))
    first = [c.get("family") or c["name"].split("_")[0] for c in columns]
    families = np.array([f if f in about["families"] else "other" for f in first])
    on_message(
        f"maps of {len(frame):,} prints by {len(names):,} columns" + (", with t-SNE" * options.neighbours) + " …"
    )
    maps = make_maps(values, families, neighbours=options.neighbours, seed=options.seed)
    ranks = rank_scores(values)
    order, r = correlate(ranks)
    groups = list_groupings(frame, labels)
    apart = np.concatenate([separate_groups(ranks, g["codes"], len(g["names"])) for g in groups] or [np.zeros(0)])
    texts = sample.encode_texts(frame, [*labels, "meta_flags", "meta_error"])
    packed = pack_values(np.ascontiguousarray(values.T))
    upper = np.rint(r[np.triu_indices(len(r))] * 100).astype(np.int8)
    record = {
        "prints": len(frame),
        "sources": as_text(frame, "meta_source").tolist(),
        "columns": [
            {"name": n, "unit": str(c.get("unit") or ""), "meaning": str(c.get("meaning", "")), "family": f}
            for n, c, f in zip(names, columns, families.tolist(), strict=True)
        ],
        "texts": [{"name": t["name"], "values": t["values"]} for t in texts],
        "groups": [{"name": g["name"], "names": g["names"]} for g in groups],
        "by": choose_grouping(groups, options.by),
        "axes": list(maps.axes),
        "explained": [round(e, 4) for e in maps.explained],
        "bits": packed["bits"],
        "flags": MEANINGS,
        "outliers": _outliers(frame, maps),
        "near": maps.furthest.shape[1],
    }
    floats = [*maps.axes.values(), maps.distance, *maps.deviation.T]
    return {
        "about": record,
        "values": packed["planes"],
        "axes": pack_numbers(np.stack(floats).astype(np.float32)),
        "furthest": pack_numbers(maps.furthest.astype(np.uint16)),
        "texts": pack_numbers(np.concatenate([t["codes"] for t in texts])),
        "groups": pack_numbers(np.concatenate([g["codes"] for g in groups] or [np.zeros(0, np.uint8)])),
        # Whole ten-thousandths, 65535 where undefined.
        "apart": pack_numbers(np.nan_to_num(np.rint(apart * 10_000), nan=65535).astype(np.uint16)),
        "order": pack_numbers(order.astype(np.uint16)),
        "related": pack_numbers(upper),
    }


def _outliers(frame: pd.DataFrame, maps: Maps) -> list[int]:
    """Return unusual rows: flagged as outliers, then those furthest from the centre."""
    flagged = as_text(frame, "meta_flags").str.split().map(lambda flags: "outlier" in flags).to_numpy(bool)
    distance = np.nan_to_num(maps.distance, nan=-1.0)
    ranked = np.lexsort((-distance, ~flagged))
    worth = flagged[ranked] | (distance[ranked] >= 0)
    return [int(i) for i in ranked[worth][:MAX_OUTLIERS]]


def _pictures(
    frame: pd.DataFrame, about: Mapping[str, Any], options: ExploreOptions, room: int, progress: Any, on_message: Any
) -> tuple[list[PackedPrint], int]:
    if options.images_root is None:
        return [], 0
    on_message("pictures of the prints" + (", with minutiae" * options.overlays) + " …")
    names = [n for n in frame.columns if n.startswith("meta_") or n == "hand"]
    rows = [{str(k): v for k, v in r.items()} for r in frame[names].to_dict("records")]
    params = Params.from_dict(about["parameters"], "the table's parameters")
    room = max(room - len(rows) * OVERLAY_ROOM * options.overlays, len(rows) * MIN_PICTURE)
    drawn, step = draw_prints(
        rows, options.images_root, params, room=room, overlays=options.overlays, jobs=options.jobs, progress=progress
    )
    if all(d.error for d in drawn):
        inputs = ", ".join(map(str, about.get("inputs") or ())) or "unknown"
        raise TableError(
            f"none of the table's prints can be read below {options.images_root}; the first: {drawn[0].error}. "
            f"--images must be the folder that was extracted; that of the table was {inputs}"
        )
    return drawn, step[0]


def _pack_prints(drawn: Sequence[PackedPrint]) -> dict[str, Any]:
    if not drawn:
        return {"pictures": "", "marks": "", "outlines": "", "counts": "", "sizes": ""}
    counts = np.array([(len(d.marks), len(d.outline)) for d in drawn], np.uint32)
    return {
        "pictures": "\n".join(d.picture for d in drawn),
        "marks": pack_numbers(np.concatenate([d.marks for d in drawn])),
        "outlines": pack_numbers(np.concatenate([d.outline for d in drawn])),
        "counts": pack_numbers(counts),
        "sizes": pack_numbers(np.array([d.size for d in drawn], np.float32)),
    }


def _view(name: str, content: Mapping[str, Any], frame: pd.DataFrame, about: Mapping[str, Any]) -> dict[str, Any]:
    folder = resources.files("ridgefeat.report.explore")
    parts = [folder.joinpath(f"{part}.js").read_text(encoding="utf-8") for part in SCRIPTS]
    script = "\n" + "\n".join(['"use strict";', *parts])
    record = content["about"]
    blocks = {f"data-{k}": Markup(v) for k, v in content.items() if isinstance(v, str)}
    blocks |= {f"data-values-{i}": Markup(plane) for i, plane in enumerate(content["values"])}
    return {
        "title": name,
        "version": about.get("version", __version__),
        "simulated": describe_simulated(frame),
        "about": record,
        "exact": record["bits"] > KEPT_BITS,
        "json": Markup(safe_json(record)),
        "blocks": blocks,
        **embed_script(script),
        "pictures": record["side"] > 0,
    }


EXACT_BYTES = 6 << 20
"""Bytes of float32 up to which values are kept exactly."""
KEPT_BITS = 11
"""Bits after the leading one that larger tables keep: a relative error below 2^-12, whole numbers to 4,096 exactly."""
MANTISSA = 23


def pack_values(columns: Float) -> dict[str, Any]:
    """Return a table's values, float32 of shape (columns, prints), as text.

    `bits` is the number of bits kept after the leading one; `planes` are the bytes of a value, the highest first, each
    plane deflated and in base64.
    """
    bits = MANTISSA if columns.nbytes <= EXACT_BYTES else KEPT_BITS
    whole = np.ascontiguousarray(columns, np.float32).view(np.uint32)
    if bits < MANTISSA:
        # To the nearest value whose dropped bits are zero.
        drop = MANTISSA - bits
        rounded = (whole + np.uint32(1 << (drop - 1))) & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)
        whole = np.where(np.isnan(columns), np.uint32(0x7FC00000), rounded)
    kept = 4 if bits == MANTISSA else 3
    planes = [((whole >> np.uint32(24 - 8 * i)) & np.uint32(255)).astype(np.uint8) for i in range(kept)]
    return {"bits": bits, "planes": [deflated(p.tobytes()) for p in planes]}


def pack_numbers(values: NDArray[Any]) -> str:
    """Return an array of integers as base64 of its deflated little-endian bytes."""
    return deflated(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes())


def deflated(raw: bytes) -> str:
    """Return bytes, deflated, as base64."""
    return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")


def safe_json(content: Any) -> str:
    r"""Return JSON that is safe inside a script element: <, > and & are escaped."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
