"""What brings one print over another: angles, rigid motions, and the deformation of skin.

Skin is elastic: even after the best rigid motion, corresponding minutiae of a finger are up to 2 mm apart, and
neighbouring minutiae are displaced by about the same amount. The displacement is therefore estimated as a Gaussian
process (Kriging) whose observations are the paired minutiae. A pair that disagrees with the others gets a small weight:
the noise follows Student's t distribution, fitted by a few rounds of reweighting.

Source: Rasmussen and Williams, "Gaussian processes for machine learning" (2006), section 2.2; that skin distorts
smoothly: Cappelli, Maio and Maltoni, "Modelling plastic distortion in fingerprint images" (ICAPR 2001).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
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


LENGTH = 120.0
"""Length scale of the displacement's covariance in pixels (6 mm)."""
AMPLITUDE = 20.0
"""Standard deviation of the displacement in pixels (1 mm)."""
NOISE = 3.0
"""Standard deviation of a minutia's position in pixels."""
ROUNDS = 3
OUTLIER = 3.0
"""Residual, in standard deviations of the noise, at which a pair has half the weight."""


@dataclass(frozen=True, eq=False)
class Deformation:
    """A displacement at every point; it falls to 0 far from the minutiae it was estimated from.

    Examples
    --------
    >>> x, y = np.float32([0, 40, 80, 120]), np.float32([0, 90, 10, 60])
    >>> field = Deformation.fit(x, y, np.full(4, 8, np.float32), np.zeros(4, np.float32))
    >>> [v.round(1) for v in field.at(np.float32([60, 900]), np.float32([40, 900]))]
    [array([8.6, 0. ], dtype=float32), array([0., 0.], dtype=float32)]
    """

    x: Float  # shape (k,)
    y: Float
    weight: Float  # shape (k, 2)

    @classmethod
    def fit(cls, x: Float, y: Float, right: Float, down: Float) -> Deformation:
        """Return the field that best explains displacements (px) observed at points, all of shape (k,)."""
        covariance = (AMPLITUDE**2 * _correlation(x, y, x, y)).astype(np.float64)
        observed = np.stack([right, down], 1).astype(np.float64)
        variance = np.full(len(x), NOISE**2)
        weight: np.ndarray = observed
        for k in range(ROUNDS):
            # A fifth of the time of np.linalg.solve on matrices this small.
            weight = cv2.solve(covariance + np.diag(variance), observed, flags=cv2.DECOMP_CHOLESKY)[1]
            if k < ROUNDS - 1:
                residual = np.square(observed - covariance @ weight).sum(1)
                variance = NOISE**2 * (1 + residual / (OUTLIER * NOISE) ** 2)
        return cls(x, y, (AMPLITUDE**2 * weight).astype(np.float32))

    def at(self, x: Float, y: Float) -> tuple[Float, Float]:
        """Return the displacement to the right and down (px) at points, shape (n,) each."""
        moved = _correlation(x, y, self.x, self.y) @ self.weight
        return moved[:, 0], moved[:, 1]


def _correlation(x: Float, y: Float, other_x: Float, other_y: Float) -> Float:
    squared = np.square(x[:, None] - other_x) + np.square(y[:, None] - other_y)
    return np.asarray(np.exp(squared * np.float32(-0.5 / LENGTH**2)), np.float32)
