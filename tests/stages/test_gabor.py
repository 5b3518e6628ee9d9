"""The bank against a direct filter of the whole image, and its answers to waves of known amplitude."""

import numpy as np
import pytest

from ridgefeat.stages import gabor as stage
from ridgefeat.stages.gabor import GaborParams, gabor_responses
from ridgefeat.stages.grid import CELL
from ridgefeat.stages.normalisation import normalise
from tests.stages.helpers import white_noise


def wave(shape, wavelength, angle, amplitude=1.0, phase=0.3):
    y, x = np.indices(shape).astype(float)
    return (amplitude * np.cos(2 * np.pi * (x * np.sin(angle) + y * np.cos(angle)) / wavelength + phase)).astype(
        np.float32
    )


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


def test_the_envelope_of_a_matched_wave_is_its_amplitude():
    centres = gabor_responses(np.zeros((16, 16), np.float32))
    for w, o, amplitude in [(2, 0, 1.4), (1, 4, 0.5), (3, 9, 1.0)]:
        image = wave((320, 320), float(centres.wavelengths[w]), float(centres.orientations[o]), amplitude)
        inner = gabor_responses(image).magnitude[:, :, 8:-8, 8:-8]
        assert inner[w, o] == pytest.approx(amplitude, rel=0.01)
        assert np.unravel_index(inner.mean((2, 3)).argmax(), inner.shape[:2]) == (w, o)


def test_opposite_borders_do_not_meet():
    image = np.zeros((160, 160), np.float32)
    image[:, :24] = wave((160, 24), 9, np.pi / 2)
    bank = gabor_responses(image).magnitude
    assert bank[..., -2:].max() < 0.05 * bank.max()


@pytest.mark.parametrize("shape", [(1, 1), (7, 300), (64, 65)])
def test_the_grid_covers_the_image(shape):
    bank = gabor_responses(np.zeros(shape, np.float32), GaborParams(orientations=8, wavelengths=3))
    assert bank.magnitude.shape == (3, 8, -(-shape[0] // 8), -(-shape[1] // 8))
    assert bank.magnitude.dtype == np.float32 and bank.magnitude.flags.c_contiguous
    assert not bank.magnitude.any()


def test_centres_run_from_shortest_to_longest_and_over_half_a_turn():
    bank = gabor_responses(np.zeros((16, 16), np.float32), GaborParams(shortest=6, longest=12))
    assert bank.wavelengths[[0, -1]] == pytest.approx([6, 12])
    ratio = bank.wavelengths[1:] / bank.wavelengths[:-1]
    assert ratio == pytest.approx(ratio[0]) and bank.orientations[0] == 0
    assert np.diff(bank.orientations) == pytest.approx(np.pi / len(bank.orientations))
