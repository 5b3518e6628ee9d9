"""One print -> one row. A bad print is a row that says why, never an exception."""

from __future__ import annotations

import traceback
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.errors import ImageError, RidgefeatError
from ridgefeat.features import select
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.sources import PrintSource, load_print, pixel_digest
from ridgefeat.structure import WORKING_DPI, Float, UInt8
from ridgefeat.table.minutiae_files import write_minutiae
from ridgefeat.work.system import peak_memory
from ridgefeat.work.threads import one_thread

if TYPE_CHECKING:
    from ridgefeat.table.recipe import Recipe

META = (
    "meta_source",
    "meta_sha256",
    "meta_width",
    "meta_height",
    "meta_dpi_x",
    "meta_dpi_y",
    "meta_layout",
    "meta_error",
    "meta_flags",
)
LABELS = ("subject", "sex", "hand", "finger", "impression", "alteration", "level")
NO_PRINT = "no_print"
LEAST_CONTRAST = 4
"""Grey values between the darkest and the brightest pixel below which an image is blank."""
LEAST_SIDE = 1.5
"""Millimetres below which an image cannot hold three ridges."""
LONGEST_MESSAGE = 500

Meta = dict[str, Any]


@dataclass(frozen=True)
class ArrayPrint:
    """A print that is an array already; the counterpart of PrintSource."""

    pixels: UInt8
    relative: str
    layout: str = "array"
    labels: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    flags: tuple[str, ...] = ()


Item = PrintSource | ArrayPrint


def make_row(item: Item, recipe: Recipe) -> tuple[Meta, Float, Fingerprint | None]:
    """Return a print's meta cells, its features (NaN where there are none) and, if it could be read, itself.

    Never raises for a bad print: `meta_error` says what was wrong.
    """
    meta, values = _empty_row(item, recipe)
    try:
        fp = open_print(item, recipe, meta)
        try:
            _refuse_blank(fp)
        except ImageError:
            meta["meta_flags"] = join_flags([meta["meta_flags"], NO_PRINT])
            raise
        meta["meta_flags"] = join_flags([meta["meta_flags"], *fp.flags])
        values = compute(fp, recipe.families)
    except Exception as error:
        meta["meta_error"] = say(error).removeprefix(f"{meta['meta_source']}: ")
        return meta, values, None
    return meta, values, fp


def failed_row(item: Item, recipe: Recipe, reason: str) -> tuple[Meta, Float]:
    """Return the row of a print that could not be read, with the reason in `meta_error`."""
    meta, values = _empty_row(item, recipe)
    meta["meta_error"] = clean(reason)
    return meta, values


def _empty_row(item: Item, recipe: Recipe) -> tuple[Meta, Float]:
    meta: Meta = dict.fromkeys(META)
    meta["meta_source"] = clean(str(item.relative))
    meta["meta_layout"] = item.layout
    meta["meta_flags"] = join_flags(item.flags)
    return meta, np.full(len(recipe.columns()), np.nan, np.float32)


def open_print(item: Item, recipe: Recipe, meta: Meta | None = None) -> Fingerprint:
    """Return the print that a source or array stands for, and note in `meta` what is known of it.

    Raises
    ------
    RidgefeatError
        If it cannot be read or is no usable image.
    """
    meta = {} if meta is None else meta
    if item.error:
        raise ImageError(item.error)
    flags: Iterable[str] = ()
    digest = None
    if isinstance(item, ArrayPrint):
        pixels, dpi = item.pixels, recipe.dpi or (WORKING_DPI, WORKING_DPI)
    else:
        loaded = load_print(item, recipe.dpi)
        pixels, dpi, flags = loaded.pixels, (loaded.dpi_x, loaded.dpi_y), loaded.flags
        digest = loaded.sha256
    hand = item.labels.get("hand")
    fp = Fingerprint(
        pixels, dpi, hand=hand if hand in ("left", "right") else None, params=recipe.params, source=str(item.relative)
    )
    meta["meta_sha256"] = digest or pixel_digest(fp.original)
    meta["meta_height"], meta["meta_width"] = fp.original.shape
    meta["meta_dpi_x"], meta["meta_dpi_y"] = fp.dpi_x, fp.dpi_y
    meta["meta_flags"] = join_flags(flags)
    return fp


