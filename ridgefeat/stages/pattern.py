"""Pattern class: arch, tented arch, left loop, right loop or whorl, each with a probability."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.stages.grid import FINE
from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.stages.symmetry import (
    DEVIATION,
    OPPOSITE,
    Complex,
    core_near,
    deep_inside,
    delta_likeness,
    summit,
    symmetry,
)
from ridgefeat.structure import Bool, Float

CLASSES = ("arch", "tented_arch", "left_loop", "right_loop", "whorl")
MODEL = "pattern.json"
"""File that holds the fitted coefficients, and names the prints they were fitted to."""
ARCHES_WITH_CORE = 0.025
"""Share of arches in which a core is falsely found: none of SD4's 20, estimated as (0 + 1/2) / (20 + 1)."""
DEVIATIONS = (10.0, DEVIATION, 28.0)
"""Standard deviations of the symmetry filters in pixels: small ones for sharp bends, large ones for blunt bends."""
ABOVE = np.array([2, 4, 7, 10, 14, 20, 28, 38, 50, 64], np.float32)
BELOW = np.array([3, 6, 9, 12, 16, 20, 26, 32, 40, 50, 64], np.float32)
"""Distances in pixels, above and below the summit, at which flow curves start."""
STEP, STEPS = 3.0, 35
"""Length of a flow curve's steps in fine cells, and their number in each direction: 420 px, across any print."""


@parameters
class PatternParams:
    """Parameters of classify: the expected share (prior probability) of each class.

    Only their ratios matter. Equal shares, the default, favour no class, so arches are found as reliably as loops. With
    natural shares (synth.PATTERN_SHARES) fewer prints of a population are misclassified, but most tented arches are
    classified as loops.
    """

    arch: float = parameter(0.2, "", 0.001, 1, "expected share of arches; natural share: 0.037")
    tented_arch: float = parameter(0.2, "", 0.001, 1, "expected share of tented arches; natural share: 0.029")
    left_loop: float = parameter(0.2, "", 0.001, 1, "expected share of left loops; natural share: 0.338")
    right_loop: float = parameter(0.2, "", 0.001, 1, "expected share of right loops; natural share: 0.317")
    whorl: float = parameter(0.2, "", 0.001, 1, "expected share of whorls; natural share: 0.279")


def classify(flow: Complex, is_cut: bool, params: PatternParams | None = None) -> dict[str, float]:
    """Return the probability of each of CLASSES.

    Parameters
    ----------
    flow : ndarray of complex64, shape (grid rows, grid columns)
        From symmetry.ridge_flow.
    is_cut : bool
        Whether the print shows a core but no delta. It then ends above its deltas, and looks like an arch without being
        one.
    params : PatternParams, optional

    Returns
    -------
    dict of str to float
        In the order of CLASSES; all NaN if the image shows no print.

    Notes
    -----
    Multinomial logistic regression on measurements of the ridges around the summit: symmetry filters (Nilsson and
    Bigun 2003), flow curves (Dass and Jain 2004), and the deltas' offset from the axis along which the core opens.
    Fitted by benchmarks/fit_pattern.py to prints and their mirror images, so that left and right are treated alike.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating, rings
    >>> for made in (grating((241, 241), 9.0), rings((241, 241), 9.0)):
    ...     found = classify(Fingerprint(made.image).flow, is_cut=False)
    ...     print(max(found, key=found.get))
    arch
    whorl
    """
    if not flow.any():
        return dict.fromkeys(CLASSES, float("nan"))
    names, mean, deviation, weights, intercepts = _model()
    x, y, width, height = cv2.boundingRect((flow != 0).view(np.uint8))
    found = measure(np.ascontiguousarray(flow[y : y + height, x : x + width]))
    score = (np.array([found[name] for name in names]) - mean) / deviation @ weights + intercepts
    probability = prior(is_cut, params) * np.exp(score - score.max())
    return dict(zip(CLASSES, (probability / probability.sum()).tolist(), strict=True))


