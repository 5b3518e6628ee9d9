"""What a script calls: one print read, its features, many prints as a DataFrame; a dry run; slaps cut into prints."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.brief import Brief
from ridgefeat.errors import ImageError, ParameterError, RidgefeatError
from ridgefeat.features import Explanation, as_records, select
from ridgefeat.features import explain as explain_column
from ridgefeat.features.family import Families
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.reliability import ErrorModel
from ridgefeat.sources import PrintSource, RawSize, find_prints, load_print, repeated_impressions, with_regions
from ridgefeat.sources.find import LoadedPrint
from ridgefeat.sources.source import boxed
from ridgefeat.stages.fingers import SLAPS, name_fingers, position_code, split_fingers
from ridgefeat.structure import WORKING_DPI, Float, UInt8
from ridgefeat.table import row
from ridgefeat.table.batches import Extraction, iterate_batches
from ridgefeat.table.reading import read_table
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import META, ArrayPrint, Item, Meta, compute_values, error_text, escape_controls, open_print
from ridgefeat.table.writing import flag_outliers
from ridgefeat.work.engine import count_workers, spread_items, using
from ridgefeat.work.guard import Stopped, current_limits, guarded_map
from ridgefeat.work.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

PathLike = str | os.PathLike[str]
Dpi = float | tuple[float, float]
TOUCHING = "touching_fingers"
"""Flag of a finger whose boundary with its neighbour is estimated."""
SPLIT_PARAMS = ["segmentation.min_piece=0.1"]
"""A little finger may have less than a quarter of the thumb's area."""


