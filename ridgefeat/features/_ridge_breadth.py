"""How broad ridges are and where light gaps interrupt them, read from the grey values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.structure import MM_PER_PX, Bool, Float

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

WINDOW = 41
CLEAR = 0.6
PORE_LENGTH = 12


def breadth_maps(fp: Fingerprint) -> tuple[Bool, Float]:
    """Return where there is ink (darker than half way between local ridge and valley), and its local share.

    The enhanced print tells where ridges and valleys run, the grey values how broad they are: the level half way
    between the mean grey of ridge crests and of valley floors around.
    """
    grey = fp.image.astype(np.float32)
    crest, floor = fp.enhanced < -CLEAR, fp.enhanced > CLEAR
    levels = []
    for where in (crest, floor):
        weight = where.astype(np.float32)
        total = cv2.blur(grey * weight, (WINDOW, WINDOW))
        levels.append(total / (cv2.blur(weight, (WINDOW, WINDOW)) + np.float32(1e-4)))
    inked = (grey < (levels[0] + levels[1]) / 2) & fp.mask
    inside = cv2.blur(fp.mask.astype(np.float32), (WINDOW, WINDOW))
    share = cv2.blur(inked.astype(np.float32), (WINDOW, WINDOW)) / (inside + np.float32(1e-4))
    return inked, share


def gap_figures(fp: Fingerprint, inked: Bool) -> tuple[float, float, float, float]:
    """Return the light share of the ridges, pores per cm of ridge, white lines per cm² and their mm per cm²."""
    line = fp.skeleton
    on_line = cv2.countNonZero(line.view(np.uint8))
    if not on_line:
        return (np.nan,) * 4
    light = line & ~inked
    _, _, runs, _ = cv2.connectedComponentsWithStats(light.view(np.uint8), connectivity=8)
    pores = int(np.count_nonzero(runs[1:, cv2.CC_STAT_AREA] <= PORE_LENGTH))
    spacing = float(np.median(fp.period[fp.mask]))
    # Light gaps of neighbouring ridges join into one blob when grown by a little more than half a valley.
    reach = int(0.8 * spacing) | 1
    grown = cv2.dilate(light.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    _, _, blobs, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    extent = np.hypot(blobs[1:, cv2.CC_STAT_WIDTH], blobs[1:, cv2.CC_STAT_HEIGHT]) - reach
    crossing = extent >= 2 * spacing
    area_cm2 = cv2.countNonZero(fp.mask.view(np.uint8)) * MM_PER_PX**2 / 100
    return (
        cv2.countNonZero(light.view(np.uint8)) / on_line,
        pores / (on_line * 1.11 * MM_PER_PX / 10),
        int(np.count_nonzero(crossing)) / area_cm2,
        float(extent[crossing].sum()) * MM_PER_PX / area_cm2,
    )
