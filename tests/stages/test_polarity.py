import numpy as np
import pytest

from ridgefeat import Fingerprint, extract
from ridgefeat.errors import ParameterError
from ridgefeat.stages.polarity import has_white_ridges, measure_polarity
from ridgefeat.synth import make_print
from ridgefeat.synth.simple import grating
from ridgefeat.table import Recipe
from tests.stages.helpers import disc, on_white

PRINTS = [make_print(seed, noise_level=1 + seed % 2).image for seed in range(6)]


@pytest.mark.parametrize("seed", range(6))
def test_a_negative_is_recognised_and_measured_as_the_print(seed):
    print_, negative = Fingerprint(PRINTS[seed], 500), Fingerprint(~PRINTS[seed], 500)
    assert "inverted" in negative.flags and "inverted" not in print_.flags
    assert negative.is_inverted and (negative.image == print_.image).all() and (negative.original != print_.image).any()
    assert np.array_equal(negative.minutiae.kind, print_.minutiae.kind)


def test_every_feature_of_a_negative_is_that_of_the_print():
    expected, found = extract(Fingerprint(PRINTS[0], 500)), extract(Fingerprint(~PRINTS[0], 500))
    widths = np.array([c.high - c.low for c in Recipe.make().columns()])
    assert (np.nan_to_num(np.abs(expected - found)) <= 1e-3 * np.where(np.isfinite(widths), widths, 1)).all()


@pytest.mark.parametrize("breadth", [-0.6, 0.6])
def test_breadth_of_ridges_does_not_matter(breadth):
    """Wet prints have thin white lines, dry ones thin dark lines."""
    wave = grating((320, 300), 9.0, 0.6).image.astype(np.float32) / 127.5 - 1
    image = on_white(np.where(wave > breadth, 235, 20).astype(np.uint8), disc((320, 300), 110))
    assert not Fingerprint(image, 500).is_inverted and Fingerprint(~image, 500).is_inverted


def test_the_rim_decides_from_a_tenth_below_the_middle_tone_and_from_24_cells_on():
    for rows, columns, tone, polarity, is_negative in (
        (120, 200, 118, -0.09, False),
        (120, 200, 115, -0.12, True),
        (48, 160, 255, 1.1, False),
        (44, 160, 0, 0.0, False),  # 22 cells of 4 px beside the print
    ):
        image, mask = np.full((rows, columns), tone, np.uint8), np.zeros((rows, columns), bool)
        mask[:, :120] = True
        image[mask] = grating((rows, 120), 9.0).image.ravel()
        assert measure_polarity(image, mask) == pytest.approx(polarity, abs=0.02)
        assert has_white_ridges(image, mask) == is_negative


def test_a_wet_patch_is_no_background():
    image = on_white(grating((320, 300), 9.0, 0.6).image, disc((320, 300), 140))
    image[190:, 60:240] = np.where(disc((320, 300), 138)[190:, 60:240], 0, image[190:, 60:240])
    assert not Fingerprint(image, 500).is_inverted and Fingerprint(~image, 500).is_inverted


def test_a_print_that_fills_its_image_is_taken_as_dark_unless_the_user_says_otherwise():
    full = grating((200, 200), 9.0, 0.6).image
    assert measure_polarity(full, np.ones(full.shape, bool)) == 0
    assert not Fingerprint(full).is_inverted and not Fingerprint(~full).is_inverted
    assert (Fingerprint(~full, invert="yes").image == full).all()
    assert "inverted" not in Fingerprint(~PRINTS[0], 500, invert="no").flags
    with pytest.raises(ParameterError, match="invert must be one of auto, yes, no, got 'maybe'"):
        Fingerprint(full, invert="maybe")
