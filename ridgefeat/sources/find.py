"""Files and folders -> prints to read, each with its name, labels and what is known of its resolution; and read.

`locate` finds the print of a table's row again, below one folder.
"""

from __future__ import annotations

import difflib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from ridgefeat.errors import ImageError, LayoutError, TableError
from ridgefeat.files import first_few
from ridgefeat.sources.images import pixel_digest, read_image, read_place
from ridgefeat.sources.index import Listing
from ridgefeat.sources.layouts import LAYOUTS, Labels, has_database, read_text_labels, recognise, regex_layout
from ridgefeat.sources.places import RAW_SUFFIXES, RawPixels, RawSize, is_address, is_archive
from ridgefeat.sources.region import read_region
from ridgefeat.sources.resolution import Dpi, check_extent, resolve_dpi
from ridgefeat.sources.search import SUFFIXES, Input, Search, read_list
from ridgefeat.sources.source import PrintSource, printable, split_box
from ridgefeat.sources.transactions import LAYOUT, RecordPlace, record_at
from ridgefeat.structure import Bool, UInt8

MAX_UNCHECKED_PIXELS = 25_000_000
"""Pixels that are decoded whatever the resolution: enough for a photograph of a camera."""


@dataclass(frozen=True, eq=False)
class LoadedPrint:
    """One print as the stages take it."""

    pixels: UInt8
    """The print, shape (rows, columns), without a frame that its layout knows."""
    dpi_x: float
    dpi_y: float
    """Resolution across and down."""
    dpi_origin: str
    """given, index, layout, header or assumed."""
    flags: tuple[str, ...]
    """resolution_assumed, header_resolution_ignored, name_not_in_layout, not_in_index, first_page_only,
    alpha_ignored, record_size_ignored (a transaction's record gives the image another size than it has),
    region_given."""
    sha256: str
    """Digest of the pixels as decoded, before a frame is cut off."""
    format: str
    """bmp, png, jpeg, tiff, pnm, gif, webp, jpeg2000 or wsq."""
    region: Bool | None = None
    """Where the print is, shape (rows, columns), if its source says so."""


