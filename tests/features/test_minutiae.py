"""The minutiae family on point sets of which counts, spacings and directions are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from ridgefeat.features.minutiae import minutiae
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.structure import BIFURCATION, CORE, ENDING, MM_PER_PX, Minutiae, SingularPoints
from tests.features.helpers import agree, values_of

values = values_of(minutiae)
SHAPE = (400, 300)
CM2 = 400 * 300 * MM_PER_PX**2 / 100


def pretend(x=(), y=(), degrees=0.0, kind=ENDING, quality=80.0, mask=None, core=None):
    """What the family needs of a print, without the stages."""
    columns = np.broadcast_arrays(x, y, np.deg2rad(np.float32(degrees)), kind, quality)
    return SimpleNamespace(
        mask=np.ones(SHAPE, bool) if mask is None else mask,
        minutiae=Minutiae.make(*columns),
        singular_points=SingularPoints.make(*([c] for c in (*core, CORE, 0))) if core else SingularPoints.empty(),
    )


def scattered(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 299, n), rng.uniform(0, 399, n)


def test_counts_by_kind_and_their_densities():
    x, y = scattered(10)
    kind, quality = [ENDING] * 7 + [BIFURCATION] * 3, [90] * 4 + [50] + [49.9] * 5
    found = values(pretend(x, y, kind=kind, quality=quality))
    counts = {"count": 10, "endings": 7, "bifurcations": 3, "sure": 5}
    assert {n: found[f"minutiae_{n}"] for n in counts} == counts
    agree(found, "minutiae_", {"bifurcation_share": 0.3})
    agree(found, "minutiae_quality_", {"mean": np.mean(quality), "sd": np.std(quality)})
    counts[""] = counts.pop("count")
    agree(found, "minutiae_", {f"{n}_density".strip("_"): count / CM2 for n, count in counts.items()}, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 80), st.integers(0, 10**6))
def test_spacing_is_the_distance_to_the_nearest_neighbour(n, seed):
    x, y = (a.astype(np.float32) for a in scattered(n, seed))
    nearest = cKDTree(np.column_stack([x, y])).query(np.column_stack([x, y]), k=2)[0][:, 1] * MM_PER_PX
    found = values(pretend(x, y))
    random = 0.5 / np.sqrt(n / (CM2 * 100))
    expected = {
        "spacing_mean": nearest.mean(),
        "spacing_p50": np.median(nearest),
        "clustering": nearest.mean() / random,
    }
    agree(found, "minutiae_", expected, rel=1e-4)
    agree(found, "minutiae_", {"spacing_sd": nearest.std()}, rel=1e-3, abs=1e-6)


def test_distance_from_the_core_or_else_the_centroid():
    x, y = np.array([150.0, 150, 250]), np.array([100.0, 300, 200])
    for core, (x0, y0) in ((None, (149.5, 199.5)), ((150, 100), (150, 100))):
        found, expected = values(pretend(x, y, core=core)), np.hypot(x - x0, y - y0) * MM_PER_PX
        agree(found, "minutiae_radius_", {"mean": expected.mean()}, rel=1e-5)
        agree(found, "minutiae_radius_", {"sd": expected.std()}, rel=1e-3)


@pytest.mark.parametrize("k", range(8))
@pytest.mark.parametrize("off", [-22, 0, 22])
def test_directions_fall_into_the_bin_of_their_name(k, off):
    x, y = scattered(6)
    found = values(pretend(x, y, degrees=(45 * k + off) % 360))
    shares = [found[f"minutiae_direction_a{45 * j:03d}"] for j in range(8)]
    assert shares == [float(j == k) for j in range(8)]
    assert found["minutiae_direction_resultant"] == pytest.approx(1, abs=1e-5)


def test_quarters_stand_where_their_names_say():
    x = [10, 20, 30, 40, 250, 260, 270, 30, 40, 280]
    y = [10, 20, 30, 40, 10, 20, 30, 380, 390, 380]
    expected = {f"{name}_density": count / (CM2 / 4) for name, count in (("nw", 4), ("ne", 3), ("sw", 2), ("se", 1))}
    agree(values(pretend(x, y)), "minutiae_", expected, rel=0.02)


def test_none_found_is_a_count_of_zero_and_unknown_shares_and_two_are_too_few_for_spacing():
    found = values(pretend())
    assert found["minutiae_count"] == found["minutiae_density"] == found["minutiae_nw_density"] == 0
    unknown = ("bifurcation_share", "quality_mean", "spacing_mean", "direction_a000", "direction_resultant")
    assert all(np.isnan(found[f"minutiae_{n}"]) for n in unknown)
    two = values(pretend([10, 50], [10, 50]))
    assert two["minutiae_count"] == 2 and np.isnan(two["minutiae_spacing_mean"]) and two["minutiae_direction_a000"] == 1


def test_no_print_has_counts_of_zero_and_nothing_else():
    found = values(Fingerprint(np.full((120, 120), 255, np.uint8)))
    known = {n for n, v in found.items() if np.isfinite(v)}
    assert known == {f"minutiae_{n}" for n in ("count", "endings", "bifurcations", "sure")}
    assert all(found[n] == 0 for n in known)
