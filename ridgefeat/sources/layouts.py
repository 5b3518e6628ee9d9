"""What file names contain: who, which finger, which impression, and the resolution that a set is known to have.

A layout reads the path from right to left: the name first, then the folders above it. `subject` is what a split must
keep together. Where a set's names give the finger and not the person, the finger is the subject. Labels that a name
does not determine, such as the persons of numbered fingers, are left out.

The names of public sets are as their documentation gives them: NIST SD300 to 302 (their READMEs), SD9 (Users' Guide,
appendix A), CASIA (Note on CASIA-FingerprintV5), PolyU HRF (names in published code), PolyU contactless to
contact-based (its description), LivDet 2013 (the lists of bob.db.livdet2013).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path, PurePath

from ridgefeat.errors import LayoutError
from ridgefeat.files import MISSING_WORDS, read_start
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
RESERVED = ("meta", "ridge", "orient", "gabor", "minutiae", "quality", "texture")
"""A label must not begin with one of these and an underscore: such are the table's own columns."""

NAMES = ("subject", "sex", "hand", "finger", "finger_id", "impression", "alteration", "level", "class")
"""Labels that layouts know; in an index they may be written in capitals."""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "sex": {"m": "male", "male": "male", "man": "male", "f": "female", "female": "female", "woman": "female"},
    "hand": {"l": "left", "left": "left", "r": "right", "right": "right"},
    "finger": {f: f for f in POSITIONS},
}


