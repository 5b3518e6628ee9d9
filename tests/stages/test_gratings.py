"""Orientation, period, coherence and mask of closed-form waves."""

import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.orientation import OrientationParams, estimate_orientation
from ridgefeat.synth.simple import chirp, grating
from tests.stages.helpers import disc, on_white, turn, with_noise

INNER = np.s_[24:-24, 24:-24]


@pytest.mark.parametrize("degrees", [0, 20, 37.5, 45, 90, 112, 179.5])
@pytest.mark.parametrize("period", [6.0, 9.0, 13.0])
def test_a_grating_is_read_back(period, degrees):
    fp = Fingerprint(grating((200, 240), period, np.deg2rad(degrees)).image)
    # Between the bank's orientations, 15 degrees apart, the estimate leans to the nearer one.
    assert turn(fp.orientation.angle, np.deg2rad(degrees))[INNER].max() < 1.5
    assert np.abs(fp.period[INNER] / period - 1).max() < 0.02
    assert fp.orientation.coherence[INNER].min() > 0.97 and fp.mask.all()
    assert not len(fp.singular_points)


def test_angles_lie_in_the_half_open_half_turn():
    # A grating at 0 degrees is where rounding would give pi.
    for degrees in (0, 179.99, 90):
        angle = Fingerprint(grating((120, 120), 9.0, np.deg2rad(degrees)).image).orientation.angle
        assert angle.dtype == np.float32 and angle.min() >= 0
        assert angle.max() < np.pi


def test_orientation_across_the_wrap_is_averaged_as_an_orientation():
    upper, lower = (grating((120, 160), 9.0, np.deg2rad(d)).image for d in (174, 6))
    angle = Fingerprint(np.vstack([upper, lower])).orientation.angle
    assert turn(angle[110:130, 60:100], 0).max() < 8


@pytest.mark.parametrize("across", [False, True])
def test_period_follows_a_chirp(across):
    made = chirp((320, 200), (7.0, 12.0), np.pi / 2 if across else 0.0)
    fp = Fingerprint(made.image)
    error = fp.period[INNER] / made.truth.period[INNER] - 1
    assert np.abs(error).mean() < 0.03 and np.abs(error).max() < 0.12


def test_coherence_falls_with_noise_and_is_zero_outside():
    clean = grating((240, 240), 9.0, 0.5).image
    inside = disc((240, 240), 100)
    means = []
    for deviation in (0, 40, 120):
        fp = Fingerprint(on_white(with_noise(clean, deviation, 3), inside))
        assert not fp.orientation.coherence[~fp.mask].any()
        means.append(fp.orientation.coherence[disc((240, 240), 80)].mean())
    assert means[0] > 0.95 > means[1] > means[2] and 0 <= means[2] < 0.6


def test_the_field_is_continued_outside_the_mask():
    fp = Fingerprint(on_white(grating((240, 240), 9.0, 0.5).image, disc((240, 240), 90)))
    margin = ~fp.mask & disc((240, 240), 100)
    assert turn(fp.orientation.angle[margin], 0.5).max() < 10 and np.isnan(fp.period[~fp.mask]).all()
    assert np.isfinite(fp.period[fp.mask]).all()


def test_noise_in_all_directions_does_not_bias_the_period():
    fp = Fingerprint(with_noise(grating((200, 200), 7.0, 0.5).image, 100, 1))
    assert fp.period.mean() == pytest.approx(7, rel=0.003)


def orientation_error(fp, **params):
    field = estimate_orientation(fp.normalised, fp.gabor, fp.mask, OrientationParams(**params))
    return turn(field.angle, 0.5)[INNER].mean()


def test_smoothing_and_doubting_waves_across_the_neighbours_orientation_lower_the_error():
    noisy = Fingerprint(with_noise(grating((200, 200), 9.0, 0.5).image, 250, 1))
    error = [orientation_error(noisy, smoothing=smoothing) for smoothing in (2, 8, 24)]
    assert error[0] > error[1] > error[2]
    assert orientation_error(noisy) < min(0.8, 0.6 * orientation_error(noisy, trust=0))
