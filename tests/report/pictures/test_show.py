import warnings
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from matplotlib.text import Text

from ridgefeat.errors import ImageError, ParameterError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.report.pictures import show
from ridgefeat.report.pictures.axes import BLUE, GREEN, ORANGE, PINK
from ridgefeat.report.pictures.panels import PANELS
from ridgefeat.report.pictures.show import draw_overlay, draw_panel, save_overlay, save_picture
from ridgefeat.structure import Minutiae, OrientationField, SingularPoints


def grating(degrees, rows=240, columns=280, period=9.0):
    """Parallel ridges, counter-clockwise from the x axis on the page, in a round print on white paper."""
    y, x = np.mgrid[:rows, :columns].astype(float)
    normal = np.radians(degrees + 90)
    wave = 128 - 100 * np.cos(2 * np.pi * (x * np.cos(normal) - y * np.sin(normal)) / period)
    inside = ((x - columns / 2) / (0.45 * columns)) ** 2 + ((y - rows / 2) / (0.45 * rows)) ** 2 < 1
    return np.where(inside, wave, 255).astype(np.uint8)


def one_point(minutiae=None, singular=None, rows=200, columns=160):
    """A print without ridges and with the given points, so that marks are all the colour there is."""
    flat = np.zeros((rows, columns), np.float32)
    return SimpleNamespace(
        original=np.full((rows, columns), 255, np.uint8),
        image=np.full((rows, columns), 255, np.uint8),
        dpi_x=500.0,
        dpi_y=500.0,
        source="point",
        mask=np.ones((rows, columns), bool),
        orientation=OrientationField(flat, flat),
        skeleton=flat.astype(bool),
        minutiae=minutiae or Minutiae.empty(),
        singular_points=singular or SingularPoints.empty(),
        flags=(),
    )


def coloured(picture):
    return np.ptp(picture.astype(int), axis=2) > 60


def near(picture, colour):
    colour = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return np.abs(picture.astype(int) - colour).max(2) < 40


@pytest.fixture(scope="module")
def print30():
    return Fingerprint(grating(30), 500, source="folder/grating 30°.png")


def texts(fp):
    """Return all that is written on the page of a print's panels, in order."""
    return [t.get_text() for t in show._page(fp, None, 1, ()).findobj(Text) if t.get_text()]


def test_one_panel_a_stage_with_title_and_legend(print30):
    page, found = draw_overlay(print30, scale=1), texts(print30)
    assert page.dtype == np.uint8 and page.ndim == 3 and page.shape[2] == 3
    assert [panel.title for panel in PANELS.values()] == [t for t in found if t in {p.title for p in PANELS.values()}]
    assert "grating 30°.png" in found and "coherence of the strokes" in found
    assert {"280 × 240 px", "500 dpi", "14.2 × 12.2 mm", "flags: none"} <= set(found)


def test_page_grows_with_panels(print30):
    one, two, five = (draw_overlay(print30, panels=list(PANELS)[:n], scale=1).shape for n in (1, 2, 5))
    assert one[0] == two[0] < five[0] and one[1] < two[1] < five[1]


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_has_the_prints_size(print30, name):
    picture = draw_panel(print30, name, scale=1.5)
    assert picture.shape == (360, 420, 3) and np.ptp(picture) > 50


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90, 115, 160])
def test_strokes_lie_along_the_ridges(degrees):
    picture = draw_panel(Fingerprint(grating(degrees)), "orientation", scale=2)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(coloured(picture).astype(np.uint8))
    angles = []
    for i in range(1, count):
        if 15 < stats[i, cv2.CC_STAT_AREA] < 120:
            y, x = np.nonzero(labels == i)
            (vx, vy), *_ = np.linalg.eigh(np.cov(x, y))[1][:, ::-1].T
            angles.append(np.degrees(np.arctan2(-vy, vx)))
    assert len(angles) > 50
    apart = np.abs((np.array(angles) - degrees + 90) % 180 - 90)
    assert np.median(apart) < 3
    assert np.mean(apart < 12) > 0.9


@pytest.mark.parametrize("degrees", [0, 60, 135, 200, 300])
@pytest.mark.parametrize(("kind", "colour"), [(1, ORANGE), (2, BLUE)])
def test_a_minutia_stands_at_its_place_and_points_its_way(degrees, kind, colour):
    fp = one_point(Minutiae.make([80], [100], [np.radians(degrees)], [kind], [100]))
    y, x = np.nonzero(near(draw_panel(fp, "minutiae", scale=2), colour))
    x, y = x / 2 - 80, y / 2 - 100
    far = np.hypot(x, y) > 6
    assert far.any() and np.hypot(x, y).max() < 12
    pointed = np.degrees(np.arctan2(-y[far].mean(), x[far].mean()))
    assert abs((pointed - degrees + 180) % 360 - 180) < 6
    ring = np.hypot(x, y) < 5
    assert abs(x[ring].mean()) < 1 and abs(y[ring].mean()) < 1