def read(
    path: PathLike,
    dpi: Dpi | None = None,
    *,
    layout: str = "auto",
    params: Params | None = None,
    raw: tuple[int, int] | RawSize | None = None,
    invert: str = "auto",
    region: PathLike | None = None,
) -> Fingerprint:
    """Read one print.

    Parameters
    ----------
    path : str or path-like
        An image file, or a record of an ANSI/NIST transaction: `file.an2/14-02-3`.
    dpi : float or (float, float), optional
        Resolution, across and down; without it the layout's, then the header's.
    layout : str
        What its file name means: "auto", "socofing", "fvc" and so on.
    params : Params, optional
        Parameters of the stages.
    raw : (int, int) or RawSize, optional
        Columns and rows of a file that is grey pixels alone.
    invert : {"auto", "yes", "no"}
        Whether ridges are white and the negative is measured; by default the surroundings of the print decide.
    region : path, optional
        File that marks where the print is: a mask image, or a polygon (ridgefeat.sources.read_region).

    Returns
    -------
    Fingerprint

    Raises
    ------
    ImageError
        If it is no image that can be read.
    LayoutError
        If there is no such layout.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ImageError(f"read takes a path, got {type(path).__name__}; rf.Fingerprint(array, dpi) takes pixels")
    recipe = Recipe.make(None, params, dpi, layout, invert=invert)
    found = find_prints([path], layout=layout, raw=RawSize(*raw) if isinstance(raw, tuple) else raw)
    if len(found) != 1:
        example = f", such as {found[0].path}" if found[0].layout == "transaction" else ""
        takes = f"read takes one image{example}, extract_many takes folders"
        raise ImageError(f"{os.fspath(path)} holds {len(found)} prints; {takes}")
    return open_print(found[0] if region is None else with_regions(found, region)[0], recipe)


def extract(
    fp: Fingerprint | PathLike | UInt8,
    families: Families | None = None,
    *,
    dpi: Dpi | None = None,
    errors: bool | PathLike = False,
) -> pd.Series[float]:
    """Return one print's features.

    Parameters
    ----------
    fp : Fingerprint, path or ndarray of uint8, shape (rows, columns)
        The print.
    families : iterable of str or Family, optional
        Families to compute; all without.
    dpi : float or (float, float), optional
        Resolution of a path or array; an array's is 500 without.
    errors : bool or path
        Whether the standard error of each value follows as NAME_se: for an unknown sensor, or for that of a table which
        `ridgefeat reliability` wrote.

    Returns
    -------
    pandas.Series of float32
        By column name; NaN where undefined.

    Raises
    ------
    ImageError
        If it is no image that can be read.
    ParameterError
        For an unknown family, or errors without the families ridge and quality.
    TableError
        If the table of reliability cannot be read.
    """
    import pandas as pd

    recipe = Recipe.make(families, errors=_error_model(errors))
    fp = _as_print(fp, dpi)
    with one_thread():
        values = compute_values(fp, recipe)
    return pd.Series(values, index=recipe.names(), name=fp.source or None)


def _error_model(errors: bool | PathLike) -> ErrorModel | None:
    return ErrorModel.make(None if errors is True else os.fspath(errors)) if errors else None


def explain(
    fp: Fingerprint | PathLike | UInt8,
    column: str,
    *,
    families: Families | None = None,
    among: PathLike | pd.DataFrame | pd.Series[float] | None = None,
    dpi: Dpi | None = None,
) -> Explanation:
    """Explain one feature of a print: its value, what it was measured on, or why it is missing.

    Parameters
    ----------
    fp : Fingerprint, path or ndarray of uint8, shape (rows, columns)
        The print.
    column : str
        A feature's name.
    families : iterable of str or Family, optional
        Families in which the column is looked up; all without.
    among : path, DataFrame or Series, optional
        A feature table, or the column's values for other prints: where does this value lie among them?
    dpi : float or (float, float), optional
        As in `extract`.

    Returns
    -------
    Explanation
        `value`, `column`, `reason`, `parts`, `percentile`; `plot()` draws it, and notebooks show it.

    Raises
    ------
    ImageError
        If it is no image that can be read.
    ParameterError
        If no family, or not the table, has the column.
    TableError
        If the table cannot be read.

    Examples
    --------
    >>> from ridgefeat.synth.simple import grating
    >>> fp = Fingerprint(grating((198, 198), 9.0).image)
    >>> found = explain(fp, "ridge_period_mean")
    >>> round(found.value, 2), found.column.unit, explain(fp, "ridge_density_radial").reason
    (0.46, 'mm', 'the label hand is not known')
    """
    import pandas as pd

    with one_thread():
        found = explain_column(_as_print(fp, dpi), column, families)
    if isinstance(among, (str, os.PathLike)):
        among = read_table(os.fspath(among), labels=())
    if isinstance(among, pd.DataFrame):
        if column not in among:
            raise ParameterError(f"the table of other prints has no column {column!r}; extract it with its family")
        among = among[column]
    return found if among is None else replace(found, among=np.asarray(among, np.float32))


def _as_print(fp: Fingerprint | PathLike | UInt8, dpi: Dpi | None) -> Fingerprint:
    if isinstance(fp, (str, os.PathLike)):
        return read(fp, dpi)
    return fp if isinstance(fp, Fingerprint) else Fingerprint(fp, dpi)


def extract_many(
    prints: PathLike | Iterable[PathLike | UInt8],
    *,
    families: Families | None = None,
    params: Params | None = None,
    dpi: Dpi | None = None,
    layout: str = "auto",
    index: PathLike | None = None,
    index_column: str = "file",
    regex: str | None = None,
    mirror: str | None = None,
    invert: str = "auto",
    errors: bool | PathLike = False,
    jobs: int | None = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Return a table of many prints with one row per print; a print that fails is a row with `meta_error`.

    Parameters
    ----------
    prints : path, or iterable of paths or of ndarray of uint8, shape (rows, columns)
        Files and folders, or images.
    families, params, dpi, layout
        As in `extract` and `read`.
    index : path, optional
        A table with a `file` column whose other columns become labels: CSV in any dialect, .xlsx or Parquet.
    index_column : str
        The index's column of file names, if it is not `file`.
    regex : str, optional
        Named groups that read labels from file names.
    mirror : {"left", "right"}, optional
        The hand whose images are mirrored first (label `hand`), so that a column that has a side means the same on
        both hands. A print without the label is left as it is and has the flag `hand_unknown`.
    invert : {"auto", "yes", "no"}
        Whether ridges are white and the negative is measured; by default the surroundings of each print decide.
    errors : bool or path
        As in `extract`.
    jobs : int or None
        Worker processes; None or -1 for every core.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    pandas.DataFrame
        meta_* columns, labels, then features (float32). The same values as `ridgefeat extract` writes.

    Raises
    ------
    LayoutError
        If the inputs hold no print, or the layout, index or regex is unusable.
    ParameterError
        For an unknown family or an impossible resolution.
    """
    import pandas as pd

    recipe = Recipe.make(families, params, dpi, layout, regex, mirror, invert, errors=_error_model(errors))
    items = _as_items(prints, layout=layout, index=index, index_column=index_column, regex=regex)
    meta, values = compute_rows(items, recipe, jobs, progress)
    names = recipe.names()
    flag_outliers(meta, values, names)
    cells = {name: row.column([row.text(m[name]) for m in meta], kind) for name, kind in META.items()}
    for name in row.label_names(items):
        labels = [row.text(item.labels.get(name)) for item in items]
        cells[name] = row.column(labels, row.kind_of(labels))
    return pd.concat([pd.DataFrame(cells), pd.DataFrame(values, columns=names)], axis=1)


