import cv2
import numpy as np
import pytest
from scipy import ndimage

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.segmentation import SegmentationParams, segment
from ridgefeat.synth.simple import grating
from tests.stages.helpers import disc, on_white, white_noise

SHAPE = (320, 280)
RIDGES = grating(SHAPE, 9.0, 0.6).image


def pieces(mask):
    return ndimage.label(mask)[1]


def segmented(image, **params):
    fp = Fingerprint(image)
    return segment(fp.image, fp.gabor, SegmentationParams(**params))


@pytest.mark.parametrize("radius", [70, 110])
@pytest.mark.parametrize("paper", [255, 128, 0])
def test_a_disc_of_ridges_is_found(radius, paper):
    truth = disc(SHAPE, radius)
    found = segmented(np.where(truth, RIDGES, paper).astype(np.uint8))
    # In px of the rim: the outline lies a little outside rather than inside.
    rim = 2 * np.pi * radius
    assert np.count_nonzero(found & ~truth) < 5 * rim and np.count_nonzero(truth & ~found) < 2 * rim
    assert found[disc(SHAPE, radius - 8)].all() and not found[~disc(SHAPE, radius + 14)].any()


def test_noise_around_a_print_is_left_out():
    truth = disc(SHAPE, 100)
    image = np.where(truth, RIDGES, 255 - white_noise(SHAPE) // 4)
    found = segmented(image.astype(np.uint8))
    assert found[truth].mean() > 0.97 and found[~truth].mean() < 0.12
    assert not found[~disc(SHAPE, 130)].any()


def test_a_hole_is_filled_and_writing_is_no_part_of_the_print():
    found = segmented(on_white(RIDGES, disc(SHAPE, 120) & ~disc(SHAPE, 45)))
    assert found[150:170, 130:150].all() and pieces(~found) == 1
    image = on_white(RIDGES, disc(SHAPE, 90))
    cv2.putText(image, "3 R. MIDDLE", (10, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 3)
    assert not segmented(image)[:45].any()


def test_small_pieces_are_dropped_and_large_ones_kept():
    wave = grating((300, 500), 9.0, 0.6).image
    large, small = disc((300, 500), 100, (120, 150)), disc((300, 500), 50, (400, 150))
    assert segmented(on_white(wave, small)).any()
    assert pieces(segmented(on_white(wave, large | small), min_piece=0.4)) == 1
    both = segmented(on_white(wave, large | disc((300, 500), 80, (380, 150))), min_piece=0.4)
    assert pieces(both) == 2


@pytest.mark.parametrize(("side", "found"), [(40, False), (48, True)])
def test_five_square_millimetres_are_a_print_in_the_smallest_image(side, found):
    assert segmented(RIDGES[:side, :side]).any() == found


def test_what_is_smaller_than_the_minimum_area_is_no_print():
    image = on_white(RIDGES, disc(SHAPE, 60))
    area = np.pi * 60**2 * (25.4 / 500) ** 2
    assert segmented(image, min_area=0.7 * area).any()
    assert not segmented(image, min_area=1.5 * area).any()


def test_faint_ridges_are_found_and_invisible_ones_not():
    assert segmented(on_white(grating(SHAPE, 9.0, 0.6, contrast=0.1).image, disc(SHAPE, 100))).any()
    assert not segmented(grating(SHAPE, 9.0, 0.6, contrast=0.01).image).any()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("blur", [0, 0.7, 1.5, 3.0, 6.0])
def test_noise_is_no_print(seed, blur):
    noise = white_noise((300, 260), seed).astype(np.float32)
    if blur:
        noise = cv2.GaussianBlur(noise, (0, 0), blur)
    stretched = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    fp = Fingerprint(stretched, 500)
    assert not fp.mask.any() and len(fp.minutiae) == len(fp.singular_points) == 0
    assert fp.flags == ("no_print",)


def test_contrast_is_judged_by_the_prints_own_strong_ridges():
    image = RIDGES.copy()
    image[:, 140:] = grating(SHAPE, 9.0, 0.6, contrast=0.08).image[:, 140:]
    found = segmented(image)
    assert found[:, :120].all() and not found[:, 170:].any()
    assert segmented(image, contrast=0.05)[:, 170:].all()
