"""The audit's input: images and tables, and the split that is given or recognised."""

import cv2
import pandas as pd
import pytest

from ridgefeat.audit.inputs import make_folds, read_input
from ridgefeat.errors import LayoutError, TableError
from tests.audit.helpers import draw


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six prints in train/ and test/, of two classes."""
    root = tmp_path_factory.mktemp("set")
    for i in range(6):
        path = root / ("test" if i < 2 else "Training") / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), draw(i, 128))
    return root


def sides(read):
    return [(sorted(read.frame["meta_source"].str[-5].iloc[s]) for s in fold) for fold in read.folds]


@pytest.mark.parametrize("how", ["one folder", "two folders", "file", "column"])
def test_a_split_is_read_however_it_is_given(folder, tmp_path, how):
    labels = tmp_path / "split.csv"
    rows = [f"{i}.png,{'test' if i < 2 else 'train'},x" for i in range(6)]
    labels.write_text("\n".join(["file,split,note", *rows]))
    inputs = [str(folder / "Training"), str(folder / "test")] if how == "two folders" else [str(folder)]
    more = {"split": str(labels)} if how == "file" else {"split": "class", "layout": "class-folders"}
    read = read_input(inputs, **(more if how in ("file", "column") else {}))
    if how == "column":  # no word for training: each value is tested on the others
        assert [[list(s) for s in f] for f in sides(read)] == [[list("135"), list("024")], [list("024"), list("135")]]
    else:
        ((train, test),) = sides(read)
        assert (train, test) == (list("2345"), list("01"))
        assert "4 to train on and 2 to test on" in read.notes[-1]


def test_an_input_is_not_taken_for_one_whose_name_begins_alike(tmp_path):
    for name in ("test", "test-set", "train"):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / f"{name}.png"), draw(len(name), 64))
    read = read_input([str(tmp_path / n) for n in ("train", "test", "test-set")])
    assert [[s.tolist() for s in fold] for fold in read.folds] == [[[0], [1]], [[0], [2]]]


def test_a_column_that_says_the_split_is_no_feature(tmp_path):
    pd.DataFrame({"file": list("abcd"), "own": range(4), "fold": [0, 1, 0, 1]}).to_csv(tmp_path / "t.csv", index=False)
    read = read_input([str(tmp_path / "t.csv")], split="fold")
    assert len(read.folds) == 2 and "fold" not in read.frame and "own" in read.frame


def test_folders_that_are_no_split_are_none(folder):
    assert read_input([str(folder / "test")], layout="class-folders").folds == ()


def test_two_tables_are_a_split_by_their_names(tmp_path):
    for name in ("train", "test"):
        pd.DataFrame({"file": [f"{name}{i}" for i in range(3)], "sex": list("mfm")}).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
    read = read_input([str(tmp_path / "train.csv"), str(tmp_path / "test.csv")])
    assert [s.tolist() for s in read.folds[0]] == [[0, 1, 2], [3, 4, 5]]
    assert list(read.frame["meta_source"][:2]) == ["train0", "train1"] and read.features is None


@pytest.mark.parametrize(
    ("split", "kind", "words"),
    [
        ("nothing", TableError, "neither a file nor a label; the labels are: class"),
        ("other.csv", LayoutError, "names none of the 6 prints"),
        ("vague.csv", LayoutError, "which column is the split"),
        ("one.csv", TableError, "has one side alone: train"),
    ],
)
def test_a_split_that_cannot_be_used_is_refused(folder, tmp_path, monkeypatch, split, kind, words):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "other.csv": "file,split\nz.png,train",
        "vague.csv": "file,a,b\n0.png,1,2",
        "one.csv": "\n".join(["file,split", *(f"{i}.png,train" for i in range(6))]),
    }.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(kind, match=words):
        read_input([str(folder)], split=split, layout="class-folders")


def test_images_and_tables_together_are_refused(folder, tmp_path):
    (tmp_path / "t.csv").write_text("file,sex\na,m")
    with pytest.raises(TableError, match="is a table; give the images of a table with --images"):
        read_input([str(folder), str(tmp_path / "t.csv")])


def test_a_folder_of_which_no_image_can_be_read_is_refused(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("no image")
    with pytest.raises(TableError, match=r"none of 2 images can be read, first .*a\.png: "):
        read_input([str(tmp_path)])
    cv2.imwrite(str(tmp_path / "b.png"), draw(1, 128))
    assert len(read_input([str(tmp_path)]).frame) == 2


def test_validation_is_tested_on_training_alone():
    folds = make_folds(["train", "val", "test", "train", ""])
    assert [(a.tolist(), b.tolist()) for a, b in folds] == [([0, 3], [1]), ([0, 3], [2])]