def prior(is_cut: bool, params: PatternParams | None = None) -> NDArray[Any]:
    """Return the prior weight of each of CLASSES.

    Parameters
    ----------
    is_cut : bool
        Whether the print shows a core but no delta, and so ends above its deltas: it is then unlikely to be an arch.
    params : PatternParams, optional

    Examples
    --------
    >>> prior(is_cut=True)
    array([0.005, 0.2  , 0.2  , 0.2  , 0.2  ])
    """
    shares = np.array(list(vars(params or PatternParams()).values()))
    shares[CLASSES.index("arch")] *= ARCHES_WITH_CORE if is_cut else 1
    return shares


@cache
def _model() -> tuple[list[str], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the measurements' names, means and deviations, coefficients (measurements, classes) and intercepts."""
    held = json.loads(files("ridgefeat.stages").joinpath(MODEL).read_text("utf-8"))
    values = np.array(list(held["measurements"].values()))
    return list(held["measurements"]), values[:, 0], values[:, 1], values[:, 2:], np.array(held["intercepts"])


def measure(flow: Complex) -> dict[str, float]:
    """Return the measurements from which the class is decided, by name.

    Names that begin with `odd_` change their sign when the print is mirrored; the others stay the same.
    """
    responses = [symmetry(flow, deviation) for deviation in DEVIATIONS]
    at = summit(*responses[1], flow)
    return _symmetries(responses, at, deep_inside(flow)) | _curves(flow, at)


def _symmetries(responses: list[tuple[Complex, Complex]], at: tuple[int, int], deep: Bool) -> dict[str, float]:
    """Measure how much the summit is like a core, where it opens, and how clear a second core and the deltas are."""
    found = {}
    dx = np.float32(FINE) * (np.arange(deep.shape[1]) - at[1])
    dy = np.float32(FINE) * (np.arange(deep.shape[0])[:, None] - at[0])
    low = (dy >= 0) & (dy <= 220) & deep
    beneath = low & (np.abs(dx) <= 24) & (dy >= 12) & (dy <= 160)
    second = low & (np.abs(dx) <= 60) & (dy >= 8) & (dy <= 140)
    sides = low & (dx <= -24), low & (dx >= 24), beneath
    opening = np.clip(np.angle(1j * responses[1][0][at]), -0.7, 0.7)
    nearby = np.exp(-((dx / 160) ** 2) / 2) * np.exp(-((dy / 200) ** 2) / 2) * (deep & (dy > 4))
    for deviation, (core, delta) in zip(DEVIATIONS, responses, strict=True):
        best, likeness = core_near(core, delta, at)
        upward = np.maximum(core.imag, 0) - OPPOSITE * np.abs(delta)
        upright = delta_likeness(core, delta)
        left, right, below = (max((upright * side).max(), 0) for side in sides)
        strength = np.maximum(upright, 0) * nearby
        row, column = np.unravel_index(strength.argmax(), strength.shape)
        is_there = strength[row, column] > 0
        across, down = is_there * dx[column], is_there * dy[row, 0]
        offset = across * np.cos(opening) - down * np.sin(opening)
        values = {
            "core": np.abs(core[best]),
            "core_only": likeness,
            "odd_opening": core[best].real,
            "upward_core": max((upward * second).max(), 0),
            "deltas_both": min(left, right),
            "deltas_any": max(left, right),
            "odd_deltas": right - left,
            "delta_below": below,
            "delta": upright[row, column] * is_there,
            "delta_down": down / 100,
            "delta_off_axis": abs(np.tanh(offset / 20)),
            "odd_offset_near": np.tanh(offset / 20),
            "odd_offset_far": np.tanh(offset / 70),
            "odd_delta_across": np.tanh(across / 25),
        }
        found.update({f"{name}_{deviation:.0f}": float(value) for name, value in values.items()})
    return found


def _curves(flow: Complex, at: tuple[int, int]) -> dict[str, float]:
    """Measure how far flow curves that start on the vertical through the summit turn, and where they end.

    After S. C. Dass and A. K. Jain, "Fingerprint classification using orientation field flow curves" (ICVGIP 2004).
    """
    rows = at[0] + np.concatenate([-ABOVE, BELOW]) / FINE
    turn, end = _trace(flow, (at[1] + 1j * rows).astype(np.complex64))
    # Downward turns of the right end and of the left, shape (curves,), degrees.
    down = np.rad2deg(np.max([-turn[:, 0], turn[:, 1]], 1))
    up = np.rad2deg(np.max([turn[:, 0], -turn[:, 1]], 1))
    total, difference = down.sum(0), down[0] - down[1]
    ends = (end - at[1]) * FINE
    above, below = slice(0, len(ABOVE)), slice(len(ABOVE), None)
    found = {}
    for name, part in (("near", slice(0, 4)), ("middle", slice(4, 7)), ("far", slice(7, 10))):
        clipped = np.clip(ends[:, part] / 100, -2, 2).mean(1)
        found[f"turn_{name}"] = np.minimum(total[part], 450).mean() / 100
        found[f"odd_turn_{name}"] = np.clip(difference[part], -300, 300).mean() / 100
        found[f"width_{name}"] = clipped[0] - clipped[1]
        found[f"odd_ends_{name}"] = clipped.sum()
    found["loops"] = np.mean(total[above] > 170)
    found["whorls"] = np.mean(total[above] > 290)
    found["turn_below"] = np.minimum(total[below], 400).mean() / 100
    found["upturn_below"] = np.minimum(up.sum(0)[below], 400).mean() / 100
    found["odd_turn_below"] = np.clip(difference[below], -300, 300).mean() / 100
    aside = np.clip(ends[:, below] / 40, -1, 1).mean(0)
    for name, part in (("near", slice(0, 4)), ("middle", slice(4, 8)), ("far", slice(8, 11))):
        found[f"odd_aside_{name}"] = aside[part].mean()
        found[f"aside_{name}"] = np.abs(aside[part]).mean()
    return {name: float(value) for name, value in found.items()}


def _trace(flow: Complex, seeds: Complex) -> tuple[NDArray[Any], Float]:
    """Follow the ridges from seeds (x + i y in fine cells) to the right and to the left, until they leave the print.

    Returns the accumulated turn (radians, counter-clockwise, shape (steps, 2, seeds)) and the last x, shape (2, seeds).
    """
    # Positions and headings are complex numbers here, the imaginary part down as in the image.
    unit = flow / np.maximum(np.abs(flow), np.float32(1e-9))
    field = np.dstack([unit.real, -unit.imag, flow != 0]).astype(np.float32)

    def along(points: Complex) -> tuple[Complex, Bool]:
        at = cv2.remap(field, points.view(np.float32).reshape(1, -1, 2), None, cv2.INTER_LINEAR)[0]
        way = np.sqrt(np.ascontiguousarray(at[:, :2]).view(np.complex64)[:, 0])  # to the right
        return np.asarray(way / (np.abs(way) + np.float32(1e-9)), np.complex64), at[:, 2] > 0.5

    points = np.tile(seeds, 2)
    heading, alive = along(points)
    heading[len(seeds) :] *= -1
    headings, living = [heading], []
    for _ in range(STEPS):
        way, inside = along(points + np.float32(STEP / 2) * heading)
        np.negative(way, out=way, where=(way * heading.conj()).real < 0)
        alive = alive & inside
        if not alive.any():
            break
        points = points + np.float32(STEP) * way * alive
        heading = way
        headings.append(heading)
        living.append(alive)
    if not living:
        return np.zeros((1, 2, len(seeds))), points.real.reshape(2, -1)
    ways = np.array(headings)
    turns = np.cumsum(np.angle(ways[:-1] * ways[1:].conj()) * living, 0)
    return turns.reshape(-1, 2, len(seeds)), points.real.reshape(2, -1)
