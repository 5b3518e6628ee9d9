"""What the tests of the families share: values by column name, and noise."""

import numpy as np


def values_of(family):
    """A function that returns a print's values of a family by column name."""
    names = [column.name for column in family.all_columns()]
    return lambda fp: dict(zip(names, family.compute(fp).astype(float), strict=True))


def noise(shape=(200, 180), seed=0):
    """Uint8 white noise."""
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