@dataclass(frozen=True)
class Layout:
    """One scheme of file names."""

    name: str
    parse: Parser
    """A path (at least the file's name; folders above it where they are known) -> labels, or None where the name
    does not fit. Labels are among subject, sex, hand, finger, finger_id, impression, alteration, level."""
    dpi: float | Callable[[PurePath], float | None] | None = None
    """The resolution of all its images, or what their path says of it, if it is known."""
    cut: Callable[[UInt8], tuple[UInt8, Dpi | None]] | None = None
    """Pixels -> the print itself and its resolution (across, down) in dpi, or None; instead of `dpi`."""
    folder: str | None = None
    """Regular expression, in any capitals, that a folder on the path must match before `auto` tries this layout;
    None where the name alone is enough."""
    has_text: bool = False
    """Whether a text file next to each image holds further labels."""

    def prepare(self, pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
        """Return the print in an image, without a frame, and its known resolution (across, down) in dpi, or None."""
        if self.cut is not None:
            return self.cut(pixels)
        dpi = self.dpi(path) if callable(self.dpi) else self.dpi
        return pixels, None if dpi is None else (dpi, dpi)

    def recognises(self, path: PurePath) -> bool:
        """Whether `auto` would take this layout for a path."""
        if self.folder and not any(re.search(self.folder, part, re.IGNORECASE) for part in path.parts[:-1]):
            return False
        return self.parse(path) is not None


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


def _nist_dpi(path: PurePath) -> float | None:
    ppi = [float(w) for w in path.stem.split("_")[1:-1] if w.isdecimal() and _is_ppi(w)]
    return ppi[0] if len(ppi) == 1 else None


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


def _polyu_cross_dpi(path: PurePath) -> float | None:
    """Return 500 dpi for the contact sensor; a camera has no resolution of its own."""
    return 500.0 if any(part.lower().startswith("contact-based") for part in path.parts[:-1]) else None


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


_SOCOFING_LEVEL = re.compile(r"altered[-_ ]?(easy|medium|hard)", re.IGNORECASE)
_SOCOFING_ALTERATIONS = {"cr": "CR", "obl": "Obl", "zcut": "Zcut"}
_SOCOFING_DPI = {(103, 96): (199.0, 173.0), (298, 241): (500.0, 500.0)}
"""By shape: the small ones were scaled down, unevenly, from the 241x298 that the 500 dpi sensor gave."""


@reads_names(
    r"(?i)(?P<subject>\d+)__(?P<sex>[MF])_(?P<hand>left|right)_(?P<finger>thumb|index|middle|ring|little)_finger"
    r"(?:_(?P<alteration>CR|Obl|Zcut))?"
)
def _parse_socofing(found: Match, path: PurePath) -> Labels:
    """Read SOCOFing's 100__M_Left_index_finger.BMP; altered ones have _CR, _Obl or _Zcut, in Altered-Easy, ..."""
    labels = normalise_labels(found.groupdict(default="none"))
    labels["alteration"] = _SOCOFING_ALTERATIONS.get(labels["alteration"].lower(), "none")
    level = next((m[1].lower() for p in reversed(path.parts[:-1]) if (m := _SOCOFING_LEVEL.fullmatch(p))), None)
    return {**labels, "level": level} if level else labels


def _cut_socofing(pixels: UInt8) -> tuple[UInt8, Dpi | None]:
    """Cut off the frame that is burnt into both sizes (96x103 px: 199x173 dpi, 241x298 px: 500 dpi).

    It has two pixels at the top and left, four at the other sides.
    """
    dpi = _SOCOFING_DPI.get((pixels.shape[0], pixels.shape[1]))
    return (pixels[2:-4, 2:-4] if dpi else pixels), dpi


_FVC_YEAR = re.compile(r"fvc[-_ ]?(2000|2002|2004|2006)", re.IGNORECASE)
_FVC_DATABASE = re.compile(r"db[-_ ]?([1-4])(?!\d)", re.IGNORECASE)
_FVC_DPI = {("2002", "2"): 569.0, ("2004", "3"): 512.0, ("2006", "1"): 250.0, ("2006", "2"): 569.0}
"""Sensors that are not at 500 dpi, as the competitions' pages state."""


def _fvc_database(path: PurePath) -> tuple[str | None, str | None]:
    folders = path.parts[:-1][::-1]
    year = next((m[1] for p in folders if (m := _FVC_YEAR.search(p))), None)
    database = next((m[1] for p in folders if (m := _FVC_DATABASE.search(p))), None)
    return year, database


@reads_names(r"(\d{1,4})_(\d{1,3})")
def _parse_fvc(found: Match, path: PurePath) -> Labels:
    """Read 101_1.tif (finger, impression) in FVC2002/DB1_B and the like.

    The subject is the finger, with its database where the folders name it: persons are not published, and DB1 and DB2
    of FVC2002 share some.
    """
    year, database = _fvc_database(path)
    where = [f"FVC{year}"] * bool(year) + [f"DB{database}"] * bool(database)
    return {"subject": "-".join([*where, found[1]]), "impression": found[2]}


def _fvc_dpi(path: PurePath) -> float | None:
    year, database = _fvc_database(path)
    return _FVC_DPI.get((year, database), 500.0) if year and database else None


@reads_names(r"(?P<subject>\d{1,4})_(?P<finger_id>\d{1,2})_(?P<impression>\d{1,3})")
def _parse_fcj(found: Match, path: PurePath) -> Labels:
    """Read FCJ2020's 101_4_1.bmp: person, finger, impression. The ridge period confirms 500 dpi."""
    return found.groupdict()


@reads_names(r"(?i)([fs])(\d{4})_(0[1-9]|10)")
def _parse_sd4(found: Match, path: PurePath) -> Labels:
    """Read f0001_01.png of NIST Special Database 4: rolling, number of the finger (the subject), finger position."""
    impression = "1" if found[1].lower() == "f" else "2"
    return {"subject": found[2], **position_labels(int(found[3])), "impression": impression}


_SEPARATORS = re.compile(r"[-_. ]+")


def _parse_person_folders(path: PurePath) -> Labels | None:
    """Read the person from the folder; of the name, words for hand and finger and the last one or two numbers."""
    if not path.parent.name:
        return None
    words = _SEPARATORS.split(path.stem)
    labels = {"subject": path.parent.name}
    for label in ("hand", "finger"):
        known = [_WORDS[label][w.lower()] for w in words if w.lower() in _WORDS[label]]
        labels |= {label: known[0]} if known else {}
    numbers = [w for w in words if w.isdecimal()]
    names = ["finger_id", "impression"] if len(numbers) > 1 and "finger" not in labels else ["impression"]
    return labels | dict(zip(reversed(names), reversed(numbers), strict=False))


def _parse_class_folders(path: PurePath) -> Labels | None:
    """Read the class from the folder: A/17.png. Persons are not known."""
    return {"class": path.parent.name} if path.parent.name else None


def _nist_folder(number: str) -> str:
    return rf"^(nist[-_ ]?)?sd[-_ ]?0?{number}$|special[-_ ]?database[-_ ]?{number}(?!\d)"


_NEVER = r"(?!)"
"""No folder matches: these layouts are taken where they are named, or by settle_folders."""
LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("socofing", _parse_socofing, cut=_cut_socofing),
        Layout("sd4", _parse_sd4, 500, folder=_nist_folder("4"), has_text=True),
        Layout("sd9", parse_sd9, 500, folder=_nist_folder("9"), has_text=True),
        Layout(
            "nist-sd300",
            parse_nist,
            _nist_dpi,
            folder=r"(sd|special[-_ ]?database)[-_ ]?30[0-2](?!\d)|^nist[-_ ]?30[0-2](?!\d)"
            r"|^(roll|plain|slap|palm)(-segmented)?$",
        ),
        Layout("casia", parse_casia, 500, folder="casia|^[LR]$"),
        Layout("mcyt", parse_mcyt, 500, folder="mcyt|^(dp|pb)$"),
        Layout("polyu-hrf", parse_polyu_hrf, 1200, folder="^DBII?$|polyu[-_ ]?hrf"),
        Layout("polyu-cross", parse_polyu_cross, _polyu_cross_dpi, folder="(contact-based|contactless_2d)_fingerprint"),
        Layout("livdet", parse_livdet, folder="^(live|spoof|fake)$"),
        Layout("fcj", _parse_fcj, 500, folder="fcj"),
        Layout("fvc", _parse_fvc, _fvc_dpi),
        Layout("person-folders", _parse_person_folders, folder=_NEVER),
        Layout("class-folders", _parse_class_folders, folder=_NEVER),
        Layout("plain", lambda path: {}),
    )
}
"""By name, in the order in which `auto` tries them; `plain` is nothing but the file, without labels."""


