"""The images behind a table's rows: found below one folder, read as the extractor reads them."""

from __future__ import annotations

import os
from pathlib import Path

from ridgefeat.errors import ImageError, TableError
from ridgefeat.sources import LAYOUTS, LoadedPrint, PrintSource, load_print


def locate(root: str | os.PathLike[str], name: str, layout: str | None) -> PrintSource:
    """Return where the image of a row is; a name that leads out of the folder gets an error instead of a file.

    Parameters
    ----------
    root : path
        The folder that the table's names are relative to.
    name : str
        The row's meta_source.
    layout : str or None
        The row's meta_layout, by which a known frame is cut off.
    """
    folder = Path(root)
    known = layout if layout in LAYOUTS else "plain"
    outside = "the name leads out of the images' folder"
    try:
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            return PrintSource(path, name, known, error=outside)
    except (OSError, ValueError, RuntimeError) as error:
        return PrintSource(folder, str(name), known, error=f"no usable file name: {error}")
    return PrintSource(path, name, known)


def load(source: PrintSource) -> LoadedPrint | None:
    """Return a print, or None where it cannot be read."""
    try:
        return load_print(source)
    except ImageError:
        return None


def check_root(root: str | os.PathLike[str]) -> None:
    """Refuse a folder that is not there.

    Raises
    ------
    TableError
    """
    if not Path(root).is_dir():
        raise TableError(
            f"the images' folder {os.fspath(root)} does not exist; give the folder that was extracted"
        )
