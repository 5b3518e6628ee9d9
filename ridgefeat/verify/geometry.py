"""Angles and rigid motions: what brings one print over another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ridgefeat.structure import Float


def wrap(angle: Float) -> Float:
    """Return angles (radians) in (-pi, pi].

    Examples
    --------
    >>> wrap(np.float32([0, 4, -4, 7])).round(4)
    array([ 0.    , -2.2832,  2.2832,  0.7168], dtype=float32)
    """
    return np.asarray(angle - np.float32(2 * np.pi) * np.rint(angle * np.float32(0.5 / np.pi)), np.float32)


@dataclass(frozen=True)
class Motion:
    """A rotation (cosine and sine, clockwise on the page because y points down), then a shift, in pixels at 500 dpi.

    Examples
    --------
    A quarter turn clockwise and 10 px to the right:

    >>> motion = Motion(0.0, 1.0, 10.0, 0.0)
    >>> motion.apply(np.float32([1, 0]), np.float32([0, 2]))
    (array([10.,  8.], dtype=float32), array([1., 0.], dtype=float32))
    >>> motion.invert(np.float32([10, 8]), np.float32([1, 0]))
    (array([1., 0.], dtype=float32), array([0., 2.], dtype=float32))
    >>> math.degrees(motion.rotation)
    -90.0
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

        Examples
        --------
        >>> x, y = np.float32([0, 4, 0, 4]), np.float32([0, 0, 2, 2])
        >>> Motion.fit(x, y, x + 5, y - 1, np.ones(4, np.float32))
        Motion(cosine=1.0, sine=0.0, shift_x=5.0, shift_y=-1.0)
        """
        w = weight / weight.sum()
        mx, my, mu, mv = (float(w @ p) for p in (x, y, u, v))
        a, b, p, q = x - mx, y - my, u - mu, v - mv
        c, s = float(w @ (a * p + b * q)), float(w @ (a * q - b * p))
        length = math.hypot(c, s)
        c, s = (c / length, s / length) if length > 1e-9 else (1.0, 0.0)
        return cls(c, s, mu - c * mx + s * my, mv - s * mx - c * my)

    @property
    def rotation(self) -> float:
        """The rotation in radians, counter-clockwise as seen on the page."""
        return -math.atan2(self.sine, self.cosine)

    def apply(self, x: Float, y: Float) -> tuple[Float, Float]:
        """Move points of the first print onto the second."""
        c, s = np.float32(self.cosine), np.float32(self.sine)
        return (c * x - s * y + np.float32(self.shift_x), s * x + c * y + np.float32(self.shift_y))

    def invert(self, u: Float, v: Float) -> tuple[Float, Float]:
        """Move points of the second print onto the first."""
        c, s = np.float32(self.cosine), np.float32(self.sine)
        u, v = u - np.float32(self.shift_x), v - np.float32(self.shift_y)
        return c * u + s * v, c * v - s * u

    def on_grid(self, step: int) -> Float:
        """Return the 2 x 3 matrix of the same motion between grids of `step` px, in units of cells.

        Examples
        --------
        >>> Motion(1.0, 0.0, 6.0, -3.0).on_grid(3)
        array([[ 1., -0.,  2.],
               [ 0.,  1., -1.]], dtype=float32)
        """
        c, s, middle = self.cosine, self.sine, (step - 1) / 2
        x = (c * middle - s * middle + self.shift_x - middle) / step
        y = (s * middle + c * middle + self.shift_y - middle) / step
        return np.array([[c, -s, x], [s, c, y]], np.float32)
