import numpy as np
import pytest
from scipy import ndimage

from ridgefeat.stages.grid import edge_distance
from tests.stages.helpers import disc


def everywhere(mask):
    y, x = np.indices(mask.shape)
    return edge_distance(mask, x.ravel(), y.ravel()).reshape(mask.shape)


@pytest.mark.parametrize("shape", [(90, 120), (101, 83)])
def test_distance_to_the_outline(shape):
    mask = disc(shape, 36)
    exact = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    error = everywhere(mask) - exact
    assert np.abs(error).mean() < 2 and np.abs(error).max() < 5
    assert not everywhere(mask)[~disc(shape, 42)].any()


@pytest.mark.parametrize("shape", [(60, 80), (61, 83), (62, 81)])
def test_the_images_border_counts_as_the_edge_alike_on_all_four_sides(shape):
    rows, columns = shape
    full, n = np.ones(shape, bool), np.arange(6)
    middle_x, middle_y = np.full(6, columns // 2), np.full(6, rows // 2)
    sides = (n, middle_y), (columns - 1 - n, middle_y), (middle_x, n), (middle_x, rows - 1 - n)
    left, *others = (edge_distance(full, x, y) for x, y in sides)
    assert left == pytest.approx(n + 1) and all(other == pytest.approx(left) for other in others)
