"""What real images hold besides the print: an earlier print's residue, the sensor's frame, writing and uneven light."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.structure import Array, Float
from ridgefeat.synth.flow import smooth_noise

_SHIFT = 4
"""Bits of a pixel's fraction in which lines are drawn."""


def draw_line(shape: tuple[int, ...], points: Array, thickness: int) -> Float:
    """Return a polyline with soft edges, 0 to 1, through points (x, y) in pixels."""
    canvas = np.zeros(shape, np.uint8)
    fixed = np.rint(points * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(canvas, [fixed[:, None, :]], False, 255, thickness, cv2.LINE_AA, _SHIFT)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 0.7) / np.float32(255), np.float32)


def residue_of(ridges: Float, shape: tuple[int, int], rng: np.random.Generator) -> Float:
    """Return what an earlier print left on the sensor, 0 to 1.

    The finger's own ridges, mirrored and placed elsewhere, stand in for another finger's. `ridges` is +1 on ridges and
    -1 in valleys, `shape` that of the impression.
    """
    rows, columns = shape
    middle = (ridges.shape[1] - 1) / 2, (ridges.shape[0] - 1) / 2
    placed = cv2.getRotationMatrix2D(middle, float(np.degrees(rng.normal(0, 0.5))), 1.0)
    shift = rng.uniform(-0.5, 0.5, 2) * [columns, rows]
    placed[:, 2] += shift + [columns / 2 - middle[0], rows / 2 - middle[1]]
    other = cv2.warpAffine(np.ascontiguousarray(ridges[:, ::-1]), placed, (columns, rows), borderValue=-1)
    y, x = np.indices(shape, np.float32)
    u = (x - columns / 2 - shift[0]) / (0.38 * columns)
    v = (y - rows / 2 - shift[1]) / (0.40 * rows)
    rim = np.clip(4 * (1 + 0.1 * smooth_noise(shape, 40, rng) - np.hypot(u, v)), 0, 1)
    patches = np.clip(0.6 + 0.5 * smooth_noise(shape, 35, rng), 0, 1)
    return np.asarray(rim * patches / (1 + np.exp(-4.5 * other)), np.float32)


def frame_of(shape: tuple[int, int], rng: np.random.Generator) -> Float:
    """Return a dark frame, 0 to 1: bands along some sides of the image, or a thin rectangle a little inside."""
    frame = np.zeros(shape, np.float32)
    if rng.random() < 0.3:
        left, top, right, bottom = rng.integers(3, 40, 4)
        corners = (int(left), int(top)), (int(shape[1] - right), int(shape[0] - bottom))
        cv2.rectangle(frame, *corners, 1.0, int(rng.integers(1, 4)))
        return frame
    for side in rng.choice(4, int(rng.integers(1, 4)), replace=False):
        np.rot90(frame, side)[: int(rng.integers(2, 25))] = 1
    return frame


def writing_of(shape: tuple[int, int], rng: np.random.Generator) -> Float:
    """Return a line of cursive loops, 0 to 1, along the upper or lower edge of the image."""
    loops, size = int(rng.integers(4, 10)), rng.uniform(8, 24)
    t = np.linspace(0, 2 * np.pi * loops, 60 * loops)
    x = t * size * rng.uniform(0.08, 0.16) + 0.6 * size * np.sin(t + rng.uniform(0, 2))
    y = size * (np.cos(t) + 0.4 * np.cos(t * rng.uniform(0.3, 0.7)))
    x += rng.uniform(0, shape[1] / 2)
    y += rng.choice([0.06, 0.94]) * shape[0]
    return draw_line(shape, np.column_stack([x, y]), int(rng.integers(2, 5)))


def light_of(shape: tuple[int, int], rng: np.random.Generator) -> Float:
    """Return where light is missing, 0 to 1: a slope across the image, with broad spots."""
    y, x = np.indices(shape, np.float32)
    way = rng.uniform(0, 2 * np.pi)
    slope = 0.5 + (x / shape[1] - 0.5) * np.cos(way) + (y / shape[0] - 0.5) * np.sin(way)
    return np.asarray(np.clip(slope + 0.25 * smooth_noise(shape, 80, rng), 0, 1), np.float32)
