import os
from pathlib import Path

import numpy as np
import pytest

from ridgefeat.errors import ImageError, LayoutError
from ridgefeat.sources import PrintSource, find_prints, load_print, pixel_digest, repeated_impressions
from ridgefeat.sources.find import locate
from tests.sources.image_files import grating, saved


@pytest.fixture
def tree(tmp_path):
    """Write image files at the given paths below a folder."""

    def make(*names: str, data: bytes | None = None) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(saved("PNG") if data is None else data)
        return tmp_path

    return make


def names(prints: list[PrintSource]) -> list[str]:
    return [p.relative for p in prints]


# ---- what is found, and in which order


def test_folders_are_searched_in_natural_order(tree):
    root = tree(
        "p10.png", "p9.PNG", "b/2.tif", "b/10.JPEG", "a.wsq", "readme.txt", ".hidden.png", ".git/x.png", "c.csv"
    )
    assert names(find_prints(root)) == ["a.wsq", "b/2.tif", "b/10.JPEG", "p9.PNG", "p10.png"]
    assert all(p.path.is_absolute() and p.error is None for p in find_prints(root))


def test_every_format_is_found_by_its_suffixes(tree):
    kinds = {
        "BMP": "bmp dib",
        "GIF": "gif",
        "JPEG": "jfif jpe jpeg jpg",
        "JPEG2000": "j2c jp2 jpc jpf jpx",
        "PNG": "png",
    }
    kinds |= {"PPM": "pbm pgm pnm ppm", "TIFF": "tif tiff", "WEBP": "webp"}
    for kind, suffixes in kinds.items():
        root = tree(*(f"x.{suffix}" for suffix in suffixes.split()), data=saved(kind))
    root = tree("x.J2K", data=saved("JPEG2000", no_jp2=True))
    found = find_prints(root)
    assert sorted(p.path.suffix[1:] for p in found) == sorted(["J2K", *" ".join(kinds.values()).split()])
    assert all(load_print(p).pixels.shape == (60, 50) for p in found)


def test_images_that_are_not_read_are_prints_with_a_reason(tree):
    found = find_prints(tree("a.HEIC", "b.avif", data=b"\0\0\0\x18ftypheic" + bytes(50)))
    for p in found:
        with pytest.raises(ImageError, match="is a HEIF or AVIF image, which is not read; save the image as PNG"):
            load_print(p)
    assert len(found) == 2


def test_what_is_named_is_taken_whatever_its_name_and_inputs_keep_their_order(tree):
    root = tree("z.dat", "a.png", "f/1.png", ".data/x.png")
    assert names(find_prints([root / "z.dat", root / "f", root / "a.png"])) == ["z.dat", "1.png", "a.png"]
    assert names(find_prints(str(root / "z.dat"))) == ["z.dat"]
    assert names(find_prints(root / ".data")) == ["x.png"]


def test_a_file_reached_twice_is_listed_once(tree):
    root = tree("f/1.png", "f/2.png")
    (root / "f/zlink").symlink_to(root / "f")
    (root / "alink").symlink_to(root / "f")
    assert names(find_prints([root / "f", root / "f/2.png", root / "f", root / "alink"])) == ["1.png", "2.png"]
    assert names(find_prints(root)) == ["f/1.png", "f/2.png"]


def test_links_are_followed_and_loops_end(tree):
    root = tree("real/1.png", "f/2.png")
    (root / "f/up").symlink_to(root / "f")
    (root / "f/over").symlink_to(root / "real")
    (root / "f/3.png").symlink_to(root / "f/2.png")
    assert names(find_prints(root / "f")) == ["2.png", "3.png", "over/1.png"]


def test_equal_names_below_two_inputs_are_told_apart(tree):
    root = tree("x/DB1_B/101_1.tif", "x/DB2_B/101_1.tif", "y/DB1_B/101_1.tif")
    assert names(find_prints([root / "x/DB1_B", root / "x/DB2_B"])) == ["DB1_B/101_1.tif", "DB2_B/101_1.tif"]
    assert names(find_prints([root / "x/DB1_B", root / "y/DB1_B"])) == ["x/DB1_B/101_1.tif", "y/DB1_B/101_1.tif"]
    files = [root / "x/DB1_B/101_1.tif", root / "x/DB2_B/101_1.tif"]
    assert names(find_prints(files)) == ["DB1_B/101_1.tif", "DB2_B/101_1.tif"]


