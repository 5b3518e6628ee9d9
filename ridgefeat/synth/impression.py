"""An impression of a finger: what it is like, how it lies, its contact, ink and grey levels, and what is true of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.structure import WORKING_DPI, Array, Bool, Float, UInt8
from ridgefeat.synth.flow import smooth_noise
from ridgefeat.synth.placement import Placement, carry_fields, carry_points
from ridgefeat.synth.prints import Impression, ImpressionParams, MasterPrint, Rng, Shape, Truth

_Maps = tuple[Float, Float]
"""x and y in the master for every pixel of an impression."""

NOISE_LEVELS = (0, 1, 2, 3, 4)
_SEEN = 6.0
"""Pixels inside the contact's edge from which a minutia can be distinguished from a ridge that the edge cuts."""
_BREADTHS = (0.3, 0.3, 0.2, 0.12, 0.08)
"""Shares of creases that are 1, 2, ... pixels wide in an impression."""


def make_impression(
    master: MasterPrint,
    *,
    rng: Rng | int,
    noise_level: int = 1,
    params: ImpressionParams | None = None,
    shape: Shape = (400, 360),
) -> Impression:
    """Press a finger on the sensor.

    Parameters
    ----------
    master : MasterPrint
        The finger.
    rng : numpy.random.Generator or int
        Where chance comes from.
    noise_level : {0, 1, 2, 3, 4}
        0 free of noise, 1 good, 2 fair, 3 poor, 4 hard; ignored if `params` are given.
    params : ImpressionParams, optional
        What the impression is like; drawn for the noise level without.
    shape : (int, int), each 64 to 1024
        Rows and columns of the print at 500 dpi.

    Returns
    -------
    Impression
        The same for the same arguments. At 500 dpi its image has the given shape.

    Raises
    ------
    ParameterError
        If the noise level or the shape is out of range.
    """
    if len(shape) != 2 or not all(64 <= n <= 1024 for n in shape):
        raise ParameterError(f"shape must be rows and columns between 64 and 1024 px, got {shape!r}")
    rng = np.random.default_rng(rng)
    if params is None:
        params = draw_params(noise_level, rng)
    placement = _place(master, params, shape, rng)
    maps = placement.maps(shape)
    depth = _contact(master, params, maps, rng)
    ink = _draw_ink(master, params, maps, depth, rng)
    image = _sense(ink, params, rng)
    return Impression(image, float(params.dpi), _truth(master, placement, maps, depth))


def draw_params(noise_level: int, rng: Rng) -> ImpressionParams:
    """Draw what an impression is like.

    Parameters
    ----------
    noise_level : {0, 1, 2, 3, 4}
        0 placed and distorted but free of noise; 1 good, 2 fair, 3 poor; 4 hard: poor skin with dry and wet patches
        and scars, and each other image with an earlier print's residue, each third with a frame, each fourth with
        writing, all in uneven light.
    rng : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    ImpressionParams
        At 500 dpi.

    Raises
    ------
    ParameterError
        If there is no such level.
    """
    if noise_level not in NOISE_LEVELS:
        raise ParameterError(f"noise_level must be one of 0, 1, 2, 3, 4, got {noise_level!r}")
    worse = min(noise_level, 3) / 3
    params = ImpressionParams(
        rotation=float(np.clip(rng.normal(0, 0.10 + 0.12 * worse), -0.6, 0.6)),
        shift_x=float(rng.normal(0, 10)),
        shift_y=float(rng.normal(0, 10)),
        distortion=float(rng.uniform(0.3, 1.2 + 0.6 * worse)),
        contact=float(rng.uniform(0.88, 1.05) - 0.28 * worse * rng.random()),
        contact_x=float(rng.normal(0, 6 + 18 * worse)),
        contact_y=float(rng.normal(0, 8 + 24 * worse)),
    )
    if noise_level == 0:
        return params
    params = replace(
        params,
        pressure=float(np.clip(rng.normal(0, 0.15 + 0.45 * worse), -0.9, 0.9)),
        unevenness=float(0.15 + 0.75 * worse * rng.uniform(0.5, 1)),
        roughness=float(rng.uniform(0.05, 0.30) + 1.0 * worse),
        pores=float(rng.uniform(0.2, 0.9)),
        creases=float(rng.uniform(0.2, 1.0)),
        scratches=int(rng.poisson(1 + 7 * worse**2)),
        smudge=float(worse**1.5 * rng.uniform(0.2, 1)),
        blur=float(rng.uniform(0.5, 0.8) + 0.3 * worse),
        noise=float(rng.uniform(2, 5) + 22 * worse**1.5),
        background=str(rng.choice(["white", "grey", "dirty"], p=[0.55, 0.2, 0.25])),
    )
    if noise_level < 4:
        return params
    return replace(
        params,
        unevenness=float(rng.uniform(0.9, 1.8)),
        scars=float(rng.uniform(0.5, 1)),
        residue=float(rng.uniform(0.2, 0.7) * (rng.random() < 1 / 2)),
        frame=bool(rng.random() < 1 / 3),
        writing=bool(rng.random() < 1 / 4),
        light=float(rng.uniform(0.1, 0.6)),
    )


