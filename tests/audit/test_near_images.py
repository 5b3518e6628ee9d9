"""The leak audit: near-duplicate pictures."""

import numpy as np
import pytest

from ridgefeat.audit.near_images import correlate, signature, to_square
from ridgefeat.errors import TableError
from tests.audit.helpers import COPIES, PLAIN, clean_table, draw, of, pressed_again, write_prints

PEOPLE = 16
AS_IT_IS = np.eye(2, 3)


@pytest.fixture(scope="module")
def prints() -> dict[str, np.ndarray]:
    return {f"{100 + i}_1.png": draw(i) for i in range(PEOPLE)}


def test_every_planted_copy_is_found_and_nothing_else(prints, tmp_path):
    copies = {f"{200 + i}_1.png": make(prints[f"{100 + i}_1.png"]) for i, make in enumerate(COPIES.values())}
    frame = write_prints(tmp_path, {**prints, **copies})
    (finding,) = of(frame, images_root=tmp_path).of_kind("near_duplicate")
    assert finding.severity == "leak"
    assert set(finding.files) == {(f"{100 + i}_1.png", f"{200 + i}_1.png") for i in range(len(COPIES))}
    for words in ("1 turned by about 180°", "1 turned by about 90°", "2 turned by about 15°", "1 mirrored and turned"):
        assert words in finding.message


def test_prints_of_other_people_and_other_impressions_are_no_copies(prints, tmp_path):
    again = {f"{300 + i}_1.png": pressed_again(image, i) for i, image in enumerate(prints.values())}
    frame = write_prints(tmp_path, {**prints, **again})
    assert of(frame, images_root=tmp_path).of_kind("near_duplicate") == ()


@pytest.mark.parametrize("kind", PLAIN)
def test_a_copy_correlates_and_an_impression_does_not(prints, kind):
    one, other = list(prints.values())[:2]
    assert correlate(to_square(one), to_square(COPIES[kind](one)), AS_IT_IS) > 0.97
    assert correlate(to_square(other), to_square(COPIES[kind](one)), AS_IT_IS) < 0.6
    assert correlate(to_square(one), to_square(pressed_again(one, 5)), AS_IT_IS) < 0.9


def test_a_signature_survives_what_changes_no_picture(prints):
    own = {name: signature(to_square(image)) for name, image in prints.items()}
    stack = np.stack(list(own.values()))
    others = stack @ stack.T - 2 * np.eye(PEOPLE)
    for kind in PLAIN:
        copy = signature(to_square(COPIES[kind](prints["100_1.png"])))
        assert copy @ own["100_1.png"] > max(0.9, others.max())


def test_empty_images_are_no_copies_of_each_other():
    for blank in (np.full((200, 200), 255, np.uint8), np.zeros((50, 90), np.uint8)):
        square = to_square(blank)
        assert correlate(square, square, AS_IT_IS) == 0 and np.isfinite(signature(square)).all()


def test_it_is_the_same_with_two_workers(prints, tmp_path):
    some = dict(list(prints.items())[:6])
    copies = {f"{200 + i}_1.png": COPIES["turned"](image) for i, image in enumerate(some.values())}
    frame = write_prints(tmp_path, {**some, **copies})
    assert of(frame, images_root=tmp_path) == of(frame, images_root=tmp_path, jobs=2)


def test_what_is_missing_or_changed_is_noted(prints, tmp_path):
    frame = write_prints(tmp_path, prints)
    (tmp_path / "103_1.png").unlink()
    (tmp_path / "104_1.png").write_bytes((tmp_path / "105_1.png").read_bytes())
    messages = "; ".join(f.message for f in of(frame, images_root=tmp_path).of_kind("not_checked"))
    assert "1 images are missing or cannot be read, first 103_1.png" in messages
    assert "1 images are not those that the table was extracted from, first 104_1.png" in messages
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(TableError, match="none of 16 images can be read"):
        of(frame, images_root=tmp_path / "elsewhere")
    with pytest.raises(TableError, match="no column meta_source"):
        of(frame.drop(columns="meta_source"), images_root=tmp_path)


@pytest.mark.parametrize("name", ["../outside.png", "a/../../outside.png", "{}/outside.png", "a\0.png"])
def test_names_never_lead_out_of_the_folder(prints, tmp_path, name):
    frame = write_prints(tmp_path / "inside", dict(list(prints.items())[:3]))
    (tmp_path / "inside" / "a").mkdir()
    (tmp_path / "outside.png").write_bytes((tmp_path / "inside" / "100_1.png").read_bytes())
    frame.loc[0, "meta_source"] = name.format(tmp_path)
    messages = [f.message for f in of(frame, images_root=tmp_path / "inside").of_kind("not_checked")]
    assert any(f"first {name.format(tmp_path)}" in m for m in messages)


def test_a_finger_taken_twice_under_two_names_is_noted(prints, tmp_path):
    """Laid on each other, such impressions agree better than any two fingers do, and less than copies."""
    name, image = "100_1.png", prints["100_1.png"]
    again = pressed_again(image, 0, stretch=2)
    frame = write_prints(tmp_path, {**prints, "100_2.png": again, "200_1.png": again})
    frame["finger"] = ["ring" if n == "100_2.png" else "middle" for n in frame["meta_source"]]
    frame["hand"] = None
    value = correlate(to_square(image), to_square(again), AS_IT_IS)
    assert 0.8 < value < 0.95
    within = of(frame.iloc[:-1], images_root=tmp_path).of_kind("same_finger")
    assert [(f.severity, f.files) for f in within] == [("note", ((name, "100_2.png"),))]
    by_finger = of(frame.iloc[:-1], target="finger", images_root=tmp_path)
    assert by_finger.of_kind("same_finger")[0].severity == "warning"
    across = of(frame.drop(index=PEOPLE), images_root=tmp_path).of_kind("same_finger")
    assert [(f.severity, f.files) for f in across] == [("leak", ((name, "200_1.png"),))]


def test_features_alone_do_not_take_relatives_for_copies():
    frame = clean_table(7)
    found = of(frame.assign(each=range(len(frame))), group="each")
    assert found.of_kind("near_duplicate") == ()
