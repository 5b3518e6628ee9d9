import bz2
import gzip
import io
import lzma
import os
import struct
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from ridgefeat.errors import ImageError, LayoutError
from ridgefeat.sources import find_prints, load_print, places
from ridgefeat.sources.search import read_list

NAMES = ["Real/2__F_Left_thumb_finger.png", "Real/10__M_Right_index_finger.png", "top.png"]


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 30), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


CONTENT = {name: picture(i) for i, name in enumerate(NAMES)}


def write_zip(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, members: dict[str, bytes], extra: tuple[tarfile.TarInfo, ...] = ()) -> Path:
    mode = {".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return path


def write(path: Path, members: dict[str, bytes]) -> Path:
    return (write_zip if path.suffix == ".zip" else write_tar)(path, members)


def seen(found):
    return {p.relative: (p.labels, p.layout, load_print(p).sha256) for p in found}


@pytest.mark.parametrize("name", ["set.zip", "set.tar", "set.tar.gz", "set.tgz", "set.tar.bz2", "SET.tar.xz"])
def test_an_archive_gives_what_its_folder_would(tmp_path, name):
    folder = tmp_path / "set"
    for member, data in CONTENT.items():
        (folder / member).parent.mkdir(parents=True, exist_ok=True)
        (folder / member).write_bytes(data)
    unpacked = seen(find_prints(folder))
    others = {"readme.txt": b"no", "__MACOSX/._top.png": b"no", ".git/x.png": CONTENT["top.png"], "d/": b""}
    archive = write(tmp_path / name, CONTENT | others)
    found = find_prints(archive)
    assert seen(found) == seen(reversed(found)) == unpacked
    assert unpacked["Real/2__F_Left_thumb_finger.png"][0]["sex"] == "female"
    packed = name.endswith(("gz", "bz2", "xz"))
    assert [p.relative for p in found] == (NAMES if packed else list(unpacked))


def test_an_index_means_members_by_their_names(tmp_path):
    archive = write_zip(tmp_path / "set.zip", CONTENT)
    (tmp_path / "i.csv").write_text("file,age\nReal/2__F_Left_thumb_finger.png,30\nset.zip/top.png,40\ntop.png,41\n")
    by_name = {p.relative: p.labels.get("age") for p in find_prints(archive, index=tmp_path / "i.csv")}
    assert by_name == {NAMES[0]: "30", NAMES[1]: None, "top.png": "40"}


def test_members_that_are_no_files_or_lead_outside_are_listed_and_not_followed(tmp_path):
    link, device = tarfile.TarInfo("link.png"), tarfile.TarInfo("device.png")
    link.type, link.linkname, device.type = tarfile.SYMTYPE, "/etc/passwd", tarfile.CHRTYPE
    members = {"../../out.png": CONTENT["top.png"], "/abs.png": CONTENT["top.png"], "C:\\x.png": b"", "ok.png": b""}
    found = find_prints(write_tar(tmp_path / "a.tar", members, (link, device)))
    errors = {p.relative: p.error for p in found}
    assert errors["ok.png"] is None
    assert errors["link.png"] == errors["device.png"] == "a link or device inside the archive, not an image file"
    assert "leads out of the archive" in errors["out.png"] and "leads out of" in errors["abs.png"]
    with pytest.raises(ImageError, match=r"out.png: its name leads out of the archive"):
        load_print(next(p for p in found if p.relative == "out.png"))
    archive = tmp_path / "b.zip"
    with zipfile.ZipFile(archive, "w") as file:
        info = zipfile.ZipInfo("link.png")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    assert "a link inside" in str(find_prints(archive)[0].error)


class Watched:
    def __init__(self, inner, seen):
        self.inner, self.seen = inner, seen

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def decompress(self, data, most):
        out = self.inner.decompress(data, most)
        self.seen.append(len(out))
        return out


def test_a_zip_bomb_is_never_blown_up(tmp_path, monkeypatch):
    bomb = write_zip(tmp_path / "bomb.zip", {"big.png": bytes(50_000_000), "liar.png": bytes(3_000_000)})
    data = bytearray(bomb.read_bytes())
    # The second claims 1,000 bytes and holds 3 million.
    for sign, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        where = data.rindex(sign)
        data[where + at : where + at + 4] = struct.pack("<L", 1000)
    bomb.write_bytes(data)
    seen = []
    unpacker = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda *a: Watched(unpacker(*a), seen))
    big, liar = find_prints(bomb)
    limit = 1_000_000
    with pytest.raises(ImageError, match=r"has 50000000 bytes, more than the 1000000"):
        big.place.read(limit)
    with pytest.raises(ImageError, match=r"Bad CRC-32.*the archive is damaged"):
        liar.place.read(limit)
    assert seen and max(seen) <= limit + 1


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_a_packed_tar_with_a_member_too_large_to_pass_over_is_refused(tmp_path, ending, pack):
    info = tarfile.TarInfo("huge.png")
    info.size = 1 << 30
    (tmp_path / f"a.tar.{ending}").write_bytes(pack(info.tobuf()))
    with pytest.raises(LayoutError, match=r"unpacks to more than .* of 1073741824, far more than prints do"):
        find_prints(tmp_path / f"a.tar.{ending}")


