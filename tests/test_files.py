import json
import os
import zipfile

import pytest

from ridgefeat import files
from ridgefeat.errors import RidgefeatError
from ridgefeat.files import (
    FREE_UNPACKED_BYTES,
    MANIFEST,
    atomic_write,
    read_bounded,
    remove_temporaries,
    results_folder,
    write_together,
)
from ridgefeat.nn.training import _read_checkpoint
from ridgefeat.synth.files import read_truth
from ridgefeat.table.batches import Journal


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(KeyError), atomic_write(path) as temporary:
        temporary.write_text("ne")
        assert temporary.parent == tmp_path and path.read_text() == "old"
        raise KeyError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with atomic_write(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_a_file_is_on_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(files.os, "fsync", lambda handle: flushed.append(sorted(p.name for p in tmp_path.iterdir())))
    with atomic_write(tmp_path / "a") as temporary:
        temporary.write_text("a")
    assert flushed == [[temporary.name], ["a"]]
    with atomic_write(tmp_path / "b", durable=False) as temporary:
        temporary.write_text("b")
    assert len(flushed) == 2


DEAD = 2**30
"""The number of no process."""


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    kept = {"a.csv", ".a.csv.txt", f".a.{DEAD}", f".a.csv.{os.getpid()}-1.tmp", f".results-{os.getpid()}-1"}
    other = {f".ab.csv.{DEAD}-34.tmp", f".results-{DEAD}-1"}
    for name in {f".a.csv.{DEAD}-34.tmp"} | kept | other:
        (tmp_path / name).touch() if "results" not in name else (tmp_path / name / "sub").mkdir(parents=True)
    remove_temporaries(tmp_path, {"a.csv"})
    assert {p.name for p in tmp_path.iterdir()} == kept | other
    remove_temporaries(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == kept
    remove_temporaries(tmp_path / "none")


def test_files_that_belong_together_are_renamed_together_the_description_last(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a.csv", "a.json")]
    for text in ("old", "new"):
        with write_together(*paths) as temporaries:
            for path in temporaries:
                path.write_text(text)
    assert [p.read_text() for p in paths] == ["new"] * 2 and len(list(tmp_path.iterdir())) == 2
    moved = []

    def replace(source, target):
        moved.append(([p.name for p in paths if p.exists()], target.name))
        raise KeyboardInterrupt

    monkeypatch.setattr(files.Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt), write_together(*paths) as temporaries:
        for path in temporaries:
            path.write_text("third")
    assert moved == [(["a.csv"], "a.csv")] and paths[0].read_text() == "new"


def test_a_folder_of_results_appears_as_a_whole(tmp_path):
    folder, mine = tmp_path / "r", tmp_path / "r" / "mine.txt"
    with pytest.raises(KeyError), results_folder(folder, "bench", ValueError):
        raise KeyError
    assert not folder.exists()
    for names in (("a", "b/c"), ("a",)):
        with results_folder(folder, "bench", ValueError, typed=["ridgefeat", "bench"]) as temporary:
            for name in names:
                (temporary / name).parent.mkdir(exist_ok=True)
                (temporary / name).write_text(f"{len(names)}")
        if mine.exists():
            assert {p.name for p in folder.iterdir()} == {"a", "mine.txt", MANIFEST}
        mine.write_text("kept")
    held = json.loads((folder / MANIFEST).read_text())
    assert list(held["files"]) == ["a"] and held["command_line"] == ["ridgefeat", "bench"]
    with pytest.raises(ValueError, match="r cannot be written: No space"), results_folder(folder, "bench", ValueError):
        raise OSError(28, "No space left on device")
    assert (folder / "a").read_text() == "1" and {p.name for p in folder.iterdir()} == {"a", "mine.txt", MANIFEST}


def test_results_of_another_command_are_not_replaced(tmp_path):
    with results_folder(tmp_path / "r", "bench", ValueError) as temporary:
        (temporary / "a").touch()
    with (
        pytest.raises(ValueError, match="holds results of `ridgefeat bench`; choose another folder"),
        results_folder(tmp_path / "r", "split", ValueError),
    ):
        pass
    assert {p.name for p in (tmp_path / "r").iterdir()} == {"a", MANIFEST}


def test_a_manifest_cannot_have_files_elsewhere_removed(tmp_path):
    (tmp_path / "mine").write_text("kept")
    (tmp_path / "r").mkdir()
    listed = {"../mine": "", str(tmp_path / "mine"): "", "": "", ".": "", "..": ""}
    (tmp_path / "r" / MANIFEST).write_text(json.dumps({"files": listed}))
    with results_folder(tmp_path / "r", "bench", ValueError) as temporary:
        (temporary / "a").touch()
    assert (tmp_path / "mine").read_text() == "kept"


def test_a_read_is_bounded_and_of_regular_files(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5, ValueError, "template") == b"12345"
    with pytest.raises(ValueError, match=r"template .*a is larger than 4 bytes, the largest size"):
        read_bounded(path, 4, ValueError, "template")
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "none", "."):
        with pytest.raises(ValueError, match="no such file, or not a regular one"):
            read_bounded(tmp_path / name, 5, ValueError, "template")


@pytest.mark.parametrize("size", [FREE_UNPACKED_BYTES, FREE_UNPACKED_BYTES + (1 << 20)])
@pytest.mark.parametrize(
    "read", [read_truth, lambda p: list(Journal(p.parent).read()), lambda p: _read_checkpoint(p, {})]
)
def test_archives_that_unpack_to_far_more_than_their_size_are_refused(read, size, tmp_path):
    path = tmp_path / "000000000-000000001.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.npy", bytes(size))
    unpacks = pytest.raises(RidgefeatError, match="bytes that unpack to 33 MB")
    with unpacks if size > FREE_UNPACKED_BYTES else pytest.raises(RidgefeatError, match=r"^(?!.*that unpack to)"):
        read(path)
