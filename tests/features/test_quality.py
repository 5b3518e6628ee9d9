from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.features.quality import nfiq2
from ridgefeat.features.quality.blocks import (
    Blocks,
    block_tensor,
    blocks_around,
    foreground,
    inner_blocks,
    turned_windows,
)
from ridgefeat.features.quality.family import quality
from ridgefeat.features.quality.score import FALLING, FIGURES, model, score_parts
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.ink import Ink
from ridgefeat.structure import MM_PER_PX, Minutiae, OrientationField
from ridgefeat.synth import make_impression, make_master
from tests.features import helpers
from tests.features.helpers import agree, values_of, wave
from tests.real_prints import real_prints

values = values_of(quality)


def ridges(shape=(324, 324), **how):
    return wave(shape, **how)


def noise(shape=(324, 324), seed=0):
    return helpers.noise(shape, seed, high=250)


def pretend(image, x=(), y=()):
    """What the family needs of a print, without the stages."""
    return SimpleNamespace(
        image=image,
        mask=np.ones(image.shape, bool),
        orientation=OrientationField(np.zeros(image.shape, np.float32), np.ones(image.shape, np.float32)),
        period=np.full(image.shape, 8, np.float32),
        ink=Ink(image < 128, np.full([-(-n // 4) for n in image.shape], 0.5, np.float32)),
        minutiae=Minutiae.make(*np.broadcast_arrays(x, y, 0, 1, 60)),
    )


@pytest.mark.parametrize("deviation", [5, 20])
def test_noise_is_that_beside_the_print_and_ridges_are_none(deviation):
    image = np.full((240, 320), 200.0)
    image[40:200, 40:200] = ridges((160, 160))
    assert values(Fingerprint(image.astype(np.uint8)))["quality_noise"] == 0
    image += np.random.default_rng(0).normal(0, deviation, image.shape)
    noisy = values(Fingerprint(image.clip(0, 255).round().astype(np.uint8)))["quality_noise"]
    assert noisy == pytest.approx(0.87 * deviation, rel=0.06)  # the calmest of the blocks beside the print


# NIST's own values


@pytest.mark.parametrize("name", ["SFinGe_Test01", "SFinGe_Test02", "SFinGe_Test03"])
def test_values_are_nists(name):
    folder = real_prints("NFIQ2_SFinGe")
    image = cv2.imread(str(folder / "images" / f"{name}.pgm"), cv2.IMREAD_GRAYSCALE)
    lines = (folder / "output" / f"{name}_output.txt").read_text().splitlines()
    nist = {key: float(value) for key, _, value in (line.partition(":") for line in lines) if value}
    ours = values(pretend(image))
    for measure, theirs in (("fda", "FDA"), ("lcs", "LCS"), ("ocl", "OCL"), ("of", "OF"), ("rvu", "RVUP")):
        bins = [ours[f"quality_{measure}_bin{i}"] for i in range(10)]
        assert bins == [nist[f"{theirs}_Bin10_{i}"] for i in range(10)]
        spread = {"mean": nist[f"{theirs}_Bin10_Mean"], "std": nist[f"{theirs}_Bin10_StdDev"]}
        agree(ours, f"quality_{measure}_", spread, rel=1e-4)
    agree(ours, "quality_", {"mu": nist["Mu"], "mmb": nist["MMB"]}, rel=1e-5)
    coherence = {kind.lower(): nist[f"OrientationMap_ROIFilter_Coherence{kind}"] for kind in ("Sum", "Rel")}
    region = {
        "roi_mean": nist["ImgProcROIArea_Mean"],
        "coherence_sum": coherence["sum"],
        "coherence_roi": coherence["rel"],
    }
    agree(ours, "quality_", region, rel=0.005)


# The whole family


@pytest.mark.parametrize("shape", [(1, 1), (3, 300), (20, 20), (33, 33), (35, 36), (65, 40)])
def test_small_images_neither_crash_nor_warn(shape, recwarn):
    for image in (noise(shape), np.full(shape, 255, np.uint8), np.zeros(shape, np.uint8)):
        found = quality.compute(pretend(image, [0.0], [0.0]))
        assert len(found) == len(quality.all_columns())
        assert found[0] == pytest.approx(image.mean(), rel=1e-5)
    # Pipes of other tests' child processes may be collected meanwhile; nothing here opens a file.
    assert [str(w.message) for w in recwarn.list if w.category is not ResourceWarning] == []


def test_a_blank_image_has_no_block_measures():
    found = values(pretend(np.full((324, 324), 255, np.uint8)))
    assert found["quality_mu"] == 255 and found["quality_sigma"] == 0
    assert all(np.isnan(found[f"quality_{m}_mean"]) for m in ("fda", "lcs", "ocl", "of", "rvu"))
    assert np.isnan(found["quality_roi_mean"])


def test_without_a_mask_the_prints_own_columns_are_missing():
    fp = pretend(noise())
    fp.mask = np.zeros(fp.image.shape, bool)
    found = values(fp)
    assert np.isnan([found["quality_grey_mean"], found["quality_ridge_contrast"]]).all()
    assert np.isfinite(found["quality_ocl_mean"])


# Blocks


def test_gradients_are_numpys_in_each_block():
    image = noise((75, 64))
    tensor = block_tensor(image)
    for r, c in ((0, 0), (1, 1), (2, 0)):
        gy, gx = np.gradient(image[32 * r : 32 * r + 32, 32 * c : 32 * c + 32].astype(float))
        assert tensor.xx[r, c] == pytest.approx((gx * gx).mean(), rel=1e-5)
        assert tensor.yy[r, c] == pytest.approx((gy * gy).mean(), rel=1e-5)
        assert tensor.xy[r, c] == pytest.approx((gx * gy).mean(), rel=1e-4, abs=1)
    flat = block_tensor(np.full((32, 64), 9, np.uint8))
    assert np.isnan(flat.certainty).all() and not flat.coherence.any()


def test_inner_blocks_need_all_grid_blocks_around_them():
    image = noise((132, 132))
    assert inner_blocks(image).inside.shape == (4, 4) and inner_blocks(image).inside.all()
    image[32:64, 32:64] = 9
    assert np.argwhere(~inner_blocks(image).inside).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert inner_blocks(noise((35, 200))) is None


@settings(max_examples=20, deadline=None)
@given(st.floats(-np.pi, np.pi), st.sampled_from([0, 2]))
def test_turned_windows_are_opencvs(angle, pad):
    image = noise((100, 132), 3)
    blocks = inner_blocks(image)
    angles = np.full(blocks.inside.sum(), angle, np.float32)
    windows = turned_windows(blocks, angles, 32, 16, pad)
    side = 36 + 2 * pad
    framed = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    for window, x, y in zip(windows, blocks.x.ravel(), blocks.y.ravel(), strict=True):
        block = framed[y - 2 : y - 2 + side, x - 2 : x - 2 + side]
        matrix = cv2.getRotationMatrix2D((side / 2, side / 2), np.rad2deg(angles[0]), 1)
        turned = cv2.warpAffine(block, matrix, (side, side), flags=cv2.INTER_NEAREST)[10:26, 2:34]
        assert (window == turned).mean() > 0.98


def test_blocks_around_points_stay_in_the_image():
    image = np.arange(100 * 90).reshape(100, 90).astype(np.uint8)
    blocks = blocks_around(image, np.array([50, 0, 89], np.float32), np.array([40, 0, 99], np.float32))
    assert (blocks[0] == image[24:56, 34:66]).all() and (blocks[1] == image[:32, :32]).all()
    assert (blocks[2] == image[-32:, -32:]).all()


# Measures on closed forms


@settings(max_examples=10, deadline=None)
@given(st.floats(0, np.pi), st.floats(6, 11))
def test_orientation_certainty_of_a_perfect_grating_is_one(angle, period):
    certainty = block_tensor(ridges(period=period, angle=angle)).certainty[:10, :10]
    assert certainty.min() > 0.95


def test_certainty_coherence_and_waves_of_noise_are_low():
    tensor = block_tensor(noise())
    assert tensor.certainty[:10, :10].mean() < 0.25 and tensor.coherence.mean() < 0.15
    assert nfiq2.frequency_domain(inner_blocks(noise())).mean() < 0.45


@pytest.mark.parametrize("angle", [0.0, np.pi / 2])
def test_frequency_domain_and_local_clarity_of_a_pure_wave_are_near_one(angle):
    blocks = inner_blocks(ridges(period=8, angle=angle))
    # The window lies off the centre of rotation, so some extend beyond their block; most do not.
    assert np.median(nfiq2.frequency_domain(blocks)) > 0.75
    clear = nfiq2.local_clarity(blocks)
    assert np.median(clear) > 0.95 and clear.max() <= 1


def test_frequency_domain_is_one_where_the_lowest_frequency_is_largest():
    # Half a ridge a window, and a trace of ridges for the orientation.
    blocks = inner_blocks(ridges(period=64.0, amplitude=100))
    assert (nfiq2.frequency_domain(blocks) == 1).mean() > 0.5


def test_local_clarity_is_zero_where_widths_are_no_fingerprints():
    # Ridges of 2 px are below the minimum of 3, and of 16 px above the maximum of 10.
    assert not nfiq2.local_clarity(inner_blocks(ridges(period=4, angle=0))).any()
    assert not nfiq2.local_clarity(inner_blocks(ridges(period=60, angle=0))).any()


@pytest.mark.parametrize(
    ("columns", "plausible"), [(".####......###......##......####", False), ("###......####......###......####", True)]
)
def test_ridges_of_exactly_the_least_width_count_as_nfiq_2_rounds(columns, plausible):
    # Of 4, 3 and 2 px, and of 2, 4 and 3 px: both 3 px on average, which is the limit.
    ridge = np.array([[c == "#" for c in columns]])
    assert nfiq2._plausible_widths(ridge).tolist() == [plausible]


def test_local_clarity_counts_pixels_on_the_wrong_side():
    image = ridges(period=8, angle=np.pi / 2)
    clear = np.median(nfiq2.local_clarity(inner_blocks(image)))
    speckled = np.where(np.random.default_rng(0).random(image.shape) < 0.1, 255 - image, image).astype(np.uint8)
    assert clear - np.median(nfiq2.local_clarity(inner_blocks(speckled))) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(("ridge", "valley"), [(5, 5), (6, 4), (3, 6)])
def test_ridge_valley_ratios_are_those_of_the_widths(ridge, valley):
    image = np.where(np.arange(324) % (ridge + valley) < ridge, 30, 220).astype(np.uint8)
    ratios = nfiq2.ridge_valley_uniformity(inner_blocks(np.tile(image, (324, 1))))
    assert len(ratios) > 30
    assert {round(float(r), 3) for r in ratios} <= {round(ridge / valley, 3), round(valley / ridge, 3)}


def test_wide_ridges_have_no_ratio_and_what_does_not_turn_no_flow():
    assert nfiq2.ridge_valley_uniformity(inner_blocks(ridges(period=60, angle=np.pi / 2))).size == 0
    assert nfiq2.orientation_flow(inner_blocks(ridges(angle=0.5))).size == 0


def test_orientation_flow_is_the_mean_turn_to_the_neighbours():
    angle = np.tile(np.arange(6) * 0.4, (5, 1)).astype(np.float32)
    inside = np.ones((5, 6), bool)
    inside[0, 0] = False
    blocks = Blocks(noise((1, 1)), np.zeros((5, 6), int), np.zeros((5, 6), int), angle, inside)
    flow = nfiq2.orientation_flow(blocks)
    # Six of eight neighbours differ by 0.4; twelve blocks have all neighbours, one of them the background one.
    assert len(flow) == 11 and flow == pytest.approx((0.3 - np.deg2rad(4)) / np.deg2rad(86), rel=1e-5)


def test_region_of_interest_is_the_dark_part_without_holes():
    image = np.full((400, 400), 255, np.uint8)
    image[100:320, 80:300] = ridges((220, 220))
    image[10:40, 370:395] = 0
    region = nfiq2.region_of_interest(image)
    assert region[110:310, 90:290].all()
    assert not region[:60].any() and not region[:, 340:].any()
    assert not nfiq2.region_of_interest(np.full((64, 64), 255, np.uint8)).any()


def test_summary_counts_a_limit_in_the_bin_above():
    found = nfiq2.summary("lcs", np.array([0.0, 0.69, 0.70, 0.869, 0.87, 1.0], np.float32).astype(float).round(3))
    assert found[:10].tolist() == [0, 2, 1, 0, 0, 0, 0, 0, 1, 2]
    assert found[10] == pytest.approx(4.129 / 6) and np.isnan(nfiq2.summary("fda", np.zeros(0))).all()


# Minutiae, extent, tone


def test_minutiae_measures_read_the_blocks_they_stand_in_and_are_missing_without():
    image = noise((400, 400))
    image[:, :200] = ridges((400, 200))
    image[:, :200] -= 20
    found = values(pretend(image, [50, 100, 150, 350], [200, 200, 200, 200]))
    assert found["quality_minutiae_ocl"] == pytest.approx(0.75)
    assert found["quality_minutiae_mu"] == pytest.approx(0.75)
    # Their centre is at 162.5: 50 and 350 lie more than 100 px away.
    assert found["quality_minutiae_center"] == 2
    none = values(pretend(noise()))
    assert none["quality_minutiae_center"] == 0
    assert np.isnan([none["quality_minutiae_ocl"], none["quality_minutiae_mu"]]).all()


def test_extent_is_physical():
    fp = pretend(noise((200, 300)))
    fp.mask = np.zeros((200, 300), bool)
    fp.mask[:100, 50:150] = True
    fp.period[:, 100:] = np.nan
    fp.orientation.coherence[:50] = 0.25
    extent = {"area_share": 1 / 6, "area_cut": 1 / 4, "period_known": 0.5}
    agree(values(fp), "quality_", {**extent, "coherence_mean": 0.625, "coherence_poor": 0.5})


def test_tone_of_a_grating_is_closed_form():
    found = values(pretend(ridges((340, 340), period=8.5, amplitude=80)))
    # A box of 17 px holds two ridges, so its mean is the grating's.
    agree(found, "quality_", {"ridge_contrast": 80 / np.sqrt(2), "grey_std": 80 / np.sqrt(2)}, rel=0.02)
    # Central differences see sin(w) instead of w.
    agree(found, "quality_", {"ridge_sharpness": np.sin(2 * np.pi / 8.5) / MM_PER_PX}, rel=0.03)
    agree(found, "quality_", {"grey_mean": 128}, abs=0.5)
    agree(found, "quality_", {"dark_share": 0.5}, abs=0.03)


def test_tone_tells_wet_from_dry_and_counts_the_ends_of_the_range():
    image = np.full((100, 100), 240, np.uint8)
    image[:20] = 0
    image[20:30] = 255
    entropy = -sum(share * np.log2(share) for share in (0.2, 0.1, 0.7))
    found = values(pretend(image))
    agree(found, "quality_", {"black_share": 0.2, "white_share": 0.1, "dark_share": 0.2, "grey_entropy": entropy})
    assert (found["quality_grey_p10"], found["quality_grey_p90"]) == (0, 240)


@pytest.mark.parametrize(("amplitude", "expected"), [(10, True), (5, False)])
def test_a_block_is_foreground_from_a_tenth_of_the_images_deviation(amplitude, expected):
    signs = np.where(np.indices((32, 32)).sum(0) % 2, 1, -1)
    image = np.hstack([100 + 100 * signs, 100 + amplitude * signs]).astype(np.uint8)
    assert foreground(image).tolist() == [[True, expected]]


# The score


def test_the_points_of_all_figures_are_100_and_each_rises_from_worst_to_best():
    found = model()["figures"]
    assert set(found) <= set(FIGURES) and len(found) >= 4
    assert sum(most for *_, most in found.values()) == pytest.approx(100) and min(m for *_, m in found.values()) > 0
    assert all((worst > best) == (name in FALLING) for name, (worst, best, _) in found.items())


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_score_never_falls_when_a_figure_improves(data):
    fp = pretend(noise((200, 200)), [50.0, 60.0], [50.0, 90.0])
    name = data.draw(st.sampled_from([n for n in model()["figures"] if n.startswith("quality_")]))
    low, high = sorted(data.draw(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=2)))
    worse, better = (high, low) if name in FALLING else (low, high)
    before, after = (
        sum(part.points for part in score_parts(fp, values(fp) | {name: value})) for value in (worse, better)
    )
    assert 0 <= before <= after <= 100 + 1e-9


def test_an_image_without_a_print_scores_0_and_prints_score_less_the_poorer_they_are():
    assert values(Fingerprint(np.full((324, 324), 255, np.uint8)))["quality_score"] == 0
    master = make_master("whorl", rng=3)
    scores = [
        values(Fingerprint(make_impression(master, rng=4, noise_level=level).image))["quality_score"]
        for level in (1, 3)
    ]
    assert 100 >= scores[0] > scores[1] + 10 > 10


def test_the_score_is_the_sum_of_its_parts():
    fp = Fingerprint(make_impression(make_master("arch", rng=3), rng=4).image)
    found = quality.explain(fp, "quality_score")
    assert found.value == pytest.approx(values(fp)["quality_score"])
    assert found.value == pytest.approx(sum(part.points for part in found.parts), rel=1e-6)
    area = np.count_nonzero(fp.mask) * MM_PER_PX**2 / 100
    assert [p.value for p in found.parts if p.unit == "cm²"] in ([], [pytest.approx(area)])
