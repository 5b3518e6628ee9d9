"""What must stay the same, or change with it, when the image is turned, mirrored, lit differently or moved."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.structure import Minutiae, SingularPoints
from ridgefeat.synth import make_impression, make_master
from tests.stages.helpers import match, turn

ROWS, COLUMNS = 376, 320
"""Multiples of 8, so that cells fall on cells."""


@pytest.fixture(scope="module")
def image():
    return make_impression(make_master("left_loop", rng=1), rng=3, noise_level=1, shape=(ROWS, COLUMNS)).image


@pytest.fixture(scope="module")
def upright(image):
    return Fingerprint(image)


def same_points(found, expected):
    """Of the sure minutiae of either at least four in five are in the other; those at the limit come and go."""
    for one, other in ((found, expected), (expected, found)):
        sure = one.select(one.quality > 60)
        pairs = match(sure, other, distance=5, degrees=20)
        assert len(sure) >= 15 and len(pairs) >= 0.8 * len(sure)
        assert np.mean(sure.kind[pairs[:, 0]] == other.kind[pairs[:, 1]]) > 0.85


def same_fields(fp, mask, angle, period, spoilt=0.01):
    """The mask agrees but for a small share, and the period; return what is inside both, and the turn there."""
    both = fp.mask & mask
    assert np.mean(fp.mask != mask) < spoilt and np.abs(fp.period / period - 1)[both].mean() < 0.01
    return both, turn(fp.orientation.angle, angle)[both]


def turned_points(points, quarters):
    """Points of an image where they are in np.rot90(image, quarters)."""
    x, y, size = points.x, points.y, (COLUMNS, ROWS)
    for _ in range(quarters):
        x, y, size = y, size[0] - 1 - x, size[::-1]
    return x, y, np.mod(points.direction + quarters * np.pi / 2, 2 * np.pi).astype(np.float32)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_image_has_turned_ridges(image, upright, quarters):
    fp = Fingerprint(np.ascontiguousarray(np.rot90(image, quarters)))
    field, s, m = upright.orientation, upright.singular_points, upright.minutiae
    mask, angle, coherence, period, enhanced = (
        np.rot90(v, quarters) for v in (upright.mask, field.angle, field.coherence, upright.period, upright.enhanced)
    )
    both, off = same_fields(fp, mask, angle + quarters * np.pi / 2, period)
    assert off.max() < 3
    assert np.abs(fp.orientation.coherence - coherence)[both].mean() < 0.03
    assert np.abs(fp.enhanced - enhanced)[both].mean() < 0.04
    same_points(fp.minutiae, Minutiae(*turned_points(m, quarters), m.kind, m.quality))
    x, y, direction = turned_points(s, quarters)
    assert len(match(fp.singular_points, SingularPoints(x, y, s.kind, direction), 6)) == len(s) >= 1


@pytest.mark.parametrize("sideways", [True, False])
def test_a_mirrored_image_has_mirrored_ridges(image, upright, sideways):
    flip = np.fliplr if sideways else np.flipud
    fp = Fingerprint(np.ascontiguousarray(flip(image)))
    _, off = same_fields(fp, flip(upright.mask), -flip(upright.orientation.angle), flip(upright.period))
    assert off.max() < 3
    m = upright.minutiae
    x, y, half_turn = (COLUMNS - 1 - m.x, m.y, np.pi) if sideways else (m.x, ROWS - 1 - m.y, 0)
    direction = np.mod(half_turn - m.direction, 2 * np.pi).astype(np.float32)
    same_points(fp.minutiae, Minutiae(x, y, direction, m.kind, m.quality))


@settings(max_examples=6, deadline=None)
@given(gain=st.floats(0.35, 1.0), lift=st.floats(0, 1))
def test_a_brighter_or_flatter_image_changes_nothing_much(image, upright, gain, lift):
    fp = Fingerprint(np.round(image * gain + lift * 255 * (1 - gain)).astype(np.uint8))
    _, off = same_fields(fp, upright.mask, upright.orientation.angle, upright.period)
    assert off.mean() < 0.3
    same_points(fp.minutiae, upright.minutiae)


def test_the_prints_place_in_the_image_does_not_matter(image, upright):
    fp = Fingerprint(np.pad(image, ((40, 24), (16, 64)), constant_values=255))
    here = np.s_[40 : 40 + ROWS, 16 : 16 + COLUMNS]
    both = fp.mask[here] & upright.mask
    assert np.mean(fp.mask[here] != upright.mask) < 0.01
    assert turn(fp.orientation.angle[here], upright.orientation.angle)[both].mean() < 0.2
    m = upright.minutiae
    same_points(fp.minutiae, Minutiae(m.x + 16, m.y + 40, m.direction, m.kind, m.quality))


def test_the_same_image_gives_the_same_bytes_whatever_the_threads(image):
    before = cv2.getNumThreads()
    results = []
    try:
        for threads in (1, 2):
            cv2.setNumThreads(threads)
            fp = Fingerprint(image)
            results.append([fp.enhanced.tobytes(), fp.period.tobytes(), fp.minutiae.quality.tobytes()])
    finally:
        cv2.setNumThreads(before)
    assert results[0] == results[1]