def find_prints(
    inputs: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    *,
    layout: str = "auto",
    index: str | os.PathLike[str] | None = None,
    index_column: str = "file",
    regex: str | None = None,
    lists: Sequence[str | os.PathLike[str]] = (),
    raw: RawSize | None = None,
    passed_over: Counter[str] | None = None,
) -> list[PrintSource]:
    """List the prints in files, folders, archives (.zip, .tar, .tar.gz, …) and at addresses (the extra `fsspec`).

    Folders are searched with all that is below them, also through symbolic links, each folder once. Hidden files and
    folders are left out. A folder that is named like an image is listed with an error, and its contents as well; so is
    a folder that cannot be read. The order is that of the inputs, and natural within each (2 before 10).

    An ANSI/NIST transaction (.an2, .eft, .ebts, .nist, .nst, or what begins as one) gives a print for each of its
    finger images, named `file.an2/14-02-3` by type of record, IDC and finger position; such a name is an input, too.

    Parameters
    ----------
    inputs : paths
        Files are taken whatever their suffix, folders and archives are searched for images. An archive inside a
        folder is not opened.
    layout : str
        A name in LAYOUTS, or "auto", which decides for every file by its name and folders. A file that does not fit
        the layout that was named is kept without labels and flagged name_not_in_layout.
    index : path, optional
        Table for read_index. Its names are relative to its own folder or to the input; else a file's bare name decides,
        with or without suffix, where only one has it. Its labels come before those of the names. A print that it does
        not list is flagged not_in_index; a file that it lists below an input and that is not there gets an error.
    index_column : str
        The index's column of file names.
    regex : str, optional
        Regular expression with named groups, searched in the path below the input; instead of a layout.
    lists : paths
        Text files that name prints, a path or address a line; taken in their order, after the inputs.
    raw : RawSize, optional
        Size of images that are grey pixels alone: of files named outright that have no suffix of another format, and of
        RAW_SUFFIXES in folders and archives.
    passed_over : Counter, optional
        Counts, by suffix, the files in folders and archives that are taken for no image (hidden ones aside), and the
        records of transactions that are none.

    Returns
    -------
    list of PrintSource

    Raises
    ------
    LayoutError
        If an input or list cannot be read, nothing is found or nothing that is raw, or layout, expression or index are
        unusable.
    """
    if isinstance(inputs, str | os.PathLike):
        inputs = [inputs]
    labelled = _labeller(layout, regex)
    named = [*lists, *([index] if index is not None else [])]
    search = Search(raw, Counter() if passed_over is None else passed_over, named)
    found = [search.input(given) for given in inputs]
    for path in lists:
        listed = [p for source in read_list(path) for p in search.named(source)]
        found.append(Input(Path(os.path.abspath(path)).parent, False, listed))  # noqa: PTH100
    _drop_repeated(found)
    listing = None
    if index is not None:
        listing = Listing(Path(index), [p for i in found for p in i.prints], index_column)
        listing.complete(found)
    _name_apart(found)
    prints = [labelled(p) for i in found for p in i.prints]
    if layout == "auto" and regex is None:
        prints = _settle_folders(prints)
    if listing is not None:
        prints = [listing.applied(p) for p in prints]
    if not prints:
        where = ", ".join(printable(os.fspath(i)) for i in inputs) or "no input was given"
        packed = [i for i in map(str, inputs) if is_address(i) and is_archive(i) and "::" not in i]
        hint = f"; for what is inside an archive at an address give zip://*::{packed[0]}" if packed else ""
        raise LayoutError(f"no images found ({where}); looked for {' '.join(sorted(SUFFIXES))}{hint}")
    if raw is not None and not any(isinstance(p.place, RawPixels) for p in prints):
        advice = f"name the file itself, or call it one of {' '.join(sorted(RAW_SUFFIXES))}"
        raise LayoutError(f"a size of raw pixels is given, but no file is raw: {advice}")
    return prints


def load_print(source: PrintSource, dpi: float | Dpi | None = None) -> LoadedPrint:
    """Read a print that find_prints found: decode it, cut off a frame that its layout knows, settle its resolution.

    `dpi`, across and down, is on the user's word, and comes before all others. Raises ImageError if the print cannot be
    read; the message begins with its relative name.
    """
    if source.error is not None:
        raise ImageError(f"{source.relative}: {source.error}")
    name, place = source.relative, source.place
    layout = LAYOUTS.get(source.layout, LAYOUTS["plain"])

    def check(width: int, height: int, header: Dpi | None) -> None:
        """Refuse an image that is too large for a print before it is decoded, if its resolution is known by then."""
        known = dpi or source.known_dpi or source.layout == "plain"
        if width * height > MAX_UNCHECKED_PIXELS and known and source.box is None:
            check_extent(width, height, resolve_dpi(dpi, source.known_dpi, header)[:2])

    image = read_image(source.path, name=name, check=check) if place is None else read_place(place, name, check)
    pixels, layout_dpi = layout.prepare(image.pixels, source.path)
    known, origin = (source.known_dpi, "index") if source.known_dpi else (layout_dpi, "layout")
    header, notes = image.dpi, image.notes
    if isinstance(place, RecordPlace):
        header = place.dpi or header
        notes += ("record_size_ignored",) if place.size != image.pixels.shape[::-1] else ()
    dpi_x, dpi_y, origin, doubts = resolve_dpi(dpi, known, header, known_origin=origin)
    whole = image.pixels
    region = None if source.region is None else read_region(source.region, pixels.shape)
    if source.box is not None:
        left, top, width, height = source.box
        pixels = whole = pixels[top : top + height, left : left + width]
        if pixels.shape != (height, width):
            raise ImageError(f"{name}: the image no longer has that part; extract again")
        region = None if region is None else region[top : top + height, left : left + width]
    marked = () if region is None else ("region_given",)
    flags, digest = source.flags + notes + doubts + marked, pixel_digest(whole)
    if "inverted" in source.flags:
        pixels = ~pixels
    return LoadedPrint(np.ascontiguousarray(pixels), dpi_x, dpi_y, origin, flags, digest, image.format, region)


