"""What the tests of the families share: values by column name, groups of them compared, and noise."""

import numpy as np
import pytest


def values_of(family):
    """A function that returns a print's values of a family by column name."""
    names = [column.name for column in family.all_columns()]
    return lambda fp: dict(zip(names, family.compute(fp).astype(float), strict=True))


def agree(found, prefix, expected, **tolerance):
    """Assert that values have what is expected of them, by their names after the prefix."""
    assert {name: found[prefix + name] for name in expected} == pytest.approx(expected, **tolerance)


def noise(shape=(200, 180), seed=0, high=256):
    """Uint8 white noise."""
    return np.random.default_rng(seed).integers(0, high, shape).astype(np.uint8)
