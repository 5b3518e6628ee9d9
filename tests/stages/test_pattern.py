"""Pattern classes of synthetic prints, their mirror images, and the fitted model itself."""

import json
from importlib.resources import files

import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.stages.pattern import ARCHES_WITH_CORE, CLASSES, MODEL, PatternParams, classify, measure
from ridgefeat.synth import make_impression, make_master
from ridgefeat.synth.simple import grating

MIRRORED = {"left_loop": "right_loop", "right_loop": "left_loop"}


@pytest.fixture(scope="module")
def images():
    """Two prints of each class."""
    return {
        (name, seed): make_impression(make_master(name, rng=seed), rng=seed, noise_level=1 + seed % 2).image
        for name in CLASSES
        for seed in (4, 5)
    }


def test_every_class_is_recognised_and_its_mirror_image_as_the_mirrored_class(images):
    for (name, seed), image in images.items():
        here = Fingerprint(image).pattern
        there = Fingerprint(np.ascontiguousarray(image[:, ::-1])).pattern
        assert list(here) == list(CLASSES) and sum(here.values()) == pytest.approx(1)
        assert max(here, key=here.get) == name, (seed, here)
        assert [there[MIRRORED.get(c, c)] for c in CLASSES] == pytest.approx(list(here.values()), abs=0.1)


@pytest.mark.parametrize("degrees", [0, 30, 90, 150])
def test_the_flow_runs_along_the_ridges_inside_the_print_only(degrees):
    image = np.full((200, 240), 255, np.uint8)
    image[40:160, 40:200] = grating((120, 160), 9.0, np.deg2rad(degrees)).image
    fp = Fingerprint(image)
    flow = fp.flow
    assert flow.shape == (50, 60) and flow[25, 30] == pytest.approx(np.exp(2j * np.deg2rad(degrees)), abs=0.1)
    assert not fp.mask.all() and ((flow != 0) == fp.mask[::4, ::4]).all()


def test_measurements_named_odd_change_sign_in_the_mirror_image(images):
    image = images["left_loop", 4]
    here, there = (measure(Fingerprint(np.ascontiguousarray(i)).flow) for i in (image, image[:, ::-1]))
    assert here["odd_opening_14"] < -0.1 and here["odd_offset_near_14"] > 0.3
    wrong = {
        n: (v, there[n]) for n, v in here.items() if abs(v - (-1 if n.startswith("odd_") else 1) * there[n]) > 0.25
    }
    assert not wrong


def test_the_classes_odds_are_multiplied_by_the_ratio_of_their_shares(images):
    flow = Fingerprint(images["tented_arch", 4]).flow
    equal, loops = (classify(flow, True, p) for p in (None, PatternParams(tented_arch=0.05, left_loop=0.4)))
    odds = [found["left_loop"] / found["tented_arch"] for found in (equal, loops)]
    assert odds[1] == pytest.approx(8 * odds[0])
    fp = Fingerprint(images["tented_arch", 4], params=Params().updated(["pattern.whorl=1"]))
    assert fp.pattern["whorl"] > equal["whorl"]


def test_a_print_with_a_core_but_no_delta_is_hardly_an_arch(images):
    flow = Fingerprint(images["arch", 4]).flow
    without, with_core = (classify(flow, is_cut) for is_cut in (False, True))
    odds = [p["arch"] / p["tented_arch"] for p in (without, with_core)]
    assert odds[1] == pytest.approx(odds[0] * ARCHES_WITH_CORE)
    loop = Fingerprint(images["left_loop", 5][:240])
    assert (len(loop.singular_points.cores), len(loop.singular_points.deltas)) == (1, 0)
    blind = classify(loop.flow, is_cut=False)
    assert max(blind, key=blind.get) == "arch" and max(loop.pattern, key=loop.pattern.get) == "left_loop"


def test_no_print_has_no_class():
    assert np.isnan(list(Fingerprint(np.full((200, 200), 255, np.uint8)).pattern.values())).all()


def test_the_model_is_symmetric_and_says_what_it_was_fitted_to(images):
    held = json.loads(files("ridgefeat.stages").joinpath(MODEL).read_text("utf-8"))
    assert list(held["measurements"]) == list(measure(Fingerprint(images["arch", 4]).flow)) and "SD4" in held["data"]
    for name, (mean, _, arch, tented, left, right, whorl) in held["measurements"].items():
        if name.startswith("odd_"):
            assert [mean, arch, tented, left + right, whorl] == pytest.approx([0] * 5, abs=1e-3)
        else:
            assert left == pytest.approx(right, abs=1e-3)
