"""What the tests of the stages share: circular differences, drawn waves, and points compared with points."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def turn(a, b):
    """Difference of two orientations in degrees, 0 to 90."""
    return np.abs(np.rad2deg(np.angle(np.exp(2j * (np.asarray(a, float) - np.asarray(b, float)))) / 2))


def swing(a, b):
    """Difference of two directions in degrees, 0 to 180."""
    return np.abs(np.rad2deg(np.angle(np.exp(1j * (np.asarray(a, float) - np.asarray(b, float))))))


def match(found, truth, distance=12.0, degrees=22.5):
    """Pairs of indices (found, truth), one to one, that agree in place and direction."""
    if not len(found) or not len(truth):
        return np.zeros((0, 2), int)
    apart = np.hypot(found.x[:, None] - truth.x, found.y[:, None] - truth.y)
    fits = (apart < distance) & (swing(found.direction[:, None], truth.direction) < degrees)
    pairs = np.column_stack(linear_sum_assignment(np.where(fits, apart, 1e4)))
    return pairs[fits[pairs[:, 0], pairs[:, 1]]]


def on_white(print_image, mask):
    """The print where the mask is, white paper elsewhere."""
    return np.where(mask, print_image, 255).astype(np.uint8)


def disc(shape, radius, centre=None):
    """True within a radius of the centre (x, y), the middle of the image without."""
    x, y = centre or ((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    rows, columns = np.indices(shape)
    return np.hypot(columns - x, rows - y) < radius


def white_noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def with_noise(image, deviation, seed=0):
    """The image with Gaussian noise."""
    noise = np.random.default_rng(seed).normal(0, deviation, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)
