"""Closed-form prints have their declared truth, read back by an independent structure tensor."""

import numpy as np
import pytest

from ridgefeat.errors import ParameterError
from ridgefeat.structure import BIFURCATION, ENDING
from ridgefeat.synth import simple
from tests.synth.helpers import read_orientation, sample, turn


def error_degrees(print_, sigma=8.0):
    return np.abs(np.rad2deg(turn(read_orientation(print_.image, sigma), print_.truth.orientation.angle)))


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 117, 179])
def test_grating_orientation_is_read_back(degrees):
    print_ = simple.grating((160, 200), 8.0, np.deg2rad(degrees))
    assert error_degrees(print_)[30:-30, 30:-30].max() < 0.5


@pytest.mark.parametrize("period", [5.0, 9.0, 14.0])
def test_grating_period_is_the_spectral_peak(period):
    profile = simple.grating((512, 8), period).image[:, 0].astype(float)
    spectrum = np.abs(np.fft.rfft((profile - profile.mean()) * np.hanning(512), 8192))
    assert 8192 / spectrum.argmax() == pytest.approx(period, rel=0.005)


def test_chirp_period_runs_from_first_to_second():
    print_ = simple.chirp((400, 50), (6.0, 12.0))
    rising = np.flatnonzero(np.diff((print_.image[:, 0] > 127).astype(int)) > 0)
    spacing, middle = np.diff(rising), (rising[1:] + rising[:-1]) // 2
    assert np.abs(spacing / print_.truth.period[middle, 0] - 1).max() < 0.15


def test_rings_turn_with_the_radius():
    print_ = simple.rings((200, 240), 9.0, (120.0, 80.0))
    rows, columns = np.indices(print_.image.shape)
    away = np.hypot(columns - 120, rows - 80) > 25
    away[:30], away[-30:], away[:, :30], away[:, -30:] = False, False, False, False
    assert (
        np.sqrt(np.mean(error_degrees(print_, 5.0)[away] ** 2)) < 1.5 and len(print_.truth.singular_points.cores) == 2
    )


@pytest.mark.parametrize("degrees", [0, 60, 135, 270])
@pytest.mark.parametrize("kind", [ENDING, BIFURCATION])
def test_dislocated_grating_gains_a_ridge_along_its_direction(degrees, kind):
    d = np.deg2rad(degrees)
    print_ = simple.dislocated_grating((200, 200), 9.0, d, kind, at=(100.0, 100.0))
    step, across = 8.0, np.arange(-46, 46, 0.25)

    def ridges(side):
        x = 100 + side * step * np.cos(d) + across * np.sin(d)
        y = 100 - side * step * np.sin(d) + across * np.cos(d)
        profile = sample(print_.image, x, y) - 127.5
        return np.count_nonzero(np.diff(np.sign(profile))) / 2

    assert 0.5 <= ridges(+1) - ridges(-1) <= 1.5
    ahead = sample(print_.image, [100 + 4 * np.cos(d)], [100 - 4 * np.sin(d)])[0]
    assert (ahead < 60) if kind == ENDING else (ahead > 195)


def test_dislocated_grating_orientation_is_that_of_its_ridges():
    print_ = simple.dislocated_grating((200, 200), 9.0, 0.4)
    rows, columns = np.indices(print_.image.shape)
    ring = np.abs(np.hypot(columns - 99.5, rows - 99.5) - 35) < 10
    assert np.sqrt(np.mean(error_degrees(print_, 3.0)[ring] ** 2)) < 1.0
    straight = np.rad2deg(turn(read_orientation(print_.image, 3.0), 0.4))[ring]
    assert np.sqrt(np.mean(straight**2)) > 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simple.grating(period=1), "period must be at least 2 px, got 1"),
        (lambda: simple.grating((0, 5)), "shape must be two positive"),
        (lambda: simple.grating(contrast=2), "contrast must lie between 0 and 1, got 2"),
        (lambda: simple.dislocated_grating(kind=3), "kind must be 1"),
    ],
)
def test_unusable_parameters_are_named(call, message):
    with pytest.raises(ParameterError, match=message):
        call()