def test_low_quality_is_paler():
    def ink(quality):
        fp = one_point(Minutiae.make([80], [100], [0], [1], [quality]))
        return (255 - draw_panel(fp, "minutiae", scale=2).astype(int)).sum()

    assert ink(95) > ink(60) > ink(30) > ink(5) > 0


@pytest.mark.parametrize(("kind", "colour"), [(1, GREEN), (2, PINK)])
@pytest.mark.parametrize("direction", [1.0, float("nan")])
@pytest.mark.parametrize("panel", ["orientation", "minutiae"])
def test_singular_points_stand_at_their_place(kind, colour, direction, panel):
    points = SingularPoints.make([40], [150], [kind], [direction])
    y, x = np.nonzero(near(draw_panel(one_point(singular=points), panel, scale=1), colour))
    inner = np.hypot(x - 40, y - 150) < 9
    assert inner.sum() > 30
    assert abs(x[inner].mean() - 40) < 1.5 and abs(y[inner].mean() - 150) < 1.5


def test_uneven_resolution_is_drawn_with_square_millimetres():
    fp = Fingerprint(np.full((97, 90), 255, np.uint8), (199, 173))
    rows, columns = draw_panel(fp, "print", scale=2).shape[:2]
    assert rows / columns == pytest.approx((97 / 173) / (90 / 199), rel=0.01)


BLANK = {
    "white": np.full((90, 40), 255, np.uint8),
    "black": np.zeros((200, 300), np.uint8),
    "noise": np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8),
    "one pixel": np.full((1, 1), 128, np.uint8),
    "line": np.full((3, 400), 128, np.uint8),
}


@pytest.mark.parametrize("image", BLANK.values(), ids=BLANK)
def test_without_a_print_it_says_so(image):
    fp = Fingerprint(image, 500)
    page, found = draw_overlay(fp), texts(fp)
    assert found.count("no print found") == len(PANELS) - 1
    assert {"flags: no print", "fingerprint"} <= set(found)
    assert page.shape[2] == 3


def test_a_huge_print_makes_no_huge_picture():
    page = draw_overlay(one_point(rows=3000, columns=4000), panels=["print", "minutiae"])
    assert page.shape[0] < 1000 and page.shape[1] < 1800


def test_what_cannot_be_drawn_is_said(print30):
    for words, how in {
        "unknown panel 'ridges'; there are: print, mask": {"panels": ["print", "ridges"]},
        "no panel named": {"panels": []},
        r"scale must lie between 0\.25 and 4, got 9": {"scale": 9},
    }.items():
        with pytest.raises(ParameterError, match=words):
            draw_overlay(print30, **how)


def test_files_hold_the_picture_the_same_each_time(print30, tmp_path):
    again = Fingerprint(grating(30), 500, source=print30.source)
    save_overlay(again, tmp_path / "a.png", panels=["minutiae", "print"], scale=1)
    read = cv2.imread(str(tmp_path / "a.png"))[..., ::-1]
    np.testing.assert_array_equal(read, draw_overlay(print30, panels=["minutiae", "print"], scale=1))
    for name in ("a", "a.txt", "a.doc"):
        with pytest.raises(ImageError, match=r"use \.png"):
            save_picture(read, tmp_path / name)
    with pytest.raises(ImageError, match="cannot be written: No such file"):
        save_picture(read, tmp_path / "none" / "a.png")


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_a_vector_picture_keeps_its_letters_and_is_the_same_each_time(print30, tmp_path, suffix, start):
    for name in "ab":
        save_overlay(print30, tmp_path / f"{name}{suffix}", panels=["print", "orientation"])
    a, b = ((tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert a == b and a.startswith(start)
    assert suffix == ".pdf" or all(text in a.decode() for text in ("Orientation", "coherence of the strokes", "5 mm"))


@pytest.mark.parametrize("name", ["指紋 01.bmp", "a\nb\x1b[31m", "$x_1$", "ﷺ" * 200, "\U0001f446", "\udcff", "n" * 500])
def test_strange_names_neither_warn_nor_fail(name):
    fp = one_point()
    fp.source = name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw_overlay(fp, panels=["print"], scale=1).min() < 128