def compute(fp: Fingerprint, families: Iterable[str] | None = None) -> Float:
    """Return the features of the named families in their order, float32, shape (columns,)."""
    return np.concatenate([family.compute(fp) for family in select(families)])


def join_flags(flags: Iterable[str]) -> str:
    """Return flags as one cell: each once, separated by spaces."""
    return " ".join(dict.fromkeys(" ".join(flags).split()))


def say(error: BaseException) -> str:
    """Return an exception as a `meta_error` cell; one that nobody foresaw says where it arose."""
    if isinstance(error, RidgefeatError):
        text = str(error)
    elif isinstance(error, MemoryError):
        text = "not enough memory for this image"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        text = f"unexpected {type(error).__name__}{where}: {error} (please report)"
    return clean(text)[:LONGEST_MESSAGE]


def clean(text: str) -> str:
    r"""Return text safe for one cell: control characters and undecodable bytes become \x0a and the like."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte of a file name that is no UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _refuse_blank(fp: Fingerprint) -> None:
    rows, columns = fp.original.shape
    width, height = columns * 25.4 / fp.dpi_x, rows * 25.4 / fp.dpi_y
    if min(width, height) < LEAST_SIDE:
        raise ImageError(
            f"no print found: the image is {columns}x{rows} px, {width:.2f} x {height:.2f} mm at {fp.dpi_x:g}x"
            f"{fp.dpi_y:g} dpi, too small to hold ridges; if the resolution is wrong, give the true one"
        )
    low, high = int(fp.original.min()), int(fp.original.max())
    if high - low < LEAST_CONTRAST:
        colour = "white" if low > 250 else "black" if high < 5 else "grey"
        raise ImageError(f"no print found: the image is all {colour} (grey values {low} to {high})")


Row = tuple[Meta, Float, int]
"""A print's meta cells, its features, and the most memory its process held so far, in bytes."""


@dataclass(frozen=True)
class Limits:
    """What one print may take: seconds, and bytes of its worker; None where unbounded."""

    seconds: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Batch:
    """Rows that belong together in the table, from row `start` on.

    Attributes
    ----------
    start : int
        The first one's place in the table.
    meta : list of dict
        Meta cells, a print each.
    features : ndarray of float32, shape (prints, columns)
        NaN where undefined.
    lines : list of str or None
        The features as a CSV line holds them, where that was asked for.
    seconds : float
        How long the worker took.
    memory : int
        The most memory that its process has held, in bytes.
    """

    start: int
    meta: list[Meta]
    features: Float
    lines: list[str] | None = None
    seconds: float = 0.0
    memory: int = 0

    def __len__(self) -> int:
        return len(self.meta)

    @property
    def failures(self) -> int:
        """How many of the prints carry an error."""
        return sum(bool(meta["meta_error"]) for meta in self.meta)


@dataclass(frozen=True)
class Task:
    """What a worker gets.

    Attributes
    ----------
    start : int
        The first print's place in the table.
    items : sequence of Item
        The prints.
    recipe : Recipe
        How they become rows.
    minutiae : tuple of Path, optional
        Where each print's minutiae go.
    parent : int
        The process that hands it over; 0 if nobody may be told from another.
    lines : bool
        Whether to give the features as text too: digits cost more than they look, and workers share that cost.
    limits : Limits, optional
        What a print may take; it is then made in a process of its own.
    versions : str
        What the worker must have installed, as `arithmetic` says it; empty for whatever it has.
    """

    start: int
    items: Sequence[Item]
    recipe: Recipe
    minutiae: tuple[Path | None, ...] | None = None
    parent: int = 0
    lines: bool = False
    limits: Limits | None = None
    versions: str = ""


def own_rows(task: Task) -> Iterator[Row]:
    """Yield a task's rows, made in this process.

    Raises
    ------
    TableError
        If minutiae cannot be written.
    """
    with one_thread():
        for i, item in enumerate(task.items):
            cells, features, fp = make_row(item, task.recipe)
            if task.minutiae and fp is not None and (target := task.minutiae[i]) is not None:
                write_minutiae(fp, target)
            yield cells, features, peak_memory()
