"""Pictures for a page: prints found again from a table's rows, drawn, and embedded as data."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ridgefeat.errors import ImageError, RidgefeatError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.report.distributions import as_text
from ridgefeat.report.panels import PANELS, Canvas, Legend
from ridgefeat.report.show import draw_panel
from ridgefeat.sources import PrintSource
from ridgefeat.structure import UInt8
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import open_print

if TYPE_CHECKING:
    import pandas as pd

MOST_PICTURES = 60
WEBP_QUALITY = 55
SMALL_SIDE, LARGE_SIDE = 500, 640
"""Longer side in pixels of a print on the contact sheet, and of one stage."""

LEGEND_HEIGHT, LEGEND_LEAST, LEGEND_MOST = 34, 520, 1000


@dataclass(frozen=True)
class Picture:
    """An embedded picture: its data URI and its size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True)
class Stage:
    """One stage of a print: title, meaning, picture, and the legend, a picture as well."""

    title: str
    meaning: str
    picture: Picture
    legend: Picture


def gather(frame: pd.DataFrame, about: Mapping[str, Any], root: Path | None) -> dict[str, Any]:
    """Return a page's pictures: a sheet of prints, one print's stages, and why others are not there.

    Parameters
    ----------
    frame : DataFrame
        A feature table.
    about : mapping
        Its sidecar.
    root : Path or None
        The folder that was extracted; None for no pictures.
    """
    sheet: list[dict[str, Any]] = []
    found = {"sheet": sheet, "stages": [], "example": "", "no_picture": [], "pictures": root is not None}
    read = frame[as_text(frame, "meta_error") == ""]
    if root is None or not len(read):
        return found
    try:
        params = Params.from_dict(about["parameters"], "the table's parameters")
        drawn = [(row, *try_small(row, root, params)) for row in _spaced(read, MOST_PICTURES)]
        found["no_picture"] = [reason for _, picture, reason in drawn if picture is None]
        sheet += [_entry(row, picture) for row, picture, _ in drawn if picture]
        if sheet:
            row = _typical(read)
            found["stages"] = stages(reopen(row, root, params))
            found["example"] = row["meta_source"]
    except RidgefeatError as error:
        found["no_picture"] = [str(error)]
    return found


def embed(picture: UInt8) -> Picture:
    """Return an RGB picture as a data URI."""
    pixels = np.ascontiguousarray(picture[..., ::-1])
    for ending, options in ((".webp", [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY]), (".png", [])):
        try:
            written, data = cv2.imencode(ending, pixels, options)
        except cv2.error:  # an OpenCV built without WebP
            continue
        if written:
            coded = base64.b64encode(data.tobytes()).decode("ascii")
            return Picture(f"data:image/{ending[1:]};base64,{coded}", picture.shape[1], picture.shape[0])
    raise ImageError(f"this OpenCV ({cv2.__version__}) writes neither WebP nor PNG; install opencv-python")


def reopen(row: Mapping[str, Any], root: Path, params: Params) -> Fingerprint:
    """Read the print that a row of a table stands for, as it was read then.

    Parameters
    ----------
    row : mapping
        The row's cells by column.
    root : Path
        The folder that `meta_source` is relative to.
    params : Params
        Parameters of the stages.

    Raises
    ------
    RidgefeatError
        If the print is not there, cannot be read, or is not what it was.
    """
    name = str(row["meta_source"])
    path = Path(os.path.normpath(root / name))
    # By name only: what a link inside the folder points to was extracted as well.
    if not path.is_relative_to(os.path.normpath(root)):
        raise ImageError(f"{name}: lies outside {root}")
    hand = row.get("hand")
    source = PrintSource(path, name, str(row["meta_layout"]), {"hand": hand} if isinstance(hand, str) else {})
    meta: dict[str, Any] = {}
    dpi = float(row["meta_dpi_x"]), float(row["meta_dpi_y"])
    fp = open_print(source, Recipe.make(None, params, dpi), meta)
    if meta["meta_sha256"] != row["meta_sha256"]:
        raise ImageError(f"{name}: its pixels are no longer those that the table was made from")
    return fp


def small(fp: Fingerprint) -> Picture:
    """Return a print with its minutiae and singular points for a contact sheet."""
    return embed(draw_panel(fp, "minutiae", scale=_scale(fp, SMALL_SIDE)))


def stages(fp: Fingerprint) -> list[Stage]:
    """Return every stage of a print."""
    canvas = Canvas(fp, _scale(fp, LARGE_SIDE))
    out = []
    for panel in PANELS.values():
        picture, legend = panel.draw(canvas)
        out.append(Stage(panel.title, panel.meaning, embed(picture), embed(_legend(legend))))
    return out


def try_small(row: Mapping[str, Any], root: Path, params: Params) -> tuple[Picture | None, str]:
    """Return a row's picture for the contact sheet, or None and the reason."""
    try:
        return small(reopen(row, root, params)), ""
    except RidgefeatError as error:
        return None, str(error)


def _legend(draw: Legend) -> UInt8:
    """Return a legend as wide as it has to be."""
    strip = np.full((LEGEND_HEIGHT, LEGEND_MOST, 3), 255, np.uint8)
    draw(strip)
    inked = np.flatnonzero((strip < 255).any((0, 2)))
    return strip[:, : max(LEGEND_LEAST, int(inked[-1]) + 12 if len(inked) else 0)]


def _scale(fp: Fingerprint, side: int) -> float:
    return float(np.clip(side / max(fp.image.shape), 0.25, 4.0))


def _entry(row: Mapping[str, Any], picture: Picture) -> dict[str, Any]:
    flags = str(row["meta_flags"] or "").replace("_", " ")
    return {"source": row["meta_source"], "picture": picture, "flags": flags, "about": _about(row)}


def _spaced(frame: pd.DataFrame, most: int) -> Iterable[dict[str, Any]]:
    """Return rows from all over a table, at most so many."""
    at = np.unique(np.linspace(0, len(frame) - 1, min(most, len(frame))).round().astype(int))
    return [{str(k): v for k, v in r.items()} for r in frame.iloc[at].to_dict("records")]


def _about(row: Mapping[str, Any]) -> str:
    """Return a picture's line: labels, where there are any, and the number of minutiae."""
    words = [
        str(row[n])
        for n in ("sex", "hand", "finger", "pattern", "pattern_class")
        if isinstance(row.get(n), str) and row[n]
    ]
    count = row.get("minutiae_count")
    if isinstance(count, float) and np.isfinite(count):
        words.append(f"{count:.0f} minutiae")
    return ", ".join(words).replace("_", " ")


def _typical(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the row to show stage by stage: without flags if there is one, and with a usual number of minutiae."""
    clean = frame[as_text(frame, "meta_flags") == ""]
    some = clean if len(clean) else frame
    at = 0
    if "minutiae_count" in some.columns and some["minutiae_count"].notna().any():
        counts = some["minutiae_count"].to_numpy(np.float64)
        at = int(np.nanargmin(np.abs(counts - np.nanmedian(counts))))
    return {str(k): v for k, v in some.iloc[at].to_dict().items()}