def _as_items(prints: Any, **how: Any) -> Sequence[Item]:
    """Return paths as sources (folders are walked), or arrays as prints, in order."""
    if isinstance(prints, (str, os.PathLike)):
        return list(find_prints([prints], **how))
    if isinstance(prints, np.ndarray) and prints.ndim == 2 and prints.dtype == np.uint8:
        prints = [prints]  # one print, not its rows
    prints = list(prints)
    arrays = [ArrayPrint(p, f"[{i}]") for i, p in enumerate(prints) if isinstance(p, np.ndarray)]
    if arrays and len(arrays) < len(prints):
        raise ImageError("prints must be all paths or all arrays, not some of each")
    return arrays or list(find_prints(prints, **how))


def compute_rows(
    items: Sequence[Item], recipe: Recipe, jobs: int | None, progress: bool = False
) -> tuple[list[Meta], Float]:
    """Return every print's meta cells, and the features of all, float32, shape (prints, columns)."""
    from tqdm import tqdm

    batches = []
    with tqdm(total=len(items), unit="print", disable=not progress) as bar:
        for batch in iterate_batches(Extraction(items, recipe, count_workers(jobs))):
            batches.append(batch)
            bar.update(len(batch))
    batches.sort(key=lambda batch: batch.start)
    none = np.zeros((0, len(recipe.names())), np.float32)
    return [m for b in batches for m in b.meta], np.concatenate([none, *(b.features for b in batches)])


def feature_columns(families: Families | None = None) -> pd.DataFrame:
    """Return every feature column: family, name, unit, low, high, meaning, source.

    Parameters
    ----------
    families : iterable of str or Family, optional
        Those of these families only.

    Raises
    ------
    ParameterError
        For an unknown family.
    """
    import pandas as pd

    chosen = select(families)
    rows = [{"family": f.name, **record} for f in chosen for record in as_records(f.all_columns())]
    return pd.DataFrame(rows).drop(columns="uses", errors="ignore")


@dataclass(repr=False)
class Survey(Brief):
    """Findings of a dry run.

    Attributes
    ----------
    prints : int
    layouts, resolutions, sizes, flags : Counter
        Prints by layout, by resolution with its origin, by size, and by flag.
    labels : dict of str to Counter
        Prints by value of each label; "" counts those without.
    errors : list of (str, str)
        Each bad print and its error.
    duplicates : list of list of str
        Prints of identical pixels under different names.
    repeated : list of str
        Labels that several prints share, though they name one impression of one finger, and those prints.
    passed_over : Counter
        Files of the inputs that are not images, by suffix, and records of transactions.
    """

    prints: int = 0
    layouts: Counter[str] = field(default_factory=Counter)
    resolutions: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    labels: dict[str, Counter[str]] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[list[str]] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def survey_prints(items: Sequence[Item], dpi: tuple[float, float] | None = None) -> Survey:
    """Return what is found, and what is wrong, when every print is read once; nothing is extracted.

    Parameters
    ----------
    items : sequence of PrintSource or ArrayPrint
    dpi : (float, float), optional
        Resolution across and down in place of what files and layouts give.
    """
    out = Survey(prints=len(items))
    out.repeated = repeated_impressions({escape_controls(str(i.relative)): i.labels for i in items})
    alike: dict[str, list[str]] = {}
    for name in row.label_names(items):
        out.labels[name] = Counter(row.text(item.labels.get(name)) for item in items)
    for item, loaded in zip(items, guarded_map(partial(_survey, dpi), items, current_limits()), strict=True):
        out.layouts[item.layout or "none"] += 1
        name = escape_controls(str(item.relative))
        if isinstance(loaded, str | Stopped):
            reason = loaded.reason if isinstance(loaded, Stopped) else loaded
            out.errors.append((name, reason.removeprefix(f"{name}: ")))
            continue
        size, loaded = loaded
        out.sizes[size] += 1
        out.resolutions[f"{loaded.dpi_x:.5g}x{loaded.dpi_y:.5g} dpi ({loaded.dpi_origin})"] += 1
        out.flags.update(loaded.flags)
        alike.setdefault(loaded.sha256, []).append(name)
    out.duplicates = [names for names in alike.values() if len(names) > 1]
    return out


