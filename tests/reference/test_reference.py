"""Phantoms are what they are said to be, the values that the package brings follow from them, and conform tells who
agrees."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest

import ridgefeat as rf
from ridgefeat.errors import TableError
from ridgefeat.features import select
from ridgefeat.reference import check_table, conformity, load_reference, make_phantoms, make_prints, write_phantoms
from ridgefeat.reference.features import BY_CONSTRUCTION, BY_NAME, GROUPS, known_values
from ridgefeat.reference.phantoms import SCENES, Phantom
from ridgefeat.structure import MM_PER_PX
from ridgefeat.synth import read_truth
from tests.cli.running import run

PHANTOMS = {one.name: one for one in make_phantoms()}


@pytest.mark.parametrize("name", SCENES)
def test_orientation_and_period_are_those_of_the_phase(name):
    """The gradient of the phase is normal to the ridges and 2 pi / period long, but where ridges meet."""
    one, step = PHANTOMS[f"{name}_turned"], 1e-5
    x, y = np.random.default_rng(1).uniform(-6, 6, (2, 2000))
    _, angle, period = one.at(x, y)
    dx, dy = (
        (one.at(x + step * a, y + step * b)[0] - one.at(x - step * a, y - step * b)[0]) / (2 * step)
        for a, b in ((1, 0), (0, 1))
    )
    length = np.hypot(dx, dy)
    good = np.abs(length * period / (2 * np.pi) - 1) < 1e-3
    along = np.abs(dx * np.cos(angle) + dy * np.sin(angle)) / np.maximum(length, 1e-9)
    assert good.mean() > 0.99 and along[good].max() < 1e-3


def test_a_phantom_is_the_same_scene_at_every_resolution_and_turn():
    fine, usual, turned = (PHANTOMS[f"loop_{variant}"] for variant in ("1000", "500", "turned"))
    halves = fine.image.reshape(400, 2, 400, 2).mean((1, 3))
    assert np.abs(halves - usual.image).mean() < 6 and usual.image.shape == (400, 400)
    for points in ("cores", "deltas"):
        a, b = (getattr(p.truth.singular_points, points) for p in (usual, turned))
        about = [np.complex128(complex(p.x[0] - 199.5, 199.5 - p.y[0])) for p in (a, b)]
        assert about[1] == pytest.approx(about[0] * np.exp(1j * turned.turn), abs=1e-3)
        assert np.rad2deg(b.direction - a.direction)[0] % 360 == pytest.approx(25, abs=1e-3)


def test_values_follow_from_the_construction():
    held = load_reference()
    built = held[held["origin"] == BY_CONSTRUCTION].set_index(["phantom", "feature"])
    made = pd.DataFrame([r for one in PHANTOMS.values() for r in known_values(one)]).set_index(["phantom", "feature"])
    assert built.index.equals(made.index)
    np.testing.assert_allclose(built["value"], made["value"], rtol=1e-4, atol=1e-5)
    others = held[held["origin"] != BY_CONSTRUCTION]
    assert len(others) and all(origin.count(",") == 2 for origin in others["origin"])


def test_closed_forms():
    """What anyone can work out without the package."""
    held = load_reference().set_index(["phantom", "feature"])["value"]
    assert held["grating_500", "ridge_density_line"] == pytest.approx(10 / 0.45, rel=1e-5)
    assert held["grating_turned", "orient_mean_cos"] == pytest.approx(np.cos(np.deg2rad(2 * 115)), abs=1e-5)
    assert held["grating_500", "ridge_density_mean"] == pytest.approx(5 / 0.45, rel=1e-5)
    assert held["zones_500", "orient_entropy"] == pytest.approx(2, abs=1e-3)
    assert held["minutiae_500", "minutiae_endings"] == 7 and held["minutiae_500", "minutiae_bifurcations"] == 5
    assert held["noise_500", "quality_sigma"] == pytest.approx(np.hypot(70 / np.sqrt(2), 20), rel=1e-5)
    assert held["whorl_500", "orient_core_core_distance"] == pytest.approx(3.6, rel=1e-5)
    assert held["loop_500", "orient_core_delta_distance"] == pytest.approx(2 * 1.44 / np.tan(np.deg2rad(20)), rel=1e-4)


def test_every_feature_is_a_column_of_the_same_unit():
    units = {c.name: c.unit for family in select() for c in family.all_columns()}
    assert {name: feature.unit for name, feature in BY_NAME.items()} == {name: units[name] for name in BY_NAME}
    held, agreed = set(load_reference()["feature"]), {f.name for f in GROUPS["agreed"]}
    assert set(BY_NAME) - agreed <= held <= set(BY_NAME) and len(held) >= 60


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    """Our own values for some phantoms, as a table."""
    names = ["grating_500", "minutiae_1000", "arcs_300", "narrow_turned", "noise_500"]
    families = ["ridge", "orient", "minutiae", "quality"]
    rows = {n: rf.extract(PHANTOMS[n].image, families, dpi=PHANTOMS[n].dpi) for n in names}
    path = tmp_path_factory.mktemp("conform") / "values.csv"
    pd.DataFrame(rows).T.drop(columns="ridge_length_density").rename_axis("phantom").to_csv(path)
    return path


def test_our_own_values_agree(values):
    found = check_table(values)
    assert found.agrees and len(found.rows) > 100, found.rows[found.rows["verdict"] != "agrees"]
    assert "ridge_length_density" in found.untested and "loop_500" in found.absent and len(found.absent) == 51
    done = run("conform", values)
    assert "minutiae_count" in done.stdout and "values agree with the reference" in done.stdout


def test_what_deviates_or_is_missing_is_named(values, tmp_path):
    frame = pd.read_csv(values)
    frame["phantom"] = [f"images/{name}.png" for name in frame["phantom"]]
    frame = frame.rename(columns={"ridge_period_mean": "period", "phantom": "file"})
    frame.loc[0, "period"], frame.loc[1, "minutiae_count"] = 0.46, np.nan
    path, out = tmp_path / "theirs.csv", tmp_path / "verdicts.csv"
    frame[["file", "period", "minutiae_count"]].to_csv(path, index=False)
    run("conform", path, "--name", "ridge_period_mean=period", "-o", out, code=1)
    rows = pd.read_csv(out).set_index(["phantom", "feature"])
    wrong = rows[rows["verdict"] != "agrees"]["verdict"].to_dict()
    assert wrong == {("grating_500", "ridge_period_mean"): "deviates", ("minutiae_1000", "minutiae_count"): "missing"}
    assert rows.loc[("grating_500", "ridge_period_mean"), "deviation"] == pytest.approx(0.01)
    worst = check_table(path, {"ridge_period_mean": "period"}).by_feature().set_index("feature")
    assert worst.loc["ridge_period_mean", "phantom"] == "grating_500" and worst.loc["minutiae_count", "agree"] == 2
    assert worst.loc["minutiae_count", "phantom"] == "minutiae_1000"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("name,ridge_area\ngrating_500,1\n", "no column phantom or file or meta_source"),
        ("file,a\ngrating_500.png,1\n", "no reference feature"),
        ("file,ridge_area\nother.png,1\n", "names no phantom, such as grating_fine_500"),
        ("file,ridge_area\ngrating_500.png,1\ngrating_500,1\n", "names grating_500 twice"),
        ("file,ridge_area\ngrating_500.png,large\n", "'large'"),
    ],
)
def test_a_table_that_cannot_be_compared(tmp_path, text, message):
    path = tmp_path / "t.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(TableError, match=message):
        check_table(path)
    if text:
        assert "is not FEATURE=COLUMN" in run("conform", path, "--name", "a", code=2).stderr


def test_the_set_as_files(tmp_path, monkeypatch):
    monkeypatch.setattr(conformity, "make_phantoms", lambda: islice(make_phantoms(), 1, 2))
    monkeypatch.setattr(conformity, "make_prints", lambda: islice(make_prints(), 1))
    assert write_phantoms(tmp_path / "set") == 2
    names = {p.name for p in (tmp_path / "set").iterdir()}
    assert {"grating_fine_300.png", "grating_fine_300.npz", "print_01.png", "reference.csv"} < names
    reference = load_reference(tmp_path / "set" / "reference.csv").set_index(["phantom", "feature"])
    truth = read_truth(tmp_path / "set" / "print_01.npz")
    period = float(truth.period[truth.mask].mean(dtype=float)) * MM_PER_PX
    assert reference.loc[("print_01", "ridge_period_mean"), "value"] == pytest.approx(period, rel=1e-4)
    assert len(reference) == len(load_reference()) + 10
    table = tmp_path / "t.csv"
    table.write_text(f"file,ridge_period_mean\nprint_01.png,{period * 1.03}\n")
    of_set = ("conform", table, "--reference", tmp_path / "set" / "reference.csv")
    run(*of_set, "-o", tmp_path / "verdicts.xlsx", code=1)
    assert pd.read_excel(tmp_path / "verdicts.xlsx")["verdict"].tolist() == ["deviates"]
    (tmp_path / "bad.csv").write_text(
        "phantom,feature,value,tolerance,origin\nprint_01,ridge_hue,1,1,me\nprint_02,,1,1,me\n"
    )
    assert "unknown feature ''" in run("conform", table, "--reference", tmp_path / "bad.csv", code=2).stderr
    fp = rf.read(tmp_path / "set" / "grating_fine_300.png")
    assert (fp.dpi_x, fp.original.shape) == (pytest.approx(300, abs=0.1), (240, 240))
    assert read_truth(tmp_path / "set" / "grating_fine_300.npz").period[0, 0] * MM_PER_PX == pytest.approx(0.35)
    assert "--overwrite" in run("phantoms", "-o", tmp_path / "set", code=2).stderr


def test_a_phantom_outside_the_set():
    """A scene can be drawn at any resolution and turn."""
    one = Phantom("mine", SCENES["whorl"], 250, np.deg2rad(90))
    assert one.image.shape == (200, 200) and len(one.truth.singular_points.cores) == 2
