"""One print -> one row, its cells as text, and its minutiae for other tools.

A bad print is a row with the reason, never an exception. The digits of a CSV file are made by the workers, in parallel:
pandas' to_csv writes the same text, but on one core. For 20,000 rows of 1,069 columns it takes 18 s after the last
print, and `numbers` 2. pyarrow.csv writes other digits.
"""

from __future__ import annotations

import os
import re
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import cv2
import numpy as np

from ridgefeat.errors import ImageError, RidgefeatError, TableError, TemplateError
from ridgefeat.features import select
from ridgefeat.features.family import Families
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.sources import PrintSource, load_print, pixel_digest
from ridgefeat.structure import WORKING_DPI, Float, UInt8
from ridgefeat.table.recipe import Recipe
from ridgefeat.templates import write_minutiae_csv, write_record, write_xyt

Kind = Literal["integer", "number", "text"]
Meta = dict[str, Any]
Row = tuple[list[str], Float, str | None]
"""Meta and label cells as text, features (float32), and these as CSV text where the workers made it."""

META: dict[str, Kind] = {
    "meta_source": "text",
    "meta_sha256": "text",
    "meta_width": "integer",
    "meta_height": "integer",
    "meta_dpi_x": "number",
    "meta_dpi_y": "number",
    "meta_layout": "text",
    "meta_error": "text",
    "meta_flags": "text",
}
"""The first columns of every table."""
LABELS = ("subject", "sex", "hand", "finger", "impression", "alteration", "level")
NO_PRINT = "no_print"
HAND_UNKNOWN = "hand_unknown"
"""Flag of a print that was not mirrored because its label `hand` is missing."""
MIN_CONTRAST = 4
"""Grey values between the darkest and the brightest pixel below which an image is blank."""
MIN_SIDE_MM = 1.5
"""Side in mm below which an image cannot hold three ridges."""
MAX_MESSAGE = 500
"""Characters of a message in `meta_error`."""
MAX_SIDE = 1 << 14
"""Pixels; an ISO record has 14 bits for a coordinate."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, separators of lines and paragraphs, and halves of surrogate pairs."""
_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class ArrayPrint:
    """A print given as an array; the counterpart of PrintSource.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (rows, columns)
        Ridges dark.
    relative : str
        Name of the print, which becomes `meta_source`.
    layout, labels, error, flags
        As in PrintSource.
    """

    pixels: UInt8
    relative: str
    layout: str = "array"
    labels: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    flags: tuple[str, ...] = ()


Item = PrintSource | ArrayPrint


def make_row(item: Item, recipe: Recipe) -> tuple[Meta, Float, Fingerprint | None]:
    """Return a print's meta cells, its features (NaN where there are none) and, if it could be read, itself.

    Never raises for a bad print: `meta_error` says what is wrong.
    """
    meta, values = _empty_row(item, recipe)
    try:
        fp = open_print(item, recipe, meta)
        if reason := _blank_reason(fp):
            meta["meta_flags"] = join_flags([meta["meta_flags"], NO_PRINT])
            raise ImageError(f"no print found: the image is {reason}")
        meta["meta_flags"] = join_flags([meta["meta_flags"], *fp.flags])
        values = compute_values(fp, recipe)
    except Exception as error:
        meta["meta_error"] = error_text(error).removeprefix(f"{meta['meta_source']}: ")
        return meta, values, None
    return meta, values, fp


def failed_row(item: Item, recipe: Recipe, reason: str) -> tuple[Meta, Float]:
    """Return the row of a print that could not be read, with the reason in `meta_error`."""
    meta, values = _empty_row(item, recipe)
    meta["meta_error"] = escape_controls(reason)
    return meta, values


def _empty_row(item: Item, recipe: Recipe) -> tuple[Meta, Float]:
    meta: Meta = dict.fromkeys(META)
    meta["meta_source"] = escape_controls(str(item.relative))
    meta["meta_layout"] = item.layout
    meta["meta_flags"] = join_flags(item.flags)
    return meta, np.full(len(recipe.names()), np.nan, np.float32)