def _survey(dpi: tuple[float, float] | None, item: Item) -> tuple[str, LoadedPrint] | str:
    """Return the size and the properties of a print, without its pixels; or why it cannot be read."""
    if item.error or isinstance(item, ArrayPrint):
        return escape_controls(item.error or "is an array")
    try:
        loaded = load_print(item, dpi)
    except Exception as error:
        return error_text(error)
    rows, columns = loaded.pixels.shape
    return f"{columns}x{rows}", replace(loaded, pixels=loaded.pixels[:0])


def split_prints(
    items: Sequence[PrintSource],
    recipe: Recipe,
    *,
    jobs: int | None = None,
    engine: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PrintSource]:
    """Return the prints with each image of several fingers replaced by its fingers, from left to right.

    Parameters
    ----------
    items : sequence of PrintSource
        Those with a label `finger` are of one finger, and stay as they are. So do those that cannot be read.
    recipe : Recipe
        How they are read and segmented.
    jobs, engine
        As `write_table` takes them.
    progress : callable, optional
        Called with the number of images that were looked at, and of all.

    Returns
    -------
    list of PrintSource
        A finger has the image's labels, `hand` and `finger` where they are clear (else a `finger_id` such as "2 of 3"),
        and the flag touching_fingers where it joins its neighbour. Its name ends in the box that it takes in its
        image, as in slap.png#320x480+20+0.
    """
    asked = [k for k, item in enumerate(items) if "finger" not in item.labels and item.error is None]
    out = [[item] for item in items]
    with using(engine, jobs) as workers:
        fingers_of = spread_items(partial(_split_print, recipe), [items[k] for k in asked], workers)
        for done, (k, found) in enumerate(zip(asked, fingers_of, strict=True), 1):
            if not isinstance(found, Stopped):  # otherwise it is stopped again, with the reason, when its row is made
                out[k] = found
            if progress:
                progress(done, len(asked))
    return [item for fingers in out for item in fingers]


def _split_print(recipe: Recipe, item: PrintSource) -> list[PrintSource]:
    try:
        fp = open_print(item, replace(recipe, mirror=None, params=recipe.params.updated(SPLIT_PARAMS)))
        fingers = split_fingers(fp.mask, is_slap=position_code(item.labels) in SLAPS)
    except (RidgefeatError, MemoryError):
        return [item]
    if len(fingers) < 2:
        return [item]
    out = []
    for number, (finger, named) in enumerate(zip(fingers, name_fingers(fingers, item.labels), strict=True), 1):
        # Fingers of one image are different fingers, even where it is not clear which.
        which = f"{item.labels.get('finger_id', '')} {number} of {len(fingers)}".strip()
        labels = item.labels | {"finger_id": which} | named
        if "finger" in named:  # as in the finger's other prints
            del labels["finger_id"]
        x, y = fp.dpi_x / WORKING_DPI, fp.dpi_y / WORKING_DPI
        left, top = int(finger.box[0] * x), int(finger.box[1] * y)
        height, width = fp.original.shape
        size = min(round(finger.box[2] * x), width - left), min(round(finger.box[3] * y), height - top)
        part = boxed(item, (left, top, *size))  # in px of the original
        flags = item.flags + ((TOUCHING,) if finger.touching else ())
        out.append(replace(part, labels=labels, flags=flags))
    return out
