from pathlib import Path

import cv2
import numpy as np
import pytest

from ridgefeat.errors import LayoutError
from ridgefeat.synth import make_impression, make_master
from ridgefeat.verify import compare, enrol, find_sources, read_template
from ridgefeat.verify.enrolment import count_notes

CASES = Path(__file__).parents[1] / "data" / "templates"


def test_a_folder_of_images_and_templates_gives_its_images_and_says_what_else_is_there(
    folder, foreign, tmp_path, caplog
):
    caplog.set_level("INFO", "ridgefeat")
    for path in (folder / "101_1.png", foreign[0] / "101_1.fmr"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert [s.relative for s in find_sources(tmp_path)] == ["101_1.png"] and not caplog.messages
    for name in ("101_2.fmr", "101_3.txt"):
        (tmp_path / name).write_bytes((foreign[0] / "101_2.fmr").read_bytes())
    assert [s.relative for s in find_sources(tmp_path)] == ["101_1.png"]
    assert "only its images are read (1); passed over: 101_2.fmr, 101_3.txt." in caplog.messages[0]
    (tmp_path / "empty").mkdir()
    with pytest.raises(LayoutError, match="holds no prints: neither images"):
        find_sources(tmp_path / "empty")
    with pytest.raises(LayoutError, match="no input is given"):
        find_sources([])


def test_templates_are_listed_in_natural_order(tmp_path):
    for name in ("10_1.xyt", "2_10.xyt", "2_9.xyt"):
        (tmp_path / name).write_text("")
    assert [s.relative for s in find_sources(tmp_path)] == ["2_9.xyt", "2_10.xyt", "10_1.xyt"]


def test_templates_are_found_by_content(tmp_path):
    record = (CASES / "good.fmr").read_bytes()
    for name, data in (("1.bin", record), ("2", record), ("3.xyt", b"1 2 3 4\n"), ("notes.txt", b"hello")):
        (tmp_path / name).write_bytes(data)
    assert [s.relative for s in find_sources(tmp_path)] == ["1.bin", "2"]
    (tmp_path / "4.fmr").write_bytes((CASES / "made_ISONC.fmr").read_bytes())
    entries = enrol(find_sources(tmp_path))
    assert [bool(e.failure) for e in entries] == [False, False, True] and "--template-format" in entries[2].failure
    sources = find_sources(tmp_path, template_format="iso-normal-card")
    entries = enrol(sources, template_format="iso-normal-card")
    assert {e.name for e in entries if e.content} == {"1.bin", "2", "4.fmr"}
    (tmp_path / "2").write_bytes(record + bytes(3))
    assert count_notes(enrol(find_sources(tmp_path))) == {"3 bytes of padding after the record are ignored": 1}


@pytest.mark.parametrize("name", ["a.fmr", "a.xyt", "a.png"])
@pytest.mark.parametrize("content", [b"", b"FMR\0 20\0" + b"\xff" * 40, b"1 2\n", b"\x00" * 500])
def test_hostile_files_are_failures(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    (entry,) = enrol(find_sources(tmp_path / name))
    assert entry.content is None and entry.failure and "unexpected" not in entry.failure


def test_an_image_and_a_foreign_record_of_one_print_match(foreign, folder):
    image, record = read_template(folder / "101_1.png"), read_template(foreign[0] / "101_1.fmr")
    assert compare(image, record).score > 10
    assert image.waves is not None and record.waves is None


def test_a_picture_of_a_comparison(foreign, tmp_path):
    from ridgefeat.report import draw_match, save_match

    def count_green(picture):
        return int((picture[:, :, 1].astype(int) - picture[:, :, 0] > 60).sum())

    # Prints of full size: small ones share too few minutiae for a ratio that holds with every version of OpenCV.
    full = []
    for finger, impression in ((0, 0), (0, 1), (1, 0), (2, 0)):
        master = make_master(rng=np.random.default_rng([5, finger]))
        rng = np.random.default_rng([5, finger, impression])
        path = tmp_path / f"{101 + finger}_{impression + 1}.png"
        cv2.imwrite(str(path), make_impression(master, rng=rng, noise_level=1).image)
        full.append(read_template(path))
    a, b, *others = full
    picture = draw_match(a, b)
    paper = np.full(tuple(8 * n for n in a.mask.shape), 0, np.uint8)
    assert draw_match(a, b, (paper, None)).mean() < picture.mean() - 20
    assert picture.shape[1] >= 2 * 16 * a.mask.shape[1] and picture.dtype == np.uint8
    assert count_green(picture) > 2 * np.mean([count_green(draw_match(a, other)) for other in others]) > 0
    save_match(a, read_template(foreign[1] / "101_1.xyt"), tmp_path / "m.png")
    assert (tmp_path / "m.png").stat().st_size > 1000
