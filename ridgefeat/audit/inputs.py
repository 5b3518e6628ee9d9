"""What is audited: images or tables with their labels, and the split between training and test."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.audit.known import Look, look_at, looks_in, shorten
from ridgefeat.audit.table import Fold, as_text
from ridgefeat.errors import LayoutError, TableError
from ridgefeat.files import count_of, first_few, os_errors_as
from ridgefeat.sources import PrintSource, find_prints, read_index
from ridgefeat.sources.find import load
from ridgefeat.table import load_sidecar, read_table
from ridgefeat.table.row import META, column, kind_of
from ridgefeat.table.sidecar import sidecar_path
from ridgefeat.tabular import log_dialect, open_table, read_parquet
from ridgefeat.work.engine import count_workers, spread_items
from ridgefeat.work.guard import Stopped

TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
"""Suffixes of inputs that are tables."""
MAX_BYTES, MAX_ROWS = 1 << 30, 10_000_000
BATCH = 100
"""Images that are sent to a worker at once."""
SPLIT_COLUMNS = ("split", "fold", "set", "subset", "partition", "part")
"""Columns of a table of splits that say where a print belongs."""
_TRAIN = re.compile(r"(tr|train|training|fit|learn)([-_ ]?(set|data|images?|prints?))?", re.IGNORECASE)
_TEST = re.compile(
    r"(te|test|testing|val|valid|validation|dev|eval|evaluation|holdout)([-_ ]?(set|data|images?|prints?))?",
    re.IGNORECASE,
)
"""Words for the sides of a split, as names of folders, files and cells."""


@dataclass(frozen=True, eq=False)
class AuditInput:
    """Prints to audit, a row each, and what is known of them.

    Attributes
    ----------
    frame : pandas.DataFrame
        meta_* columns, labels, features.
    features : tuple of str or None
        The columns that a classifier is given; None if every column of numbers that is not a label is one.
    images : tuple of PrintSource or None
        The rows' images, where images were given.
    folds : tuple of (training, test) row positions
        The split that was given or recognised.
    looks : tuple of Look or None
        The prints' digests; None where there are neither images nor digests.
    notes : tuple of str
        How the input was understood, in sentences.
    """

    frame: pd.DataFrame
    features: tuple[str, ...] | None = None
    images: tuple[PrintSource, ...] | None = None
    folds: tuple[Fold, ...] = ()
    looks: tuple[Look, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which prints could not be read."""
        return failed_rows(self.frame)


