from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern

from ridgefeat.features.texture import glcm, hog, lbp, spectrum, wavelet
from ridgefeat.features.texture.family import texture
from ridgefeat.features.zones import original_box, pixel_zones
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.structure import MM_PER_PX
from tests.features.helpers import noise, values_of, wave

values = values_of(texture)


def pretend(image, mask=None, dpi=500.0):
    """What the family needs of a print, without the stages."""
    grey = image.astype(np.float32)
    deviation = grey.std() or 1
    return SimpleNamespace(
        original=image,
        pixels=image,
        image=image,
        mask=np.ones(image.shape, bool) if mask is None else mask,
        normalised=((grey - grey.mean()) / deviation).astype(np.float32),
        dpi_x=dpi,
        dpi_y=dpi,
    )


def starting(found, prefix):
    return np.array([v for n, v in found.items() if n.startswith(prefix)])


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (9, 9), (40, 200), (63, 64)])
def test_small_prints_neither_crash_nor_warn(shape, recwarn):
    mask = np.zeros((200, 200), bool)
    mask[50 : 50 + shape[0], : shape[1]] = True
    assert np.isnan(values(pretend(noise((200, 200)), mask))["texture_wavelet_energy_level1_vertical"])
    assert not recwarn.list


def test_a_flat_print_has_no_gradient_columns(recwarn):
    found = values(pretend(np.full((200, 180), 90, np.uint8)))
    assert np.isnan(starting(found, "texture_hog_own")).all()
    assert np.isnan(starting(found, "texture_svd")).all()
    assert np.isnan(starting(found, "texture_ring")).all() and found["texture_lbp_p8r1_8"] == 1
    assert not recwarn.list


def test_real_fingerprint_gives_every_column_and_a_brighter_one_the_same_texture():
    image = wave((220, 240), 9.0, 0.4, 60)
    dark, light = (texture.compute(Fingerprint(i, 500)) for i in (image, image + np.uint8(50)))
    assert np.isfinite(dark).all() and np.allclose(dark, light, atol=1e-3)


# LBP


@pytest.mark.parametrize(("points", "radius"), [(8, 1), (8, 2), (16, 3)])
def test_circle_codes_agree_with_scikit_image(points, radius):
    image = cv2.GaussianBlur(noise(), (0, 0), 1.5)
    ours = lbp.uniform_classes(points)[lbp.circle_codes(image, points, radius)]
    theirs = local_binary_pattern(image, points, radius, "uniform")[radius:-radius, radius:-radius]
    # Interpolation in steps of 1/64 decides near-ties otherwise.
    assert (ours == theirs).mean() > 0.97
    ours, theirs = (np.bincount(v.astype(int).ravel(), minlength=points + 2) / v.size for v in (ours, theirs))
    assert np.abs(ours - theirs).max() < 0.01


def test_directed_classes_number_the_58_uniform_codes():
    classes = lbp.directed_classes()
    assert sorted(set(classes.tolist())) == list(range(59))
    assert np.bincount(classes)[:58].tolist() == [1] * 58 and classes[0b00001111] != classes[0b00011110]


def test_zones_are_numbered_row_by_row_and_own_columns_use_the_original_pixels_in_the_scaled_box():
    assert pixel_zones((8, 8), 4)[::2, ::2].ravel().tolist() == list(range(16))
    mask = np.zeros((200, 400), bool)
    mask[100:200, 200:300] = True
    fp = pretend(noise((200, 400)), mask)
    fp.original, fp.dpi_x, fp.dpi_y = noise((100, 160)), 200.0, 250.0
    assert original_box(fp, 10) == (slice(50, 100), slice(80, 120))


# HOG


@pytest.mark.parametrize("step", range(9))
def test_hog_of_a_grating_points_across_its_ridges(step):
    image = wave((200, 200), 12, np.pi * step / 9 - np.pi / 2)
    bins = hog.zone_histograms(image, 4).reshape(16, 9)
    assert (bins.argmax(1) == step % 9).all()


def test_hog_has_length_one_and_does_not_see_contrast():
    bins, weaker = (hog.zone_histograms(wave((150, 130), amplitude=a), 4) for a in (100, 50))
    assert np.linalg.norm(bins) == pytest.approx(1) and np.abs(bins - weaker).max() < 0.01


# GLCM


@pytest.mark.parametrize("distance", [2, 4])
def test_glcm_agrees_with_scikit_image(distance, monkeypatch):
    monkeypatch.setattr(glcm, "ROW_STEP", 1)
    grey = (cv2.GaussianBlur(noise(), (0, 0), 2).astype(int) % 15).astype(np.uint8)
    shares = glcm.cooccurrence(grey, distance)
    angles = [0, np.pi / 2]
    theirs = graycomatrix(grey, [distance], angles, 15, symmetric=True, normed=True)
    assert np.allclose(shares[[0, 2]], theirs[:, :, 0].transpose(2, 0, 1))
    ours = dict(zip(glcm.PROPERTIES, glcm.properties(shares)[:, [0, 2]], strict=True))
    for name in ("contrast", "homogeneity", "energy", "correlation"):
        assert np.allclose(ours[name], graycoprops(theirs, name)[0])


