"""All stages on synthetic prints of which the truth is known."""

import cv2
import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
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
def test_mask_orientation_and_period(prints, pattern):
    fp, truth = prints[pattern]
    assert np.mean(fp.mask != truth.mask) < 0.06 and fp.mask[truth.mask].mean() > 0.97
    both = fp.mask & truth.mask
    assert np.sqrt(np.mean(turn(fp.orientation.angle, truth.orientation.angle)[both] ** 2)) < 5
    error = (fp.period / truth.period - 1)[both]
    assert np.abs(error).mean() < 0.05 and abs(error.mean()) < 0.04


@pytest.fixture(scope="module")
def pairs(prints):
    """Minutiae found, true ones, and the indices of those that agree."""
    return [(fp.minutiae, true.minutiae, match(fp.minutiae, true.minutiae).T) for fp, true in prints.values()]


def test_minutiae(pairs):
    """F1 at 12 px and 22.5 degrees; a single print varies, the five together do not."""
    matched, both = np.array([(len(i), len(found) + len(truth)) for found, truth, (i, _) in pairs]).T
    assert (2 * matched / both > 0.65).all() and 2 * matched.sum() / both.sum() > 0.75


def test_kinds_and_places_of_minutiae(pairs):
    right, away = [], []
    for found, truth, (i, j) in pairs:
        right.append((found.kind[i] == truth.kind[j])[truth.quality[j] > 30])
        away.append([found.x[i] - truth.x[j], found.y[i] - truth.y[j]])
    away = np.concatenate(away, 1)
    assert np.mean(np.concatenate(right)) > 0.85
    assert np.median(np.hypot(*away)) < 5 and np.abs(away.mean(1)).max() < 1


def test_doubtful_minutiae_are_wrong_more_often(pairs):
    quality = np.concatenate([found.quality for found, _, _ in pairs])
    right = np.concatenate([np.isin(np.arange(len(found)), i) for found, _, (i, _) in pairs])[np.argsort(quality)]
    half = len(right) // 2
    assert right[half:].mean() > right[:half].mean() + 0.05


@pytest.mark.parametrize("pattern", PATTERNS)
def test_singular_points(prints, pattern):
    fp, truth = prints[pattern]
    found, known = fp.singular_points, truth.singular_points
    deep = cv2.distanceTransform(np.pad(truth.mask, 1).view(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    deep_known = known.select(deep[np.rint(known.y).astype(int), np.rint(known.x).astype(int)] > 30)
    for wanted, others in ((deep_known, found), (found, known)):
        for x, y, kind in zip(wanted.x, wanted.y, wanted.kind, strict=True):
            same = others.select(others.kind == kind)
            assert np.hypot(same.x - x, same.y - y).min(initial=np.inf) < 20


def test_no_flag_on_good_prints(prints):
    assert {fp.flags for fp, _ in prints.values()} == {()}
