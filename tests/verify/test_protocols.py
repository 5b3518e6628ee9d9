"""Protocols plan the right comparisons, and their messages name what is missing."""

import numpy as np
import pytest

from ridgefeat.errors import LayoutError
from ridgefeat.verify.enrolment import Entry
from ridgefeat.verify.protocols import altered, fvc, read_pairs


def fingers(count, impressions):
    return [
        Entry(f"{f}_{i}.tif", {"subject": str(f), "impression": str(i)})
        for f in range(101, 101 + count)
        for i in range(1, impressions + 1)
    ]


@pytest.mark.parametrize(("every", "others"), [(False, 45), (True, 2880)])
def test_fvc_counts(every, others):
    entries = fingers(10, 8)
    plan = fvc(entries, every_impostor=every)
    assert plan.mated.sum() == 280 and (~plan.mated).sum() == others
    seen = {frozenset(p) for p in zip(plan.probe.tolist(), plan.reference.tolist(), strict=True)}
    assert len(seen) == len(plan)
    same = [entries[i].subject == entries[j].subject for i, j in zip(plan.probe, plan.reference, strict=True)]
    assert (np.array(same) == plan.mated).all()
    assert every or {entries[i].labels["impression"] for i in plan.probe[~plan.mated]} == {"1"}


def test_fingers_of_one_person_are_different_fingers():
    labels = [{"subject": s, "hand": h, "finger": "index"} for s in "12" for h in ("left", "right")]
    entries = [Entry(f"{own['subject']}{own['hand']}{i}", own) for own in labels for i in "ab"]
    plan = fvc(entries, every_impostor=True)
    assert plan.mated.sum() == 4 and (~plan.mated).sum() == 24


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (fingers(1, 4), "there is only one finger"),
        (fingers(4, 1), "no finger has two impressions"),
        ([*fingers(2, 2), Entry("x.png")], "the name of x.png does not give its subject; give --layout or --regex"),
    ],
)
def test_messages_of_fvc(entries, message):
    with pytest.raises(LayoutError, match=message):
        fvc(entries)


def socofing(people, kinds=("central_rotation", "z_cut")):
    made = []
    for s in range(people):
        for finger in ("thumb", "index"):
            labels = {"subject": str(s), "hand": "left", "finger": finger, "alteration": "none"}
            made.append(Entry(f"real/{s}_{finger}", labels))
            made += [Entry(f"hard/{s}_{finger}_{k}", {**labels, "alteration": k, "level": "hard"}) for k in kinds]
    return made


def test_altered_prints_are_compared_with_the_same_finger():
    entries = socofing(15)
    few, every = altered(entries), altered(entries, every_impostor=True)
    assert few.mated.sum() == every.mated.sum() == 15 * 2 * 2
    assert (~few.mated).sum() == 60 * 10 and (~every.mated).sum() == 60 * 14
    for plan in (few, every):
        for i, j, mated in zip(plan.probe, plan.reference, plan.mated, strict=True):
            a, b = entries[i], entries[j]
            assert a.is_altered and not b.is_altered
            assert a.labels["finger"] == b.labels["finger"] and (a.subject == b.subject) == mated
    # Non-mated comparisons are spread evenly over the references.
    assert np.bincount(few.reference[~few.mated]).max() == 20


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (lambda e: not e.is_altered, "no print is altered; give both folders"),
        (lambda e: e.is_altered, "all prints are altered; give both folders"),
        (lambda e: e.is_altered == (e.subject == "0"), "finds no mated comparison"),
        (lambda e: e.subject == "0", "finds no non-mated comparison"),
    ],
)
def test_messages_of_altered(keep, message):
    with pytest.raises(LayoutError, match=message):
        altered([e for e in socofing(3) if keep(e)])


def written(tmp_path, text):
    path = tmp_path / "pairs.csv"
    path.write_text(text, "utf-8")
    return path


def test_pairs_by_names_and_by_their_last_parts(tmp_path):
    entries = [Entry(n) for n in ("a/1.png", "a/2.png", "b/1.png")]
    path = written(tmp_path, "probe,reference,mated\na/1.png,2.png,1\n/home/me/b/1.png,a/2.png,0\n")
    plan, named = read_pairs(path, entries)
    assert plan.probe.tolist() == [0, 2] and plan.reference.tolist() == [1, 1]
    assert plan.mated.tolist() == [True, False]
    # The mated pairs give the subjects that no label names.
    assert named[0].subject == named[1].subject != named[2].subject


def test_pairs_take_mated_from_labels_or_subjects(tmp_path):
    text = "probe,reference\n101_1.tif,101_2.tif\n101_1.tif,102_1.tif\n"
    plan, _ = read_pairs(written(tmp_path, text), fingers(2, 2))
    assert plan.mated.tolist() == [True, False]
    text = "probe,reference,subject_probe,subject_reference\nx,y,ann,ann\nx,z,ann,bob\n"
    plan, named = read_pairs(written(tmp_path, text), [Entry("x"), Entry("y"), Entry("z")])
    assert plan.mated.tolist() == [True, False] and [e.subject for e in named] == ["ann", "ann", "bob"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("probe,other\nx,y\n", "no column 'reference'; there are: probe, other"),
        ("probe,reference\n", "lists no pairs"),
        ("probe,reference,mated\nx,y,perhaps\n", "row 1: mated must be 1 or 0, got 'perhaps'"),
        ("probe,reference,mated\nx,y,1\nx,y,0\n", "row 2: this pair is non-mated here, but not above"),
        ("probe,reference,mated\nx,w,1\n", "row 1: 'w' is none of the prints given"),
        ("probe,reference,mated\nx,1.png,1\n", "row 1: '1.png' may be 2 of the prints given"),
        ("probe,reference\nx,y\n", "no label names the subject of x; add a column mated"),
        ("probe,reference,subject_probe\nx,y,ann\nx,y,bob\n", "row 2: the subject of x is 'bob' here, but 'ann' above"),
        ("\x00", "no column|not a table"),
    ],
)
def test_messages_of_pairs(tmp_path, text, message):
    entries = [Entry(n) for n in ("x", "y", "a/1.png", "b/1.png")]
    with pytest.raises(LayoutError, match=message):
        read_pairs(written(tmp_path, text), entries)


def test_a_misspelt_protocol_names_the_nearest(tmp_path):
    with pytest.raises(LayoutError, match="did you mean altered"):
        read_pairs("alterd", [Entry("x")])


def test_names_without_suffix_are_found_and_a_print_with_itself_is_told(tmp_path, caplog):
    caplog.set_level("INFO", logger="ridgefeat")
    (tmp_path / "p.csv").write_text("probe,reference,same\na/1,2,TRUE\n1,1,true\n2,3,FALSE\n")
    plan, _ = read_pairs(tmp_path / "p.csv", [Entry("a/1.png"), Entry("a/2.png"), Entry("b/3.png")])
    assert (plan.probe.tolist(), plan.reference.tolist(), plan.mated.tolist()) == ([0, 0, 1], [1, 0, 2], [1, 1, 0])
    assert "1 comparison of a print with itself" in caplog.text
