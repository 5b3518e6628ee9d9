import math

import numpy as np
import pytest

from ridgefeat.structure import Minutiae, SingularPoints


def make_minutiae(rows):
    """(x, y, direction in degrees, kind, quality) in pixels at 500 dpi."""
    table = np.array(rows, np.float64).reshape(-1, 5)
    x, y, degrees, kind, quality = table.T
    direction = np.radians(degrees).astype(np.float32)
    return Minutiae(
        x.astype(np.float32), y.astype(np.float32), direction, kind.astype(np.uint8), quality.astype(np.float32)
    )


def make_singular(rows):
    """(x, y, kind, direction in degrees) in pixels at 500 dpi."""
    table = np.array(rows, np.float64).reshape(-1, 4)
    x, y, kind, degrees = table.T
    direction = np.radians(degrees).astype(np.float32)
    return SingularPoints(x.astype(np.float32), y.astype(np.float32), kind.astype(np.uint8), direction)


def angle_apart(a, b):
    """Largest difference of two sets of directions, in degrees, across the wrap."""
    difference = (np.degrees(np.asarray(a, float) - np.asarray(b, float)) + 180) % 360 - 180
    return np.abs(difference).max(initial=0.0)


@pytest.fixture
def build():
    class Build:
        minutiae = staticmethod(make_minutiae)
        singular = staticmethod(make_singular)
        apart = staticmethod(angle_apart)
        nan = math.nan

    return Build