def test_glcm_of_stripes_is_closed_form():
    grey = np.tile(np.array([0, 0, 4, 4], np.uint8), (40, 10))
    shares = glcm.cooccurrence(grey, 2)
    # Contrast, homogeneity, energy, entropy and correlation along the rows and along the columns.
    expected = np.array([[16, 0], [1 / 17, 1], [0.5**0.5, 0.5**0.5], [1, 1], [-1, 1]])
    assert glcm.properties(shares)[:, [0, 2]] == pytest.approx(expected)


def test_glcm_leaves_out_what_is_no_print():
    normalised = np.zeros((60, 60), np.float32)
    normalised[:, 30:] = 1.9
    mask = np.zeros((60, 60), bool)
    mask[:, :30] = True
    shares = glcm.cooccurrence(glcm.levels(normalised, mask), 4)
    assert shares[:, 7, 7] == pytest.approx(1)


# Spectra


@settings(max_examples=12, deadline=None)
@given(st.floats(6, 12), st.floats(0, np.pi))
def test_spectral_centroid_is_the_gratings_frequency(period, angle):
    found = values(pretend(wave((220, 240), period, angle)))
    frequency = 1 / (period * MM_PER_PX)
    assert found["texture_spectrum_centroid"] == pytest.approx(frequency, abs=0.02)
    ring = np.searchsorted(spectrum.EDGES, frequency) - 1
    near = [found[f"texture_ring_{i}"] for i in (ring - 1, ring, ring + 1)]
    assert sum(near) > 0.95


def test_white_noise_is_flat_and_a_grating_is_not():
    white, ridges = values(pretend(noise((300, 300)))), values(pretend(wave((300, 300))))
    for name, high, low in (("entropy", 0.98, 0.6), ("flatness", 0.9, 0.05)):
        assert white[f"texture_spectrum_{name}"] > high > low > ridges[f"texture_spectrum_{name}"]
    areas = np.diff(np.square(spectrum.EDGES))
    assert np.abs(starting(white, "texture_ring_") - areas / areas.sum()).max() < 0.01


def test_blocks_show_where_the_ridges_are_fine():
    image = wave((300, 300), 10)
    image[:100, 200:] = wave((100, 100), 5)
    found = values(pretend(image))
    assert starting(found, "texture_block_r3c1_")[1] > 0.9
    assert starting(found, "texture_block_r1c3_")[3] > 0.9


def test_blocks_without_print_are_nan():
    mask = np.zeros((300, 300), bool)
    mask[:, :90] = True
    mask[150:160, 299] = True
    found = values(pretend(noise((300, 300)), mask))
    assert np.isnan(starting(found, "texture_block_r1c3_")).all()
    assert np.isfinite(starting(found, "texture_block_r1c1_")).all()


# Wavelets


def test_wavelet_energies_follow_scale_and_direction():
    waves = wave((256, 256), 12), wave((256, 256), 3, np.pi / 2)
    across, fine = (wavelet.energies(w.astype(np.float32)) for w in waves)
    assert across[:12].sum() == pytest.approx(1)
    # Horizontal ridges vary down the image: the horizontal details of the octave of 8 to 16 px.
    assert across[:12].argmax() == 6 and across[6] > 0.7
    assert fine[:12].argmax() == 1 and fine[1] > 0.7


def test_sparsity_is_one_for_even_and_large_for_lone_coefficients():
    lone = np.zeros((128, 128), np.float32)
    lone[64, 64] = 1
    assert (wavelet.energies(lone)[12:15] > 10).all()
    gauss = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    assert wavelet.energies(gauss)[12:15] == pytest.approx(np.sqrt(np.pi / 2), rel=0.02)


def test_dwt_svd_of_a_grating_is_closed_form():
    # Upright ridges: all rows are equal, so one singular value and vertical details alone.
    found = wavelet.dwt_svd(wave((96, 96), 8, np.pi / 2))
    assert found[:19].sum() == pytest.approx(1) and found[19] == pytest.approx(1, abs=1e-4)
    assert found[20:] == pytest.approx(0, abs=1e-4)
    assert found[2:19:3].sum() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("rows", "counts"), [(32, True), (28, False)])
def test_a_window_counts_if_half_of_it_is_print(rows, counts):
    mask = np.zeros((64, 64), bool)
    mask[:rows] = True
    _, full = spectrum.window_spectra(noise((64, 64)).astype(np.float32), mask, (slice(0, 64), slice(0, 64)))
    assert full.tolist() == [counts] * 36


def test_grey_levels_of_pairs_span_two_deviations():
    grey = glcm.levels(np.array([[-3, -2, -1, 0, 1, 2, 3]], np.float32), np.ones((1, 7), bool))
    assert grey.tolist() == [[0, 0, 3, 7, 11, 14, 14]]
