import math
from types import SimpleNamespace

import numpy as np
import pytest

from ridgefeat.structure import Minutiae, SingularPoints


def make_minutiae(rows):
    """(x, y, direction in degrees, kind, quality) in pixels at 500 dpi."""
    x, y, degrees, kind, quality = np.array(rows, np.float64).reshape(-1, 5).T
    return Minutiae.make(x, y, np.radians(degrees), kind, quality)


def make_singular(rows):
    """(x, y, kind, direction in degrees) in pixels at 500 dpi."""
    x, y, kind, degrees = np.array(rows, np.float64).reshape(-1, 4).T
    return SingularPoints.make(x, y, kind, np.radians(degrees))


def angle_apart(a, b):
    """Largest difference of two sets of directions, in degrees, across the wrap."""
    difference = (np.degrees(np.asarray(a, float) - np.asarray(b, float)) + 180) % 360 - 180
    return np.abs(difference).max(initial=0.0)


@pytest.fixture(scope="session")
def build():
    return SimpleNamespace(minutiae=make_minutiae, singular=make_singular, apart=angle_apart, nan=math.nan)
