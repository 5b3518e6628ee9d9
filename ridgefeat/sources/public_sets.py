"""File names of public sets, as their documentation gives them: a path -> labels, or None where the name does not fit.

NIST SD300 to 302 (their READMEs), SD9 (Users' Guide, appendix A), CASIA (Note on CASIA-FingerprintV5), PolyU HRF (names
in published code), PolyU contactless to contact-based (its description), LivDet 2013 (the lists of bob.db.livdet2013).
Labels that a name does not determine, such as the persons of numbered fingers, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path, PurePath

from ridgefeat.files import read_start
from ridgefeat.sources.resolution import Dpi
from ridgefeat.structure import UInt8

Labels = dict[str, str]
Match = re.Match[str]
Parser = Callable[[PurePath], Labels | None]

POSITIONS = ("thumb", "index", "middle", "ring", "little")
_CAPTURES = frozenset(("roll", "plain", "slap", "palm", "slap-segmented", "palm-segmented"))
_PLAIN_THUMBS = {11: 1, 12: 6}
"""ANSI/NIST-ITL codes of plain thumbs on a card; 13 and 14 are plain four fingers, 15 two thumbs."""
_SLAP_HANDS = {13: "right", 14: "left"}


def reads_names(pattern: str) -> Callable[[Callable[[Match, PurePath], Labels | None]], Parser]:
    """Make a parser of a function that takes the match of a file's whole name, and the path; other names do not fit."""
    compiled = re.compile(pattern)

    def decorate(read: Callable[[Match, PurePath], Labels | None]) -> Parser:
        def parse(path: PurePath) -> Labels | None:
            return read(found, path) if (found := compiled.fullmatch(path.stem)) else None

        return wraps(read)(parse)

    return decorate


def position_labels(code: int) -> Labels:
    """Return hand and finger of an ANSI/NIST-ITL finger position; several fingers keep their code.

    Examples
    --------
    >>> position_labels(7), position_labels(11)
    ({'hand': 'left', 'finger': 'index'}, {'hand': 'right', 'finger': 'thumb'})
    >>> position_labels(13), position_labels(15)
    ({'hand': 'right', 'finger_id': '13'}, {'finger_id': '15'})
    """
    finger = _PLAIN_THUMBS.get(code, code)
    if 1 <= finger <= 10:
        return {"hand": "left" if finger > 5 else "right", "finger": POSITIONS[(finger - 1) % 5]}
    hand = {"hand": _SLAP_HANDS[code]} if code in _SLAP_HANDS else {}
    return hand | {"finger_id": str(code)}


@reads_names(r"(\d{8})_([A-Za-z0-9_-]{1,60})_(\d{2})")
def parse_nist(found: Match, path: PurePath) -> Labels | None:
    """Read names such as 00001000_roll_500_01, 00002223_01_dryrun-A_500_roll_01 and 00002302_R_500_slap_13.

    Person, encounter or device, resolution, capture, finger position; the order of resolution and capture differs
    between releases. Encounter, device and capture name the impression.
    """
    words = found[2].split("_")
    captures = [w for w in words if w in _CAPTURES]
    others = [w for w in words if w not in _CAPTURES and not _is_ppi(w)]
    if len(captures) != 1 or len(words) - len(others) > 2 or len(others) > 2:
        return None
    return {"subject": found[1], **position_labels(int(found[3])), "impression": "-".join([*others, *captures])}


def _is_ppi(word: str) -> bool:
    return word == "variable" or (word.isdecimal() and 3 <= len(word) <= 4)


