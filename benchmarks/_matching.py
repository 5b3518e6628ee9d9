"""One-to-one assignment of found minutiae to true ones."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def turned(a, b, period):
    """Smallest difference of two angles that are known modulo a period."""
    off = np.abs(a - b) % period
    return np.minimum(off, period - off)


def assigned(found_xy, true_xy, reach, allowed=True):
    """Return index pairs of the assignment with the most pairs within reach and the smallest total distance.

    `allowed` is a Boolean array (found, true) of pairs that may be made.
    """
    if not len(found_xy) or not len(true_xy):
        return np.zeros((2, 0), int)
    distance = np.hypot(*(found_xy[:, None] - true_xy).transpose(2, 0, 1))
    ok = (distance <= reach) & allowed
    rows, columns = linear_sum_assignment(np.where(ok, distance - 1000.0, 0.0))
    kept = ok[rows, columns]
    return np.stack([rows[kept], columns[kept]])


def scores(hits, found, true):
    """Return precision, recall and F1."""
    return hits / max(found, 1), hits / max(true, 1), 2 * hits / max(found + true, 1)
