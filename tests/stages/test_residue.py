"""What lies next to a print is left out of its mask; the print stays whole."""

import cv2
import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.residue import find_residue
from ridgefeat.synth import make_print
from tests.stages.helpers import disc, white_noise

PAPER = 240
MADE = make_print(4002, noise_level=1)
BROKEN = cv2.GaussianBlur(white_noise((600, 560)).astype(np.float32), (0, 0), 4) > 128


def pressed(*prints):
    """Paper on which prints are pressed: (x, y, strength, which pixels of the image are inked)."""
    ink = np.zeros((600, 560), np.float32)
    for x, y, strength, where in prints:
        own = np.where(MADE.truth.mask, PAPER - np.minimum(MADE.image, PAPER), 0) * np.float32(strength)
        shown = np.zeros_like(ink)
        shown[y:, x:][: own.shape[0], : own.shape[1]] = own[: 600 - y, : 560 - x]
        ink = np.maximum(ink, shown * where)
    return (PAPER - ink).astype(np.uint8)


def framed():
    """The print with a sensor's dark frame along two borders, 1 mm from its edge."""
    left, top, width, height = cv2.boundingRect(MADE.truth.mask.view(np.uint8))
    image = pressed((0, 0, 1, True))[: top + height + 20, : left + width + 20].copy()
    image[:, -2:] = image[-2:] = 40
    return image


PLAIN = pressed((0, 0, 1, True))
BELOW = np.zeros(BROKEN.shape, bool)
BELOW[430:560, 100:250] = True
RIGHT = np.arange(560) > 345
BESIDE = {
    "a dark frame": framed(),
    "what an earlier finger left": pressed((0, 0, 1, True), (290, 40, 0.25, BROKEN & RIGHT)),
    "the next phalanx": pressed((0, 0, 1, True), (0, 300, 0.7, BROKEN & BELOW)),
}


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("what", BESIDE)
def test_the_mask_is_the_print_alone(what, negative):
    image = ~BESIDE[what] if negative else BESIDE[what]
    fp = Fingerprint(image, 500, invert="yes" if negative else "no")
    plain = Fingerprint(PLAIN[: image.shape[0], : image.shape[1]], 500)
    assert np.count_nonzero(fp.mask != plain.mask) < 0.01 * np.count_nonzero(plain.mask)
    assert "several_prints" not in fp.flags
    assert abs(len(fp.minutiae) - len(plain.minutiae)) <= 1


def test_a_fading_tip_belongs_to_the_print():
    fade = np.clip((np.arange(600) - 30) / 160, 0, 1)[:, None] * 0.84 + 0.16
    mask = Fingerprint(pressed((0, 0, 1, fade.astype(np.float32))), 500).mask[:400, :360]
    assert np.mean(mask[MADE.truth.mask]) > 0.95


@pytest.mark.parametrize(("strength", "down"), [(0.4, 20), (1.0, 200)])
def test_a_second_finger_is_no_residue(strength, down):
    mask = Fingerprint(pressed((0, 0, 1, True), (320, down, strength, RIGHT)), 500).mask
    assert mask[down + 150 : down + 250, 400:540].mean() > 0.95


def test_wet_skin_and_faint_places_within_the_print_are_no_residue():
    shape = (40, 40)
    print_, weak = disc(shape, 14, (15, 15)), disc(shape, 6, (31, 25))
    weak &= ~print_
    ridges = print_ | weak
    strength = np.where(weak, 0.3, 1.0).astype(np.float32)
    image = np.full((320, 320), 240, np.uint8)
    image[cv2.resize(ridges.view(np.uint8), None, fx=8, fy=8, interpolation=0) > 0] = 120
    at = cv2.resize(weak.view(np.uint8), None, fx=8, fy=8, interpolation=0) > 0
    found = [find_residue(np.where(at, tone, image).astype(np.uint8), ridges, strength, strength) for tone in (30, 220)]
    assert not found[0].any() and found[1].any() and not found[1][~weak].any()


@pytest.mark.parametrize("ridges", [np.zeros((3, 5), bool), np.ones((30, 5), bool), white_noise((90, 70)) > 90])
def test_any_cells_can_be_looked_at(ridges):
    strength = white_noise(ridges.shape, 1).astype(np.float32)
    found = find_residue(white_noise((8 * len(ridges) - 3, 8 * ridges.shape[1])), ridges, strength, strength)
    assert found.shape == ridges.shape and not found[~ridges].any()


def test_faint_specks_below_the_middle_are_no_print_and_a_fading_tip_is():
    ridges = np.zeros((40, 50), bool)
    ridges[6:36, 6:30] = True
    strength = np.where(ridges, 1.0, 0.0)
    ridges[[26, 30, 32], 34] = ridges[[3, 2], 20] = True  # dust to the right, dots above the tip
    strength[[26, 30, 32], 34] = strength[[3, 2], 20] = 0.3
    image = np.full((320, 400), 250, np.uint8)
    found = find_residue(image, ridges, strength, strength)
    assert found[[26, 30, 32], 34].all() and np.count_nonzero(found) == 3
    strength[[26, 30, 32], 34] = 1.0  # as strong as the print
    assert not find_residue(image, ridges, strength, strength).any()


@pytest.mark.parametrize(
    ("top", "rows", "is_dropped"),
    [(26, 10, True), (25, 10, False), (26, 7, False)],  # 0.4 and 0.8 mm above the lowest place; 20 and 14 mm²
)
def test_a_phalanx_begins_at_most_0_8_mm_above_the_fingertips_end_and_has_15_mm2(top, rows, is_dropped):
    ridges, share = np.zeros((40, 30), bool), np.ones((40, 30), np.float32)
    ridges[4:24, 4:24] = ridges[24:27, 4:9] = True
    phalanx = np.s_[top : top + rows, 11:23]
    ridges[phalanx], share[phalanx] = True, 0.5
    found = find_residue(np.full((320, 240), 250, np.uint8), ridges, np.ones_like(share), share)
    assert found[phalanx].all() == found.any() == is_dropped
