import warnings

import numpy as np
import pytest

from ridgefeat.report.pictures.marks import measure, shorten, write


def page():
    return np.full((60, 300, 3), 255, np.uint8)


@pytest.mark.parametrize(("align", "left"), [(0, 100), (0.5, None), (1, None)])
def test_text_stands_where_it_should(align, left):
    picture = page()
    width = write(picture, "Hxg", 100, 40, 20, (200, 0, 0), align=align)
    y, x = np.nonzero(picture[..., 1] < 200)
    start = 100 - align * width
    assert start - 2 <= x.min() and x.max() <= start + width + 2
    assert 24 <= y.min() <= 28 and 41 <= y.max() <= 47
    assert (picture[..., 0] >= 199).all()
    if left is not None:
        assert abs(x.min() - left) <= 3


def test_text_beyond_the_edge_is_cut_off():
    picture = page()
    for x, y in ((-20, 30), (290, 30), (50, 0), (50, 70), (5000, 5000), (-5000, 30)):
        write(picture, "edge", x, y, 20)
    assert (picture < 128).any()


def test_strange_names_neither_warn_nor_fail():
    picture = page()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in ("指紋 01.bmp", "a\nb\x00\x1b[31m", "", "ﷺ" * 1000, "\U0001f446", "\udcff"):
            write(picture, text, 0, 30, 20)
    assert (picture < 128).any()


def test_shorten_keeps_beginning_and_end():
    name = "a_very_long_name_of_a_print_from_somewhere_101_1.tif"
    short = shorten(name, 200, 18)
    assert measure(short, 18) <= 200
    assert short.startswith("a_very") and short.endswith(".tif") and "…" in short
    assert shorten("short", 200, 18) == "short"
    assert shorten(name, 0, 18) == "…"