def _place(master: MasterPrint, params: ImpressionParams, shape: Shape, rng: Rng) -> Placement:
    """Lay the finger's middle near the middle of the image and pull its skin in a random direction."""
    rows, columns = master.ridges.shape
    way, amount = rng.uniform(0, 2 * np.pi), params.distortion
    return Placement(
        centre=((shape[1] - 1) / 2 + params.shift_x, 0.48 * shape[0] + params.shift_y),
        master_centre=((columns - 1) / 2 + params.contact_x, 0.48 * rows + params.contact_y),
        rotation=params.rotation,
        pull_x=float(amount * 8 * np.cos(way)),
        pull_y=float(amount * 8 * np.sin(way)),
        torsion=float(amount * rng.normal(0, 0.06)),
        stick_x=float(rng.uniform(40, 70)),
        stick_y=float(rng.uniform(50, 90)),
        elasticity=float(rng.uniform(1.6, 2.4)),
    )


def _contact(master: MasterPrint, params: ImpressionParams, maps: _Maps, rng: Rng) -> Float:
    """How far inside the area in contact each pixel lies, in pixels; negative outside."""
    rows, columns = master.ridges.shape
    slim = rng.uniform(0.90, 1.04)
    radius_x, radius_y = 0.41 * columns * params.contact * slim, 0.46 * rows * params.contact / slim
    u = (maps[0] - (columns - 1) / 2 - params.contact_x) / radius_x
    v = (maps[1] - 0.49 * rows - params.contact_y) / radius_y
    wave = 1 + 0.03 * smooth_noise(maps[0].shape, 90, rng) + 0.008 * smooth_noise(maps[0].shape, 14, rng)
    ellipse = (wave - (np.abs(u) ** 2.4 + np.abs(v) ** 2.4) ** (1 / 2.4)) * min(radius_x, radius_y)
    inside = np.pad(master.truth.mask.astype(np.uint8), 1)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1] - 0.5
    pad = cv2.remap(distance, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-1)
    return np.asarray(np.minimum(ellipse, pad), np.float32)


def _draw_ink(master: MasterPrint, params: ImpressionParams, maps: _Maps, depth: Float, rng: Rng) -> Float:
    """Return ink, 0 (none) to 1, given maps to the master (px) and the depth inside the area in contact (px)."""
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
    ink *= 1 - _white_lines(master, params, maps, rng)
    ink *= strength * np.clip(depth, 0, 1)
    if params.residue > 0:
        ink = 1 - (1 - ink) * (1 - params.residue * residue_of(master.ridges, shape, rng))
    for is_there, dark in ((params.frame, frame_of), (params.writing, writing_of)):
        if is_there:
            ink = np.maximum(ink, dark(shape, rng))
    return np.asarray(np.clip(ink, 0, 1.2), np.float32)


def _from_master(field: Float, maps: _Maps, how: int = cv2.INTER_LINEAR) -> Float:
    return np.asarray(cv2.remap(field, *maps, how, borderMode=cv2.BORDER_REFLECT), np.float32)


def _white_lines(master: MasterPrint, params: ImpressionParams, maps: _Maps, rng: Rng) -> Float:
    """Pores, creases and scars of the finger, scratches of the impression: what stays white, 0 to 1."""
    shape = maps[0].shape
    white = np.zeros(shape, np.float32)
    if params.pores > 0:
        spots = np.zeros(master.ridges.shape, np.float32)
        x, y = np.rint(master.pores[rng.random(len(master.pores)) < params.pores].T).astype(int)
        spots[y, x] = rng.uniform(3, 7, len(x))
        white = np.minimum(_from_master(cv2.GaussianBlur(spots, (0, 0), 0.9), maps), 0.85)
    if params.creases > 0 and master.creases:
        drawn = np.zeros(master.ridges.shape, np.float32)
        for line in master.creases:
            drawn = np.maximum(drawn, draw_line(master.ridges.shape, line, int(rng.choice(5, p=_BREADTHS)) + 1))
        mottle = np.clip(1 + 0.5 * smooth_noise(shape, 12, rng), 0, 1.3)
        white = np.maximum(white, np.minimum(params.creases * _from_master(drawn, maps) * mottle, 1))
    if params.scars > 0 and master.scars:
        drawn = np.max([draw_line(master.ridges.shape, line, 7) for line in master.scars], axis=0)
        ragged = np.clip(1 + 1.2 * smooth_noise(shape, 6, rng), 0, 1)
        white = np.maximum(white, params.scars * _from_master(drawn, maps) * ragged)
    for _ in range(params.scratches):
        ends = rng.uniform(0, 1, (2, 2)) * [shape[1], shape[0]]
        ends[1] = ends[0] + (ends[1] - ends[0]) * rng.uniform(0.1, 0.6)
        bow = np.cumsum(rng.normal(0, 2.0, (6, 2)), axis=0)
        scratch = draw_line(shape, np.linspace(ends[0], ends[1], 6) + bow, int(rng.integers(1, 3)))
        white = np.maximum(white, np.float32(rng.uniform(0.4, 0.9)) * scratch)
    return white


