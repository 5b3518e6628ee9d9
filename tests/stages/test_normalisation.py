import numpy as np
import pytest

from ridgefeat.stages.normalisation import NormalisationParams, normalise
from tests.stages.helpers import white_noise


@pytest.mark.parametrize("window", [21, 33, 65])
def test_mean_and_deviation_are_those_of_the_window(window):
    image = white_noise((160, 160))
    image[:, 80:] = 100 + image[:, 80:] // 4
    half = window // 2
    windows = np.lib.stride_tricks.sliding_window_view(image.astype(float), (window, window))
    expected = (image[half:-half, half:-half] - windows.mean((2, 3))) / windows.std((2, 3))
    found = normalise(image, NormalisationParams(window=window))[half:-half, half:-half]
    error = np.abs(found - np.clip(expected, -3, 3))
    # Means are taken over cells of some pixels, so windows differ by a few rows and columns.
    assert error.mean() < 0.06 and np.percentile(error, 99) < 0.4


def test_what_is_flat_stays_flat():
    assert not normalise(np.full((50, 40), 200, np.uint8)).any()
    faint = np.full((50, 40), 200, np.uint8)
    faint[::2] += 1
    assert np.abs(normalise(faint)).max() < 0.3


def test_values_are_clipped_at_three_deviations():
    dot = np.full((99, 99), 255, np.uint8)
    dot[49, 49] = 0
    out = normalise(dot)
    assert out[49, 49] == -3 and np.abs(out).max() == 3
