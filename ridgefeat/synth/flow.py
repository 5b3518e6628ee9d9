"""How ridges run: orientation of the five pattern classes from their singular points, and the period map."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.structure import Array, Float
from ridgefeat.synth.prints import Rng, Shape

PATTERN_SHARES = {"arch": 0.037, "tented_arch": 0.029, "left_loop": 0.338, "right_loop": 0.317, "whorl": 0.279}
"""Natural shares of the pattern classes (R. Cappelli, Synthetic fingerprint generation, in D. Maltoni et al.,
Handbook of Fingerprint Recognition)."""

_NODES = 8
"""Directions around a singular point at which Vizcaya and Gerhardt's correction is given."""


@dataclass(frozen=True)
class Flow:
    """Parameters of one finger's orientation field; lengths in mm, y up, origin in the middle of the finger pad."""

    pattern: str  # one of PATTERN_SHARES
    cores: Array  # shape (n, 2): positions (x, y)
    deltas: Array
    core_bends: Array  # shape (n, 8): radians by which the corrected angle function deviates, in eight directions
    delta_bends: Array
    dome: float  # how strongly the ridges follow the outline of the fingertip, radians per mm aside of the axis
    steepness: float  # greatest slope of a plain arch
    tilt: float  # rotation of the whole field, radians


def draw_flow(pattern: str, rng: Rng) -> Flow:
    """Draw the orientation field of a finger of one of PATTERN_SHARES, for `orientation_at`.

    Raises ParameterError if there is no such pattern class.
    """
    if pattern not in PATTERN_SHARES:
        raise ParameterError(f"pattern must be one of {', '.join(PATTERN_SHARES)}, got {pattern!r}")
    cores, deltas = _singular_points(pattern, rng)
    return Flow(
        pattern=pattern,
        cores=cores,
        deltas=deltas,
        core_bends=_straight_legs(pattern, cores, deltas, rng),
        delta_bends=rng.normal(0, 0.10, (len(deltas), _NODES)),
        dome=rng.uniform(0.020, 0.045),
        steepness=rng.uniform(0.6, 1.3),
        tilt=float(np.clip(rng.normal(0, 0.05), -0.12, 0.12)),
    )


def _straight_legs(pattern: str, cores: Array, deltas: Array, rng: Rng) -> Array:
    """Bends that gather a core's turn at its summit, so that the legs of a loop run side by side."""
    nodes = -np.pi + np.arange(_NODES) * 2 * np.pi / _NODES
    strength = rng.uniform(0.35, 0.65, (len(cores), 1))
    opening = np.zeros((len(cores), 1))
    for i, (x, y) in enumerate(cores):
        opening[i] = sum(np.arctan2(y - v, x - u) for u, v in np.delete(cores, i, axis=0))
        opening[i] -= sum(np.arctan2(y - v, x - u) for u, v in deltas)
    if pattern == "whorl":
        strength = strength * 0.5
    return rng.normal(0, 0.08, (len(cores), _NODES)) - strength * np.sin(nodes - opening)


def _singular_points(pattern: str, rng: Rng) -> tuple[Array, Array]:
    """Positions that leave the core near the middle of the pad and the deltas low and to the sides."""
    shift = rng.normal(0, 0.6, 2)
    if pattern == "arch":
        return np.zeros((0, 2)), np.zeros((0, 2))
    if pattern == "tented_arch":
        core = np.array([rng.normal(0, 0.3), rng.uniform(-0.5, 1.0)]) + shift
        return core[None], (core + [rng.normal(0, 0.4), -rng.uniform(2.5, 5.0)])[None]
    if pattern == "whorl":
        gap, angle = rng.uniform(0.8, 3.6), rng.normal(np.pi / 2, 0.35)
        half = gap / 2 * np.array([np.cos(angle), np.sin(angle)])
        sides = np.array([[-1, 1], [1, 1]]) * rng.uniform([4.2, -6.8], [6.2, -4.2], (2, 2))
        return np.array([half, -half]) + shift, sides + shift
    side = 1 if pattern == "left_loop" else -1
    core = np.array([rng.normal(0, 0.5), rng.uniform(-0.3, 1.2)]) + shift
    delta = core + [side * rng.uniform(3.2, 6.0), -rng.uniform(4.2, 7.2)]
    return core[None], delta[None]


def orientation_at(flow: Flow, x: Array, y: Array) -> Array:
    """Return the orientation along the ridge (radians, not reduced to [0, pi)) at points in mm, y up.

    Notes
    -----
    The zero-pole model of B. G. Sherlock and D. M. Monro (A model for interpreting fingerprint topology, Pattern
    Recognition 26, 1993) with the correction of P. R. Vizcaya and L. A. Gerhardt (A nonlinear orientation model for
    global description of fingerprints, Pattern Recognition 29, 1996); plain arches by a sinusoid. What is added: a
    smooth term by which ridges follow the outline of the fingertip, and a small rotation of the whole.
    """
    angle = np.full(np.broadcast(x, y).shape, flow.tilt)
    for (px, py), bends in zip(flow.cores, flow.core_bends, strict=True):
        angle += _bent(np.arctan2(y - py, x - px), bends) / 2
    for (px, py), bends in zip(flow.deltas, flow.delta_bends, strict=True):
        angle -= _bent(np.arctan2(y - py, x - px), bends) / 2
    if flow.pattern == "arch":
        rise = flow.steepness * np.exp(-(((y + 1.0) / 6.0) ** 2))
        angle -= np.arctan(rise * np.sin(np.pi * np.clip(x / 9.0, -1, 1)))
    rising = 1 / (1 + np.exp(-(y - 1.0) / 2.5))  # from 0 at the crease of the finger to 1 at its tip
    return np.asarray(angle - flow.dome * x * rising)


def _bent(angle: Array, bends: Array) -> Array:
    nodes = np.linspace(-np.pi, np.pi, _NODES + 1)
    return np.asarray(angle + np.interp(angle, nodes, np.append(bends, bends[0])))


def smooth_noise(shape: Shape, length: float, rng: Rng) -> Float:
    """Return a random field of mean 0 and deviation about 1, float32, that varies over `length` (>= 1) pixels."""
    coarse = (int(shape[0] / length) + 4, int(shape[1] / length) + 4)
    noise = rng.standard_normal(coarse, dtype=np.float32)
    start = rng.uniform(1, 2, 2).astype(np.float32)
    columns = start[0] + np.arange(shape[1], dtype=np.float32) / np.float32(length)
    rows = start[1] + np.arange(shape[0], dtype=np.float32) / np.float32(length)
    x, y = np.meshgrid(columns, rows)
    field = cv2.remap(noise, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(field * np.float32(1.25), np.float32)