def recognise(path: PurePath) -> tuple[Layout, Labels]:
    """Return the first layout that a path fits, and its labels; `plain` fits every path."""
    for layout in LAYOUTS.values():
        if layout.recognises(path):
            return layout, layout.parse(path) or {}
    return LAYOUTS["plain"], {}


def has_database(path: PurePath) -> bool:
    """Whether a folder of the path names a competition or one of its databases."""
    return any(_fvc_database(path))


def regex_layout(pattern: str) -> Layout:
    """Make a layout from a regular expression with named groups, searched in the path (with / between folders).

    Each group that takes part in the match becomes a label. Raises LayoutError if the pattern is not a regular
    expression, has no named group, or names a label that the table uses itself.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise LayoutError(f"the expression {pattern!r} is not a regular expression: {error}") from None
    if not compiled.groupindex:
        advice = "write one a label, such as (?P<subject>[0-9]+)"
        raise LayoutError(f"the expression {pattern!r} has no named group; {advice}")
    check_label_names(compiled.groupindex, f"the expression {pattern!r}")

    def parse(path: PurePath) -> Labels | None:
        found = compiled.search(path.as_posix())
        return normalise_labels({k: v for k, v in found.groupdict().items() if v is not None}) if found else None

    return Layout("regex", parse)


def normalise_labels(labels: Mapping[str, str]) -> Labels:
    """Return labels with sex, hand and finger in the words of this package (M -> male), others as they are.

    A label that says "missing" (NA, NaN, None, ...) is left out.

    Examples
    --------
    >>> normalise_labels({"subject": "7", "sex": "M", "age": "NA"})
    {'subject': '7', 'sex': 'male'}
    """
    return {k: _WORDS.get(k, {}).get(v.lower(), v) for k, v in labels.items() if v not in MISSING_WORDS}


def check_label_names(names: Mapping[str, object] | list[str], where: str) -> None:
    """Raise LayoutError for a label with a name that the table reserves for its own columns."""
    for name in names:
        if any(name.startswith(f"{prefix}_") for prefix in RESERVED):
            raise LayoutError(f"{where}: the label {name!r} begins like the table's own columns; rename it")
