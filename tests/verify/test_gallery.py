"""Galleries on disk: what is stored, what is found, what is refused."""

import sqlite3

import numpy as np
import pytest

from ridgefeat.errors import ParameterError, TemplateError
from ridgefeat.params import Params
from ridgefeat.verify import Entry, Gallery, compare, enrol_into, identify, load_calibration
from ridgefeat.verify import gallery as gallery_module
from tests.verify.helpers import prepared, random_minutiae


@pytest.fixture(scope="module")
def path(templates, tmp_path_factory):
    """Six prints of three fingers with their ridges."""
    path = tmp_path_factory.mktemp("gallery") / "six.gallery"
    with enrol_into(path, Params()) as gallery:
        for k, (subject, content) in enumerate(templates):
            gallery.add(Entry(f"{k}.png", {"subject": subject}, content), f"digest {k}")
        gallery.add(Entry("x.png", failure="no image"), "")
    return path


def test_what_comes_out_is_what_went_in(path, templates):
    gallery = Gallery(path)
    assert [(e.name, e.subject) for e in gallery.entries] == [(f"{k}.png", s) for k, (s, _) in enumerate(templates)]
    assert gallery.params == Params() and gallery.has_ridges and path.stat().st_mode & 0o777 == 0o600
    one = random_minutiae(0)
    for (_, before), after in zip(templates, gallery.load(range(6)), strict=True):
        assert np.array_equal(before.template.waves.signal, after.template.waves.signal)
        assert np.array_equal(before.template.mask, after.template.mask)
        assert before.template.minutiae.x.tobytes() == after.template.minutiae.x.tobytes()
        assert compare(before, prepared(one)).score == compare(after, prepared(one)).score


def test_a_search_answers_as_a_list_of_the_same_prints_does(path, templates):
    entries = [Entry(f"{k}.png", {"subject": s}, t) for k, (s, t) in enumerate(templates)]
    calibration = load_calibration()
    found = identify(entries[0], Gallery(path, without="digest 0"), calibration, top=5)
    assert found == identify(entries[0], entries[1:], calibration, top=5) and found[0].reference == "1.png"


def test_of_a_large_gallery_the_prints_with_most_votes_are_compared(tmp_path, monkeypatch):
    m = gallery_module
    assert (m.VOTED, m.CANDIDATES, m.CHANCE, m.BY_VOTES) == (3000, 250, 0.75, 0.5)
    monkeypatch.setattr(gallery_module, "CANDIDATES", 10)
    contents = [prepared(random_minutiae(seed)) for seed in range(30)]
    with enrol_into(tmp_path / "g", Params()) as writer:
        for k, content in enumerate(contents):
            writer.add(Entry(f"{k}.fmr", {}, content), str(k))
    gallery = Gallery(tmp_path / "g")
    for k in (3, 29):
        scores = gallery.highest_scores([contents[k]])
        assert np.isfinite(scores).sum() == 10 and scores.argmax() == k
    monkeypatch.setattr(gallery_module, "PART", 7)
    monkeypatch.setattr(gallery_module, "COMPARED", 3)
    without = Gallery(tmp_path / "g", without="4")
    assert np.array_equal(without.highest_scores([contents[29]]), np.delete(scores, 4))
    found = identify(Entry("p", content=contents[7]), gallery, load_calibration(kind="minutiae"), top=2)
    assert found[0].reference == "7.fmr" and found[0].expected == pytest.approx(30 * found[0].fmr_at_most)


def test_what_was_kept_survives_an_interrupted_run_and_the_rest_does_not(templates, tmp_path):
    with pytest.raises(RuntimeError), enrol_into(tmp_path / "g", Params()) as gallery:
        gallery.add(Entry("a", content=templates[0][1]), "1")
        gallery.keep()
        gallery.add(Entry("b", content=templates[1][1]), "2")
        raise RuntimeError
    with enrol_into(tmp_path / "g", Params()) as gallery:
        assert gallery.known == {"a": "1"}
    with (
        pytest.raises(ParameterError, match="other stage parameters"),
        enrol_into(tmp_path / "g", Params().updated(["minutiae.min_quality=50"])),
    ):
        pass


BIG = np.array([4096, 4096, 3], "<u2").tobytes() + b"x\x9c"


@pytest.mark.parametrize(
    "change",
    [
        "update about set value = 'ridgefeat gallery 0' where name = 'format'",
        "update about set value = '[' where name = 'params'",
        "update print set labels = '7'",
        "update print set minutiae = 'text'",
        "update print set minutiae = zeroblob(1700000)",
        "update print set minutiae = zeroblob(17)",
        "update print set codes = zeroblob(3)",
        "update print set minutiae = x'', codes = x''",
        "update print set mask = zeroblob(6)",
        f"update print set waves = x'{BIG.hex()}'",
        "drop table print",
    ],
)
def test_a_damaged_gallery_is_an_error_in_one_line(path, templates, tmp_path, change, monkeypatch):
    copy = tmp_path / "copy"
    copy.write_bytes(path.read_bytes())
    with sqlite3.connect(copy) as base:
        base.execute(change)
    base.close()
    monkeypatch.setattr(gallery_module, "CANDIDATES", 2)
    with pytest.raises(TemplateError, match="gallery"):
        gallery = Gallery(copy)
        gallery.shortlist(templates[0][1])
        gallery.load(range(len(gallery)))


@pytest.mark.parametrize("size", [0, 10, 5000, -9000])
def test_a_file_that_is_cut_is_an_error(path, templates, tmp_path, size, monkeypatch):
    copy = tmp_path / "copy"
    copy.write_bytes(path.read_bytes()[:size])
    monkeypatch.setattr(gallery_module, "CANDIDATES", 2)
    with pytest.raises(TemplateError, match="gallery"):
        gallery = Gallery(copy)
        gallery.shortlist(templates[0][1])
        gallery.load(range(len(gallery)))