def _sense(ink: Float, params: ImpressionParams, rng: Rng) -> UInt8:
    """Turn ink at 500 dpi into grey levels, ridges dark, at the parameters' resolution, as a sensor does."""
    if params.blur > 0:
        ink = cv2.GaussianBlur(ink, (0, 0), params.blur)
    if params.noise == 0 and params.background == "white":
        image = np.float32(255) * (1 - ink)
    else:
        paper, black = _paper(ink.shape, params, rng), float(rng.uniform(10, 60))
        image = paper - (paper - np.float32(black)) * ink
    if params.light > 0:
        image = image * (1 - params.light * light_of((ink.shape[0], ink.shape[1]), rng))
    if (scale := params.dpi / WORKING_DPI) != 1:
        width, height = (max(1, round(side * scale)) for side in ink.shape[::-1])
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        image = cv2.resize(image, (width, height), interpolation=how)
    if params.noise > 0:
        shot = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(params.noise)
        # An optical sensor's noise follows the light that it lost to ridges, so that white paper stays white.
        image = image + shot * (np.float32(0.25) + np.float32(0.75) * (1 - image / 255))
    return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)


def _paper(shape: tuple[int, ...], params: ImpressionParams, rng: Rng) -> Float:
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


def _truth(master: MasterPrint, placement: Placement, maps: _Maps, depth: Float) -> Truth:
    known, mask = master.truth, depth > 0
    minutiae = _inside(carry_points(known.minutiae, placement), depth > _SEEN)
    singular = _inside(carry_points(known.singular_points, placement), mask)
    return Truth(*carry_fields(known.orientation.angle, known.period, maps), mask, minutiae, singular)


def _inside(points: Any, mask: Bool) -> Any:
    x, y = np.rint(points.x).astype(int), np.rint(points.y).astype(int)
    within = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    within[within] = mask[y[within], x[within]]
    return points.select(within)


_SHIFT = 4
"""Bits of a pixel's fraction in which lines are drawn."""


def draw_line(shape: tuple[int, ...], points: Array, thickness: int) -> Float:
    """Return a polyline with soft edges, 0 to 1, through points (x, y) in pixels."""
    canvas = np.zeros(shape, np.uint8)
    fixed = np.rint(points * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(canvas, [fixed[:, None, :]], False, 255, thickness, cv2.LINE_AA, _SHIFT)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 0.7) / np.float32(255), np.float32)


def residue_of(ridges: Float, shape: Shape, rng: Rng) -> Float:
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


def frame_of(shape: Shape, rng: Rng) -> Float:
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


def writing_of(shape: Shape, rng: Rng) -> Float:
    """Return a line of cursive loops, 0 to 1, along the upper or lower edge of the image."""
    loops, size = int(rng.integers(4, 10)), rng.uniform(8, 24)
    t = np.linspace(0, 2 * np.pi * loops, 60 * loops)
    x = t * size * rng.uniform(0.08, 0.16) + 0.6 * size * np.sin(t + rng.uniform(0, 2))
    y = size * (np.cos(t) + 0.4 * np.cos(t * rng.uniform(0.3, 0.7)))
    x += rng.uniform(0, shape[1] / 2)
    y += rng.choice([0.06, 0.94]) * shape[0]
    return draw_line(shape, np.column_stack([x, y]), int(rng.integers(2, 5)))


def light_of(shape: Shape, rng: Rng) -> Float:
    """Return where light is missing, 0 to 1: a slope across the image, with broad spots."""
    y, x = np.indices(shape, np.float32)
    way = rng.uniform(0, 2 * np.pi)
    slope = 0.5 + (x / shape[1] - 0.5) * np.cos(way) + (y / shape[0] - 0.5) * np.sin(way)
    return np.asarray(np.clip(slope + 0.25 * smooth_noise(shape, 80, rng), 0, 1), np.float32)
