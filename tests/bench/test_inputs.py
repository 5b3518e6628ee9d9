import cv2
import numpy as np
import pytest

from ridgefeat.bench import Method, Options
from ridgefeat.bench.inputs import SIDE, make_inputs, read_pixels
from ridgefeat.errors import ImageError, TableError
from tests.bench.helpers import make_problem


def test_pixels_are_read_below_the_root_and_resized(tmp_path):
    left = np.full((60, 40), 250, np.uint8)
    left[:, :20] = 10
    cv2.imwrite(str(tmp_path / "a.png"), left)
    got = read_pixels(tmp_path, ["a.png"], ["plain"])
    assert got.shape == (1, SIDE * SIDE) and got.dtype == np.float32
    image = got.reshape(SIDE, SIDE)
    assert image[:, : SIDE // 3] == pytest.approx(10 / 255) and image[:, -SIDE // 3 :] == pytest.approx(250 / 255)
    negative = read_pixels(tmp_path, ["a.png"], ["plain"], ["too_small inverted"])
    assert negative == pytest.approx(1 - got)


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


def test_only_columns_that_are_standardised_end_with_the_level(tmp_path):
    p = make_problem(people=4)

    def read(problem, root):
        return np.zeros((len(problem), 7), np.float32)

    methods = [Method(n, "", None, input=n, read=read, scaled=n == "scaled") for n in ("scaled", "plain")]
    found = make_inputs(p, Options(within=("finger",), images=tmp_path), methods)
    assert {n: X.shape[1] for n, X in found.items()} == {"features": 7, "scaled": 8, "plain": 7}
    assert set(found["scaled"][:, -1]) == {0, 1}