def test_names_that_are_no_utf_8_can_be_written(tree):
    root = tree("good.png")
    Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.png")).write_bytes(saved("PNG"))
    found = find_prints(root)
    assert names(found) == ["bad\\xff.png", "good.png"]
    assert load_print(found[0]).pixels.shape == (60, 50)


def test_missing_inputs_and_empty_folders_are_errors(tree, tmp_path):
    tree("a.txt")
    for inputs, says in (
        ([tmp_path / "none"], "no such file or folder"),
        (["nul\0"], "no such file or folder"),
        (tmp_path, r"no images found .*\.bmp"),
        ([], "no input was given"),
    ):
        with pytest.raises(LayoutError, match=says):
            find_prints(inputs)


# ---- bad files are listed, and say why when they are read


def test_bad_files_are_listed_with_their_reason(tree):
    root = tree("good.png", "folder.png/inside.png")
    tree("empty.bmp", data=b"")
    tree("text.bmp", data=b"hello")
    os.mkfifo(root / "pipe.png")
    (root / "broken.png").symlink_to(root / "nothing")
    found = {p.relative: p for p in find_prints(root)}
    assert found["folder.png"].error == "a folder, not an image file"
    reasons = {"folder.png": "a folder", "empty.bmp": "empty", "text.bmp": "not a known image", "pipe.png": "a pipe"}
    reasons["broken.png"] = "a broken symbolic link"
    assert found.keys() == {"good.png", "folder.png/inside.png", *reasons}
    for name, reason in reasons.items():
        with pytest.raises(ImageError, match=f"^{name}: .*{reason}"):
            load_print(found[name])
    for name in ("good.png", "folder.png/inside.png"):
        assert (load_print(found[name]).pixels == grating()).all()
    with pytest.raises(ImageError, match="broken symbolic link"):
        load_print(find_prints(root / "broken.png")[0])


def test_a_folder_that_cannot_be_read_is_listed(tree, monkeypatch):
    root = tree("a.png", "shut/b.png")
    scan = os.scandir

    def refusing(path):
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    errors = {p.relative: p.error for p in find_prints(root)}
    assert errors == {"a.png": None, "shut": "a folder that cannot be read: Permission denied"}


# ---- layouts


def test_the_same_names_in_several_folders_are_of_several_people(tree):
    root = tree(*(f"{who}/{n}" for who in ("alice", "bob") for n in ("1_1.png", "1_2.png")), "FVC2002/DB2_B/1_1.tif")
    found = {p.relative: p for p in find_prints(root)}
    assert found["bob/1_2.png"].labels == {"subject": "bob", "finger_id": "1", "impression": "2"}
    assert {p.layout for n, p in found.items() if n[0] in "ab"} == {"person-folders"}
    assert found["FVC2002/DB2_B/1_1.tif"].layout == "fvc"
    # Names that do not repeat are not in doubt, nor is a layout that was asked for.
    assert {p.layout for p in find_prints([root / "alice", tree("carl/2_1.png") / "carl"])} == {"fvc"}
    repeated = repeated_impressions({p.relative: p.labels for p in find_prints(root, layout="fvc")})
    assert repeated[0] == "subject 1, impression 1: alice/1_1.png, bob/1_1.png" and len(repeated) == 2


