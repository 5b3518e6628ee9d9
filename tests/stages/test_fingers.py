"""Slaps are cut into fingers, which are numbered and named."""

import numpy as np
import pytest

from ridgefeat.stages.fingers import HANDS, Finger, are_touching, name_fingers, split_fingers
from ridgefeat.stages.grid import part_at_necks

SHAPE = (1000, 1500)


def drawn(*ellipses):
    """Return a mask of ellipses, each (x, y, half breadth, half height) in px."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.any([((x - a) / w) ** 2 + ((y - b) / h) ** 2 < 1 for a, b, w, h in ellipses], 0)


RIGHT = (200, 320, 140, 220), (540, 260, 145, 230), (880, 290, 140, 225), (1210, 480, 115, 180)
"""Fingertips of a right hand, from index to little."""


def mirrored(tips):
    return [(SHAPE[1] - 1 - x, y, w, h) for x, y, w, h in reversed(tips)]


@pytest.mark.parametrize(("hand", "tips"), [("right", RIGHT), ("left", mirrored(RIGHT))])
def test_a_slap_is_cut_and_named_by_its_arrangement(hand, tips):
    phalanges = [(x, y + h + 140, w * 0.8, 90) for x, y, w, h in tips]
    fingers = split_fingers(drawn(*tips, *phalanges))
    assert [f["finger"] for f in name_fingers(fingers)] == list(HANDS[hand])
    for finger, (x, y, w, h) in zip(fingers, tips, strict=True):
        left, top, width, height = finger.box
        assert abs(left + width / 2 - x) < 9 and abs(top - (y - h - 30)) < 12
        assert finger.mask.shape == (height, width) and finger.mask.sum() == pytest.approx(np.pi * w * h, rel=0.02)
        assert not finger.touching


def test_a_level_arrangement_is_named_by_the_position_code_alone():
    fingers = split_fingers(drawn(*((x, 300, 120, 200) for x in (200, 500, 800, 1100))))
    assert name_fingers(fingers) == [{}] * 4
    assert [f["finger"] for f in name_fingers(fingers, {"finger_id": "14"})] == list(HANDS["left"])
    assert [f["finger"] for f in name_fingers(fingers, {"hand": "right"})] == list(HANDS["right"])
    assert name_fingers(fingers[:3], {"finger_position": "13"}) == [{"hand": "right"}] * 3
    assert name_fingers(fingers[:2], {"finger_position": "15"}) == [
        {"hand": "left", "finger": "thumb"},
        {"hand": "right", "finger": "thumb"},
    ]
    assert not any("finger" in f for f in name_fingers(fingers[:2]))


def test_of_more_than_four_fingers_the_code_names_the_largest():
    fingers = [Finger((300 * k, 0, 200, 300), np.ones((300, 20 if k == 2 else 200), bool)) for k in range(5)]
    assert [f.get("finger") for f in name_fingers(fingers, {"finger_id": "13"})] == [
        "index", "middle", None, "ring", "little"
    ]  # fmt: skip


@pytest.mark.parametrize("apart", [252, 290])
def test_touching_fingers_are_cut_where_they_touch_and_flagged(apart):
    mask = drawn((400, 400, 150, 220), (400 + apart, 380, 150, 220))
    fingers = split_fingers(mask)
    assert [f.touching for f in fingers] == [True, True] and are_touching(mask)
    edge = fingers[0].box[0] + np.flatnonzero(fingers[0].mask.any(0)).max()
    assert abs(edge - (400 + apart / 2)) < 24


@pytest.mark.parametrize(
    "mask",
    [
        drawn((600, 500, 180, 260)),
        drawn((600, 500, 300, 280)),
        drawn((600, 300, 150, 220), (600, 560, 130, 100)),
        drawn((600, 300, 150, 220), (620, 640, 130, 100)),
        drawn((600, 300, 150, 220)) | (np.arange(SHAPE[1]) > 1480),
    ],
    ids=["flat", "rolled", "joined phalanx", "separate phalanx", "line at the border"],
)
def test_one_finger_stays_one(mask):
    assert len(split_fingers(mask)) == 1 and not are_touching(mask)


def test_prints_far_below_others_are_prints_of_their_own_but_in_a_slap():
    mask = drawn((300, 200, 130, 170), (300, 780, 130, 170), (800, 200, 130, 170))
    assert len(split_fingers(mask)) == 3 and len(split_fingers(mask, is_slap=True)) == 2


@pytest.mark.parametrize(("gap_mm", "prints"), [(5, 1), (7, 2)])
def test_a_phalanx_is_at_most_6_mm_below_its_fingertip(gap_mm, prints):
    y = 300 + 220 + 100 + round(gap_mm * 500 / 25.4)
    assert len(split_fingers(drawn((600, 300, 150, 220), (600, y, 130, 100)))) == prints


def test_nothing_is_cut_from_nothing():
    assert split_fingers(np.zeros((60, 70), bool)) == []


@pytest.mark.parametrize("shape", [(20, 30), (1, 9)])
def test_cells_without_a_neck_are_one_part(shape):
    full = np.ones(shape, bool)
    assert (part_at_necks(full, 1.5) == 1).all()
    bridge = np.pad(full, ((0, 0), (0, 40)))
    bridge[shape[0] // 2, shape[1] :] = True
    bridge[:, -shape[1] :] = True
    assert part_at_necks(bridge, 1.5).max() == (2 if shape[0] > 1 else 1)
