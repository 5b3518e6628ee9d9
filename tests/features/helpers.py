"""What the tests of the families share: values by column name, groups of them compared, and noise."""

import numpy as np
import pytest

from ridgefeat.synth.simple import grating


def values_of(family):
    """A function that returns a print's values of a family by column name."""
    names = [column.name for column in family.all_columns()]
    return lambda fp: dict(zip(names, family.compute(fp).astype(float), strict=True))


def agree(found, prefix, expected, **tolerance):
    """Assert that values have what is expected of them, by their names after the prefix."""
    assert {name: found[prefix + name] for name in expected} == pytest.approx(expected, **tolerance)


def wave(shape, period=8.0, angle=0.0, amplitude=100.0):
    """Uint8 ridges along an angle, counter-clockwise from x."""
    return grating(shape, period, angle, contrast=amplitude / 127.5).image


def noise(shape=(200, 180), seed=0, high=256):
    """Uint8 white noise."""
    return np.random.default_rng(seed).integers(0, high, shape).astype(np.uint8)
