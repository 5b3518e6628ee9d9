import math
from types import SimpleNamespace

import numpy as np
import pytest

from ridgefeat.structure import Minutiae, SingularPoints


def make_minutiae(rows):
    """(x, y, direction in degrees, kind, quality) in pixels at 500 dpi."""
    table = np.array(rows, np.float64).reshape(-1, 5)
    x, y, _, kind, quality = table.T.astype(np.float32)
    return Minutiae(x, y, np.radians(table[:, 2]).astype(np.float32), kind.astype(np.uint8), quality)


def make_singular(rows):
    """(x, y, kind, direction in degrees) in pixels at 500 dpi."""
    table = np.array(rows, np.float64).reshape(-1, 4)
    x, y, kind, _ = table.T.astype(np.float32)
    return SingularPoints(x, y, kind.astype(np.uint8), np.radians(table[:, 3]).astype(np.float32))


def angle_apart(a, b):
    """Largest difference of two sets of directions, in degrees, across the wrap."""
    difference = (np.degrees(np.asarray(a, float) - np.asarray(b, float)) + 180) % 360 - 180
    return np.abs(difference).max(initial=0.0)


@pytest.fixture(scope="session")
def build():
    return SimpleNamespace(minutiae=make_minutiae, singular=make_singular, apart=angle_apart, nan=math.nan)
