"""The leak audit on real prints, where they are: what is known of SOCOFing, FVC2002 and FCJ2020."""

from pathlib import Path

import pandas as pd
import pytest

from ridgefeat.audit import audit
from ridgefeat.audit.table import AuditParams
from ridgefeat.sources import find_prints, load_print
from tests.real_prints import real_prints

IDENTICAL = (
    "203 left little = 219 left little = 249 left little = 260 left little = 64 left little",
    "204 left little = 418 left little = 92 left little",
    "297 left little = 590 left little",
    "363 left little = 376 left little",
    "511 left index = 553 left little",
    "511 left little = 590 right ring",
    "511 left middle = 590 right little",
    "511 left ring = 590 right middle",
    "511 right little = 577 left little",
    "553 left thumb = 554 left little",
    "560 left little = 585 left little",
)


def labels_of(folder: Path, people: int | None = None) -> pd.DataFrame:
    """Return the table that extraction gives, without its features; of the first people alone if a number is given."""
    rows, found = [], find_prints([folder])
    chosen = list(dict.fromkeys(source.labels["subject"] for source in found))[:people]
    for source in (source for source in found if source.labels["subject"] in chosen):
        loaded = load_print(source)
        meta = {"meta_source": source.relative, "meta_sha256": loaded.sha256, "meta_layout": source.layout}
        rows.append({**meta, **source.labels})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def socofing() -> pd.DataFrame:
    return labels_of(real_prints("SOCOFing/Real"))


def test_socofing_has_the_eleven_identical_groups_two_of_both_sexes_and_no_other(socofing: pd.DataFrame) -> None:
    found = audit(socofing, target="sex", group="subject")
    (finding,) = found.of_kind("identical")
    who = socofing["subject"] + " " + socofing["hand"] + " " + socofing["finger"]
    sets = sorted(" = ".join(sorted(who.iloc[list(rows)])) for rows in finding.rows)
    assert tuple(sets) == IDENTICAL
    assert finding.severity == "leak" and "26 of 4200 prints" in finding.cost
    (finding,) = found.of_kind("label_conflict")
    assert finding.groups == (("363", "376"), ("560", "585"))


def test_the_images_of_shared_prints_bring_no_false_alarm(socofing: pd.DataFrame) -> None:
    """Only people that share pictures, and some more: what is identical stays the only leak."""
    chosen = socofing["subject"].astype(int).isin([484, 378, 363, 376, 560, 585, *range(1, 9)])
    some = socofing[chosen].reset_index(drop=True)
    found = audit(some, target="sex", group="subject", images_root=real_prints("SOCOFing/Real"))
    assert [f.kind for f in found.leaks] == ["identical"]
    (twice,) = found.of_kind("same_finger")
    assert set(twice.groups) == {("378",), ("484",), ("585",)}


@pytest.mark.parametrize("name", ["FVC2002/DB1_B", "FVC2002/DB2_B", "FCJ2020"])
def test_impressions_of_a_finger_are_no_near_duplicates(name: str) -> None:
    folder = real_prints(name)
    frame = labels_of(folder, people=8)
    frame["each"] = frame["meta_source"]
    found = audit(frame, target="subject", group="each", images_root=folder, limits=AuditParams(neighbours=7))
    assert found.of_kind("identical", "near_duplicate") == ()
