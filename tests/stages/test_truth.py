"""All stages on synthetic prints of which the truth is known."""

import cv2
import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.structure import BIFURCATION, ENDING
from ridgefeat.synth import PATTERN_SHARES, make_impression, make_master
from tests.stages.helpers import match, turn

PATTERNS = sorted(PATTERN_SHARES)


@pytest.fixture(scope="module")
def prints():
    """One impression per pattern at noise level 1, and what is read from it."""
    made = {}
    for seed, pattern in enumerate(PATTERNS):
        impression = make_impression(make_master(pattern, rng=seed), rng=seed + 10, noise_level=1)
        made[pattern] = Fingerprint(impression.image, impression.dpi), impression.truth
    return made


@pytest.mark.parametrize("pattern", PATTERNS)
def test_orientation(prints, pattern):
    fp, truth = prints[pattern]
    both = fp.mask & truth.mask
    assert np.sqrt(np.mean(turn(fp.orientation.angle, truth.orientation.angle)[both] ** 2)) < 5


@pytest.mark.parametrize("pattern", PATTERNS)
def test_period(prints, pattern):
    fp, truth = prints[pattern]
    both = fp.mask & truth.mask
    error = (fp.period / truth.period - 1)[both]
    assert np.abs(error).mean() < 0.05 and abs(error.mean()) < 0.04


@pytest.mark.parametrize("pattern", PATTERNS)
def test_mask(prints, pattern):
    fp, truth = prints[pattern]
    assert np.mean(fp.mask != truth.mask) < 0.06 and fp.mask[truth.mask].mean() > 0.97


def test_minutiae(prints):
    """F1 at 12 px and 22.5 degrees; a single print varies, the five together do not."""
    matched = 0
    count = 0
    for fp, truth in prints.values():
        pairs = len(match(fp.minutiae, truth.minutiae))
        both = len(fp.minutiae) + len(truth.minutiae)
        assert 2 * pairs / both > 0.65
        matched, count = matched + pairs, count + both
    assert 2 * matched / count > 0.75


def test_kinds_of_minutiae(prints):
    right = []
    for fp, truth in prints.values():
        pairs = match(fp.minutiae, truth.minutiae)
        clear = truth.minutiae.quality[pairs[:, 1]] > 30
        right.append((fp.minutiae.kind[pairs[:, 0]] == truth.minutiae.kind[pairs[:, 1]])[clear])
    assert np.mean(np.concatenate(right)) > 0.85


def test_places_of_minutiae(prints):
    away = []
    for fp, truth in prints.values():
        i, j = match(fp.minutiae, truth.minutiae).T
        dx, dy = fp.minutiae.x[i] - truth.minutiae.x[j], fp.minutiae.y[i] - truth.minutiae.y[j]
        away.append(np.column_stack([dx, dy]))
    away = np.concatenate(away)
    assert np.median(np.hypot(*away.T)) < 5 and np.abs(away.mean(0)).max() < 1


def test_doubtful_minutiae_are_wrong_more_often(prints):
    quality, right = [], []
    for fp, truth in prints.values():
        hit = np.zeros(len(fp.minutiae), bool)
        hit[match(fp.minutiae, truth.minutiae)[:, 0]] = True
        quality, right = [*quality, *fp.minutiae.quality], [*right, *hit]
    order = np.argsort(quality)
    half = len(order) // 2
    right = np.array(right)[order]
    assert right[half:].mean() > right[:half].mean() + 0.05


@pytest.mark.parametrize("pattern", PATTERNS)
def test_singular_points(prints, pattern):
    fp, truth = prints[pattern]
    found, known = fp.singular_points, truth.singular_points
    deep = cv2.distanceTransform(np.pad(truth.mask, 1).view(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    for x, y, kind in zip(known.x, known.y, known.kind, strict=True):
        if deep[round(float(y)), round(float(x))] > 30:
            same = found.select(found.kind == kind)
            assert np.hypot(same.x - x, same.y - y).min(initial=np.inf) < 20
    for x, y, kind in zip(found.x, found.y, found.kind, strict=True):
        same = known.select(known.kind == kind)
        assert np.hypot(same.x - x, same.y - y).min(initial=np.inf) < 20


def test_dark_ridge_ahead_of_an_ending_and_valley_ahead_of_a_bifurcation(prints):
    """The convention of directions, read from the grey levels themselves."""
    dark = {ENDING: [], BIFURCATION: []}
    for fp, _ in prints.values():
        m = fp.minutiae.select(fp.minutiae.quality > 60)
        grey = []
        for step in (5, -5):
            x, y = m.x + step * np.cos(m.direction), m.y - step * np.sin(m.direction)
            grey.append(fp.normalised[np.rint(y).astype(int), np.rint(x).astype(int)])
        for kind, found in dark.items():
            found.extend((grey[0] < grey[1])[m.kind == kind])
    assert len(dark[ENDING]) > 15 and len(dark[BIFURCATION]) > 15
    assert np.mean(dark[ENDING]) > 0.8 and np.mean(dark[BIFURCATION]) < 0.2


def test_no_flag_on_good_prints(prints):
    assert {fp.flags for fp, _ in prints.values()} == {()}


def test_noise_costs_but_does_not_break():
    """The error grows with the noise level, and stays that of a usable print."""
    master = make_master("left_loop", rng=7)
    errors = []
    for level in (0, 3):
        made = make_impression(master, rng=3, noise_level=level)
        fp = Fingerprint(made.image, made.dpi)
        both = fp.mask & made.truth.mask
        error = turn(fp.orientation.angle, made.truth.orientation.angle)[both]
        errors.append(np.sqrt(np.mean(error**2)))
    assert errors[0] < errors[1] < 10
