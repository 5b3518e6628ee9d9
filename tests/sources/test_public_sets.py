"""Names of public sets, as their documentation gives them; folder and file name must both fit."""

from pathlib import PurePath

import cv2
import numpy as np
import pytest

from ridgefeat.sources import LAYOUTS, find_prints, recognise
from ridgefeat.sources.find import repeated_impressions

NAMES = """
[nist-sd300]
sd300a/images/500/png/roll/00001000_roll_500_01.png subject=00001000 hand=right finger=thumb impression=roll
sd300a/images/500/png/plain/00001000_plain_500_11.png subject=00001000 hand=right finger=thumb impression=plain
NIST300/00001000_plain_500_12.png subject=00001000 hand=left finger=thumb impression=plain
plain/00001000_plain_1000_13.png subject=00001000 hand=right finger_id=13 impression=plain
sd301a/00002223_01_dryrun-A_500_roll_07.png subject=00002223 hand=left finger=index impression=01-dryrun-A-roll
sd301a/00002223_01_dryrun-P_slap_variable_14.png subject=00002223 hand=left finger_id=14 impression=01-dryrun-P-slap
SD302b/images/baseline/R/500/slap-segmented/png/00002302_R_500_slap-segmented_05.png
    subject=00002302 hand=right finger=little impression=R-slap-segmented
challengers/A/roll/png/00002303_A_roll_10.png subject=00002303 hand=left finger=little impression=A-roll
sd302/00002303_R_500_slap_15.png subject=00002303 finger_id=15 impression=R-slap
[plain]
mine/00001000_roll_500_01.png
sd300a/00001000_rolled_500_01.png
sd302e/00002302_1A_L_X_roll_plain_01.png
mine/s0000042.png
mine/0012_3_0.bmp
mine/000_L0_4.bmp
CASIA-FingerprintV5/000_L4_0.bmp
mine/1_1_3.jpg
mine/Live/a.png
[sd9]
sd09/s0000042.png subject=0000042 impression=2
[mcyt]
0012/pb/0012_3_11.bmp subject=0012 finger_id=3 impression=pb-11
MCYT-100/dp_0012_3_0.bmp subject=0012 finger_id=3 impression=dp-0
[casia]
000/L/000_L0_4.bmp subject=000 hand=left finger=thumb impression=4
CASIA-FingerprintV5/499_R3_0.bmp subject=499 hand=right finger=ring impression=0
[polyu-hrf]
PolyU/DBI/Training/1_1_3.jpg subject=DBI-Training-1 impression=1_3
PolyU/DBII/148_2_5.jpg subject=DBII-148 impression=2_5
[polyu-cross]
contact-based_fingerprints/first_session/12_6.jpg subject=12 impression=contact-based-first-6
contactless_2d_fingerprint_images/second_session/p12/p6.bmp subject=12 impression=contactless-second-6
processed_contactless_2d_fingerprint_images/first_session/p12/p6.bmp
    subject=12 impression=processed-contactless-first-6
[livdet]
LivDet2013/SwipeTrain/Spoof/BodyDouble/1017371_R2_4.bmp
    liveness=spoof sensor=Swipe material=BodyDouble subject=1017371 finger_id=R2 impression=BodyDouble-4
BiometrikaTrain/Live/031TamLidxBmk.png
    liveness=live sensor=Biometrika subject=031 hand=left finger=index impression=Biometrika-am
2015/CrossMatch/Test/Spoof/Play-Doh/x.png liveness=spoof sensor=CrossMatch material=Play-Doh
2011/SagemTrain/Fake/Latex/7.png liveness=spoof sensor=Sagem material=Latex
"""
"""Below each layout the names that are its own, and their labels."""


def list_names():
    layout, found = "", []
    for word in NAMES.split():
        if word.startswith("["):
            layout = word.strip("[]")
        elif "=" in word:
            found[-1][2].update([word.split("=")])
        else:
            found.append((word, layout, {}))
    return found


@pytest.mark.parametrize(("path", "layout", "labels"), list_names())
def test_names(path, layout, labels):
    found = recognise(PurePath(path))
    assert (found[0].name, found[1]) == (layout, labels)


@pytest.mark.parametrize(
    ("layout", "path", "dpi"),
    [
        ("nist-sd300", "a/00001000_roll_1000_01.png", 1000),
        ("nist-sd300", "a/00001000_roll_2000_01.png", 2000),
        ("nist-sd300", "a/00002303_A_roll_10.png", None),
        ("nist-sd300", "a/00002223_01_dryrun-P_slap_variable_14.png", None),
        ("sd9", "a/f0000001.png", 500),
        ("casia", "a/000_L0_0.bmp", 500),
        ("polyu-hrf", "a/1_1_1.jpg", 1200),
        ("polyu-cross", "contact-based_fingerprints/1_1.jpg", 500),
        ("polyu-cross", "contactless_2d_fingerprint_images/p1/p1.bmp", None),
        ("livdet", "SwipeTrain/Live/1.bmp", None),
    ],
)
def test_resolutions(layout, path, dpi):
    pixels = np.zeros((5, 5), np.uint8)
    assert LAYOUTS[layout].prepare(pixels, PurePath(path)) == (pixels, None if dpi is None else (dpi, dpi))


def test_captures_of_one_finger_are_told_apart_and_copies_are_named(tmp_path):
    names = ("00001000_roll_500_01", "00001000_plain_500_11", "00001000_plain_500_13", "00001000_plain_1000_11")
    for name in names:
        (tmp_path / "sd300").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "sd300" / f"{name}.png"), np.zeros((8, 8), np.uint8))
    prints = {p.relative: p.labels for p in find_prints(tmp_path)}
    (found,) = repeated_impressions(prints)
    assert found.endswith("sd300/00001000_plain_500_11.png, sd300/00001000_plain_1000_11.png")


@pytest.mark.parametrize("folder", ["sd04", "sd09"])
def test_labels_from_the_text_next_to_an_image(tmp_path, folder):
    name = "f0001_01" if folder == "sd04" else "f0000001"
    (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / folder / f"{name}.png"), np.zeros((8, 8), np.uint8))
    text = tmp_path / folder / f"{name}.txt"
    for content, expected in (
        (b"Gender: M\r\nClass: W\r\nHistory: f0001_01.pct W a0591.pct\r\n", {"sex": "male", "pattern_class": "W"}),
        (b"Gender: F\nClass: T\n", {"sex": "female", "pattern_class": "T"}),
        (b"\xff\x00nothing", {}),
    ):
        text.write_bytes(content)
        (found,) = find_prints(tmp_path)
        assert {k: found.labels[k] for k in ("sex", "pattern_class") if k in found.labels} == expected
    text.unlink()
    assert "sex" not in find_prints(tmp_path)[0].labels
