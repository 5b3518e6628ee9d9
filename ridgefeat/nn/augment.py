"""Random changes to training images: rotation, shift, zoom, shear, mirror."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ridgefeat.errors import ParameterError
from ridgefeat.nn.layer import Array


@dataclass(frozen=True)
class Augmentation:
    """Random affine maps, one an image, each part uniform in its range.

    Attributes
    ----------
    rotation : float
        Up to so many degrees to either side.
    shift : float
        Up to this fraction of rows and of columns to either side.
    zoom : float
        Scale from 1 - zoom to 1 + zoom.
    shear : float
        Up to so many degrees to either side.
    flip : bool
        Mirror half of the images left to right. A mirrored print is one of the other hand: for labels that
        a mirror does not change.

    Notes
    -----
    Pixels that come from outside repeat the border. Values between pixels are bilinear.
    """

    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    flip: bool = False

    def __post_init__(self) -> None:
        if min(self.rotation, self.shift, self.shear) < 0 or not 0 <= self.zoom < 1 or self.shear >= 90:
            raise ParameterError(f"{self}: give ranges from 0, zoom below 1 and shear below 90 degrees")

    def __call__(self, images: Array, rng: np.random.Generator) -> Array:
        """Return the images, each through a map of its own; shape (n, rows, columns, channels)."""
        n, rows, columns, _ = images.shape
        matrices, shifts = self._maps(n, rows, columns, rng)
        centre = np.array([rows - 1, columns - 1]) / 2
        whole, out = np.eye(3), np.empty_like(images)  # of rows, columns and channels; channels stay
        for image, target, matrix, shift in zip(images, out, matrices, shifts, strict=True):
            whole[:2, :2] = matrix
            start = *(centre - matrix @ centre + shift), 0
            ndimage.affine_transform(image, whole, start, output=target, order=1, mode="nearest")
        return out

    def _maps(self, n: int, rows: int, columns: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return matrices, shape (n, 2, 2), and shifts in px, shape (n, 2), both in (row, column)."""
        draw = rng.uniform(-1, 1, (6, n))
        angle, slant = np.radians(self.rotation * draw[0]), np.tan(np.radians(self.shear * draw[1]))
        scale, one, none = 1 + self.zoom * draw[2], np.ones(n), np.zeros(n)
        mirror = np.where((draw[5] < 0) & self.flip, -1.0, 1.0)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        skew = np.array([[one / scale, none], [slant / scale, mirror / scale]])
        matrix = np.einsum("abn,bcn->nac", turn, skew)
        shift = self.shift * np.stack([rows * draw[3], columns * draw[4]], axis=1)
        return matrix, shift