def open_print(item: Item, recipe: Recipe, meta: Meta | None = None) -> Fingerprint:
    """Return the print of an item, read as the recipe says, and enter what is known of it in its meta cells `meta`.

    Raises RidgefeatError if it cannot be read or is not a usable image.
    """
    meta = {} if meta is None else meta
    if item.error:
        raise ImageError(item.error)
    flags: Iterable[str] = ()
    digest = None
    if isinstance(item, ArrayPrint):
        pixels, dpi, region = item.pixels, recipe.dpi, None
    else:
        loaded = load_print(item, recipe.dpi)
        pixels, flags, region = loaded.pixels, loaded.flags, loaded.region
        dpi = None if loaded.dpi_origin == "assumed" else (loaded.dpi_x, loaded.dpi_y)
        digest = loaded.sha256
    hand = item.labels.get("hand")
    hand = hand if hand in ("left", "right") else None
    if recipe.mirror and hand is None:
        flags = (*flags, HAND_UNKNOWN)
    elif recipe.mirror and hand == recipe.mirror:
        digest = digest or pixel_digest(pixels)
        pixels, hand = np.ascontiguousarray(pixels[:, ::-1]), "left" if hand == "right" else "right"
        region = None if region is None else region[:, ::-1]
    how: dict[str, Any] = {"hand": hand, "invert": recipe.invert, "params": recipe.params, "region": region}
    fp = Fingerprint(pixels, dpi, source=str(item.relative), **how)
    meta["meta_sha256"] = digest or pixel_digest(fp.original)
    meta["meta_height"], meta["meta_width"] = fp.original.shape
    meta["meta_dpi_x"], meta["meta_dpi_y"] = fp.dpi_x, fp.dpi_y
    meta["meta_flags"] = join_flags(flags)
    return fp


def compute_features(fp: Fingerprint, families: Families | None = None) -> Float:
    """Return the features that some families compute from fp, in their order; float32, shape (columns,)."""
    return np.concatenate([family.compute(fp) for family in select(families)])


def compute_values(fp: Fingerprint, recipe: Recipe) -> Float:
    """Return what a recipe computes from fp: features, and their standard errors if asked for; shape (names,)."""
    values = compute_features(fp, recipe.families)
    if recipe.errors is None:
        return values
    return np.concatenate([values, recipe.errors.of([c.name for c in recipe.columns()], values)])


def join_flags(flags: Iterable[str]) -> str:
    """Return flags as one cell: each once, separated by spaces."""
    return " ".join(dict.fromkeys(" ".join(flags).split()))


def error_text(error: BaseException) -> str:
    """Return an error as a `meta_error` cell; the text of an unexpected error says in which line it arose."""
    if isinstance(error, RidgefeatError):
        text = str(error)
    elif isinstance(error, MemoryError) or getattr(error, "code", None) == cv2.Error.StsNoMem:
        text = "not enough memory for this image; the commands' --memory allows more"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        text = f"unexpected {type(error).__name__}{where}: {error} (please report)"
    return escape_controls(text)[:MAX_MESSAGE]


def escape_controls(text: str) -> str:
    r"""Return text that is safe in one cell: control characters and undecodable bytes become \x0a and the like."""

    def escaped(found: re.Match[str]) -> str:
        code = ord(found[0])
        # From U+DC80 on, Python carries bytes of a file name that is not UTF-8.
        return f"\\x{code & 0xFF:02x}" if code < 0x100 or 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"

    return _UNSAFE.sub(escaped, text)


def numbers(values: Float) -> list[str]:
    """Return float32 values in the fewest digits that read back the same; NaN becomes an empty cell."""
    # tolist() would make float64 of them, with their longer digits.
    return ["" if v == "nan" else v for v in map(str, values)]


def text(value: Any) -> str:
    """Return a meta cell or label as text; what is missing is empty."""
    if value is None or value != value:
        return ""
    return repr(float(value)) if isinstance(value, float) else escape_controls(str(value))


def label_names(items: Iterable[Item]) -> list[str]:
    """Return the labels that any print has: the known ones in their order, then others as they appear."""
    seen = dict.fromkeys(name for item in items for name in item.labels)
    return [name for name in LABELS if name in seen] + [name for name in seen if name not in LABELS]


def kind_of(cells: Iterable[str]) -> Kind:
    """Return the narrowest type that gives every non-empty cell back as it is written (007 stays text)."""
    kinds = {"integer" if _INTEGER.fullmatch(c) else "number" if _NUMBER.fullmatch(c) else "text" for c in cells if c}
    if kinds == {"integer"}:
        return "integer"
    return "number" if kinds and "text" not in kinds else "text"