def cut_nist(pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
    """Return the pixels, and the resolution that the name gives."""
    ppi = [float(w) for w in path.stem.split("_")[1:-1] if w.isdecimal() and _is_ppi(w)]
    return pixels, (ppi[0], ppi[0]) if len(ppi) == 1 else None


@reads_names(r"(?i)([fs])(\d{7})")
def parse_sd9(found: Match, path: PurePath) -> Labels:
    """Read f0000001.png: card f or s, number of the finger, which is the subject."""
    return {"subject": found[2], "impression": "1" if found[1].lower() == "f" else "2"}


_TEXT_LINE = re.compile(r"^\s*(Gender|Class)\s*:\s*([A-Z])\s*$", re.IGNORECASE | re.MULTILINE)


def read_text_labels(path: Path) -> Labels:
    """Return sex and pattern_class from the text file next to an image: lines "Gender: M", "Class: W", "History: …"."""
    text = read_start(path.parent / f"{path.stem}.txt", 4096).decode("latin-1")
    found = {key.lower(): value.upper() for key, value in _TEXT_LINE.findall(text)}
    sex = {"M": "male", "F": "female"}.get(found.get("gender", ""))
    labels = {"sex": sex} if sex else {}
    return labels | ({"pattern_class": found["class"]} if "class" in found else {})


@reads_names(r"(\d{3})_([LR])([0-3])_(\d+)")
def parse_casia(found: Match, path: PurePath) -> Labels:
    """Read 000/L/000_L0_0.bmp: person, hand, finger (0 thumb to 3 ring), image.

    FVC2004 gives 500 dpi for its sensor; other sources say 512.
    """
    hand = "left" if found[2] == "L" else "right"
    return {"subject": found[1], "hand": hand, "finger": POSITIONS[int(found[3])], "impression": found[4]}


@reads_names(r"(?i)(?:(dp|pb)_)?(\d{4})_(\d)_(\d{1,2})")
def parse_mcyt(found: Match, path: PurePath) -> Labels:
    """Read 0000/dp/0000_3_11.bmp: person, finger 0 to 9 in the set's own order, sample; dp and pb are its sensors."""
    given = [found[1] or "", *reversed(path.parts[:-1])]
    sensor = next((name.lower() for name in given if name.lower() in ("dp", "pb")), None)
    impression = found[4] if sensor is None else f"{sensor}-{found[4]}"
    return {"subject": found[2], "finger_id": found[3], "impression": impression}


_HRF_FOLDERS = re.compile(r"DBII?|Training|Test", re.IGNORECASE)


@reads_names(r"(\d{1,3})_([12])_(\d)")
def parse_polyu_hrf(found: Match, path: PurePath) -> Labels:
    """Read DBI/Training/1_1_1.jpg: finger, session, image; fingers, the subjects, are numbered in each part."""
    where = [part for part in path.parts[:-1] if _HRF_FOLDERS.fullmatch(part)]
    return {"subject": "-".join([*where, found[1]]), "impression": f"{found[2]}_{found[3]}"}


_CONTACT = re.compile(r"(\d{1,3})_(\d)")
_CONTACTLESS = re.compile(r"p(\d{1,3})/p(\d)")
_CROSS_FOLDER = re.compile(r"(contact-based|contactless_2d)_fingerprint", re.IGNORECASE)


def parse_polyu_cross(path: PurePath) -> Labels | None:
    """Read contact-based_fingerprints/first_session/1_2.jpg and contactless_2d_fingerprint_images/…/p1/p2.bmp.

    Finger, image; sensor and session name the impression.
    """
    folders = [part.lower() for part in path.parts[:-1]]
    sensor = next((m[1].lower() for part in reversed(folders) if (m := _CROSS_FOLDER.search(part))), "contact-based")
    name = path.stem if sensor == "contact-based" else f"{path.parent.name}/{path.stem}"
    found = (_CONTACT if sensor == "contact-based" else _CONTACTLESS).fullmatch(name)
    if not found:
        return None
    session = next((part.removesuffix("_session") for part in reversed(folders) if part.endswith("_session")), "")
    processed = "processed" * any(part.startswith("processed") for part in folders)
    impression = "-".join(word for word in (processed, sensor.split("_")[0], session, found[2]) if word)
    return {"subject": found[1], "impression": impression}


def cut_polyu_cross(pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
    """Return the pixels, and 500 dpi for the contact sensor; a camera has no resolution of its own."""
    is_contact = any(part.lower().startswith("contact-based") for part in path.parts[:-1])
    return pixels, (500.0, 500.0) if is_contact else None


_LIVE = {"live": "live", "spoof": "spoof", "fake": "spoof"}
_LIVDET_SENSOR = re.compile(
    r"(Biometrika|CrossMatch|Digital[-_ ]?Persona|Digital|GreenBit|Hi[-_ ]?Scan|Italdata|Orcanthus|Sagem|Swipe|"
    r"Time[-_ ]?Series)[-_ ]?(Train(ing)?|Test(ing)?)?",
    re.IGNORECASE,
)
_LIVDET_NUMBERED = re.compile(r"(\d{5,})_([LR]\d)_(\d+)")
_LIVDET_CODED = re.compile(r"(\d{3})T(am|hp|lp|wf)?([LR])(thb|idx|mdl|rng|ltl)[A-Za-z]+")
_LIVDET_FINGERS = dict(zip(("thb", "idx", "mdl", "rng", "ltl"), POSITIONS, strict=True))


def parse_livdet(path: PurePath) -> Labels | None:
    """Read liveness, sensor and material from the folders: SwipeTrain/Spoof/Latex/1017371_R1_6.bmp.

    Person, finger and sample are read from the names of 2013 (1017371_R1_6, 031TamLidxBmk); others have none.
    """
    folders = path.parts[:-1]
    at = next((i for i in reversed(range(len(folders))) if folders[i].lower() in _LIVE), None)
    sensor = next((m[1] for part in reversed(folders) if (m := _LIVDET_SENSOR.fullmatch(part))), None)
    if at is None or sensor is None or len(folders) - at > 2:
        return None
    labels = {"liveness": _LIVE[folders[at].lower()], "sensor": sensor}
    material = folders[at + 1 : at + 2]
    labels |= {"material": material[0]} if material else {}
    if found := _LIVDET_NUMBERED.fullmatch(path.stem):
        labels |= {"subject": found[1], "finger_id": found[2], "impression": "-".join([*material, found[3]])}
    elif found := _LIVDET_CODED.fullmatch(path.stem):
        hand = "left" if found[3] == "L" else "right"
        labels |= {"subject": found[1], "hand": hand, "finger": _LIVDET_FINGERS[found[4]]}
        labels["impression"] = "-".join([sensor, *material, found[2] or "normal"])
    return labels
