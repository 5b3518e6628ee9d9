"""Regions: mask images and polygons, of one print or of a folder; what is wrong with them."""

import json
import re

import cv2
import numpy as np
import pytest

import ridgefeat as rf
from ridgefeat.errors import ImageError, LayoutError
from ridgefeat.sources import find_prints, load_print, read_region, with_regions
from ridgefeat.synth import make_impression, make_master
from ridgefeat.synth.simple import grating

SHAPE = (60, 80)
SQUARE = [[20, 10], [49, 10], [49, 39], [20, 39]]
MARKED = np.zeros(SHAPE, bool)
MARKED[10:40, 20:50] = True


def write(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.png", cv2.imencode(".png", MARKED.astype(np.uint8))[1].tobytes()),
        ("m.bmp", cv2.imencode(".bmp", np.dstack([MARKED.astype(np.uint8) * 255] * 3))[1].tobytes()),
        ("p.json", json.dumps(SQUARE)),
        ("p.csv", "x,y\n" + "".join(f"{x},{y}\n" for x, y in SQUARE)),
        ("p.txt", "\ufeff" + "\r\n\r\n".join(f" {x}.0 \t{y} " for x, y in SQUARE)),
        ("p", ";\n".join(f"{x};{y}" for x, y in SQUARE).replace(";\n", "\n")),
    ],
)
def test_a_mask_or_a_polygon(tmp_path, name, content):
    assert np.array_equal(read_region(write(tmp_path / name, content), SHAPE), MARKED)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (cv2.imencode(".png", np.ones((60, 81), np.uint8))[1].tobytes(), "has 81x60 px, but the image has 80x60"),
        (cv2.imencode(".png", np.zeros(SHAPE, np.uint8))[1].tobytes(), "marks nothing of the image"),
        ("100,0\n120,0\n120,9\n", "marks nothing of the image, which has 80x60 px"),
        ("1,2\n3,4\n", "is neither an image nor a polygon; a polygon has 3 to 10000 corners"),
        ("1,2\n3,4\nx,y\n5,6\n", "is neither an image nor a polygon"),
        ("1,2\n3,4\n5,1e9\n", "is neither an image nor a polygon"),
        ("1,2\n3,4\n5,nan\n", "is neither an image nor a polygon"),
        ("1e999,2\n3,4\n5,6\n", "is neither an image nor a polygon"),
        ("[" * 100_000, "is neither an image nor a polygon"),
        ('[[1, 2], [3, "x"], [4, 5]]', "is neither an image nor a polygon"),
        ('{"a": 1}', "is neither an image nor a polygon"),
        (b"\x00\xff" * 50, "is neither an image nor a polygon"),
        ("", "is neither an image nor a polygon"),
        ("1,2\n" * 10_001, "is neither an image nor a polygon"),
        (b"1,2\n" * 300_000, "is larger than"),
        (b"\x89PNG\r\n\x1a\n", "region.x"),
    ],
)
def test_what_is_no_region_is_refused_in_one_line(tmp_path, content, words):
    path = write(tmp_path / "region.x", content)
    with pytest.raises(ImageError, match=re.escape(words)) as caught:
        read_region(path, SHAPE)
    assert "\n" not in str(caught.value) and "region.x" in str(caught.value)


@pytest.mark.parametrize(
    "region", [np.zeros(SHAPE, bool), np.ones((60, 81), bool), np.ones(SHAPE), np.ones((*SHAPE, 3), bool), "m.png"]
)
def test_an_array_must_mark_something_of_the_image(region):
    with pytest.raises(ImageError, match=r"the region (is|marks nothing)"):
        rf.Fingerprint(np.zeros(SHAPE, np.uint8), region=region)


def test_regions_are_of_one_print_or_named_like_their_prints(tmp_path):
    for name in ("1.png", "2.png"):
        cv2.imwrite(str(tmp_path / name), np.full(SHAPE, 9, np.uint8))
    both = find_prints(tmp_path)
    (tmp_path / "r").mkdir()
    with pytest.raises(LayoutError, match="holds no region that is named like one of the 2 prints"):
        with_regions(both, tmp_path / "r")
    path = write(tmp_path / "r" / "2.csv", "20,10\n49,10\n49,39\n20,39")
    first, second = (load_print(p) for p in with_regions(both, tmp_path / "r"))
    assert first.region is None and np.array_equal(second.region, MARKED)
    with pytest.raises(LayoutError, match="is of one image, but there are 2 prints; give a folder"):
        with_regions(both, path)
    with pytest.raises(LayoutError, match="no such file or folder"):
        with_regions(both[:1], tmp_path / "missing.png")
    assert rf.read(tmp_path / "1.png", region=path).region[10, 20]


@pytest.fixture(scope="module")
def on_texture():
    """A print on a background of ridge-like stripes: the image, where the print is, and the print on white."""
    rng = np.random.default_rng(7)
    impression = make_impression(make_master(rng=rng), rng=rng, noise_level=1)
    plain = rf.Fingerprint(impression.image, 500)
    stripes = grating(plain.mask.shape, 7.0, 0.6, contrast=0.8).image
    return np.where(plain.mask, impression.image, stripes), plain


def test_a_region_takes_the_background_away(on_texture):
    image, plain = on_texture
    without, within = rf.Fingerprint(image, 500), rf.Fingerprint(image, 500, region=plain.mask)
    assert np.mean(without.mask & ~plain.mask) > 0.1
    assert not (within.mask & ~plain.mask).any() and np.mean(within.mask[plain.mask]) > 0.97
    found, true = within.all_minutiae, plain.minutiae
    distance = np.hypot(true.x[:, None] - found.x, true.y[:, None] - found.y).min(1)
    assert np.mean(distance < 6) > 0.85


def test_a_region_is_of_the_image_in_its_own_resolution(on_texture):
    image, plain = on_texture
    twice = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    region = cv2.resize(plain.mask.astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    fp = rf.Fingerprint(twice, 1000, region=region)
    assert np.mean(fp.mask != plain.mask) < 0.03
