"""Motion: a rotation and a shift that lay one print over another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ridgefeat.structure import Float


@dataclass(frozen=True)
class Motion:
    """A rotation and a shift in pixels at 500 dpi.

    Attributes
    ----------
    cosine, sine : float
        Of the rotation, clockwise as seen on the page, for y runs down.
    shift_x, shift_y : float
        Pixels, after the rotation.
    """

    cosine: float
    sine: float
    shift_x: float
    shift_y: float

    @classmethod
    def fit(cls, x: Float, y: Float, u: Float, v: Float, weight: Float) -> Motion:
        """Return the motion that brings points (x, y) closest to (u, v), in weighted least squares.

        Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (IEEE PAMI
        13, 1991), without scale.
        """
        w = weight / weight.sum()
        mx, my, mu, mv = (float(w @ p) for p in (x, y, u, v))
        a, b, p, q = x - mx, y - my, u - mu, v - mv
        c, s = float(w @ (a * p + b * q)), float(w @ (a * q - b * p))
        length = math.hypot(c, s)
        c, s = (c / length, s / length) if length > 1e-9 else (1.0, 0.0)
        return cls(c, s, mu - c * mx + s * my, mv - s * mx - c * my)

    @property
    def turn(self) -> float:
        """The rotation in radians, counter-clockwise as seen on the page."""
        return -math.atan2(self.sine, self.cosine)

    def apply(self, x: Float, y: Float) -> tuple[Float, Float]:
        """Move points of the first print onto the second."""
        c, s = np.float32(self.cosine), np.float32(self.sine)
        return (c * x - s * y + np.float32(self.shift_x), s * x + c * y + np.float32(self.shift_y))

    def back(self, u: Float, v: Float) -> tuple[Float, Float]:
        """Move points of the second print onto the first."""
        c, s = np.float32(self.cosine), np.float32(self.sine)
        u, v = u - np.float32(self.shift_x), v - np.float32(self.shift_y)
        return c * u + s * v, c * v - s * u

    def on_grid(self, step: int) -> Float:
        """Return the 2 x 3 matrix of the same motion between grids of `step` px, whose points are cells' middles."""
        c, s, middle = self.cosine, self.sine, (step - 1) / 2
        x = (c * middle - s * middle + self.shift_x - middle) / step
        y = (s * middle + c * middle + self.shift_y - middle) / step
        return np.array([[c, -s, x], [s, c, y]], np.float32)
