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


@dataclass(frozen=True)
class Layout:
    """One scheme of file names."""

    name: str
    parse: sets.Parser
    """A path (at least the file's name; folders above it where they are known) -> labels, or None where the name
    does not fit. Labels are among subject, sex, hand, finger, finger_id, impression, alteration, level."""
    dpi: float | None = None
    """The resolution of all its images, if it is known."""
    cut: Callable[[UInt8, PurePath], tuple[UInt8, Dpi | None]] | None = None
    """Pixels and path -> the print itself and its resolution (across, down) in dpi, or None; instead of `dpi`."""
    folder: str | None = None
    """Regular expression, in any capitals, that a folder on the path must match before `auto` tries this layout;
    None where the name alone is enough."""
    has_text: bool = False
    """Whether a text file next to each image holds further labels."""

    def prepare(self, pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
        """Return the print in an image, without a frame, and its known resolution (across, down) in dpi, or None."""
        if self.cut is not None:
            return self.cut(pixels, path)
        return pixels, None if self.dpi is None else (self.dpi, self.dpi)

    def recognises(self, path: PurePath) -> bool:
        """Whether `auto` would take this layout for a path."""
        if self.folder and not any(re.search(self.folder, part, re.IGNORECASE) for part in path.parts[:-1]):
            return False
        return self.parse(path) is not None


_SOCOFING_LEVEL = re.compile(r"altered[-_ ]?(easy|medium|hard)", re.IGNORECASE)
_SOCOFING_ALTERATIONS = {"cr": "CR", "obl": "Obl", "zcut": "Zcut"}
_SOCOFING_DPI = {(103, 96): (199.0, 173.0), (298, 241): (500.0, 500.0)}
"""By shape: the small ones were scaled down, unevenly, from the 241x298 that the 500 dpi sensor gave."""


@sets.reads_names(
    r"(?i)(?P<subject>\d+)__(?P<sex>[MF])_(?P<hand>left|right)_(?P<finger>thumb|index|middle|ring|little)_finger"
    r"(?:_(?P<alteration>CR|Obl|Zcut))?"
)
def _parse_socofing(found: sets.Match, path: PurePath) -> Labels:
    """Read SOCOFing's 100__M_Left_index_finger.BMP; altered ones have _CR, _Obl or _Zcut, in Altered-Easy, ..."""
    labels = normalise_labels(found.groupdict(default="none"))
    labels["alteration"] = _SOCOFING_ALTERATIONS.get(labels["alteration"].lower(), "none")
    level = next((m[1].lower() for p in reversed(path.parts[:-1]) if (m := _SOCOFING_LEVEL.fullmatch(p))), None)
    return {**labels, "level": level} if level else labels


def _cut_socofing(pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
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
    year, database = (next((m[1] for p in folders if (m := r.search(p))), None) for r in (_FVC_YEAR, _FVC_DATABASE))
    return year, database


@sets.reads_names(r"(\d{1,4})_(\d{1,3})")
def _parse_fvc(found: sets.Match, path: PurePath) -> Labels:
    """Read 101_1.tif (finger, impression) in FVC2002/DB1_B and the like.

    The subject is the finger, with its database where the folders name it: persons are not published, and DB1 and DB2
    of FVC2002 share some.
    """
    year, database = _fvc_database(path)
    where = [f"FVC{year}"] * bool(year) + [f"DB{database}"] * bool(database)
    return {"subject": "-".join([*where, found[1]]), "impression": found[2]}


def _cut_fvc(pixels: UInt8, path: PurePath) -> tuple[UInt8, Dpi | None]:
    year, database = _fvc_database(path)
    if year is None or database is None:
        return pixels, None
    dpi = _FVC_DPI.get((year, database), 500.0)
    return pixels, (dpi, dpi)


@sets.reads_names(r"(?P<subject>\d{1,4})_(?P<finger_id>\d{1,2})_(?P<impression>\d{1,3})")
def _parse_fcj(found: sets.Match, path: PurePath) -> Labels:
    """Read FCJ2020's 101_4_1.bmp: person, finger, impression. The ridge period confirms 500 dpi."""
    return found.groupdict()


@sets.reads_names(r"(?i)([fs])(\d{4})_(0[1-9]|10)")
def _parse_sd4(found: sets.Match, path: PurePath) -> Labels:
    """Read f0001_01.png of NIST Special Database 4: rolling, number of the finger (the subject), finger position."""
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
        Layout("sd9", sets.parse_sd9, 500, folder=_nist_folder("9"), has_text=True),
        Layout(
            "nist-sd300",
            sets.parse_nist,
            cut=sets.cut_nist,
            folder=r"(sd|special[-_ ]?database)[-_ ]?30[0-2](?!\d)|^nist[-_ ]?30[0-2](?!\d)"
            r"|^(roll|plain|slap|palm)(-segmented)?$",
        ),
        Layout("casia", sets.parse_casia, 500, folder="casia|^[LR]$"),
        Layout("mcyt", sets.parse_mcyt, 500, folder="mcyt|^(dp|pb)$"),
        Layout("polyu-hrf", sets.parse_polyu_hrf, 1200, folder="^DBII?$|polyu[-_ ]?hrf"),
        Layout(
            "polyu-cross",
            sets.parse_polyu_cross,
            cut=sets.cut_polyu_cross,
            folder="(contact-based|contactless_2d)_fingerprint",
        ),
        Layout("livdet", sets.parse_livdet, folder="^(live|spoof|fake)$"),
        Layout("fcj", _parse_fcj, 500, folder="fcj"),
        Layout("fvc", _parse_fvc, cut=_cut_fvc),
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

    Each group that takes part in the match becomes a label. Raises LayoutError if the pattern is no regular expression,
    has no named group, or names a label that the table uses itself.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise LayoutError(f"the expression {pattern!r} is no regular expression: {error}") from None
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
