"""The steered filter against a direct one of full resolution, and what enhancement is for."""

import cv2
import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.enhancement import EnhancementParams, enhance
from ridgefeat.stages.normalisation import normalise
from ridgefeat.structure import OrientationField
from ridgefeat.synth.simple import grating
from tests.stages.helpers import disc, on_white, with_noise


def field(shape, angle):
    return OrientationField(np.full(shape, angle, np.float32), np.ones(shape, np.float32))


def direct(image, angle, period, p):
    """One oriented filter over the whole image in double precision, then waves brought to one height."""
    pad = 64
    padded = np.pad(image.astype(float), pad, mode="reflect")
    fy, fx = np.fft.fftfreq(padded.shape[0])[:, None], np.fft.fftfreq(padded.shape[1])[None, :]
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1e-12
    kappa = 1 / (2 * np.deg2rad(p.angular_deviation)) ** 2
    off = np.arctan2(-fy, fx) - angle - np.pi / 2
    window = np.exp(kappa * (np.cos(2 * off) - 1) - 0.5 * (np.log(radius * period) / p.radial_deviation) ** 2)
    filtered = np.fft.ifft2(np.fft.fft2(padded) * window).real[pad:-pad, pad:-pad]
    side = round(1.5 * period)
    height = np.sqrt(2 * cv2.blur(filtered**2, (side, side), borderType=cv2.BORDER_REFLECT))
    return np.clip(filtered / (height + 0.02), -1, 1)


@pytest.mark.parametrize("degrees", [0, 33, 90, 150])
@pytest.mark.parametrize("noise", [0, 60])
def test_the_steered_filter_is_the_direct_one(degrees, noise):
    angle, shape = np.deg2rad(degrees), (192, 224)
    image = normalise(with_noise(grating(shape, 9.0, angle).image, noise, 5))
    p = EnhancementParams()
    found = enhance(image, field(shape, angle), np.full(shape, 9, np.float32), np.ones(shape, bool), p)
    difference = np.abs(found - direct(image, angle, 9.0, p))[32:-32, 32:-32]
    assert difference.max() < 0.15 and difference.mean() < 0.04


def test_values_and_mask():
    truth = disc((240, 240), 90)
    fp = Fingerprint(on_white(grating((240, 240), 8.0, 0.5).image, truth))
    assert fp.enhanced.dtype == np.float32 and fp.enhanced.shape == (240, 240)
    assert np.abs(fp.enhanced).max() <= 1 and not fp.enhanced[~fp.mask].any()
    assert fp.enhanced[fp.mask].std() > 0.5


@pytest.mark.parametrize("gap", [3, 6, 10])
def test_gaps_close(gap):
    image = grating((241, 241), 9.0, 0.0).image
    image[116:126, 120 - gap // 2 : 120 + gap // 2] = 255
    fp = Fingerprint(image)
    assert fp.enhanced[120, 110:131].max() < -0.5 and not len(fp.minutiae)


def test_bridges_break_and_spurs_go():
    image = grating((241, 241), 9.0, 0.0).image
    clean = Fingerprint(image).enhanced
    cv2.line(image, (100, 120), (100, 129), 0, 2)
    cv2.line(image, (160, 120), (160, 124), 0, 2)
    assert not len(Fingerprint(image).minutiae)
    assert np.abs(Fingerprint(image).enhanced - clean)[40:-40, 40:-40].mean() < 0.02
