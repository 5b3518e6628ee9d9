"""The published sets, where they are: every image loads, with the labels and the resolution that it has."""

from collections import Counter

from ridgefeat.sources import find_prints, load_print
from tests.real_prints import real_prints


def test_socofing_real():
    found = find_prints(real_prints("SOCOFing/Real"))
    assert len(found) > 4000
    assert all({"subject", "sex", "hand", "finger"} <= p.labels.keys() and p.layout == "socofing" for p in found)
    people = {p.labels["subject"]: p.labels["sex"] for p in found}
    assert len(found) == 10 * len(people)
    assert set(people.values()) == {"female", "male"}
    loaded = [load_print(p) for p in found]
    sizes = Counter((x.pixels.shape, x.dpi_x, x.dpi_y) for x in loaded)
    assert set(sizes) == {((97, 90), 199, 173), ((292, 235), 500, 500)}
    assert all(x.flags == () for x in loaded)
    # Nothing of the black frame is left: at most single columns of a print are that dark.
    assert max((x.pixels[-1] < 30).mean() for x in loaded[::50]) < 0.9
    assert len({x.sha256 for x in loaded}) < len(loaded), "the set's known duplicates have one digest"


def test_socofing_altered():
    found = find_prints(real_prints("SOCOFing/Altered"))
    assert {p.labels["level"] for p in found} == {"easy", "medium", "hard"}
    assert {p.labels["alteration"] for p in found} == {"CR", "Obl", "Zcut"}
    assert {load_print(p).pixels.shape for p in found[::7]} == {(97, 90), (292, 235)}


def test_fvc():
    for name, fingers, dpi in (("FVC2002", 40, {500, 569}), ("FVC2004", 5, {500})):
        found = find_prints(real_prints(name))
        assert len({p.labels["subject"] for p in found}) == fingers
        assert len(found) == 8 * fingers
        assert {load_print(p).dpi_x for p in found} == dpi
    second = find_prints(real_prints("FVC2002") / "DB2_B")
    assert {load_print(p).dpi_x for p in second} == {569}


def test_fcj():
    found = find_prints(real_prints("FCJ2020"))
    fingers = Counter((p.labels["subject"], p.labels["finger_id"]) for p in found)
    assert set(fingers.values()) == {6}
    assert {(x.pixels.shape, x.dpi_x) for x in map(load_print, found)} == {((360, 280), 500)}


def test_sd4_with_its_index():
    folder = real_prints("SD4")
    found = find_prints(folder, index=folder / "index.csv")
    assert Counter(p.labels["pattern_class"] for p in found) == dict.fromkeys("ALRTW", 20)
    hands = {(p.labels["hand"], int(p.labels["finger_position"]) > 5) for p in found}
    assert hands == {("right", False), ("left", True)}
    assert all(p.flags == () and load_print(p).pixels.shape == (512, 512) for p in found)


def test_nfiq2():
    found = find_prints(real_prints("NFIQ2_SFinGe") / "images")
    assert [load_print(p).flags for p in found] == [("resolution_assumed",)] * 3
