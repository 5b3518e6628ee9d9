"""The lesson runs, and its page quotes the numbers that it prints."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_backprop_step_by_step(capsys):
    runpy.run_path(str(ROOT / "examples" / "backprop_step_by_step.py"), run_name="__main__")
    out = capsys.readouterr().out
    page = (ROOT / "docs" / "nn.md").read_text(encoding="utf-8").replace("−", "-")
    for number in ("0.2833", "0.5704", "0.5615", "-0.4296", "-0.0477", "-0.1432", "-0.0955", "-0.3342", "0.4849"):
        assert number in out and number in page, number


@pytest.mark.parametrize("name", ["nn_filters.png", "nn_maps.png"])
def test_pictures_are_there_and_small(name):
    picture = ROOT / "docs" / "images" / name
    assert picture.read_bytes()[:4] == b"\x89PNG" and picture.stat().st_size < 200_000
    assert f"images/{name}" in (ROOT / "docs" / "nn.md").read_text(encoding="utf-8")
