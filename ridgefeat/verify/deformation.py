"""Deformation: a smooth displacement field for skin that was stretched differently in two impressions.

Skin is elastic: even after the best rigid motion, corresponding minutiae of a finger are up to 2 mm apart, and
neighbouring minutiae are displaced by about the same amount. The displacement is therefore estimated as a Gaussian
process (Kriging) whose observations are the paired minutiae. A pair that disagrees with the others gets a small weight:
the noise follows Student's t distribution, fitted by a few rounds of reweighting.

Source: Rasmussen and Williams, "Gaussian processes for machine learning" (2006), section 2.2; that skin distorts
smoothly: Cappelli, Maio and Maltoni, "Modelling plastic distortion in fingerprint images" (ICAPR 2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ridgefeat.structure import Float

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
            weight = np.linalg.solve(covariance + np.diag(variance), observed)
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
