import json

import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import TableError
from ridgefeat.features import select
from ridgefeat.reliability import is_error_of, load_reliability, measure_reliability
from tests.bench.helpers import make_about, make_frame, write_frame
from tests.cli.running import run


def repeated(people=40, fingers=2, prints=4, share=0.64, seed=0):
    """Return values whose true ICC is `share`, then 0 and 1, of fingers and people."""
    rng = np.random.default_rng(seed)
    n = people * fingers
    finger = np.repeat(np.arange(n), prints)
    between = np.sqrt(share) * rng.normal(size=n)[finger]
    values = {
        "some": between + np.sqrt(1 - share) * rng.normal(size=n * prints),
        "none": rng.normal(size=n * prints),
        "all": rng.normal(size=n)[finger],
    }
    return pd.DataFrame(values), finger, finger // fingers


def test_shrout_and_fleiss():
    """Table 2 of the publication: six targets, four judges; ICC(1,1) is 0.17."""
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = measure_reliability(pd.DataFrame({"x": np.ravel(ratings)}), np.repeat(np.arange(6), 4))
    assert found["icc"][0] == pytest.approx(0.1657, abs=1e-4)
    assert found["within_sd"][0] ** 2 == pytest.approx(6.264, abs=1e-3)  # WMS in its table 3
    assert found["mdc"][0] == pytest.approx(1.96 * np.sqrt(2 * 6.264), abs=1e-2)
    assert found.loc[0, ["prints", "fingers", "people"]].tolist() == [24, 6, 6]


def test_the_interval_covers_the_truth_and_holds_the_estimate():
    inside = []
    for seed in range(60):
        values, finger, person = repeated(people=30, seed=seed)
        found = measure_reliability(values[["some"]], finger, person, seed=seed).iloc[0]
        assert found["icc_low"] <= found["icc"] <= found["icc_high"]
        inside.append(found["icc_low"] <= 0.64 <= found["icc_high"])
    assert np.mean(inside) >= 0.85


def test_extremes_gaps_and_what_is_counted():
    values, finger, person = repeated()
    values.loc[finger >= 60, "none"] = np.nan
    values.loc[np.arange(len(values)) % 4 > 0, "some"] = np.nan
    found = measure_reliability(values, finger, person).set_index("column")
    assert found.loc["all", "icc"] == pytest.approx(1) and found.loc["all", "within_sd"] == pytest.approx(0)
    assert abs(found.loc["none", "icc"]) < 0.1
    assert found.loc["none", ["prints", "fingers", "people"]].tolist() == [240, 60, 30]
    # One value of each finger repeats nothing.
    assert found.loc["some"].isna()[["icc", "icc_low", "icc_high", "within_sd", "mdc"]].all()
    with pytest.raises(TableError, match="none of 320 fingers has two prints"):
        measure_reliability(values, np.arange(320))


def test_levels_are_no_merit_of_a_column():
    values, finger, person = repeated()
    site = finger % 2
    shifted = values + 100 * site[:, None]
    plain, taken_off = (measure_reliability(shifted, finger, person, within=w)["icc"] for w in (None, site))
    assert plain[1] > 0.99 and taken_off[1] == pytest.approx(0, abs=0.1)


def test_the_interval_is_over_people():
    """Fingers of one person that are alike are not as many observations."""
    values, finger, person = repeated(people=100, fingers=1)
    copies = pd.concat([values] * 4, ignore_index=True)
    fingers, people = np.concatenate([finger + 100 * k for k in range(4)]), np.tile(person, 4)
    wide, narrow = (measure_reliability(copies, fingers, p)[["icc_low", "icc_high"]].loc[0] for p in (people, None))
    assert wide["icc_high"] - wide["icc_low"] > 1.5 * (narrow["icc_high"] - narrow["icc_low"])


def test_the_packages_table_has_every_column():
    names = {c.name for family in select() for c in family.all_columns()}
    for name, people in (("FCJ2020", 15), ("FVC2002", 40)):
        found = load_reliability(name)
        assert set(found["column"]) == names and found["people"].max() == people
        assert found["icc"].notna().mean() > 0.98 and found["icc"].dtype == float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file; .* or name FCJ2020 or FVC2002"),
        ("column,value\na,1\n", "no column 'icc'"),
        ("column,icc\na,1\na,2\n", "lists 'a' twice"),
        ("column,icc\na,high\n", "'high'"),
    ],
)
def test_a_table_that_is_none(tmp_path, text, message):
    path = tmp_path / "r.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(TableError, match=message):
        load_reliability(str(path))


def test_the_command(tmp_path):
    frame = make_frame(people=12, prints=8)
    frame.loc[:7, "ridge_made_4"] = np.nan
    table = write_frame(frame, tmp_path / "t.csv")
    about = make_about(frame)
    about["columns"][0]["unit"] = "mm"
    table.with_suffix(".json").write_text(json.dumps(about))
    out = tmp_path / "r.csv"
    how = ["reliability", table, "--finger", "hand", "--finger", "finger", "-o", out]
    done = run(*how)
    assert "6 columns, up to 96 prints of 48 fingers of 12 people" in done.stderr
    assert done.stdout.splitlines()[0].split("  ")[0] == "family"
    found = pd.read_csv(out, float_precision="round_trip")
    assert list(found)[:5] == ["column", "unit", "icc", "icc_low", "icc_high"] and found["unit"][0] == "mm"
    # A person's value and as much noise: half of the variance lies between people.
    assert found["icc"][:5].between(0.2, 0.8).all() and found["icc"][5] > 0.9
    assert load_reliability(out)["icc"].tolist() == found["icc"].tolist()
    assert "--overwrite" in run(*how, code=2).stderr
    how[how.index("finger")] = "toe"
    assert "no column 'toe'; it has: subject, sex, hand, finger, age" in run(*how, "--overwrite", code=2).stderr


def test_a_standard_error_is_one_of_a_column_that_is_there():
    assert is_error_of("ridge_area_se", ["ridge_area"]) and not is_error_of("minutiae_se", ["ridge_area"])
