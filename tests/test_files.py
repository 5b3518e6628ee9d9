import os

import pytest

from ridgefeat import files
from ridgefeat.files import atomic_write, read_bounded, remove_temporaries


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


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    for name in (".a.csv.12-34.tmp", ".ab.csv.12-34.tmp", "a.csv", ".a.csv.txt"):
        (tmp_path / name).touch()
    remove_temporaries(tmp_path / "a.csv")
    assert {p.name for p in tmp_path.iterdir()} == {".ab.csv.12-34.tmp", "a.csv", ".a.csv.txt"}
    remove_temporaries(tmp_path / "none" / "a.csv")


def test_a_read_is_bounded_and_of_regular_files(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5, ValueError, "template") == b"12345"
    with pytest.raises(ValueError, match=r"template .*a is larger than 4 bytes; no template is"):
        read_bounded(path, 4, ValueError, "template")
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "none", "."):
        with pytest.raises(ValueError, match="no such file, or not a regular one"):
            read_bounded(tmp_path / name, 5, ValueError, "template")