def _labeller(layout: str, regex: str | None) -> Callable[[PrintSource], PrintSource]:
    """Return the function that gives a print its layout and labels."""
    if layout != "auto" and layout not in LAYOUTS:
        names = ["auto", *LAYOUTS]
        near = difflib.get_close_matches(layout, names, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise LayoutError(f"unknown layout {layout!r}{hint}; there are: {', '.join(names)}")
    if regex is not None and layout != "auto":
        raise LayoutError(f"layout {layout!r} and a regular expression exclude each other; leave one out")

    own = None if regex is None else regex_layout(regex)

    def labelled(source: PrintSource) -> PrintSource:
        # A record's labels are its own; of names, the transaction's is read, if one is meant.
        is_record = source.layout == LAYOUT
        path = source.path.parent if is_record else source.path
        chosen = own or LAYOUTS.get("plain" if is_record and layout == "auto" else layout)
        labels: Labels | None
        if chosen is None:
            chosen, labels = recognise(path)
        else:
            labels = chosen.parse(PurePath(source.relative) if own else path)
        if labels and chosen.has_text and source.place is None and not is_record:
            labels |= read_text_labels(path)
        # A print without a file has an error, and its name does not matter.
        flags = ("name_not_in_layout",) if labels is None and source.error is None else ()
        labels, name = {**(labels or {}), **source.labels}, LAYOUT if is_record else chosen.name
        return replace(source, layout=name, labels=labels, flags=source.flags + flags)

    return labelled


_NO_PERSON = re.compile(
    r"(session|sess|day|visit|time|round|run|set|part|batch|fold|sensor|device|scanner|phone|train(ing)?|test(ing)?|val"
    r"(idation)?|dev|eval|probes?|gallery|query|enroll?(ment)?|live|fake|spoof|real|altered|easy|medium|hard|good|bad|left|"
    r"right|males?|females?|men|women|m|f|thumb|index|middle|ring|little|plain|rolled|latents?|images?|prints?|raw)"
    r"[-_ ]?\d{0,4}",
    re.IGNORECASE,
)
"""Names of folders that are not people."""


def _settle_folders(prints: list[PrintSource]) -> list[PrintSource]:
    """Return prints whose names fit `fvc` alone as those of person folders, where several folders hold one name.

    alice/1_1.png and bob/1_1.png are not two impressions of finger 1. Whether session1/1_1.png and session2/1_1.png
    are cannot be known: callers that need distinct labels report the repeated ones.
    """
    alone = {p.path for p in prints if p.layout == "fvc" and not has_database(p.path)}
    stems = Counter(p.path.stem for p in prints if p.path in alone)
    folders = {path.parent for path in alone}
    if len(folders) < 2 or max(stems.values()) < 2 or any(_NO_PERSON.fullmatch(f.name) for f in folders):
        return prints
    chosen = LAYOUTS["person-folders"]
    return [replace(p, layout=chosen.name, labels=chosen.parse(p.path) or {}) if p.path in alone else p for p in prints]


IMPRESSION = ("subject", "hand", "finger", "finger_id", "impression", "alteration", "level")
"""Labels that together name one recording of one finger."""


def repeated_impressions(labels: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return in words which prints, by name, have the labels of another: one impression of a finger has one print.

    Prints without a subject, or without a label that distinguishes impressions of a finger, are ignored.

    Examples
    --------
    >>> same = {"subject": "1", "impression": "2"}
    >>> repeated_impressions({"a/1_2.png": same, "b/1_2.png": same, "b/1_3.png": {"subject": "1", "impression": "3"}})
    ['subject 1, impression 2: a/1_2.png, b/1_2.png']
    """
    found = defaultdict[tuple[str, ...], list[str]](list)
    for name, own in labels.items():
        if own.get("subject") and (own.get("impression") or own.get("alteration")):
            found[tuple(str(own.get(label) or "") for label in IMPRESSION)].append(name)
    return [
        ", ".join(f"{n} {v}" for n, v in zip(IMPRESSION, key, strict=True) if v) + f": {first_few(names)}"
        for key, names in found.items()
        if len(names) > 1
    ]


def _drop_repeated(found: list[Input]) -> None:
    """Keep a file that several inputs or links to its folder reach once, under the first name."""
    real_folder, first = cache(os.path.realpath), dict[tuple[str, str], PrintSource]()
    for given in found:
        names = [(real_folder(p.path.parent), p.path.name) for p in given.prints]
        given.prints[:] = [p for p, name in zip(given.prints, names, strict=True) if first.setdefault(name, p) is p]


def _name_apart(found: list[Input]) -> None:
    """Where inputs hold files of the same relative name, put their folders' names in front of all of them."""
    pairs = [(i, p) for i in found for p in i.prints]
    if len({p.relative for _, p in pairs}) == len(pairs):
        return
    names = [f"{printable(i.folder.name)}/{p.relative}" for i, p in pairs]
    if len(set(names)) < len(names):
        try:
            common = os.path.commonpath([i.folder for i in found])
            names = [printable(p.path.relative_to(common).as_posix()) for _, p in pairs]
        except ValueError:
            names = [printable(p.path.as_posix()) for _, p in pairs]
    left = iter(names)
    for given in found:
        given.prints[:] = [replace(p, relative=next(left)) for p in given.prints]


def locate(root: str | os.PathLike[str], name: str, layout: str | None, flags: object = None) -> PrintSource:
    """Return where the image of a row is: `name`, its meta_source, below the folder `root`.

    The name may begin with the folder's own path, as in a table of a list of files. A name that leads out of the folder
    gets an error instead of a file. By the row's meta_layout a known frame is cut
    off; a finger that was cut from an image is cut again; where meta_flags hold `inverted`, the negative is loaded.
    """
    kept = ("inverted",) if "inverted" in str(flags).split() else ()
    folder = Path(root)
    known = layout if layout in LAYOUTS else "plain"
    below = _below(folder, name)
    if not stays_inside(below):
        return PrintSource(folder, name, known, error="the name leads out of the images' folder")
    image, box = (below, None) if (folder / below).exists() else split_box(below)
    if layout == LAYOUT and (record := record_at(folder / image)):
        return replace(record, relative=name, box=box, flags=kept)
    return PrintSource(folder / image, name, known, box=box, flags=kept)


def _below(folder: Path, name: str) -> str:
    """Return a name without the folder's own path, or the end of that path, in front of it."""
    whole, path = folder.resolve().parts, Path(name)
    if path.is_absolute():
        return str(path.relative_to(folder.resolve())) if path.is_relative_to(folder.resolve()) else name
    for count in range(1, min(len(whole), len(path.parts))):
        if path.parts[:count] == whole[-count:] and not (folder / name).exists():
            return str(Path(*path.parts[count:]))
    return name


def stays_inside(name: str) -> bool:
    """Whether a row's name is one of a file below the folder; links that lie there are followed, being its owner's."""
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in name and path.parts != ()


def load(source: PrintSource) -> LoadedPrint | None:
    """Return a print, or None where it cannot be read."""
    try:
        return load_print(source)
    except ImageError:
        return None


def check_root(root: str | os.PathLike[str]) -> None:
    """Raise TableError for a folder that is not there."""
    if not Path(root).is_dir():
        raise TableError(f"the images' folder {os.fspath(root)} does not exist; give the folder that was extracted")
