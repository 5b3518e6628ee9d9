"""How a finger lies on the sensor: rotation, translation and the plastic distortion of its skin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np

from ridgefeat.structure import Array, Float, Minutiae, OrientationField, SingularPoints
from ridgefeat.synth.prints import Shape
from ridgefeat.synth.simple import wrap_orientation

_P = TypeVar("_P", Minutiae, SingularPoints)


@dataclass(frozen=True)
class Placement:
    """Map from an impression to its master, both in pixels at 500 dpi."""

    centre: tuple[float, float]  # point of the impression about which it is rotated
    master_centre: tuple[float, float]  # point of the master that lies there before the skin is distorted
    rotation: float = 0.0  # of the impression relative to the master, radians counter-clockwise
    pull_x: float = 0.0  # traction of the finger beyond the area that sticks to the sensor
    pull_y: float = 0.0
    torsion: float = 0.0  # rotation of the finger beyond that area, radians
    stick_x: float = 60.0  # half axes of that area
    stick_y: float = 80.0
    elasticity: float = 1.5  # distance over which the distortion grows to its full amount, in half axes

    def to_master(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Map points (x, y) of the impression to the master."""
        c, s = np.cos(self.rotation), np.sin(self.rotation)
        u, v = x - self.centre[0], y - self.centre[1]
        return self._distort(c * u - s * v + self.master_centre[0], s * u + c * v + self.master_centre[1])

    def to_impression(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Map points (x, y) of the master to the impression, by fixed-point iteration."""
        u, v = np.asarray(x, np.float64), np.asarray(y, np.float64)
        for _ in range(40):
            there = self._distort(u, v)
            u, v = u + (x - there[0]), v + (y - there[1])
        c, s = np.cos(self.rotation), np.sin(self.rotation)
        u, v = u - self.master_centre[0], v - self.master_centre[1]
        return c * u + s * v + self.centre[0], -s * u + c * v + self.centre[1]

    def _distort(self, x: Array, y: Array) -> tuple[Array, Array]:
        """The skin distortion model of R. Cappelli, D. Maio and D. Maltoni, Modelling plastic distortion in
        fingerprint images, ICAPR 2001: nothing moves where skin sticks, everything where it does not touch, and
        between the two the move grows as half a cosine.
        """
        u, v = x - self.master_centre[0], y - self.master_centre[1]
        beyond = np.clip(np.hypot(u / self.stick_x, v / self.stick_y) - 1, 0, self.elasticity)
        brake = 0.5 * (1 - np.cos(np.pi * beyond / self.elasticity))
        c, s = np.cos(self.torsion), np.sin(self.torsion)
        return (x + brake * (c * u + s * v - u + self.pull_x), y + brake * (-s * u + c * v - v + self.pull_y))

    def maps(self, shape: Shape) -> tuple[Float, Float]:
        """Return, for every pixel of an impression, x and y in the master, each of the given shape."""
        y, x = np.indices(shape, np.float32)
        u, v = self.to_master(x, y)
        return u.astype(np.float32), v.astype(np.float32)


def carry_fields(angle: Float, period: Float, maps: tuple[Float, Float]) -> tuple[OrientationField, Float]:
    """Carry orientation and period (px) of a master to an impression with these maps.

    The ridges' wave vector k is the gradient of their phase, so with the map's Jacobian J it becomes J^T k.
    """
    fields = (np.cos(2 * angle), np.sin(2 * angle), period)
    how: dict[str, int] = {"interpolation": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    cosine, sine, length = (cv2.remap(field, *maps, **how) for field in fields)
    there, frequency = np.arctan2(sine, cosine) / 2, 1 / length
    kx, ky = np.sin(there) * frequency, np.cos(there) * frequency
    (ux, uy), (vx, vy) = (np.gradient(m)[::-1] for m in maps)
    across, down = ux * kx + vx * ky, uy * kx + vy * ky
    orientation = wrap_orientation(np.arctan2(across, down))
    return OrientationField(orientation, np.ones_like(orientation)), (1 / np.hypot(across, down)).astype(np.float32)


def carry_points(points: _P, placement: Placement) -> _P:
    """Carry minutiae or singular points of a master to an impression, position and direction."""
    x, y = placement.to_impression(points.x, points.y)
    step_x, step_y = 0.5 * np.cos(points.direction), 0.5 * np.sin(points.direction)
    ahead = placement.to_impression(points.x + step_x, points.y - step_y)
    direction = np.mod(np.arctan2(-(ahead[1] - y), ahead[0] - x), 2 * np.pi).astype(np.float32)
    direction[direction >= np.float32(2 * np.pi)] = 0
    return replace(points, x=x.astype(np.float32), y=y.astype(np.float32), direction=direction)
