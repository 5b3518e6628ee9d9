"""The deformation of skin: what it recovers, what it ignores, and what it gives a comparison."""

import numpy as np
import pytest

from ridgefeat.structure import Minutiae
from ridgefeat.verify import compare, template_from_minutiae
from ridgefeat.verify.deformation import AMPLITUDE, LENGTH, NOISE, OUTLIER, ROUNDS, Deformation
from ridgefeat.verify.pairing import MAX_RESIDUALS, MIN_DEFORMED
from tests.verify.helpers import random_minutiae


def stretch(x, y):
    """A smooth displacement of up to 20 px, as of a thumb that was rolled while it was pressed down."""
    return 20 * np.sin(x / 90).astype(np.float32), 14 * np.cos(y / 110).astype(np.float32)


def test_the_constants_of_skin():
    assert (LENGTH, AMPLITUDE, NOISE, ROUNDS, OUTLIER) == (120, 20, 3, 3, 3)
    assert (MAX_RESIDUALS, MIN_DEFORMED) == ((20, 16, 12), 3)


@pytest.mark.parametrize("outliers", [0, 4])
def test_a_smooth_displacement_is_recovered_whatever_a_few_wrong_pairs_say(outliers):
    rng = np.random.default_rng(3)
    x, y = rng.uniform(0, 300, (2, 40)).astype(np.float32)
    right, down = stretch(x, y)
    right[:outliers] += 25
    field = Deformation.fit(x, y, right, down)
    at = rng.uniform(40, 260, (2, 200)).astype(np.float32)
    error = np.hypot(*(a - b for a, b in zip(field.at(*at), stretch(*at), strict=True)))
    assert np.percentile(error, 90) < 3


def test_stretched_minutiae_are_paired():
    m = random_minutiae(4, 40, side=300)
    right, down = stretch(m.x, m.y)
    stretched = Minutiae(m.x + right, m.y + down, m.direction, m.kind, m.quality)
    found = compare(template_from_minutiae(m), template_from_minutiae(stretched))
    assert found.paired_fraction > 0.9 and np.mean(found.first == found.second) > 0.95