def column(cells: Sequence[str], kind: Kind) -> Any:
    """Return text cells as a pandas column of the given type; empty ones are missing."""
    import pandas as pd

    if kind == "text":
        return pd.Series([c or None for c in cells], dtype=object)
    if kind == "number" or any(not c for c in cells):
        as_float = pd.Series([float(c) if c else np.nan for c in cells], dtype=np.float64)
        return as_float if kind == "number" else as_float.astype("Int64")
    return pd.Series([int(c) for c in cells], dtype=np.int64)


def _blank_reason(fp: Fingerprint) -> str:
    """Return how an image is that cannot hold a print; else an empty text."""
    rows, columns = fp.original.shape
    width, height = columns * 25.4 / fp.dpi_x, rows * 25.4 / fp.dpi_y
    if min(width, height) < MIN_SIDE_MM:
        size = f"{columns}x{rows} px, {width:.2f} x {height:.2f} mm at {fp.dpi_x:g}x{fp.dpi_y:g} dpi"
        return f"{size}, too small to hold ridges; if the resolution is wrong, give the true one"
    low, high = int(fp.original.min()), int(fp.original.max())
    colour = "white" if low > 250 else "black" if high < 5 else "grey"
    return f"all {colour} (grey values {low} to {high})" if high - low < MIN_CONTRAST else ""


def file_state(item: Item) -> tuple[int, int] | None:
    """Return size and time of change of an item's file; None where it has none."""
    path = getattr(item, "path", None)
    try:
        state = None if path is None else os.stat(path)  # noqa: PTH116  (Path would be made for every print)
    except OSError:
        return None
    return state and (state.st_size, state.st_mtime_ns)


def name_targets(relatives: Iterable[str], folder: Path) -> list[Path]:
    """Return where each print's minutiae go, below a folder and without ending; names that collide keep the image's."""
    paths = [_inside(r) for r in relatives]
    stems = Counter(str(p.with_suffix("")).casefold() for p in paths)
    return [folder / (p if stems[str(p.with_suffix("")).casefold()] > 1 else p.with_suffix("")) for p in paths]


def check_minutiae(relatives: Iterable[str], folder: Path, table: Path, *, overwrite: bool) -> None:
    """Raise TableError if minutiae would take the place of the table, or of files that are there already."""
    for target in name_targets(relatives, folder):
        for path in _minutiae_files(target):
            if os.path.abspath(path) == os.path.abspath(table):  # noqa: PTH100
                raise TableError(f"minutiae would be written to {path}, which is the table; choose another folder")
            if not overwrite and path.exists():
                raise TableError(f"{path} already exists; choose another folder for minutiae, or give --overwrite")


def _minutiae_files(target: Path) -> list[Path]:
    return [target.with_name(target.name + ending) for ending in (".csv", ".xyt", ".fmr")]


def _inside(relative: str) -> Path:
    """Return a path that stays below the folder it is joined to."""
    parts = [p for p in PurePosixPath(Path(relative).as_posix()).parts if p not in ("..", "/", ".")]
    return Path(*parts) if parts else Path("print")


def write_minutiae(fp: Fingerprint, target: Path, standard: str = "iso") -> None:
    """Write target.csv for people, target.xyt and target.fmr (a record) for other tools, or raise TableError.

    The .xyt is in pixels at 500 dpi, which is what bozorth3's tolerances mean; the others in the original's.
    """
    table, xyt, record = _minutiae_files(target)
    points, singular, dpi = fp.all_minutiae, fp.singular_points, {"dpi_x": fp.dpi_x, "dpi_y": fp.dpi_y}
    height, width = fp.original.shape
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_minutiae_csv(table, points, singular, **dpi)
        write_xyt(xyt, points, height=len(fp.image), dpi_x=WORKING_DPI, dpi_y=WORKING_DPI)
        if max(height, width) <= MAX_SIDE:
            write_record(record, points, singular, width=width, height=height, standard=standard, **dpi)
    except (OSError, TemplateError) as error:
        raise TableError(f"minutiae of {fp.source} cannot be written to {target}.*: {error}") from None
