"""The steered filter against a direct one of full resolution, and what enhancement is for."""

import cv2
import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.enhancement import EnhancementParams, enhance
from ridgefeat.stages.normalisation import normalise
from ridgefeat.structure import OrientationField
from ridgefeat.synth import make_impression, make_master
from ridgefeat.synth.simple import grating, rings
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


def test_every_pixel_is_filtered_along_its_own_ridge():
    made = rings((300, 300), 9.0)
    noisy, clean = (normalise(image) for image in (with_noise(made.image, 80), made.image))
    found = enhance(noisy, made.truth.orientation, made.truth.period, made.truth.mask)
    ring = disc(clean.shape, 130) & ~disc(clean.shape, 40)
    before, after = (np.corrcoef(v[ring], clean[ring])[0, 1] for v in (noisy, found))
    assert before < 0.85 and after > 0.97


def test_values_and_mask():
    truth = disc((240, 240), 90)
    fp = Fingerprint(on_white(grating((240, 240), 8.0, 0.5).image, truth))
    assert fp.enhanced.dtype == np.float32 and fp.enhanced.shape == (240, 240)
    assert np.abs(fp.enhanced).max() <= 1 and not fp.enhanced[~fp.mask].any()
    assert fp.enhanced[fp.mask].std() > 0.5


def test_ridges_are_negative():
    image = grating((200, 200), 9.0, 0.5).image
    inner = np.s_[20:-20, 20:-20]
    enhanced, grey = Fingerprint(image).enhanced[inner], image[inner]
    assert np.mean(enhanced[grey < 100] < 0) > 0.99 and np.mean(enhanced[grey > 155] > 0) > 0.99


def test_faint_and_clear_ridges_come_out_equally_high():
    wave = grating((200, 400), 9.0, 0.5).image.astype(float)
    wave[:, 200:] = 128 + (wave[:, 200:] - 128) * 0.15
    enhanced = Fingerprint(wave.astype(np.uint8)).enhanced
    left, right = enhanced[30:-30, 30:170], enhanced[30:-30, 230:370]
    assert right.std() / left.std() == pytest.approx(1, abs=0.05)


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


def test_an_empty_mask_gives_nothing():
    nan = np.full((40, 50), np.nan, np.float32)
    out = enhance(np.zeros((40, 50), np.float32), field((40, 50), 0), nan, np.zeros((40, 50), bool))
    assert out.shape == (40, 50) and not out.any()


def test_noise_goes_from_a_print():
    master = make_master("whorl", rng=2)
    clean = make_impression(master, rng=0, noise_level=0)
    image = with_noise(clean.image, 70)
    deep = cv2.erode(clean.truth.mask.astype(np.uint8), np.ones((41, 41))) > 0
    ridges = clean.image < 128
    before = np.mean((image < 128)[deep] == ridges[deep])
    after = np.mean(Fingerprint(image).binary[deep] == ridges[deep])
    assert before < 0.93 < 0.95 < after
