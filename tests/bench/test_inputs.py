import cv2
import numpy as np
import pytest

from ridgefeat.bench.inputs import SIDE, read_pixels
from ridgefeat.errors import ImageError, TableError


def test_pixels_are_read_below_the_root_and_resized(tmp_path):
    left = np.full((60, 40), 250, np.uint8)
    left[:, :20] = 10
    cv2.imwrite(str(tmp_path / "a.png"), left)
    got = read_pixels(tmp_path, ["a.png"], ["plain"])
    assert got.shape == (1, SIDE * SIDE) and got.dtype == np.float32
    image = got.reshape(SIDE, SIDE)
    assert image[:, : SIDE // 3] == pytest.approx(10 / 255) and image[:, -SIDE // 3 :] == pytest.approx(250 / 255)


def test_what_is_not_there_or_lies_outside_is_an_error(tmp_path):
    with pytest.raises(TableError, match="does not exist"):
        read_pixels(tmp_path / "no", ["a.png"], ["plain"])
    with pytest.raises(ImageError):
        read_pixels(tmp_path, ["a.png"], ["plain"])
    inside = tmp_path / "in"
    inside.mkdir()
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((60, 40), np.uint8))
    with pytest.raises(ImageError, match="leads out of"):
        read_pixels(inside, ["../b.png"], ["plain"])
