"""What the tests of synthetic prints share: orientation by an independent structure tensor, values at places."""

import numpy as np
from scipy import ndimage


def read_orientation(image, sigma=8.0):
    """Orientation along the ridges in [0, pi)."""
    f = image.astype(float)
    gx, gy = ndimage.gaussian_filter(f, 1, order=(0, 1)), ndimage.gaussian_filter(f, 1, order=(1, 0))
    xx, yy, xy = (ndimage.gaussian_filter(p, sigma) for p in (gx * gx, gy * gy, gx * gy))
    return np.mod(-0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2, np.pi)


def turn(a, b):
    """Difference of two orientations in radians."""
    return np.angle(np.exp(2j * (a - b))) / 2


def values_at(image, points):
    """An image's values at the nearest pixels to points with x and y."""
    return image[np.rint(points.y).astype(int), np.rint(points.x).astype(int)]


def sample(image, x, y):
    """An image's values at places between pixels."""
    return ndimage.map_coordinates(image.astype(float), [np.asarray(y), np.asarray(x)], order=1, mode="nearest")
