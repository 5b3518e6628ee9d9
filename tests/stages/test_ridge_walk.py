import numpy as np
import pytest

from ridgefeat.stages.ridge_walk import NOWHERE, STEPS_X, STEPS_Y, branches, neighbour_codes, walk


def drawn(*rows):
    return np.array([[c == "#" for c in row] for row in rows])


def walked(skeleton, x, y, step, steps):
    start = np.array([x], np.int32), np.array([y], np.int32), np.array([step], np.uint8)
    xs, ys = walk(neighbour_codes(skeleton), *start, steps)
    return list(zip(xs[:, 0].tolist(), ys[:, 0].tolist(), strict=True))


def test_steps_turn_counter_clockwise_on_the_page_from_the_right():
    angle = np.arctan2(-STEPS_Y, STEPS_X)
    assert np.rad2deg(angle) % 360 == pytest.approx(np.arange(8) * 45)


@pytest.mark.parametrize("k", range(8))
def test_a_neighbour_sets_its_bit(k):
    image = np.zeros((3, 3), bool)
    image[1, 1] = image[1 + STEPS_Y[k], 1 + STEPS_X[k]] = True
    codes = neighbour_codes(image)
    assert codes[1, 1] == 1 << k and codes[1 + STEPS_Y[k], 1 + STEPS_X[k]] == 1 << (k + 4) % 8
    assert np.count_nonzero(codes) == 2


def test_pixels_off_the_skeleton_have_no_code_and_the_border_has_no_neighbours():
    full = np.ones((3, 4), bool)
    assert neighbour_codes(full)[1, 1] == 255
    # Right, bottom and bottom right.
    assert neighbour_codes(full)[0, 0] == 0b11000001
    assert not neighbour_codes(np.zeros((3, 4), bool)).any()


def test_ridges_that_leave_are_the_crossing_number_of_every_neighbourhood():
    count, first = branches()
    for code in range(1, 255):
        on = np.array([(code >> k) & 1 for k in range(8)])
        crossing = np.abs(np.diff(np.append(on, on[0]))).sum() // 2
        assert count[code] == crossing
        used = first[code][: count[code]]
        assert all((code >> step) & 1 for step in used) and len(set(used.tolist())) == count[code]
        assert (first[code][count[code] :] == NOWHERE).all()
    assert (count[0], count[255]) == (0, 1)


def test_a_walker_follows_a_line_stays_at_its_end_and_goes_straight_on_at_a_crossing():
    path = walked(drawn(".......", ".##....", "...#...", "....##.", "......."), 1, 1, 0, 8)
    assert path[:5] == [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3)] and set(path[4:]) == {(5, 3)}
    cross = drawn("...#...", "...#...", "...#...", "#######", "...#...", "...#...")
    assert walked(cross, 0, 3, 0, 6)[-1] == (6, 3)
    # No first step means staying.
    assert set(walked(drawn("...", ".#.", "..."), 1, 1, NOWHERE, 4)) == {(1, 1)}


def test_walkers_of_one_call_do_not_mind_each_other():
    lines = drawn("........", ".######.", "........", ".###....", "........")
    x, y, first = np.array([1, 6, 1], np.int32), np.array([1, 1, 3], np.int32), np.array([0, 4, 0], np.uint8)
    xs, ys = walk(neighbour_codes(lines), x, y, first, 9)
    assert xs.shape == ys.shape == (10, 3)
    assert xs[-1].tolist() == [6, 1, 3] and (ys == y).all()
    assert [len(set(way)) for way in xs.T.tolist()] == [6, 6, 3]
