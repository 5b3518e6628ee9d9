"""Whatever the image, every stage ends without a warning and finds no print where there is none."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.synth.simple import grating
from tests.stages.helpers import white_noise, with_noise

STAGES = ["image", "normalised", "gabor", "mask", "orientation", "period", "enhanced", "binary", "skeleton"]
STAGES += ["minutiae", "singular_points", "flags"]

NO_PRINT = {
    "blank": np.full((300, 260), 255, np.uint8),
    "black": np.zeros((300, 260), np.uint8),
    "white noise": white_noise((300, 260)),
    "one pixel": np.zeros((1, 1), np.uint8),
    "a few pixels": white_noise((5, 3)),
    "tiny": white_noise((20, 20)),
    "tiny ridges": grating((20, 20)).image,
    "flat strip": grating((3, 900)).image,
    "thin strip": grating((900, 2)).image,
    "half black": np.tile(np.where(np.arange(260) < 130, 0, 255).astype(np.uint8), (300, 1)),
    "gradient": np.tile(np.linspace(0, 255, 260).astype(np.uint8), (300, 1)),
    "dot": np.pad(np.zeros((1, 1), np.uint8), 150, constant_values=255),
    "checks": (np.indices((300, 260)).sum(0) % 2 * 255).astype(np.uint8),
    "broad stripes": grating((300, 300), 60.0, 0.4).image,
    "fine stripes": grating((300, 300), 2.5, 0.4).image,
}
PRINT = {
    "tall": grating((1000, 48), 9, 0.3).image,
    "wide": grating((48, 1000), 9, 1.3).image,
    "large": grating((900, 800), 9, 0.5).image,
    "odd sized": grating((201, 173), 9, 0.5).image,
    "black and white": np.where(grating((200, 200), 9, 0.5).image < 128, 0, 255).astype(np.uint8),
    "noisy": with_noise(grating((200, 200), 9, 0.5).image, 120),
}


def every_stage(image):
    """All results of a print; none may write to its input, even if it is read-only; a warning is an error."""
    image.flags.writeable = False
    fp = Fingerprint(image, 500)
    made = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for stage in STAGES:
            result = getattr(fp, stage)
            if isinstance(result, np.ndarray):
                assert result.shape == image.shape
                made[stage] = result.tobytes()
    assert {stage: getattr(fp, stage).tobytes() for stage in made} == made
    return fp


@pytest.mark.parametrize("name", NO_PRINT)
def test_no_print_has_nothing(name):
    fp = every_stage(NO_PRINT[name].copy())
    assert not fp.mask.any() and not fp.enhanced.any()
    assert not fp.skeleton.any() and np.isnan(fp.period).all()
    assert len(fp.minutiae) == len(fp.singular_points) == 0
    # Stripes that are too fine for ridges at 500 dpi may be ridges at another resolution.
    assert fp.flags == (("no_print", "wrong_scale") if name == "fine stripes" else ("no_print",))


@pytest.mark.parametrize("name", PRINT)
def test_unusual_prints_are_read(name):
    fp = every_stage(PRINT[name].copy())
    assert fp.mask.mean() > 0.9 and "no_print" not in fp.flags
    assert np.nanmedian(fp.period) == pytest.approx(9, rel=0.03)
    rows, columns = fp.image.shape
    assert (fp.minutiae.x < columns).all() and (fp.minutiae.y < rows).all()
    assert ((fp.minutiae.quality >= 0) & (fp.minutiae.quality <= 100)).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 256]))
def test_any_small_image_ends(rows, columns, seed, levels):
    grey = np.random.default_rng(seed).integers(0, levels, (rows, columns)) * (255 // (levels - 1))
    fp = every_stage(grey.astype(np.uint8))
    assert np.isfinite(fp.enhanced).all() and np.isfinite(fp.orientation.angle).all()
    assert np.isfinite(fp.gabor.magnitude).all()
    assert ((fp.orientation.coherence >= 0) & (fp.orientation.coherence <= 1.0001)).all()
    assert np.array_equal(np.isnan(fp.period), ~fp.mask)
