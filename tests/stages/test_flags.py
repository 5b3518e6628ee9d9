import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.stages.flags import MEANINGS, FlagParams, flag, other_scales
from ridgefeat.synth import make_print
from ridgefeat.synth.simple import grating
from tests.stages.helpers import disc, on_white

SHAPE, WIDE = (320, 300), (300, 520)


def flags(image, dpi=500.0):
    return Fingerprint(image, dpi).flags


def a_print(period=9.0, radius=120, **more):
    return on_white(grating(SHAPE, period, 0.6, **more).image, disc(SHAPE, radius))


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("inverted", ~a_print()),
        ("no_print", np.full(SHAPE, 255, np.uint8)),
        ("too_small", a_print(radius=65)),
        ("low_contrast", np.where(disc(SHAPE, 120), grating(SHAPE, 9, 0.6, contrast=0.08).image, 128).astype("u1")),
        ("saturated", np.where(a_print() < 128, 0, 255).astype(np.uint8)),
        ("cut_by_border", grating(SHAPE, 9.0, 0.6).image),
        ("wrong_scale", a_print(period=5.3)),
        (
            "several_prints",
            on_white(grating(WIDE, 9.0, 0.6).image, disc(WIDE, 95, (120, 150)) | disc(WIDE, 95, (390, 150))),
        ),
    ],
)
def test_each_flag_is_given_alone(name, image):
    assert flags(image) == (name,) and MEANINGS[name]


def test_flags_come_in_the_order_of_their_meanings():
    assert Fingerprint(~a_print(radius=65)).flags == ("resolution_assumed", "inverted", "too_small")
    cut = grating((150, 150), 5.0, 0.6, contrast=0.08).image
    found = flags(cut)
    assert found == ("too_small", "low_contrast", "cut_by_border", "wrong_scale")
    assert [f for f in MEANINGS if f in found] == list(found)


def test_a_good_print_has_none_and_limits_are_parameters():
    fp = Fingerprint(a_print(), 500)
    assert fp.flags == ()
    assert flag(fp.image, fp.mask, fp.period, FlagParams(min_area=900)) == ("too_small",)
    assert flag(fp.image, fp.mask, fp.period, FlagParams(longest_period=0.4)) == ("wrong_scale",)


@pytest.mark.parametrize("stated", [1250, 2000])
def test_a_print_at_a_wrong_resolution_is_distinguished_from_no_print(stated):
    image = make_print(4, noise_level=1).image
    assert Fingerprint(image, 500).flags == ()
    assert Fingerprint(image, stated).flags == ("no_print", "wrong_scale")
    noise = np.random.default_rng(0).integers(0, 256, image.shape).astype(np.uint8)
    assert Fingerprint(noise, stated).flags == ("no_print",)
    # The search at other resolutions uses the parameters of the print.
    strict = Params().updated(["segmentation.min_contrast=64"])
    assert Fingerprint(image, 2000, params=strict).flags == ("no_print",)


def test_a_print_at_a_fraction_of_its_resolution_has_a_wrong_scale_too():
    assert flags(a_print(period=30)) == ("no_print", "wrong_scale")


@pytest.mark.parametrize("side", [64, 80])
def test_a_small_piece_is_measured_and_flagged(side):
    piece = make_print(4, noise_level=1).image[150 : 150 + side, 120 : 120 + side]
    fp = Fingerprint(piece, 500)
    assert fp.flags == ("too_small", "cut_by_border") and fp.mask.mean() > 0.8 and 8 < fp.median_period < 10
    noise = np.random.default_rng(side).normal(128, 40, (side, side)).clip(0, 255).astype(np.uint8)
    assert Fingerprint(noise, 500).flags == ("no_print",)


def test_an_image_without_ridges_is_looked_at_in_four_other_sizes():
    small, large = (
        [i.shape for _, i in other_scales(np.zeros(shape, np.uint8))] for shape in ((400, 300), (1000, 900))
    )
    assert small == [(1000, 750), (640, 480), (200, 150), (100, 75)] and large == [(500, 450), (250, 225)]


@pytest.mark.parametrize(("black", "white", "expected"), [(2, 253, True), (3, 252, False)])
def test_saturated_is_pure_black_or_white(black, white, expected):
    fp = Fingerprint(grating((300, 300), 9.0, 0.5).image)
    hard = np.where(fp.image < 128, black, white).astype(np.uint8)
    assert ("saturated" in flag(hard, fp.mask, fp.period)) is expected
