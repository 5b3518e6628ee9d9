"""Frame lines, captions and handwriting on cards are not print."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.cards import without_lines
from ridgefeat.synth import make_print
from ridgefeat.synth.simple import grating
from tests.stages.helpers import disc, on_white

DATA = Path(__file__).parents[1] / "data"


def test_the_mask_is_the_print():
    card = Fingerprint(cv2.imread(str(DATA / "card_all.png"), cv2.IMREAD_GRAYSCALE), 500)
    plain = Fingerprint(cv2.imread(str(DATA / "card_plain.png"), cv2.IMREAD_GRAYSCALE), 500)
    assert (card.mask == plain.mask).all() and card.flags == plain.flags == ()
    assert len(card.minutiae) == len(plain.minutiae) and len(card.singular_points.cores) == 1


@pytest.mark.parametrize("lean", [0, 0.05])
@pytest.mark.parametrize("turned", [False, True])
def test_a_frame_line_next_to_the_print_is_painted_over(lean, turned):
    plain = on_white(grating((400, 420), 9.0, 0.6).image, disc((400, 420), 110))
    card = plain.copy()
    cv2.line(card, (0, 316), (420, int(316 - 420 * lean)), 30, 4)
    plain, card = (np.ascontiguousarray(i.T) if turned else i for i in (plain, card))
    assert np.count_nonzero(Fingerprint(card).mask != Fingerprint(plain).mask) < 150


@pytest.mark.parametrize("period", [6.0, 9.0, 13.0])
def test_straight_ridges_are_no_lines(period):
    wave = grating((300, 300), period, 0.0).image
    assert without_lines(wave, np.ones(wave.shape, bool)) is wave


def test_a_line_far_from_the_print_or_at_the_edge_of_the_sensor_changes_nothing():
    image = np.full((300, 300), 250, np.uint8)
    image[:, -1:] = 40
    assert without_lines(image, np.ones(image.shape, bool)) is image
    image[100:104] = 40
    assert without_lines(image, np.zeros(image.shape, bool)) is image


def test_lines_lean_up_to_6_degrees():
    for lean, is_line in ((0.1, True), (0.15, False)):
        card = np.full((400, 420), 250, np.uint8)
        cv2.line(card, (0, round(330 + 210 * lean)), (420, round(330 - 210 * lean)), 30, 4)
        assert (without_lines(card, np.ones(card.shape, bool)) is not card) == is_line


def test_a_faint_second_print_is_kept():
    wave = grating((320, 560), 9.0, 0.6).image
    image = on_white(wave, disc((320, 560), 110, (130, 160)) | disc((320, 560), 100, (420, 160)))
    faint = np.random.default_rng(1).normal(0, 45, (320, 280)) + 255 - (255 - image[:, 280:].astype(float)) * 0.5
    image[:, 280:] = np.clip(faint, 0, 255)
    assert Fingerprint(image, 500).flags == ("several_prints",)


def test_a_poor_finger_next_to_a_sharp_one_is_no_writing():
    sharp = make_print(4000, noise_level=0, period_mm=0.42)
    poor = make_print(4005, noise_level=3, period_mm=0.47)
    cut_out = [np.where(p.truth.mask, p.image, 250).astype(np.uint8) for p in (sharp, poor)]
    mask = Fingerprint(np.hstack(cut_out)).mask
    assert np.mean(mask[:, 360:][poor.truth.mask]) > 0.9  # 0 where it is taken for writing
