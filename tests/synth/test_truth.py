"""The truth about a noise-free print agrees with what is read from its pixels, by means written here."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.morphology import skeletonize

from ridgefeat.structure import CORE, DELTA, ENDING
from ridgefeat.synth import PATTERN_SHARES, make_impression, make_master
from tests.synth.helpers import read_orientation, sample, turn, values_at

EXPECTED = {"arch": (0, 0), "tented_arch": (1, 1), "left_loop": (1, 1), "right_loop": (1, 1), "whorl": (2, 2)}


@pytest.fixture(scope="module", params=sorted(PATTERN_SHARES))
def made(request):
    seed = sorted(PATTERN_SHARES).index(request.param)
    master = make_master(request.param, rng=seed, period_mm=0.40 + 0.03 * (seed % 3))
    return master, make_impression(master, rng=seed, noise_level=0)


def depth(truth):
    """How far inside the print each pixel lies."""
    return ndimage.distance_transform_edt(np.pad(truth.mask, 1))[1:-1, 1:-1]


def inner(truth, margin=20, singular=25):
    mask = depth(truth) > margin
    rows, columns = np.indices(mask.shape)
    for x, y in zip(truth.singular_points.x, truth.singular_points.y, strict=True):
        mask &= np.hypot(columns - x, rows - y) > singular
    return mask


def test_orientation_read_from_ridges_is_the_truth_within_two_degrees(made):
    _, print_ = made
    error = np.rad2deg(turn(read_orientation(print_.image, 6), print_.truth.orientation.angle))[inner(print_.truth)]
    assert error.size > 30000 and np.sqrt(np.mean(error**2)) < 2
    assert abs(np.mean(error)) < 0.2


def test_period_read_from_spectra_is_the_truth_within_three_percent(made):
    _, print_ = made
    size, fine = 48, 256
    window = np.hanning(size)[:, None] * np.hanning(size)[None, :]
    frequency = np.hypot(np.fft.fftfreq(fine)[:, None], np.fft.rfftfreq(fine)[None, :])
    usable, errors = inner(print_.truth, 26), []
    for row in range(0, print_.image.shape[0] - size, 24):
        for column in range(0, print_.image.shape[1] - size, 24):
            block = np.s_[row : row + size, column : column + size]
            angle, period = print_.truth.orientation.angle[block], print_.truth.period[block]
            if not usable[block].all() or abs(np.exp(2j * angle).mean()) < 0.98:
                continue
            pixels = print_.image[block].astype(float)
            power = np.abs(np.fft.rfft2((pixels - pixels.mean()) * window, (fine, fine))) ** 2
            power[frequency < 0.05] = 0
            weight = np.where(power > 0.3 * power.max(), power, 0)
            read = weight.sum() / (weight * frequency).sum()
            errors.append(read * np.average(1 / period, weights=window) - 1)
    assert len(errors) >= 6 and np.median(np.abs(errors)) < 0.03
    assert abs(np.mean(errors)) < 0.02


def skeleton_nodes(ridge):
    lines = skeletonize(ridge)
    neighbours = ndimage.convolve(lines.astype(int), np.ones((3, 3), int), mode="constant") - 1
    return np.argwhere(lines & ((neighbours == 1) | (neighbours >= 3)))[:, ::-1]


def test_a_minutia_is_where_the_truth_puts_it(made):
    _, print_ = made
    truth, nodes = print_.truth.minutiae, skeleton_nodes(print_.image < 128)
    inside = depth(print_.truth)
    deep = truth.select(values_at(inside, truth) > 14)
    assert len(deep) >= 15
    distance, _ = cKDTree(nodes).query(np.column_stack([deep.x, deep.y]))
    assert np.mean(distance < 10) > 0.95 and np.median(distance) < 5
    nodes = nodes[inside[nodes[:, 1], nodes[:, 0]] > 18]
    back, _ = cKDTree(np.column_stack([truth.x, truth.y])).query(nodes)
    assert np.mean(back < 10) > 0.75


def test_kind_and_direction_are_what_lies_ahead(made):
    _, print_ = made
    clear = print_.truth.minutiae.select(print_.truth.minutiae.quality > 60)
    clear = clear.select(values_at(depth(print_.truth), clear) > 12)
    step = 5.0
    ahead, behind = (
        sample(print_.image, clear.x + s * step * np.cos(clear.direction), clear.y - s * step * np.sin(clear.direction))
        for s in (1, -1)
    )
    dark_ahead = ahead < behind
    assert len(clear) >= 10 and np.mean(dark_ahead == (clear.kind == ENDING)) > 0.95
    assert 0.2 < np.mean(print_.truth.minutiae.kind == ENDING) < 0.8


def poincare(angle):
    corners = [angle[:-1, :-1], angle[1:, :-1], angle[1:, 1:], angle[:-1, 1:]]
    return np.rint(sum(turn(corners[(i + 1) % 4], corners[i]) for i in range(4)) / np.pi).astype(int)


def test_singular_points_are_those_of_the_class_and_of_the_orientation(made):
    master, print_ = made
    points = master.truth.singular_points
    assert (len(points.cores), len(points.deltas)) == EXPECTED[master.pattern]
    for truth in (master.truth, print_.truth):
        index = np.where(truth.mask[1:, 1:], poincare(truth.orientation.angle.astype(float)), 0)
        rows, columns = np.nonzero(index)
        known = truth.singular_points
        assert len(rows) == len(known)
        for row, column in zip(rows, columns, strict=True):
            away = np.hypot(known.x - column - 0.5, known.y - row - 0.5)
            assert away.min() < 3
            assert known.kind[away.argmin()] == (CORE if index[row, column] > 0 else DELTA)


@pytest.mark.parametrize(("pattern", "side"), [("left_loop", -1), ("right_loop", 1)])
def test_a_loop_opens_down_and_to_its_side_with_the_delta_opposite(pattern, side):
    points = make_master(pattern, rng=3).truth.singular_points
    assert np.cos(points.cores.direction[0]) * side > 0 and np.sin(points.cores.direction[0]) < 0
    assert (points.deltas.x[0] - points.cores.x[0]) * side < 0
    assert points.deltas.y[0] > points.cores.y[0]


def test_minutiae_run_along_the_orientation(made):
    for truth in (made[0].truth, made[1].truth):
        s, m = truth.singular_points, truth.minutiae
        far = m.select((np.hypot(m.x[:, None] - s.x, m.y[:, None] - s.y) > 25).all(1))
        assert np.rad2deg(np.abs(turn(values_at(truth.orientation.angle, far), far.direction))).max() < 6


def test_minutiae_are_as_dense_as_on_plain_prints(made):
    area_mm2 = made[1].truth.mask.sum() * (25.4 / 500) ** 2
    assert 0.10 < len(made[1].truth.minutiae) / area_mm2 < 0.40
