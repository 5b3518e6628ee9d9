"""What is done about duplicates."""

import numpy as np
import pandas as pd
import pytest

from ridgefeat.audit import resolve
from ridgefeat.errors import ParameterError, TableError
from tests.audit.helpers import PRINTS, clean_table, of


@pytest.fixture
def frame() -> pd.DataFrame:
    """People 1, 2 and 3 share pictures in a chain; 4 and 5 share one under both sexes."""
    frame = clean_table(4)
    frame["sex"] = np.where(frame["subject"] % 2, "male", "female")
    frame.loc[frame["subject"] <= 3, "sex"] = "male"
    for one, other in ((0, PRINTS), (PRINTS + 1, 2 * PRINTS), (3 * PRINTS, 4 * PRINTS)):
        frame.loc[other, "meta_sha256"] = frame.loc[one, "meta_sha256"]
    return frame


def test_merging_joins_all_that_are_connected(frame):
    out, note = resolve(frame, of(frame), "merge")
    assert set(out["subject"][: 3 * PRINTS]) == {"1+2+3"} and set(out["subject"][3 * PRINTS : 5 * PRINTS]) == {"4+5"}
    assert len(out) == len(frame) and out["subject"].nunique() == frame["subject"].nunique() - 3
    assert note == "5 groups that share images were merged into 2: 1+2+3, 4+5"
    assert not [f for f in of(out).of_kind("identical") if f.severity == "leak"]


def test_dropping_keeps_the_first_and_none_that_disagree(frame):
    out, note = resolve(frame, of(frame), "drop")
    gone = set(frame["meta_source"]) - set(out["meta_source"])
    assert gone == {"0002_0.png", "0003_0.png", "0004_0.png", "0005_0.png"}
    assert out["meta_sha256"].is_unique and list(out.index) == list(range(len(frame) - 4))
    assert "4 of 200 prints were dropped" in note and "1 with different values of 'sex'" in note


def test_altered_copies_are_merged_with_their_originals_and_never_dropped():
    frame = clean_table(4)
    frame["each"] = frame["meta_source"]
    frame["alteration"] = "none"
    frame.loc[5, "alteration"] = "CR"
    frame.loc[5, "finger"] = frame.loc[6, "finger"]
    found = of(frame, group="each")
    merged, _ = resolve(frame, found, "merge")
    assert merged["each"][5] == merged["each"][6] == "0002_0.png+0002_1.png"
    assert len(resolve(frame, found, "drop")[0]) == len(frame)


def test_a_warning_changes_nothing(frame):
    before = frame.copy()
    out, note = resolve(frame, of(frame), "warn")
    assert out is frame and note.startswith("3 images are filed under several names")
    for how in ("merge", "drop"):
        resolve(frame, of(frame), how)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("how", ["merge", "drop", "warn"])
def test_a_clean_table_stays_as_it_is(how):
    clean = clean_table(1)
    out, note = resolve(clean, of(clean), how)
    assert out is clean and ("nothing was changed" in note or note == "no duplicates")


def test_what_cannot_be_done_is_refused(frame):
    found = of(frame)
    with pytest.raises(ParameterError, match="merge, drop, warn, got 'forget'"):
        resolve(frame, found, "forget")
    with pytest.raises(TableError, match="this one has 10 prints"):
        resolve(frame.iloc[:10], found, "merge")
