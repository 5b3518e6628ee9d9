"""Prints and templates to compare: simulated fingers, and minutiae drawn at random."""

import cv2
import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.structure import Minutiae
from ridgefeat.synth import make_impression, make_master
from ridgefeat.verify import comparison_params

FINGERS, IMPRESSIONS = 3, 3


@pytest.fixture(scope="session")
def impressions():
    """Three simulated fingers, three impressions each: images by finger."""
    made = []
    for finger in range(FINGERS):
        master = make_master(rng=np.random.default_rng([5, finger]))
        made.append(
            [
                make_impression(master, rng=np.random.default_rng([5, finger, i]), noise_level=1).image
                for i in range(IMPRESSIONS)
            ]
        )
    return made


@pytest.fixture(scope="session")
def folder(impressions, tmp_path_factory):
    """The same as files named like FVC's."""
    path = tmp_path_factory.mktemp("prints")
    for finger, images in enumerate(impressions, 101):
        for i, image in enumerate(images, 1):
            cv2.imwrite(str(path / f"{finger}_{i}.png"), image)
    return path


@pytest.fixture(scope="session")
def prints(impressions):
    """The same as fingerprints extracted for comparing."""
    return [[Fingerprint(i, 500, params=comparison_params()) for i in images] for images in impressions]


def drawn(seed, count=40, side=300):
    """Minutiae at random, at least 12 px from each other."""
    rng = np.random.default_rng(seed)
    points = []
    while len(points) < count:
        p = rng.uniform(40, 40 + side, 2)
        if all(np.hypot(*(p - q)) > 12 for q in points):
            points.append(p)
    x, y = np.array(points, np.float32).T
    direction = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    return Minutiae(x, y, direction, np.ones(count, np.uint8), np.full(count, 80, np.float32))


def moved(m, turn, dx=0.0, dy=0.0):
    """The same minutiae, turned counter-clockwise about the origin and shifted."""
    c, s = np.cos(turn), np.sin(turn)
    x, y = c * m.x + s * m.y + dx, c * m.y - s * m.x + dy
    direction = np.mod(m.direction + turn, 2 * np.pi)
    return Minutiae(*(v.astype(np.float32) for v in (x, y, direction)), m.kind, m.quality)


@pytest.fixture
def minutiae():
    return drawn


@pytest.fixture
def move():
    return moved
