"""Ink: where the ridges' pixels are dark, and how broad they are."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ridgefeat.structure import Bool, Float, UInt8

WINDOW = 11
"""Side, in cells of 4 px, of the square in which mean grey levels of crests and floors are taken (2.2 mm)."""
CLEAR = 0.6
"""Height of the enhanced waves from which a pixel belongs to a crest or a floor."""


class Ink(NamedTuple):
    """Where there is ink, shape (rows, columns), and its share about each 4 x 4 px."""

    inked: Bool
    share: Float


def find_ink(image: UInt8, enhanced: Float, mask: Bool) -> Ink:
    """Return where there is ink (darker than half way from ridge to valley), and its share about each 4 x 4 px.

    The enhanced print gives the places of ridges and valleys, the grey levels their breadth: the limit is half way
    between the mean grey levels of ridge crests and of valley floors around.
    """
    rows, columns = mask.shape
    small = -(-columns // 4), -(-rows // 4)
    half = (slice(None, None, 2), slice(None, None, 2))
    grey, waves = image[half].astype(np.float32), enhanced[half]

    def local(values: Float) -> Float:
        return np.asarray(cv2.blur(cv2.resize(values, small, interpolation=cv2.INTER_AREA), (WINDOW, WINDOW)))

    levels = []
    for where in (waves < -CLEAR, waves > CLEAR):
        weight = where.astype(np.float32)
        levels.append(local(grey * weight) / (local(weight) + np.float32(1e-4)))
    half_way = cv2.resize((levels[0] + levels[1]) / 2, (columns, rows), interpolation=cv2.INTER_LINEAR)
    inked = (image < half_way) & mask
    share = local(inked[half].astype(np.float32)) / (local(mask[half].astype(np.float32)) + np.float32(1e-4))
    return Ink(inked, share)
