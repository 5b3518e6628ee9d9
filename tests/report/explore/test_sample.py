import numpy as np
import pandas as pd

from ridgefeat.report.explore import sample as explore_sample
from ridgefeat.report.explore.sample import draw_rows, read_candidates

ABOUT = {"label_kinds": {"sex": "text"}}


def test_a_sample_keeps_the_fractions_of_its_strata():
    strata = np.repeat(np.uint8([0, 1, 2]), [800, 190, 10])
    keys = np.random.default_rng(1).random(1000)
    drawn = draw_rows(strata, np.arange(1000), keys, 100)
    assert np.all(np.diff(drawn) > 0) and np.bincount(strata[drawn]).tolist() == [80, 19, 1]
    # Candidates with small keys are enough: the draw is the same without the rest.
    some = np.flatnonzero((keys < 0.2) | (np.arange(1000) % 100 == 0))
    assert np.array_equal(some[draw_rows(strata, some, keys[some], 100)], drawn)
    assert len(draw_rows(strata, np.arange(1000), keys, 1000)) == 1000
    assert np.bincount(strata[draw_rows(strata, np.arange(1000), keys, 4)]).tolist() == [2, 1, 1]
    # Places by Webster's method; Jefferson's would be 4, 2, 1.
    seats = np.repeat(np.uint8([0, 1, 2]), [53, 24, 23])
    assert np.bincount(seats[draw_rows(seats, np.arange(100), keys[:100], 7)]).tolist() == [3, 2, 2]


def test_a_table_is_read_once_and_little_more_than_the_sample_is_held(monkeypatch, tmp_path):
    people = np.arange(3000)
    frame = pd.DataFrame({"meta_source": people.astype(str), "sex": np.where(people == 2900, "rare", "usual")})
    frame = frame.assign(note=people.astype(str).astype(object), ridge_a=people.astype(np.float32))
    calls = []

    def stretches(table, size=500, about=None):
        calls.append(table)
        yield from (frame.iloc[k : k + size] for k in range(0, len(frame), size))

    monkeypatch.setattr(explore_sample, "iterate_table", stretches)
    read = read_candidates(tmp_path, ["ridge_a"], ABOUT, 100, 0)
    assert calls == [tmp_path] and 200 <= len(read.frame) <= 200 + 64 + 2 and len(read.labels) == 3000
    assert list(read.frame) == list(frame) and list(read.labels) == ["sex", "note"]
    assert read.frame["ridge_a"].tolist() == read.rows.tolist() and 2900 in read.rows
    # A label that was added by hand has the type that its cells have.
    assert read.labels["note"].dtype == np.int64 == read.frame["note"].dtype
    monkeypatch.setattr(explore_sample, "iterate_table", lambda table, about: stretches(table, 77))
    again = read_candidates(tmp_path, ["ridge_a"], ABOUT, 100, 0)
    assert np.array_equal(read.rows, again.rows) and read.frame.equals(again.frame)
