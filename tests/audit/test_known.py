"""Known prints: signatures that survive what changes no print, indexes on disk, and what follows from recognition."""

import io
import time
import zipfile

import cv2
import numpy as np
import pandas as pd
import pytest

from ridgefeat.audit import audit, join_indexes, make_index, read_print_index, recognise_prints, write_index
from ridgefeat.audit.inputs import read_input
from ridgefeat.audit.known import LEVELS, Look, look_at, looks_in, pack_index, shorten
from ridgefeat.audit.marks import KEYPOINTS, MARK_BYTES, MarkIndex, describe_marks
from ridgefeat.audit.run import audit_input, with_people
from ridgefeat.errors import TableError
from ridgefeat.sources import find_prints, load_print, pixel_digest
from tests.audit.helpers import draw, encoded, warped
from tests.real_prints import real_prints

PRINTS = 12
CHANGED = {
    "JPEG 30": lambda i: encoded(i, 30),
    "resized to 0.7": lambda i: cv2.resize(i, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA),
    "too small for its ridges": lambda i: cv2.resize(i, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA),
    "doubled": lambda i: cv2.resize(i, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC),
    "cropped": lambda i: i[22:-22, 22:-22],
    "cropped on two sides": lambda i: i[22:, 22:],
    "turned": lambda i: warped(i, turn=15),
    "mirrored": lambda i: np.ascontiguousarray(i[:, ::-1]),
    "mirrored and turned": lambda i: warped(np.ascontiguousarray(i[:, ::-1]), turn=-10),
    "darkened": lambda i: (255 * (i / 255.0) ** 2).astype(np.uint8),
}


@pytest.fixture(scope="module")
def images():
    return [draw(i, 224) for i in range(PRINTS)]


