"""Pictures for a page: prints found again from a table's rows, drawn, and embedded as data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ridgefeat.errors import ImageError, RidgefeatError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.report.panels import PANELS, Canvas, Legend
from ridgefeat.report.show import draw_panel
from ridgefeat.sources import PrintSource
from ridgefeat.structure import UInt8
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import open_print

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
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
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