def test_a_header_as_long_as_the_archive_is_refused(tmp_path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, places.MAX_HEADER * 2
    (tmp_path / "a.tar").write_bytes(info.tobuf() + bytes(4096))
    with pytest.raises(LayoutError, match=r"header of \d+ bytes, more than the 1048576"):
        find_prints(tmp_path / "a.tar")


def test_archives_beyond_what_is_read_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "MAX_MEMBERS", 2)
    for name in ("a.zip", "a.tar"):
        with pytest.raises(LayoutError, match="split it"):
            find_prints(write(tmp_path / name, CONTENT))
    monkeypatch.setattr(places, "MAX_DIRECTORY", 10)
    with pytest.raises(LayoutError, match="claims a directory or header of"):
        find_prints(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.bz2"])
def test_an_archive_that_is_written_anew_is_read_anew(name, tmp_path):
    digests = set()
    for i in range(2):
        path = write_tar(tmp_path / name, {"1.png": picture(i)})
        os.utime(path, (i, i))
        digests.add(load_print(find_prints(path)[0]).sha256)
    assert len(digests) == 2


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
def test_damage_is_a_message_and_never_another_error(tmp_path, name):
    good = write(tmp_path / name, CONTENT).read_bytes()
    rng = np.random.default_rng(0)
    messages = 0
    for trial in range(60):
        data = bytearray(good)
        if trial % 3 == 0:
            data = data[: rng.integers(len(data))]
        else:
            for at in rng.integers(len(data), size=trial % 7 + 1):
                data[at] = rng.integers(256)
        (tmp_path / name).write_bytes(data)
        places._open.clear()
        try:
            for source in find_prints(tmp_path / name):
                load_print(source)
        except (LayoutError, ImageError) as error:
            messages += bool(str(error))
    assert messages > 10


@pytest.mark.parametrize(("ending", "module"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_the_checksum_at_the_end_of_a_packed_tar_is_compared(tmp_path, ending, module):
    path = write_tar(tmp_path / "a.tar", CONTENT)
    data = bytearray(module.compress(path.read_bytes() + bytes(200_000)))
    data[-7] ^= 1  # the checksum of gzip, in the others what holds it
    (tmp_path / f"b.tar.{ending}").write_bytes(data)
    with pytest.raises(LayoutError, match="cannot be read"):
        find_prints(tmp_path / f"b.tar.{ending}")


def test_a_zip_of_an_unknown_version_or_with_a_name_of_no_encoding_is_refused(tmp_path):
    data = bytearray(write_zip(tmp_path / "a.zip", {"\xe4.png": b"x"}).read_bytes())
    at = data.index(b"PK\1\2")
    for offset, value, says in ((6, 200, "version 20.0"), (46, 0xFF, "invalid start byte")):
        damaged = data.copy()
        damaged[at + offset] = value
        (tmp_path / "a.zip").write_bytes(damaged)
        with pytest.raises(LayoutError, match=f"cannot be read: .*{says}; copy it again"):
            find_prints(tmp_path / "a.zip")


def test_encrypted_and_rare_members_say_what_to_do(tmp_path):
    archive = write_zip(tmp_path / "a.zip", CONTENT, zipfile.ZIP_LZMA)
    with pytest.raises(ImageError, match=r"method that is not read \(14\); zip it in the usual way"):
        load_print(find_prints(archive)[0])
    data = bytearray(write_zip(tmp_path / "b.zip", {"x.png": b"x"}).read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(data)
    assert "encrypted" in str(find_prints(tmp_path / "b.zip")[0].error)


def test_a_list_names_files_in_its_order(tmp_path):
    for name in ("b.png", "a.png", "two words.png"):
        (tmp_path / name).write_bytes(CONTENT["top.png"])
    (tmp_path / "l.txt").write_text("b.png\r\n\ntwo words.png\na.png\nb.png\ngone.png\n")
    found = find_prints([], lists=[tmp_path / "l.txt"])
    assert [p.relative for p in found] == ["b.png", "two words.png", "a.png", "gone.png"]
    with pytest.raises(ImageError, match=r"gone\.png: no such file"):
        load_print(found[-1])
    (tmp_path / "n.txt").write_bytes(b"a.png\0two words.png\0")
    assert [p.relative for p in read_list(tmp_path / "n.txt")] == ["a.png", "two words.png"]
    (tmp_path / "empty.txt").write_text("\n")
    for name, says in (("empty.txt", "names no file"), ("none.txt", "no such file")):
        with pytest.raises(LayoutError, match=says):
            find_prints([], lists=[tmp_path / name])


def test_addresses_are_read_through_fsspec(tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="needs the extra `fsspec`")
    store = fsspec.filesystem("memory")
    for name, data in CONTENT.items():
        store.pipe(f"/prints/{name}", data)
    found = find_prints("memory://prints")
    assert seen(found) == seen(find_prints(write_zip(tmp_path / "s.zip", CONTENT)))
    assert [p.relative for p in find_prints("memory://prints/top.png")] == ["top.png"]
    chained = find_prints(f"zip://Real::file://{tmp_path}/s.zip")
    assert [p.relative for p in chained] == ["2__F_Left_thumb_finger.png", "10__M_Right_index_finger.png"]
    assert len({load_print(p).sha256 for p in chained}) == 2
    for address in ("memory://nowhere", "nosuch://x"):
        with pytest.raises(LayoutError, match=f"{address} cannot be listed"):
            find_prints(address)
    (tmp_path / "l.txt").write_text("memory://prints/top.png\nmemory://prints/gone.png\n")
    top, gone = find_prints([], lists=[tmp_path / "l.txt"])
    assert load_print(top).pixels.shape == (40, 30)
    with pytest.raises(ImageError, match=r"cannot be read from memory://prints/gone\.png"):
        load_print(gone)


def test_what_an_address_needs_is_said(monkeypatch, tmp_path):
    pytest.importorskip("fsspec", reason="needs the extra `fsspec`")
    import fsspec.core

    write_zip(tmp_path / "s.zip", CONTENT)
    with pytest.raises(LayoutError, match=rf"no images found .*give zip://\*::file://{tmp_path}/s\.zip"):
        find_prints(f"file://{tmp_path}/s.zip")

    def lacking(address):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", lacking)
    with pytest.raises(LayoutError, match=r"not installed \(Install s3fs to access S3\); pip install it"):
        find_prints("s3://bucket/prints")


def test_without_fsspec_an_address_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(LayoutError, match=r"pip install 'ridgefeat\[fsspec\]'"):
        find_prints("s3://bucket/prints")
