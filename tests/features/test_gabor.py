"""The gabor family: where a wave of known length and angle shows, as a whole and by zone."""

import numpy as np
import pytest

from ridgefeat.features.gabor import WAVELENGTHS, gabor
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.structure import MM_PER_PX
from ridgefeat.synth.simple import grating
from tests.features.helpers import values_of

values = values_of(gabor)


def name(mm, degrees, figure):
    return f"gabor_w{round(100 * mm):03d}_a{degrees:05.1f}_{figure}".replace(".", "d")


@pytest.mark.parametrize("mm", WAVELENGTHS[1:4])
@pytest.mark.parametrize("degrees", [0, 45, 90, 157.5])
def test_a_wave_shows_at_its_own_length_and_angle(mm, degrees):
    found = values(Fingerprint(grating((320, 320), mm / MM_PER_PX, np.deg2rad(degrees)).image))
    means = {n: v for n, v in found.items() if n.endswith("_mean") and n.startswith("gabor_w")}
    means.pop("gabor_anisotropy_mean", None)
    assert len(means) == 8 * len(WAVELENGTHS) and max(means, key=means.get) == name(mm, degrees, "mean")
    # A wave of deviation 1 has amplitude 1.41; reading between filters and the borders costs some of it.
    assert 0.75 < means[name(mm, degrees, "mean")] < 1.45
    across = name(mm, (degrees + 90) % 180, "mean")
    assert means[across] < 0.1 * means[name(mm, degrees, "mean")]
    assert found[name(mm, degrees, "sd")] < 0.3
    shares = [found[f"gabor_w{round(100 * w):03d}_energy"] for w in WAVELENGTHS]
    assert sum(shares) == pytest.approx(1, abs=1e-5) and WAVELENGTHS[int(np.argmax(shares))] == mm


def test_one_orientation_is_anisotropic_and_noise_less_so():
    wave = grating((300, 300), 9.0, 0.4).image
    noise = np.random.default_rng(0).normal(0, 150, wave.shape)
    clean = values(Fingerprint(wave))
    noisy = values(Fingerprint(np.clip(wave + noise, 0, 255).astype(np.uint8)))
    # A direction between two readings shares its energy between them.
    assert clean["gabor_anisotropy_mean"] > 0.8
    assert noisy["gabor_anisotropy_mean"] < clean["gabor_anisotropy_mean"] - 0.1
    assert noisy["gabor_energy"] < clean["gabor_energy"]
    assert noisy["gabor_wavelength_spread"] > clean["gabor_wavelength_spread"]


def test_zones_tell_left_from_right_and_above_from_below():
    above = np.hstack([grating((200, 200), 7, 0.0).image, grating((200, 200), 11, np.pi / 2).image])
    found = values(Fingerprint(np.vstack([above, grating((200, 400), 9, np.pi / 4).image])))

    def energy(zone, part):
        return found[f"gabor_{zone}_{part}_energy"]

    assert energy("r1c1", "w035") > 4 * energy("r1c4", "w035")
    assert energy("r1c4", "w057") > 4 * energy("r1c1", "w057")
    assert energy("r1c1", "a000") > 10 * energy("r1c1", "a090")
    assert energy("r1c4", "a090") > 10 * energy("r1c4", "a000")
    assert energy("r4c2", "a045") > 10 * energy("r4c2", "a135")


def test_columns_do_not_depend_on_the_banks_own_size():
    fp = Fingerprint(grating((320, 320), 9.0, 0.5).image)
    other = Fingerprint(fp.original, params=Params().updated(["gabor.orientations=16", "gabor.wavelengths=7"]))
    a, b = values(fp), values(other)
    assert list(a) == list(b) == [c.name for c in gabor.all_columns()]
    assert b["gabor_wavelength_centroid"] == pytest.approx(a["gabor_wavelength_centroid"], rel=0.05)
    assert b["gabor_anisotropy_mean"] == pytest.approx(a["gabor_anisotropy_mean"], abs=0.1)
