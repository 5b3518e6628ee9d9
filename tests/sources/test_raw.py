import zipfile
from collections import Counter

import numpy as np
import pytest

import ridgefeat as rf
from ridgefeat.errors import ImageError, LayoutError, ParameterError
from ridgefeat.sources import RawSize, find_prints, load_print, parse_raw
from tests.cli.running import run
from tests.sources.image_files import grating, saved

PIXELS = grating(70, 50)
SIZE = RawSize(50, 70)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in"
    made.mkdir()
    (made / "7_1.raw").write_bytes(PIXELS.tobytes())
    (made / "7_2.GRAY").write_bytes(PIXELS.tobytes()[:-1])
    (made / "a.png").write_bytes(saved("PNG"))
    (made / "b.png").write_bytes(b"no image")
    for name in ("notes.txt", "more.txt", "Thumbs.db", "README", ".hidden.txt"):
        (made / name).write_bytes(b"text")
    return made


def test_raw_pixels_are_read_where_their_number_fits_exactly(folder):
    passed = Counter()
    found = {p.relative: p for p in find_prints(folder, raw=SIZE, passed_over=passed)}
    assert list(found) == ["7_1.raw", "7_2.GRAY", "a.png", "b.png"]
    assert passed == {".txt": 2, ".db": 1, "without suffix": 1}
    (folder / "own.csv").write_text("file,subject\na.png,7\n")
    find_prints(folder, index=folder / "own.csv", passed_over=(own := Counter()))
    assert ".csv" not in own  # what the user named is not passed over
    print_ = load_print(found["7_1.raw"])
    assert np.array_equal(print_.pixels, PIXELS) and print_.flags == ("resolution_assumed",)
    assert found["7_1.raw"].labels == {"subject": "7", "impression": "1"}
    with pytest.raises(ImageError, match=r"7_2\.GRAY: has 3499 bytes; 50x70 raw pixels are 3500"):
        load_print(found["7_2.GRAY"])
    assert np.array_equal(rf.read(folder / "7_1.raw", raw=(50, 70)).original, PIXELS)
    assert len(find_prints(folder)) == 2


def test_bytes_in_front_archives_and_names_without_suffix(tmp_path):
    (tmp_path / "scan").write_bytes(b"headers!" + PIXELS.tobytes())
    (found,) = find_prints(tmp_path / "scan", raw=RawSize(50, 70, 8))
    assert np.array_equal(load_print(found).pixels, PIXELS)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.bin", PIXELS.tobytes())
    (inside,) = find_prints(tmp_path / "a.zip", raw=SIZE)
    assert np.array_equal(load_print(inside).pixels, PIXELS)
    before = found.place.state
    (tmp_path / "scan").write_bytes(b"other")
    assert found.place.state != before


def test_a_size_that_is_none_or_not_used_is_refused(tmp_path):
    for text in ("50", "50x", "0x70", "50x70:", "-5x70", "50x9999999", "50x70:x"):
        with pytest.raises(ParameterError, match="raw size must read WIDTHxHEIGHT"):
            parse_raw(text)
    (tmp_path / "a.png").write_bytes(saved("PNG"))
    with pytest.raises(LayoutError, match="no file is raw"):
        find_prints(tmp_path, raw=SIZE)


def test_commands_read_raw_pixels_and_say_what_they_pass_over(folder, tmp_path):
    line = "being no images: 2 .txt, 1 .db, 1 without suffix"
    done = run("extract", folder, "--validate", "--raw", "50x70", code=1)
    assert f"passed over, {line}" in done.stdout.replace("1 without suffix, 1 .db", "1 .db, 1 without suffix")
    assert "wrong: 2\n  7_2.GRAY: has 3499" in done.stdout and "b.png: the file is not a known image" in done.stdout
    done = run("extract", folder, "-o", tmp_path / "t.csv", "-j", 1, "--families", "ridge", code=1)
    assert "Passed over, being no images: 2 .txt" in done.stderr and "1 .raw" in done.stderr
    run("show", folder / "7_1.raw", "-o", tmp_path / "p.png", "--raw", "50x70", "--panels", "print")
    assert "raw size must read" in run("extract", folder, "--validate", "--raw", "50", code=2).stderr