@pytest.fixture(scope="module")
def index(images):
    """Six people with two prints each; a set that knows their sex."""
    rows = [
        {"file": f"{i // 2}_{i % 2}.png", "set": "made", "subject": str(i // 2), "sex": ["male", "female"][i // 2 % 2]}
        for i in range(PRINTS)
    ]
    return pack_index(rows, [look_at(i) for i in images])


@pytest.mark.parametrize("how", CHANGED)
def test_a_changed_copy_is_recognised_and_its_digest_does_not_say_so(images, index, how):
    found, level = index.find([look_at(np.ascontiguousarray(CHANGED[how](i))) for i in images[:3]])
    assert found.tolist() == [0, 1, 2] and set(level) <= {LEVELS.index("finger"), LEVELS.index("copy")}


def test_other_prints_are_not_recognised(index):
    found, level = index.find([look_at(draw(100 + i, 224)) for i in range(10)])
    assert found.tolist() == [-1] * 10 and not level.any()


def test_other_impressions_of_a_finger_are_no_copies():
    sources = [s for s in find_prints([real_prints("FVC2002/DB1_B")]) if int(s.labels["impression"]) <= 4]
    looks = [look_at(load_print(s).pixels) for s in sources[:24]]
    fingers = [looks[k : k + 4] for k in range(0, 24, 4)]
    index = pack_index([{"file": str(i), "set": "fvc"} for i in range(6)], [prints[0] for prints in fingers])
    for own, prints in enumerate(fingers):
        found, level = index.find(prints[1:4])
        assert set(found) <= {own, -1} and LEVELS.index("copy") not in level


def test_a_signature_is_small_and_an_image_without_ridges_has_none(index):
    assert MARK_BYTES <= 1000 and index.marks.shape == (PRINTS, MARK_BYTES)
    blank = look_at(np.full((80, 60), 200, np.uint8))
    assert not blank.marks["size"].any() and index.find([blank])[0].tolist() == [-1]
    assert describe_marks(draw(3, 64))[:, :KEYPOINTS].shape == (2, KEYPOINTS)
    assert look_at(np.zeros((1, 1), np.uint8)).marks.shape == look_at(np.eye(2, 900, dtype=np.uint8)).marks.shape


def test_thousands_of_equal_keypoints_are_searched_in_no_time():
    stripes = np.tile(np.uint8(127 + 120 * np.sin(np.arange(400) / 1.4)), (400, 1))
    stripes[::40] = 0
    query = describe_marks(stripes)
    same = MarkIndex(np.tile(query[0, :KEYPOINTS].copy().view(np.uint8), (2000, 1)))
    started = time.process_time()
    same.best(query)
    assert time.process_time() - started < 5


def test_a_frame_of_socofing_changes_no_digest(images):
    framed = np.full((103, 96), 160, np.uint8)
    framed[2:-4, 2:-4] = images[0][:97, :90]
    assert shorten(pixel_digest(images[0][:97, :90])) in look_at(framed).digests


def test_an_index_on_disk_is_the_same_and_damage_is_one_line(index, tmp_path):
    for name in ("a", "b"):
        write_index(index, tmp_path / f"{name}.index")
    data = (tmp_path / "a.index").read_bytes()
    assert data == (tmp_path / "b.index").read_bytes()
    read = read_print_index(tmp_path / "a.index")
    assert read.prints.equals(index.prints) and (read.digests == index.digests).all()
    assert (read.marks == index.marks).all() and (read.digest_rows == index.digest_rows).all()
    for broken in (b"", data[:-40], data[:300] + b"\0" * 200 + data[500:], _with(data, "digest_rows", b"\xff" * 48)):
        (tmp_path / "c.index").write_bytes(broken)
        with pytest.raises(TableError, match=r"index .*c\.index is damaged"):
            read_print_index(tmp_path / "c.index")


def _with(data, name, content):
    """Return an index with another content of one part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.namelist():
            new.writestr(part, content if part == name else old.read(part))
    return out.getvalue()


def test_joined_indexes_know_the_prints_of_both(images, index, tmp_path):
    cv2.imwrite(str(tmp_path / "9_1.png"), draw(77, 224))
    own = make_index(find_prints([tmp_path], regex=r"(?P<subject>\d+)_"), "ours")
    both = join_indexes([index, own])
    found, level = both.find([look_at(draw(77, 224)), look_at(images[3]), look_at(CHANGED["turned"](draw(77, 224)))])
    assert found.tolist() == [PRINTS, 3, PRINTS] and [LEVELS[i] for i in level[:2]] == ["exact", "exact"]
    assert both.prints["set"].tolist()[-1] == "ours" and both.prints["sex"].tolist()[-1] == ""


def test_a_table_of_digests_is_recognised_without_images(index, images):
    frame = pd.DataFrame({"sha256": [pixel_digest(images[2]), "unknown", None]})
    assert recognise_prints(index, looks_in(frame)).people == ["made 1", "", ""]
    assert looks_in(pd.DataFrame({"sha256": ["x"]})) is None


def people_table(index, **columns):
    """Return the prints as a table of digests, and what they are recognised by."""
    frame = pd.DataFrame({"meta_source": [f"x{i}.png" for i in range(PRINTS)], "own": range(PRINTS), **columns})
    looks = [Look((int(d),)) for d in index.digests[:PRINTS]]
    return frame, recognise_prints(index, looks)


def kinds(found):
    return {f.kind: f for f in found.findings}


def test_a_label_that_varies_within_known_people_cannot_be_true(index):
    values = ["A+", "B+", "O-", "A+", "AB-", "O+", "A+", "B-", "O+", "A+", "B+", "B-"]
    frame, known = people_table(index, kind=values)
    found = kinds(audit(frame.assign(person=known.people), target="kind", group="person", recognised=known))
    assert found["impossible_label"].severity == "leak"
    assert "6 of 6 people with several prints have more than one value of it, 0 three or more, 0 have one" in (
        found["impossible_label"].message
    )
    assert "12 of 12 prints are prints of made" in found["recognised"].message


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("blood_group", ["A"] * 6 + ["B"] * 6),  # one value in each person
        ("pattern", ["loop", "whorl"] * 6),  # a trait of a finger
    ],
)
def test_a_label_that_may_be_true_is_not_called_impossible(index, name, values):
    frame, known = people_table(index, **{name: values})
    found = audit(frame.assign(person=known.people), target=name, group="person", recognised=known)
    assert "impossible_label" not in kinds(found)


def test_known_people_on_both_sides_and_labels_that_the_set_contradicts_are_found(index):
    sex = index.prints["sex"].tolist()
    frame, known = people_table(index, sex=["female", *sex[1:]], donor=[f"d{i}" for i in range(PRINTS)])
    folds = [(np.arange(7), np.arange(7, PRINTS))]
    found = kinds(audit(frame, target="sex", group="donor", folds=folds, recognised=known))
    assert found["known_people"].severity == "leak" and "made 3" in found["known_people"].message
    assert "1 of 5 test prints (20.0%)" in found["known_people"].cost
    assert found["known_label"].files == (("x0.png", "0_0.png"),)
    apart = kinds(audit(frame, target="sex", group="donor", recognised=known))
    assert "6 people of the public set have prints in several groups by 'donor'" in apart["known_people"].message


def test_a_recognised_person_is_called_as_in_the_input_and_names_of_people_contradict_no_set(index):
    own = [f"P{i // 2}" for i in range(PRINTS)]
    frame, known = people_table(index, subject=[None if i in (3, 8, 9) else n for i, n in enumerate(own)])
    named = with_people(frame, "subject", known)
    assert named["subject"].tolist() == [*own[:8], "made 4", "made 4", *own[10:]]
    found = audit(named, target="subject", group="subject", recognised=known)
    assert not found.of_kind("known_label", "known_people")


def test_keypoints_that_recognition_has_made_are_made_once(images, index, tmp_path, monkeypatch):
    for i, image in enumerate([*images[:3], draw(50, 224)]):
        cv2.imwrite(str(tmp_path / f"{i}.png"), CHANGED["turned"](image))
    made = []
    for module in ("known", "near_images"):
        name = f"ridgefeat.audit.{module}.describe_marks"
        monkeypatch.setattr(name, lambda pixels: made.append(1) or describe_marks(pixels))
    read = read_input([str(tmp_path)])
    audit_input(read, index=index)
    assert len(made) == 4
    assert audit_input(read, index=index).of_kind("near_duplicate") == audit_input(read).of_kind("near_duplicate")


def test_people_are_those_of_the_index_where_the_input_names_none(images, index, tmp_path):
    for i, image in enumerate(images[:4]):
        (tmp_path / "ab"[i % 2]).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "ab"[i % 2] / f"{i}.jpg"), image)
    found = audit_input(read_input([str(tmp_path)], layout="class-folders"), index=index)
    assert (found.target, found.group) == ("class", "person")
    assert "4 prints in 2 groups" in kinds(found)["groups"].message
    assert "4 as changed copies" in kinds(found)["recognised"].message
