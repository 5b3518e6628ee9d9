"""The images behind a table's rows: found below one folder, read as the extractor reads them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from ridgefeat.errors import ImageError, TableError
from ridgefeat.sources import LAYOUTS, LoadedPrint, PrintSource, load_print
from ridgefeat.sources.source import split_box
from ridgefeat.sources.transactions import LAYOUT as TRANSACTION
from ridgefeat.sources.transactions import record_at


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
    if layout == TRANSACTION and (record := record_at(folder / image)):
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
