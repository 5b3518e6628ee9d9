"""From a ridge pattern to grey levels: ink where ridges touch, and what the sensor makes of it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.structure import WORKING_DPI, Float, UInt8
from ridgefeat.synth.flow import smooth_noise
from ridgefeat.synth.impression_params import ImpressionParams
from ridgefeat.synth.prints import MasterPrint

_Array = NDArray[Any]

_BREADTHS = (0.3, 0.3, 0.2, 0.12, 0.08)
"""Shares of creases that are 1, 2, ... pixels wide in an impression."""

_SHIFT = 4
"""Bits of a pixel's fraction in which lines are drawn."""


def draw_ink(
    master: MasterPrint, params: ImpressionParams, maps: tuple[Float, Float], depth: Float, rng: np.random.Generator
) -> Float:
    """Draw where the finger touches.

    Parameters
    ----------
    master : MasterPrint
        The finger.
    params : ImpressionParams
        What the impression is like.
    maps : (ndarray, ndarray), each shape (rows, columns)
        x and y in the master for every pixel.
    depth : ndarray of float32, shape (rows, columns)
        Distance inside the area in contact in pixels.
    rng : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Ink, 0 (none) to 1.
    """
    shape = maps[0].shape
    height = _from_master(master.ridges, maps, cv2.INTER_CUBIC)
    threshold = np.full(shape, -0.55 * params.pressure, np.float32)
    strength = np.ones(shape, np.float32)
    if params.unevenness > 0:
        moist = smooth_noise(shape, 70, rng) + 0.5 * smooth_noise(shape, 25, rng)
        threshold -= 0.45 * params.unevenness * moist
        strength += 0.12 * params.unevenness * smooth_noise(shape, 50, rng)
    if params.roughness > 0:
        height += 0.42 * params.roughness * _from_master(master.relief, maps)
        grain = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 0.9)
        height += 0.7 * params.roughness * (1 + max(0.0, -params.pressure)) * grain
        threshold += np.exp(-np.maximum(depth, 0) / 10) * (0.9 + 0.5 * smooth_noise(shape, 30, rng))
    if params.smudge > 0:
        blotch = np.maximum(smooth_noise(shape, 35, rng) + 0.4 * smooth_noise(shape, 9, rng) - 1.2, 0)
        threshold += 1.3 * params.smudge * blotch * rng.choice([-1, 1])
    ink = 1 / (1 + np.exp(np.clip(-(height - threshold) * 4.5, -30, 30)))
    lines = _white_lines(master, params, maps, rng)
    if lines is not None:
        ink *= 1 - lines
    ink *= strength * np.clip(depth, 0, 1)
    return np.asarray(np.clip(ink, 0, 1.2), np.float32)


def _from_master(field: Float, maps: tuple[Float, Float], how: int = cv2.INTER_LINEAR) -> Float:
    return np.asarray(cv2.remap(field, *maps, how, borderMode=cv2.BORDER_REFLECT), np.float32)


def _white_lines(
    master: MasterPrint, params: ImpressionParams, maps: tuple[Float, Float], rng: np.random.Generator
) -> Float | None:
    """Pores and creases of the finger, scratches of the impression: what stays white, 0 to 1."""
    shape = maps[0].shape
    white = None
    if params.pores > 0:
        spots = np.zeros(master.ridges.shape, np.float32)
        x, y = np.rint(master.pores[rng.random(len(master.pores)) < params.pores].T).astype(int)
        spots[y, x] = rng.uniform(3, 7, len(x))
        white = np.minimum(_from_master(cv2.GaussianBlur(spots, (0, 0), 0.9), maps), 0.85)
    if params.creases > 0 and master.creases:
        drawn = np.zeros(master.ridges.shape, np.float32)
        for line in master.creases:
            drawn = np.maximum(drawn, _line(master.ridges.shape, line, int(rng.choice(5, p=_BREADTHS)) + 1))
        mottle = np.clip(1 + 0.5 * smooth_noise(shape, 12, rng), 0, 1.3)
        white = _over(white, np.minimum(params.creases * _from_master(drawn, maps) * mottle, 1))
    for _ in range(params.scratches):
        ends = rng.uniform(0, 1, (2, 2)) * [shape[1], shape[0]]
        ends[1] = ends[0] + (ends[1] - ends[0]) * rng.uniform(0.1, 0.6)
        bow = np.cumsum(rng.normal(0, 2.0, (6, 2)), axis=0)
        scratch = _line(shape, np.linspace(ends[0], ends[1], 6) + bow, int(rng.integers(1, 3)))
        white = _over(white, rng.uniform(0.4, 0.9) * scratch)
    return white


def _over(below: Float | None, above: Float) -> Float:
    return np.asarray(above if below is None else np.maximum(below, above), np.float32)


def _line(shape: tuple[int, ...], points: _Array, thickness: int) -> Float:
    canvas = np.zeros(shape, np.uint8)
    fixed = np.rint(points * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(canvas, [fixed[:, None, :]], False, 255, thickness, cv2.LINE_AA, _SHIFT)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 0.7) / np.float32(255), np.float32)


def sense(ink: Float, params: ImpressionParams, rng: np.random.Generator) -> UInt8:
    """Turn ink into grey levels as a sensor does.

    Parameters
    ----------
    ink : ndarray of float32, shape (rows, columns)
        0 (none) to 1, at 500 dpi.
    params : ImpressionParams
        Blur, noise, background and resolution.
    rng : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    ndarray of uint8
        Ridges dark, at the resolution of the parameters.
    """
    if params.blur > 0:
        ink = cv2.GaussianBlur(ink, (0, 0), params.blur)
    if params.noise == 0 and params.background == "white":
        image = np.float32(255) * (1 - ink)
    else:
        paper, black = _paper(ink.shape, params, rng), float(rng.uniform(10, 60))
        image = paper - (paper - np.float32(black)) * ink
    if params.dpi != WORKING_DPI:
        scale = params.dpi / WORKING_DPI
        size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    if params.noise > 0:
        shot = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(params.noise)
        # An optical sensor's noise follows the light that it lost to ridges, so that white paper stays white.
        image = image + shot * (np.float32(0.25) + np.float32(0.75) * (1 - image / 255))
    return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)


def _paper(shape: tuple[int, ...], params: ImpressionParams, rng: np.random.Generator) -> Float:
    rows, columns = shape
    if params.background == "grey":
        y, x = np.ogrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
        level = rng.uniform(170, 215) - rng.uniform(10, 50) * (x**2 + y**2) / 2
        grain = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 0.8)
        return np.asarray(level + 8 * grain + 4 * smooth_noise((rows, columns), 60, rng), np.float32)
    paper = np.full(shape, rng.uniform(245, 255), np.float32)
    if params.background == "dirty":
        specks = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 1.0) * 3.5
        patches = np.clip(smooth_noise((rows, columns), 45, rng), 0, 1.5)
        paper -= np.clip(specks - 3.0 + patches, 0, 2) * 45
    return paper
