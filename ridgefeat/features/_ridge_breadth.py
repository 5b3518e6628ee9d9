"""How broad ridges are and where light gaps interrupt them, read from the grey values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.features import _frame
from ridgefeat.structure import MM_PER_PX, Bool, Float

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

WINDOW = 11
CLEAR = 0.6
PORE_LENGTH = 12


def breadth_maps(fp: Fingerprint) -> tuple[Bool, Float]:
    """Return where there is ink (darker than half way from ridge to valley), and its share about each 4 x 4 px.

    The enhanced print tells where ridges and valleys run, the grey values how broad they are: the level half way
    between the mean grey of ridge crests and of valley floors around.
    """
    rows, columns = fp.mask.shape
    small = -(-columns // 4), -(-rows // 4)
    half = (slice(None, None, 2), slice(None, None, 2))
    grey, enhanced = fp.image[half].astype(np.float32), fp.enhanced[half]

    def local(values: Float) -> Float:
        return np.asarray(cv2.blur(cv2.resize(values, small, interpolation=cv2.INTER_AREA), (WINDOW, WINDOW)))

    levels = []
    for where in (enhanced < -CLEAR, enhanced > CLEAR):
        weight = where.astype(np.float32)
        levels.append(local(grey * weight) / (local(weight) + np.float32(1e-4)))
    half_way = cv2.resize((levels[0] + levels[1]) / 2, (columns, rows), interpolation=cv2.INTER_LINEAR)
    inked = (fp.image < half_way) & fp.mask
    share = local(inked[half].astype(np.float32)) / (local(fp.mask[half].astype(np.float32)) + np.float32(1e-4))
    return inked, share


def gap_figures(fp: Fingerprint, inked: Bool) -> tuple[float, float, float, float]:
    """Return the light share of the ridges, pores per cm of ridge, white lines per cm² and their mm per cm²."""
    line = fp.skeleton
    on_line = cv2.countNonZero(line.view(np.uint8))
    if not on_line:
        return (np.nan,) * 4
    light = line & ~inked
    _, runs = cv2.connectedComponents(light.view(np.uint8), connectivity=8, ltype=cv2.CV_16U)
    pores = int(np.count_nonzero(np.bincount(runs[light])[1:] <= PORE_LENGTH))
    (spacing,) = _frame.percentiles(fp.period[::4, ::4][fp.mask[::4, ::4]], 50)
    # Light gaps stand on centre lines, so those of neighbouring ridges join when grown by over half a period.
    reach = int(1.2 * spacing) | 1
    grown = cv2.dilate(light.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    _, _, blobs, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(grown[::2, ::2]), connectivity=8)
    extent = np.hypot(2 * blobs[1:, cv2.CC_STAT_WIDTH] - reach, 2 * blobs[1:, cv2.CC_STAT_HEIGHT] - reach)
    crossing = extent >= 1.8 * spacing
    area_cm2 = cv2.countNonZero(fp.mask.view(np.uint8)) * MM_PER_PX**2 / 100
    return (
        cv2.countNonZero(light.view(np.uint8)) / on_line,
        pores / (on_line * 1.11 * MM_PER_PX / 10),
        int(np.count_nonzero(crossing)) / area_cm2,
        float(extent[crossing].sum()) * MM_PER_PX / area_cm2,
    )
