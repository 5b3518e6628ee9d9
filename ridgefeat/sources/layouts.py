"""What file names contain: who, which finger, which impression, and the resolution that a set is known to have.

A layout reads the path from right to left: the name first, then the folders above it. `subject` is what a split must
keep together. Where a set's names give the finger and not the person, the finger is the subject.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from ridgefeat.errors import LayoutError
from ridgefeat.files import MISSING_WORDS
from ridgefeat.sources import public_sets as sets
from ridgefeat.sources.public_sets import Labels as Labels
from ridgefeat.sources.resolution import Dpi
from ridgefeat.structure import UInt8

RESERVED = ("meta", "ridge", "orient", "gabor", "minutiae", "quality", "texture")
"""A label must not begin with one of these and an underscore: such are the table's own columns."""

NAMES = ("subject", "sex", "hand", "finger", "finger_id", "impression", "alteration", "level", "class")
"""Labels that layouts know; in an index they may be written in capitals."""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "sex": {"m": "male", "male": "male", "man": "male", "f": "female", "female": "female", "woman": "female"},
    "hand": {"l": "left", "left": "left", "r": "right", "right": "right"},
    "finger": {f: f for f in ("thumb", "index", "middle", "ring", "little")},
}


def _nothing_known(pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
    return pixels, None


@dataclass(frozen=True)
class Layout:
    """One scheme of file names.

    Attributes
    ----------
    name, meaning : str
        What it is called, and one sentence for people.
    parse : callable
        A path (at least the file's name; folders above it where they are known) -> labels, or None where the name does
        not fit. Labels are among subject, sex, hand, finger, finger_id, impression, alteration, level.
    prepare : callable
        Pixels and path -> the print itself and its known resolution (across, down) in dpi, or None.
    folder : pattern or None
        What a folder on the path must match before `auto` tries this layout; None where the name alone is enough.
    has_text : bool
        Whether a text file next to each image holds further labels.
    """

    name: str
    meaning: str
    parse: Callable[[PurePath], Labels | None]
    prepare: Callable[[UInt8, PurePath], tuple[UInt8, Dpi | None]] = _nothing_known
    folder: re.Pattern[str] | None = None
    has_text: bool = False

    def recognises(self, path: PurePath) -> bool:
        """Whether `auto` would take this layout for a path."""
        if self.folder and not any(self.folder.search(part) for part in path.parts[:-1]):
            return False
        return self.parse(path) is not None


_SOCOFING = re.compile(
    r"(?P<subject>\d+)__(?P<sex>[MF])_(?P<hand>left|right)_(?P<finger>thumb|index|middle|ring|little)_finger"
    r"(?:_(?P<alteration>CR|Obl|Zcut))?",
    re.IGNORECASE,
)
_SOCOFING_LEVEL = re.compile(r"altered[-_ ]?(easy|medium|hard)", re.IGNORECASE)
_SOCOFING_ALTERATIONS = {"cr": "CR", "obl": "Obl", "zcut": "Zcut"}
_SOCOFING_DPI = {(103, 96): (199.0, 173.0), (298, 241): (500.0, 500.0)}
"""By shape: the small ones were scaled down, unevenly, from the 241x298 that the 500 dpi sensor gave."""


def _parse_socofing(path: PurePath) -> Labels | None:
    found = _SOCOFING.fullmatch(path.stem)
    if not found:
        return None
    labels = normalise_labels(found.groupdict(default="none"))
    labels["alteration"] = _SOCOFING_ALTERATIONS.get(labels["alteration"].lower(), "none")
    level = next((m[1].lower() for p in reversed(path.parts[:-1]) if (m := _SOCOFING_LEVEL.fullmatch(p))), None)
    return {**labels, "level": level} if level else labels


def _prepare_socofing(pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
    """Cut off the frame that is burnt into both sizes: two pixels at the top and left, four at the other sides."""
    dpi = _SOCOFING_DPI.get((pixels.shape[0], pixels.shape[1]))
    return (pixels[2:-4, 2:-4] if dpi else pixels), dpi


_FVC = re.compile(r"(\d{1,4})_(\d{1,3})")
_FVC_YEAR = re.compile(r"fvc[-_ ]?(2000|2002|2004|2006)", re.IGNORECASE)
_FVC_DATABASE = re.compile(r"db[-_ ]?([1-4])(?!\d)", re.IGNORECASE)
_FVC_DPI = {("2002", "2"): 569.0, ("2004", "3"): 512.0, ("2006", "1"): 250.0, ("2006", "2"): 569.0}
"""Sensors that are not at 500 dpi, as the competitions' pages state."""


def _fvc_database(path: PurePath) -> tuple[str | None, str | None]:
    folders = path.parts[:-1][::-1]
    year = next((m[1] for p in folders if (m := _FVC_YEAR.search(p))), None)
    database = next((m[1] for p in folders if (m := _FVC_DATABASE.search(p))), None)
    return year, database


def _parse_fvc(path: PurePath) -> Labels | None:
    found = _FVC.fullmatch(path.stem)
    if not found:
        return None
    year, database = _fvc_database(path)
    where = [f"FVC{year}"] * bool(year) + [f"DB{database}"] * bool(database)
    return {"subject": "-".join([*where, found[1]]), "impression": found[2]}


def _prepare_fvc(pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
    year, database = _fvc_database(path)
    if year is None or database is None:
        return pixels, None
    dpi = _FVC_DPI.get((year, database), 500.0)
    return pixels, (dpi, dpi)


_FCJ = re.compile(r"(\d{1,4})_(\d{1,2})_(\d{1,3})")


def _parse_fcj(path: PurePath) -> Labels | None:
    found = _FCJ.fullmatch(path.stem)
    return {"subject": found[1], "finger_id": found[2], "impression": found[3]} if found else None


_SD4 = re.compile(r"([fs])(\d{4})_(0[1-9]|10)", re.IGNORECASE)


def _parse_sd4(path: PurePath) -> Labels | None:
    found = _SD4.fullmatch(path.stem)
    if not found:
        return None
    impression = "1" if found[1].lower() == "f" else "2"
    return {"subject": found[2], **sets.position_labels(int(found[3])), "impression": impression}


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
    return {"class": path.parent.name} if path.parent.name else None


def _at_500(pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
    return pixels, (500.0, 500.0)


def _at_1200(pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
    return pixels, (1200.0, 1200.0)


_NEVER = re.compile(r"(?!)")
"""No folder matches: these layouts are taken where they are named, or by settle_folders."""
LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            "socofing",
            "SOCOFing: 100__M_Left_index_finger.BMP, altered ones with _CR, _Obl or _Zcut in Altered-Easy, -Medium or "
            "-Hard; cuts off the burnt-in frame; 199x173 dpi at 96x103 px, 500 dpi at 241x298 px",
            _parse_socofing,
            _prepare_socofing,
        ),
        Layout(
            "sd4",
            "NIST Special Database 4: f0001_01.png (rolling, number of the finger, finger position 1-10); 500 dpi; "
            "the subject is the finger's number; sex and pattern_class from the .txt next to an image",
            _parse_sd4,
            _at_500,
            re.compile(r"^(nist[-_ ]?)?sd[-_ ]?0?4$|special[-_ ]?database[-_ ]?4(?!\d)", re.IGNORECASE),
            has_text=True,
        ),
        Layout(
            "sd9",
            "NIST Special Database 9: f0000001.png (card f or s, number of the finger) in sd09; 500 dpi; the subject "
            "is the finger's number; sex and pattern_class from the .txt next to an image",
            sets.parse_sd9,
            _at_500,
            re.compile(r"^(nist[-_ ]?)?sd[-_ ]?0?9$|special[-_ ]?database[-_ ]?9(?!\d)", re.IGNORECASE),
            has_text=True,
        ),
        Layout(
            "nist-sd300",
            "NIST Special Databases 300 to 302: 00001000_plain_500_11.png, 00002302_R_500_slap_13.png (person, device, "
            "resolution, capture, finger position; 11 and 12 are plain thumbs, 13 and 14 four fingers) in sd300, roll, "
            "plain, slap, …; resolution from the name",
            sets.parse_nist,
            sets.prepare_nist,
            re.compile(
                r"sd[-_ ]?30[0-2](?!\d)|special[-_ ]?database[-_ ]?30[0-2](?!\d)|^nist[-_ ]?30[0-2](?!\d)"
                r"|^(roll|plain|slap|palm)(-segmented)?$",
                re.IGNORECASE,
            ),
        ),
        Layout(
            "casia",
            "CASIA-FingerprintV5: 000/L/000_L0_0.bmp (person, hand, finger 0-3 from the thumb, image); 500 dpi, as "
            "FVC2004 gives its sensor (other sources: 512)",
            sets.parse_casia,
            _at_500,
            re.compile(r"casia|^[LR]$", re.IGNORECASE),
        ),
        Layout(
            "mcyt",
            "MCYT: 0000/dp/0000_3_11.bmp (person, finger 0-9, sample; sensors dp and pb); 500 dpi",
            sets.parse_mcyt,
            _at_500,
            re.compile(r"mcyt|^(dp|pb)$", re.IGNORECASE),
        ),
        Layout(
            "polyu-hrf",
            "PolyU HRF: DBI/Training/1_1_1.jpg (finger, session, image); 1200 dpi; the subject is the finger, numbered "
            "in each part of its own",
            sets.parse_polyu_hrf,
            _at_1200,
            re.compile(r"^DBII?$|polyu[-_ ]?hrf", re.IGNORECASE),
        ),
        Layout(
            "polyu-cross",
            "PolyU contactless to contact-based: contact-based_fingerprints/first_session/1_2.jpg (finger, image; "
            "500 dpi), contactless_2d_fingerprint_images/first_session/p1/p2.bmp; the subject is the finger",
            sets.parse_polyu_cross,
            sets.prepare_polyu_cross,
            re.compile(r"(contact-based|contactless_2d)_fingerprint", re.IGNORECASE),
        ),
        Layout(
            "livdet",
            "LivDet: BiometrikaTrain/Live/…, CrossMatch/Train/Spoof/Latex/… (sensor, liveness, material); person, "
            "finger and sample from the names of 2013",
            sets.parse_livdet,
            folder=re.compile(r"^(live|spoof|fake)$", re.IGNORECASE),
        ),
        Layout(
            "fcj",
            "FCJ2020: 101_4_1.bmp (person, finger, impression) in FCJ2020_DB1 to _DB6; taken as 500 dpi, which its "
            "ridge period confirms",
            _parse_fcj,
            _at_500,
            re.compile(r"fcj", re.IGNORECASE),
        ),
        Layout(
            "fvc",
            "Fingerprint Verification Competition: 101_1.tif (finger, impression) in FVC2002/DB1_B and the like; the "
            "subject is the finger, with its database where the folders name it (persons are not published; DB1 and "
            "DB2 of FVC2002 share some); resolution by database",
            _parse_fvc,
            _prepare_fvc,
        ),
        Layout(
            "person-folders",
            "A folder per person, alice/2_1.png: the subject is the folder; from the name come words for hand and "
            "finger, and the last numbers (finger, impression)",
            _parse_person_folders,
            folder=_NEVER,
        ),
        Layout(
            "class-folders",
            "A folder per class, A/17.png: the label `class` is the folder; persons are not known",
            _parse_class_folders,
            folder=_NEVER,
        ),
        Layout("plain", "Nothing but the file: no labels, no known resolution", lambda path: {}),
    )
}


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

    Each group that takes part in the match becomes a label. Raises LayoutError if the pattern is no regular expression,
    has no named group, or names a label that the table uses itself.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise LayoutError(f"the expression {pattern!r} is no regular expression: {error}") from None
    if not compiled.groupindex:
        raise LayoutError(
            f"the expression {pattern!r} has no named group; write one a label, such as (?P<subject>[0-9]+)"
        )
    check_label_names(compiled.groupindex, f"the expression {pattern!r}")

    def parse(path: PurePath) -> Labels | None:
        found = compiled.search(path.as_posix())
        return normalise_labels({k: v for k, v in found.groupdict().items() if v is not None}) if found else None

    return Layout("regex", f"labels by the expression {pattern}", parse)


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
