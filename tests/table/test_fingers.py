"""Slaps become a row per finger, which can be found again by its name."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from ridgefeat.params import Params
from ridgefeat.report.explore.pictures import reopen
from ridgefeat.sources import find_prints, load_print
from ridgefeat.sources.find import locate
from ridgefeat.synth.simple import grating
from ridgefeat.table import Recipe, split_prints, write_table
from tests.cli.running import run
from tests.stages.helpers import disc, on_white

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def slaps(tmp_path_factory):
    """Return a folder with a slap of three fingers, one print, and what is not an image."""
    folder = tmp_path_factory.mktemp("slaps")
    one, two = (cv2.imread(str(DATA / name), cv2.IMREAD_GRAYSCALE) for name in ("left_loop.png", "whorl.png"))
    slap = np.full((640, 1200), 250, np.uint8)
    for x, y, print_ in ((20, 60, one), (420, 20, two), (820, 200, one)):
        slap[y : y + print_.shape[0], x : x + print_.shape[1]] = print_
    cv2.imwrite(str(folder / "7_13.png"), slap)
    cv2.imwrite(str(folder / "8_1.png"), two)
    (folder / "9_13.png").write_bytes(b"no image")
    return folder


def fingers_of(folder, **more):
    prints = find_prints([folder], regex=r"(?P<subject>\d)_(?P<finger_id>\d+)")
    return split_prints(prints, Recipe.make(), **more)


def test_a_slap_becomes_a_print_per_finger(slaps):
    found = fingers_of(slaps, jobs=2)
    assert [f.relative.partition("#")[0] for f in found] == ["7_13.png"] * 3 + ["8_1.png", "9_13.png"]
    assert [f.labels.get("hand") for f in found] == ["right"] * 3 + [None] * 2
    assert [f.labels["finger_id"] for f in found] == ["13 1 of 3", "13 2 of 3", "13 3 of 3", "1", "13"]
    assert [f.labels["subject"] for f in found] == ["7"] * 3 + ["8", "9"]
    for finger in found[:3]:
        pixels = load_print(finger).pixels
        assert pixels.shape[::-1] == finger.box[2:]
        assert (load_print(locate(slaps, finger.relative, "plain")).pixels == pixels).all()


def test_a_finger_with_a_fifth_of_the_largest_ones_area_is_one_too(tmp_path):
    shape = (400, 680)
    both = disc(shape, 188, (200, 200)) | disc(shape, 85, (570, 200))
    cv2.imwrite(str(tmp_path / "7_13.png"), on_white(grating(shape, 9.0, 0.6).image, both))
    assert len(fingers_of(tmp_path)) == 2


def test_a_print_whose_finger_is_known_is_not_cut(slaps):
    prints = find_prints([slaps], regex=r"(?P<finger>\d)_1")
    assert "finger" in prints[0].labels and len(split_prints(prints[:1], Recipe.make())) == 1


def test_the_command_writes_a_row_per_finger_and_resumes(slaps, tmp_path):
    given = ["extract", slaps, "-o", tmp_path / "f.csv", "--families", "ridge", "-j", "1"]
    result = run(*given, "--fingers", "split", code=1)
    assert "1 of 3 images were cut into 3 fingers; 0 of them are named." in result.stderr
    table = pd.read_csv(tmp_path / "f.csv")
    assert len(table) == 5 and table.meta_source.is_unique and table.ridge_period_mean.notna().sum() == 4
    assert "5 of them from an earlier run" in run(*given, "--fingers", "split", "--resume", code=1).stderr
    like = ["extract", slaps, "-o", tmp_path / "g.csv", "-j", "1", "--like", tmp_path / "f.json"]
    assert "were cut into 3 fingers" in run(*like, code=1).stderr
    assert (tmp_path / "g.csv").read_bytes() == (tmp_path / "f.csv").read_bytes()
    assert "--fingers split" in run(*given, "--overwrite", code=1).stderr
    assert "contradicts it: fingers" in run(*like, "--overwrite", "--fingers", "split", code=2).stderr


def test_explore_opens_a_finger_again(slaps, tmp_path):
    write_table(fingers_of(slaps)[:3], Recipe.make(["ridge"]), tmp_path / "f.csv", jobs=1)
    for _, row in pd.read_csv(tmp_path / "f.csv").iterrows():
        assert reopen(row, slaps, Params()).original.shape == (row.meta_height, row.meta_width)
    with pytest.raises(Exception, match="no longer has that part"):
        load_print(locate(slaps, "8_1.png#900x10+0+0", "plain"))