def failed_rows(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which prints could not be read, by the column meta_error."""
    if "meta_error" not in frame:
        return np.zeros(len(frame), np.bool_)
    return frame["meta_error"].fillna("").astype(str).ne("").to_numpy(copy=True)


def read_input(inputs: Sequence[str], *, split: str | None = None, jobs: int | None = 1, **how: Any) -> AuditInput:
    """Read images (files, folders, archives) or tables, and find their split.

    Parameters
    ----------
    inputs : sequence of str
        Images, or tables: feature tables, or any table with a row per print. Not both.
    split : str, optional
        A label, or a table of files with a column `split`. Without it, two inputs or the folders of one are a split if
        they are named as one, such as train and test.
    jobs : int or None
        Worker processes that read images.
    **how
        As in ridgefeat.sources.find_prints: layout, index, index_column, regex.

    Returns
    -------
    AuditInput

    Raises
    ------
    RidgefeatError
        If an input or the split cannot be read, or the inputs are of both kinds.
    """
    places = [Path(i) for i in inputs]
    tables = [sidecar_path(p).is_file() if p.is_dir() else p.suffix.lower() in TABLES for p in places]
    if any(tables) and not all(tables):
        raise TableError(
            f"{inputs[tables.index(False)]} holds images and {inputs[tables.index(True)]} is a table; give the images "
            "of a table with --images, or the labels of images with --index"
        )
    found = _read_tables(inputs) if tables[0] else _read_images(inputs, jobs, how)
    values, words = _split_values(found.frame, inputs, split)
    if values is None:
        return found
    folds = make_folds(values)
    if not folds:
        raise TableError(f"the split ({words}) has one side alone: {first_few(list(dict.fromkeys(values)))}")
    frame = found.frame
    if split in frame and found.features is None:  # else it would be taken for a feature
        frame = frame.drop(columns=split)
    return replace(found, frame=frame, folds=folds, notes=(*found.notes, f"Split: {words}; {_describe(folds)}."))


def _read_images(inputs: Sequence[str], jobs: int | None, how: Mapping[str, Any]) -> AuditInput:
    sources = find_prints(list(inputs), **how)
    rows, looks = [], []
    for source, read in zip(sources, spread_items(_read_print, sources, count_workers(jobs), batch=BATCH), strict=True):
        known = {"meta_source": source.relative, "meta_layout": source.layout, "meta_flags": " ".join(source.flags)}
        cells, look = ({"meta_error": read.reason}, Look(())) if isinstance(read, Stopped) else read
        rows.append(dict.fromkeys(META) | known | cells)
        looks.append(look)
    if all(row["meta_error"] for row in rows):  # an audit of nothing would find no leak, and let a pipeline go on
        first = f"{sources[0].path}: {rows[0]['meta_error']}"
        raise TableError(f"none of {count_of(len(rows), 'image')} can be read, first {first}")
    labels = dict.fromkeys(name for s in sources for name in s.labels)
    cells = {name: [s.labels.get(name) or "" for s in sources] for name in labels}
    folders = [Path(os.path.abspath(i)) for i in inputs]  # noqa: PTH100  (links stay as find_prints keeps them)
    numbers = [next((k for k, f in enumerate(folders) if s.path.is_relative_to(f)), 0) for s in sources]
    frame = pd.DataFrame(rows).assign(**{name: column(c, kind_of(c)) for name, c in cells.items()}, meta_input=numbers)
    return AuditInput(frame, (), tuple(sources), looks=tuple(looks))


def _read_print(source: PrintSource) -> tuple[dict[str, Any], Look]:
    """Return what a row says of an image, and what the print is recognised by."""
    loaded = load(source)
    if loaded is None:
        return {"meta_error": source.error or "cannot be read"}, Look(())
    height, width = loaded.pixels.shape
    size = {"meta_width": width, "meta_height": height, "meta_dpi_x": loaded.dpi_x, "meta_dpi_y": loaded.dpi_y}
    look = look_at(loaded.pixels, marked=False)
    digests = dict.fromkeys((*look.digests, shorten(loaded.sha256)))
    cells = {"meta_sha256": loaded.sha256, "meta_flags": " ".join(loaded.flags), **size}
    return cells, replace(look, digests=tuple(digests))


def _read_tables(inputs: Sequence[str]) -> AuditInput:
    frames, features = [], dict[str, None]()
    plain = False
    for number, given in enumerate(inputs):
        path = Path(given)
        if path.is_dir() or sidecar_path(path).is_file():
            frame = read_table(path)
            features |= {c["name"]: None for c in load_sidecar(path)["columns"] if c["name"] in frame}
        else:
            frame, plain = _read_plain(path), True
        # A copy, in one piece: a frame read column by column warns about every further one.
        frames.append(frame.copy().assign(meta_input=number))
    whole = pd.concat(frames, ignore_index=True)
    looks = looks_in(whole)
    return AuditInput(whole, None if plain else tuple(features), looks=None if looks is None else tuple(looks))


def _read_plain(path: Path) -> pd.DataFrame:
    """Return any table with a row per print; `file` becomes meta_source, and pixel_digest meta_sha256."""
    where = f"table {path}"
    with os_errors_as(TableError, f"{where} cannot be read"):
        table = open_table(path, TableError, where, max_bytes=MAX_BYTES)
        if table is None:
            frame = read_parquet([path], TableError, where, max_bytes=MAX_BYTES, max_rows=MAX_ROWS)
        else:
            log_dialect(table)
            texts = table.rename([*META, "file"]).frame(max_rows=MAX_ROWS)
            frame = pd.DataFrame({n: column(cells := texts[n].tolist(), kind_of(cells)) for n in texts})
    names = {"file": "meta_source", "pixel_digest": "meta_sha256"}
    return frame.rename(columns={old: new for old, new in names.items() if new not in frame})


def _split_values(frame: pd.DataFrame, inputs: Sequence[str], split: str | None) -> tuple[list[str] | None, str]:
    """Return each row's side or fold ("" where it has none) and where that is from; None if there is no split."""
    if split is not None and split in frame:
        cells = frame[split]
        return ["" if v is None or v != v else as_text(v) for v in cells], f"column {split!r}"
    if split is not None:
        if not Path(split).is_file():
            there = ", ".join(str(c) for c in frame if not str(c).startswith("meta_"))
            raise TableError(f"--split {split}: neither a file nor a label; the labels are: {there or 'none'}")
        return _from_file(frame, Path(split)), Path(split).name
    names = [Path(i).resolve().name.partition(".")[0] for i in inputs]
    if len(names) > 1 and all(map(_side, names)):
        return [names[k] for k in frame["meta_input"]], f"inputs {first_few(names)}"
    if "meta_source" not in frame:
        return None, ""
    for depth in range(2):
        parts = [PurePosixPath(str(n)).parts[:-1] for n in frame["meta_source"]]
        folders = [p[depth] if len(p) > depth else "" for p in parts]
        if len(different := list(dict.fromkeys(folders))) > 1 and all(map(_side, different)):
            return folders, f"folders {first_few(different)}"
    return None, ""


def _side(word: str) -> str:
    """Return train or test for a word that names a side of a split; else an empty text.

    Examples
    --------
    >>> _side("Training"), _side("val"), _side("prints")
    ('train', 'test', '')
    """
    return "train" if _TRAIN.fullmatch(word.strip()) else "test" if _TEST.fullmatch(word.strip()) else ""


def _from_file(frame: pd.DataFrame, path: Path) -> list[str]:
    """Return the rows' cells in a table of files and splits; names are compared with folders, else without."""
    entries = read_index(path)
    given = list(dict.fromkeys(name for e in entries.values() for name in e.labels))
    chosen = next((n for n in SPLIT_COLUMNS if n in given), given[0] if len(given) == 1 else "")
    if not chosen:
        raise LayoutError(f"split {path}: which column is the split? It has {first_few(given)}; name one `split`")
    values = {name: e.labels.get(chosen, "") for name, e in entries.items()}
    bare: dict[str, str] = {}
    for name, value in values.items():
        short = PurePosixPath(name).name
        bare[short] = value if bare.get(short, value) == value else ""
    names = [str(n) for n in frame["meta_source"]] if "meta_source" in frame else []
    found = [values.get(n, bare.get(PurePosixPath(n).name, "")) for n in names]
    if not any(found):
        raise LayoutError(f"split {path}: it names none of the {len(frame)} prints; its first is {next(iter(values))}")
    return found


def make_folds(values: Sequence[str]) -> tuple[Fold, ...]:
    """Return (training, test) row positions for each row's side or fold; rows with "" are in none.

    Where a value means training, every other value is tested on it; else each value is tested on all others.

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in make_folds(["train", "test", "", "train"])]
    [([0, 3], [1])]
    >>> [(train.tolist(), test.tolist()) for train, test in make_folds(["1", "2", "1"])]
    [([1], [0, 2]), ([0, 2], [1])]
    """
    cells = np.array(values, object)
    different = [v for v in dict.fromkeys(values) if v]
    train = [v for v in different if _side(v) == "train"]
    folds = []
    for value in different:
        if value in train:
            continue
        rest = train or [v for v in different if v != value]
        sides = np.flatnonzero(np.isin(cells, rest)), np.flatnonzero(cells == value)
        if all(side.size for side in sides):
            folds.append(sides)
    return tuple(folds)


def _describe(folds: Iterable[Fold]) -> str:
    sizes = [(len(train), len(test)) for train, test in folds]
    shown = [f"{train:,} to train on and {test:,} to test on" for train, test in sizes]
    return shown[0] if len(sizes) == 1 else f"{count_of(len(sizes), 'fold')}, the first {shown[0]}"