@pytest.mark.parametrize("folders", [("session1", "session2"), ("Train", "test"), ("live", "Fake"), ("male", "female")])
def test_folders_of_sessions_and_the_like_are_no_people(tmp_path, folders):
    for name in (f"{folder}/1_{i}.png" for folder in folders for i in (1, 2)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_prints(tmp_path)
    assert {p.layout for p in found} == {"fvc"}
    assert len(repeated_impressions({p.relative: p.labels for p in found})) == 2


def test_folders_above_the_input_count(tree):
    root = tree("FVC2002/DB2_B/101_1.tif", "SOCOFing/Altered-Hard/1__F_Left_thumb_finger_CR.BMP")
    (fvc,) = find_prints(root / "FVC2002/DB2_B")
    assert (fvc.relative, fvc.labels["subject"]) == ("101_1.tif", "FVC2002-DB2-101")
    assert (load_print(fvc).dpi_x, load_print(fvc).dpi_origin) == (569, "layout")
    (altered,) = find_prints(root / "SOCOFing/Altered-Hard/1__F_Left_thumb_finger_CR.BMP")
    assert altered.labels["level"] == "hard"


def test_a_name_that_does_not_fit_the_named_layout_is_flagged_and_an_unknown_layout_refused(tree):
    root = tree("101_1.tif", "other.tif")
    with pytest.raises(LayoutError, match=r"'socofin'; did you mean socofing\?"):
        find_prints(root, layout="socofin")
    fits, other = find_prints(root, layout="fvc")
    assert (fits.layout, fits.flags) == ("fvc", ())
    assert (other.layout, other.labels, other.flags) == ("fvc", {}, ("name_not_in_layout",))
    assert "name_not_in_layout" in load_print(other).flags


def test_a_regular_expression_labels_by_the_path_below_the_input(tree):
    root = tree("ann/F1.png", "bob/M2.png", "odd.png")
    found = find_prints(root, regex=r"^(?P<subject>\w+)/(?P<sex>[FM])(?P<impression>\d)")
    assert [p.labels for p in found] == [
        {"subject": "ann", "sex": "female", "impression": "1"},
        {"subject": "bob", "sex": "male", "impression": "2"},
        {},
    ]
    assert [p.flags for p in found] == [(), (), ("name_not_in_layout",)]
    assert load_print(found[0]).dpi_origin == "assumed"
    with pytest.raises(LayoutError, match="exclude each other"):
        find_prints(root, regex="(?P<a>.)", layout="fvc")


# ---- index


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_an_index_in_the_folder_of_the_images(tree):
    root = tree("d/1__F_Left_thumb_finger.BMP", "d/2.png", "e/2.png")
    index = write(root / "index.csv", "file,age,sex,dpi\nd/1__F_Left_thumb_finger.BMP,30,M,600\nd/2.png,40,,\n")
    one, two, three = find_prints(root, index=index)
    assert (one.labels["age"], one.labels["sex"], one.labels["hand"]) == ("30", "male", "left")
    assert one.known_dpi == (600, 600)
    assert (load_print(one).dpi_x, load_print(one).dpi_origin) == (600, "index")
    assert (two.labels, three.labels, three.flags) == ({"age": "40"}, {}, ("not_in_index",))
    assert names(find_prints(root / "d", index=index)) == ["1__F_Left_thumb_finger.BMP", "2.png"]


@pytest.mark.parametrize("name", ["sub/a.png", "a.png", "a", "./sub/a.png", "sub\\a.png", "elsewhere/a.png"])
def test_an_index_elsewhere_matches_by_path_or_by_a_name_that_is_unique(tree, name):
    root = tree("images/sub/a.png", "images/b.png", "tables/x.txt")
    other, named = find_prints(root / "images", index=write(root / "tables/i.csv", f"file,age\n{name},30\n"))
    assert (other.relative, other.labels, other.flags) == ("b.png", {}, ("not_in_index",))
    assert (named.relative, named.labels, named.flags) == ("sub/a.png", {"age": "30"}, ())


def test_a_name_that_two_prints_have_matches_neither_and_a_useless_index_is_an_error(tree):
    root = tree("images/x/a.png", "images/y/a.png", "images/b.png", "tables/x.txt")
    index = write(root / "tables/i.csv", "file,age\na.png,30\nb.png,40\n")
    assert [p.labels for p in find_prints(root / "images", index=index)] == [{"age": "40"}, {}, {}]
    with pytest.raises(LayoutError, match=r"names none of the 3 prints; it lists 'q\.png'"):
        find_prints(root / "images", index=write(index, "file,age\nq.png,1\n"))


def test_what_an_index_lists_and_is_not_there_is_a_row_with_an_error(tree):
    root = tree("a.png", "raw.img", "sub/c.png")
    index = write(root / "i.csv", "file,age\na.png,1\ngone.png,2\nraw.img,3\nsub/c.png,4\n../out.png,5\n")
    found = find_prints(root, index=index)
    ages = {p.relative: p.labels["age"] for p in found}
    assert list(ages.items()) == [("a.png", "1"), ("gone.png", "2"), ("raw.img", "3"), ("sub/c.png", "4")]
    assert [p.error for p in found] == [None, "the index lists it, but there is no such file", None, None]
    assert load_print(found[2]).pixels.shape == (60, 50)
    assert names(find_prints(root / "sub", index=index)) == ["c.png"]
    assert names(find_prints(root / "a.png", index=index)) == ["a.png"]


# ---- loading


def socofing(shape: tuple[int, int]) -> tuple[np.ndarray, bytes]:
    """A print inside the set's frame, and its BMP with the header that claims 96 dpi."""
    framed = np.zeros(shape, np.uint8)
    framed[0], framed[:, 0], framed[1, 1:], framed[1:, 1] = 160, 160, 105, 105
    framed[2:-4, 2:-4] = grating(shape[0] - 6, shape[1] - 6)
    return framed, saved("BMP", pixels=framed, dpi=(96, 96))


@pytest.mark.parametrize(("shape", "dpi"), [((103, 96), (199, 173)), ((298, 241), (500, 500))])
def test_socofing_is_cropped_and_scaled_whatever_its_header_says(tree, shape, dpi):
    framed, data = socofing(shape)
    (source,) = find_prints(tree("1__M_Left_thumb_finger.BMP", data=data))
    loaded = load_print(source)
    assert (loaded.pixels == grating(shape[0] - 6, shape[1] - 6)).all()
    assert (loaded.dpi_x, loaded.dpi_y, loaded.dpi_origin, loaded.flags) == (*dpi, "layout", ())
    assert (loaded.sha256, loaded.format) == (pixel_digest(framed), "bmp")
    given = load_print(source, (250, 260))
    assert (given.dpi_x, given.dpi_y, given.dpi_origin) == (250, 260, "given")
    assert (given.pixels == loaded.pixels).all()


def test_a_header_that_lies_is_flagged_and_one_that_does_not_is_believed(tree):
    root = tree("screen.png", data=saved("PNG", dpi=(96, 96)))
    tree("sensor.png", data=saved("PNG", dpi=(1000, 1000)))
    screen, sensor = (load_print(p) for p in find_prints(root))
    assert (screen.dpi_x, screen.dpi_origin, screen.flags) == (
        500,
        "assumed",
        ("resolution_assumed", "header_resolution_ignored"),
    )
    assert (sensor.dpi_x, sensor.dpi_y, sensor.dpi_origin, sensor.flags) == (1000, 1000, "header", ())
    assert load_print(find_prints(root)[0], 400.0).flags == ()


@pytest.mark.parametrize("name", ["a/1.png", "prints/a/1.png", "study/prints/a/1.png", "{root}/a/1.png"])
def test_a_row_is_found_below_the_folder_that_its_name_begins_with(tmp_path, name):
    root = tmp_path / "study" / "prints"
    (root / "a").mkdir(parents=True)
    (root / "a" / "1.png").write_bytes(b"")
    found = locate(root, name.format(root=root), "plain")
    assert found.error is None and Path(found.path) == root / "a" / "1.png"


@pytest.mark.parametrize("name", ["../b.png", "/etc/hosts", "prints/../../b.png"])
def test_a_row_that_leads_out_of_its_folder_is_an_error(tmp_path, name):
    root = tmp_path / "prints"
    root.mkdir()
    assert locate(root, name, "plain").error == "the name leads out of the images' folder"
