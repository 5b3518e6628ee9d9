"""The bank against a direct filter of the whole image, and its answers to waves of known amplitude."""

import numpy as np
import pytest

from ridgefeat.stages import gabor as stage
from ridgefeat.stages.gabor import GaborParams, gabor_responses
from ridgefeat.stages.grid import CELL
from ridgefeat.stages.normalisation import normalise
from tests.stages.helpers import white_noise


def direct(image, wavelength, orientation, p):
    """Envelope in the middle of each cell: the whole image filtered in double precision, then sampled."""
    shape = tuple(CELL * stage._grid_size(n) for n in image.shape)
    padded = np.zeros(shape)
    padded[: image.shape[0], : image.shape[1]] = image
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :]
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1e-9
    radial = np.log(radius * wavelength) / p.radial_deviation
    around = np.angle(np.exp(1j * (np.arctan2(-fy, fx) - orientation - np.pi / 2)))
    exponent = radial**2 + (around / np.deg2rad(p.angular_deviation)) ** 2
    window = np.where(exponent < stage.REACH**2, 2 * np.exp(-exponent / 2), 0)
    half_a_cell = np.exp(2j * np.pi * 3.5 * (fy + fx))
    analytic = np.fft.ifft2(np.fft.fft2(padded) * window * half_a_cell)
    return np.abs(analytic)[::8, ::8][: -(-image.shape[0] // 8), : -(-image.shape[1] // 8)]


@pytest.mark.parametrize("shape", [(160, 128), (131, 173)])
def test_the_bank_is_the_direct_filter_sampled_in_the_cells_middles(shape):
    image = normalise(white_noise(shape, 2))
    p = GaborParams()
    bank = gabor_responses(image, p)
    for w, o in [(0, 0), (2, 3), (4, 7), (3, p.orientations - 1)]:
        expected = direct(image, float(bank.wavelengths[w]), float(bank.orientations[o]), p)
        assert np.abs(bank.magnitude[w, o] - expected).max() < 1e-4 * expected.max()


def test_opposite_borders_do_not_meet():
    image = np.zeros((160, 160), np.float32)
    image[:, :24] = np.cos(2 * np.pi * np.arange(24) / 9)
    bank = gabor_responses(image).magnitude
    assert bank[..., -2:].max() < 0.05 * bank.max()


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (64, 65)])
def test_the_grid_covers_the_image(shape):
    bank = gabor_responses(np.zeros(shape, np.float32), GaborParams(orientations=8, wavelengths=3))
    assert bank.magnitude.shape == (3, 8, -(-shape[0] // 8), -(-shape[1] // 8))
    assert bank.magnitude.dtype == np.float32 and bank.magnitude.flags.c_contiguous
    assert not bank.magnitude.any()
