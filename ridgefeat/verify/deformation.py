"""Deformation: how differently the skin was stretched in two impressions, as a smooth field over paired minutiae.

Skin is elastic: after the best rigid motion, minutiae of one finger are still apart by up to 2 mm, and minutiae close
to each other by much the same. The displacement is therefore estimated as a Gaussian process (Kriging) whose
observations are the paired minutiae. A pair far off what the others say counts little: observations are weighted by
Student's t distribution, a few rounds of reweighting each.

Source: Rasmussen and Williams, "Gaussian processes for machine learning" (2006), section 2.2; that skin distorts
smoothly: Cappelli, Maio and Maltoni, "Modelling plastic distortion in fingerprint images" (ICAPR 2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ridgefeat.structure import Float

LENGTH = 120.0
"""Pixels over which the displacement of skin is alike (6 mm)."""
AMPLITUDE = 20.0
"""Pixels: standard deviation of the displacement (1 mm)."""
NOISE = 3.0
"""Pixels: standard deviation of a minutia's position."""
ROUNDS = 3
OUTLIER = 3.0
"""Standard deviations of the noise at which a pair counts half."""


@dataclass(frozen=True, eq=False)
class Deformation:
    """A displacement at every point, 0 far from the minutiae it was estimated from.

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
