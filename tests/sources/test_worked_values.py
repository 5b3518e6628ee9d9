"""Worked values of functions that other modules rest on."""

from pathlib import Path

import numpy as np

from ridgefeat.sources import PrintSource
from ridgefeat.sources.layouts import normalise_labels, position_labels
from ridgefeat.sources.region import polygon_mask
from ridgefeat.sources.resolution import suggest_dpi
from ridgefeat.sources.source import boxed, split_box


def test_position_labels():
    assert (position_labels(7), position_labels(11)) == (
        {"hand": "left", "finger": "index"},
        {"hand": "right", "finger": "thumb"},
    )
    assert (position_labels(13), position_labels(15)) == ({"hand": "right", "finger_id": "13"}, {"finger_id": "15"})


def test_normalise_labels():
    assert (normalise_labels({"subject": "7", "sex": "M", "age": "NA"})) == {"subject": "7", "sex": "male"}


def test_polygon_mask():
    assert polygon_mask(np.array([[0, 0], [2, 0], [2, 1], [0, 1]]), (3, 4)).astype(int).tolist() == [
        [1, 1, 1, 0],
        [1, 1, 1, 0],
        [0, 0, 0, 0],
    ]


def test_suggest_dpi():
    assert (suggest_dpi(4.6), suggest_dpi(9.0), suggest_dpi(4.5)) == (
        "median period 4.6 px: about 250 dpi for an adult",
        "median period 9.0 px: about 500 dpi for an adult",
        "median period 4.5 px or less: at most about 250 dpi for an adult",
    )


def test_boxed():
    assert (boxed(PrintSource(Path("/a/slap.png"), "slap.png"), (20, 0, 320, 480)).relative) == "slap.png#320x480+20+0"


def test_split_box():
    assert (split_box("slap.png#320x480+20+0"), split_box("slap.png")) == (
        ("slap.png", (20, 0, 320, 480)),
        ("slap.png", None),
    )
