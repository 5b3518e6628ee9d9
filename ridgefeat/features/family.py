"""How a feature is declared: its columns are written above the function that computes them.

    ridge = Family("ridge", "Ridge density, period and breadth.")

    @ridge.columns(
        Column("ridge_period_mean", "mm", 0.2, 1.2, "mean ridge period over the print", "Hong 1998"),
    )
    def period(fp):
        ...
        return [mean]

The function returns one number per column, in their order, or None where nothing can be measured (all NaN). What they
were measured on is declared next to them, as layers over the print (features.layers) that `explain` shows:

    @ridge.picture_of(period)
    def _period_picture(fp, name, values):
        yield Field(inside(fp, fp.period * MM_PER_PX), "ridge period, mm")

Everything else (the table's header, `ridgefeat features`, the reference page, the schema's digest, the baseline) is
derived.
A user's own family is named as FILE.py:name where families are asked for, or given itself in Python; a package
publishes it through the entry point group `ridgefeat.families` (name = module:family).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.features import zones
from ridgefeat.features.explanation import Column, Explanation, Part
from ridgefeat.features.layers import Area, Bars, Layer
from ridgefeat.features.own import load_family, source_digest
from ridgefeat.files import count_of, first_few
from ridgefeat.reliability import ERROR_NEEDS, ErrorModel
from ridgefeat.structure import Float
from ridgefeat.work.threads import one_thread

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

BUILT_IN = ("ridge", "orient", "gabor", "minutiae", "quality", "texture")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
RENAMED_COLUMNS = {
    r"orient_field_\d\d_\w+": "orient_field_00_cos is orient_field_r1c1_cos, and so on by row and column",
    r"texture_(lbp_own|hog_own|block)_r0c\d_\w+": (
        "the zones of texture_lbp_own, texture_hog_own and texture_block are counted from 1: "
        "texture_block_r0c0_band0 is texture_block_r1c1_band0, and so on"
    ),
    "quality_area": "quality_area (mm²) is ridge_area (cm²)",
    "quality_minutiae_count": "quality_minutiae_count is minutiae_count",
    "quality_minutiae_mean": "quality_minutiae_mean is minutiae_quality_mean",
}
"""Patterns of column names of version 0.1 that have another name since 0.2, or are gone, and what became of them."""


def share(name: str, meaning: str, source: str = "") -> Column:
    """Return a column without a unit, from 0 to 1."""
    return Column(name, "", 0, 1, meaning, source)


Function = Callable[["Fingerprint"], "Sequence[float] | np.ndarray | None"]
Summands = Callable[["Fingerprint", Mapping[str, float]], "tuple[Part, ...]"]
Families = Iterable["str | Family"]
"""Names of families, FILE.py:name of a user's own ones, or these themselves."""
Picture = Callable[["Fingerprint", str, Mapping[str, float]], "Iterable[Layer | str]"]


@dataclass(repr=False)
class Family:
    """A named group of features that is computed together.

    Parameters
    ----------
    name : str
        Lower case; every column's name begins with it and an underscore.
    meaning : str
        One sentence for people.
    groups : list, optional
        Columns and their function, filled by `columns`.
    sums : list, optional
        Columns that sum up the others and their function, filled by `sum_of_parts`.
    pictures : dict, optional
        What a function's columns were measured on, filled by `picture_of`.
    origin, digest : str
        Of a user's own family, set when it is first used: FILE.py:name if it is from a file, and the SHA-256 of its
        source.
    """

    name: str
    meaning: str
    groups: list[tuple[tuple[Column, ...], Function]] = field(default_factory=list)
    sums: list[tuple[Column, Summands]] = field(default_factory=list)
    pictures: dict[Function, Picture] = field(default_factory=dict)
    origin: str = ""
    digest: str = ""

    def __repr__(self) -> str:
        return f"<Family {self.name}, {count_of(len(self.all_columns()), 'column')}>"

    def __reduce__(self) -> Any:
        return (load_family, (self.origin, self.digest)) if self.origin else super().__reduce__()

    def columns(self, *columns: Column) -> Callable[[Function], Function]:
        """Return a decorator that registers a function as the one that computes the given columns, in their order.

        Raises ParameterError for a name that is not the family's or is declared twice.

        Examples
        --------
        >>> import ridgefeat as rf
        >>> edge = Family("edge", "What touches the image's border.")
        >>> @edge.columns(Column("edge_black", "px", 0, 1e4, "black pixels in the top row"))
        ... def black(fp):
        ...     return [np.count_nonzero(fp.image[0] < 50)]
        >>> edge.compute(rf.Fingerprint(np.zeros((60, 80), np.uint8)))
        array([80.], dtype=float32)
        """
        self._check_names(columns)

        def register(function: Function) -> Function:
            self.groups.append((columns, function))
            return function

        return register

    def sum_of_parts(self, column: Column) -> Callable[[Summands], Summands]:
        """Return a decorator that registers the function of a column which sums up the family's other columns.

        The function takes the print and the other columns' values by name, and returns the Parts of the sum.
        """
        self._check_names([column])

        def register(function: Summands) -> Summands:
            self.sums.append((column, function))
            return function

        return register

    def picture_of(self, function: Function) -> Callable[[Picture], Picture]:
        """Return a decorator that registers what the columns of a registered function were measured on.

        What is registered takes the print, a column's name and the family's values by name, and yields layers
        (features.layers), and texts that say why the value may be missing. Without one, the print's outline is shown.
        """

        def register(picture: Picture) -> Picture:
            self.pictures[function] = picture
            return picture

        return register

    def _check_names(self, columns: Iterable[Column]) -> None:
        columns = list(columns)
        for c in columns:
            if not _NAME.fullmatch(c.name) or not c.name.startswith(self.name + "_"):
                raise ParameterError(f"column name {c.name!r} must be lower case and begin with {self.name}_")
        taken = {c.name for c in self.all_columns()}
        twice = [c.name for c in columns if c.name in taken]
        if twice:
            raise ParameterError(f"family {self.name!r} declares {', '.join(twice)} twice")

    def all_columns(self) -> list[Column]:
        """Return every column in the order of declaration, sums last."""
        return [c for columns, _ in self.groups for c in columns] + [c for c, _ in self.sums]

    def compute(self, fp: Fingerprint) -> Float:
        """Return the family's values for one print `fp`, float32, shape (columns,); NaN where undefined."""
        return self._measure(fp)[0]

    def explain(self, fp: Fingerprint, name: str) -> Explanation:
        """Return the value of the column `name` for the print `fp`, and the parts of which it is the sum.

        Raises ParameterError if the family has no such column.
        """
        columns = self.all_columns()
        at = next((i for i, c in enumerate(columns) if c.name == name), None)
        if at is None:
            near = get_close_matches(name, [c.name for c in columns], 3, 0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "`ridgefeat features` lists them"
            raise ParameterError(f"there is no column {name!r} in the family {self.name}; {hint}")
        measured, parts = self._measure(fp)
        value, its_parts = float(measured[at]), parts.get(name, ())
        values = dict(zip((c.name for c in columns), measured.tolist(), strict=True))
        layers, reason = self._picture(fp, columns[at], values)
        if its_parts:
            gained = [part.points for part in its_parts]
            layers = (*layers, Bars([p.meaning.partition(":")[0] for p in its_parts], gained, "points"))
        return Explanation(columns[at], value, its_parts, "" if value == value else reason, fp, layers)

    def _picture(self, fp: Fingerprint, column: Column, values: Mapping[str, float]) -> tuple[tuple[Layer, ...], str]:
        """Return what a column was measured on, and why it may be missing."""
        if not fp.mask.any():
            return (), "no print was found in the image"
        function = next((f for columns, f in self.groups if column in columns), None)
        picture = self.pictures.get(function) if function else None
        found = list(picture(fp, column.name, values) if picture else ())
        layers = tuple(layer for layer in found if not isinstance(layer, str))
        reasons = [f"the label {label} is not known" for label in column.uses if getattr(fp, label, None) is None]
        reasons += [text for text in found if isinstance(text, str)]
        return layers or (Area(fp.mask, "outline of the print"),), next(
            iter(reasons), "the print shows too little for it"
        )

    @one_thread()
    def _measure(self, fp: Fingerprint) -> tuple[Float, dict[str, tuple[Part, ...]]]:
        """Return the values of all columns, and the parts of those that are sums."""
        values: list[float] = []
        for columns, function in self.groups:
            got = function(fp)
            if got is None:
                got = (np.nan,) * len(columns)
            if len(got) != len(columns):
                raise ValueError(f"{function.__qualname__} returned {len(got)} values for {len(columns)} columns")
            values.extend(got)
        parts = {}
        if self.sums:
            measured = dict(zip((c.name for columns, _ in self.groups for c in columns), values, strict=True))
            parts = {column.name: function(fp, measured) for column, function in self.sums}
            values += [sum(part.points for part in p) for p in parts.values()]
        out = np.array(values, np.float32)
        out[~np.isfinite(out)] = np.nan
        return out, parts


@cache
def families() -> dict[str, Family]:
    """Return every known family by name: the built-in ones, then those that other packages publish.

    Raises ParameterError if a published family cannot be loaded, is not a Family, or has another's name.
    """
    from importlib import import_module

    known = {n: getattr(import_module(f"ridgefeat.features.{n}"), n) for n in BUILT_IN}
    for entry in sorted(entry_points(group="ridgefeat.families"), key=lambda e: e.name):
        try:
            family = entry.load()
        except Exception as error:
            raise ParameterError(
                f"family {entry.name!r} ({entry.value}) cannot be loaded: {error}; repair or uninstall its package"
            ) from error
        if not isinstance(family, Family) or family.name in known:
            raise ParameterError(f"entry point {entry.name!r} ({entry.value}) must be a Family with a name of its own")
        known[family.name] = family
    return known


def select(names: Families | None = None) -> list[Family]:
    """Return the named families in their fixed order, then a user's own ones in the given order.

    Parameters
    ----------
    names : iterable of str or Family, optional
        Names in any order, FILE.py:name of own families, or these themselves; all but own ones without.

    Raises
    ------
    ParameterError
        For a name that no family has, and an own family that cannot be loaded, or takes a family's or column's name.

    Examples
    --------
    >>> [family.name for family in select(["texture", "ridge"])]
    ['ridge', 'texture']
    """
    known = families()
    if names is None:
        return list(known.values())
    given = [names] if isinstance(names, (str, Family)) else list(names)
    if not given:
        raise ParameterError(f"no family named; there are: {', '.join(known)}")
    found = [load_family(n) if isinstance(n, str) and ":" in n else n for n in given]
    own = [f for f in found if isinstance(f, Family) and known.get(f.name) is not f]
    wanted = {f.name if isinstance(f, Family) else f for f in found}
    if unknown := sorted(wanted - {*known, *(f.name for f in own)}):
        raise ParameterError(
            f"unknown family {', '.join(unknown)}; there are: {', '.join(known)}; FILE.py:name is one of your own"
        )
    chosen = [f for n, f in known.items() if n in wanted]
    return [*chosen, *_checked_own(own)] if own else chosen


def _checked_own(own: Sequence[Family]) -> Sequence[Family]:
    """Return a user's own families with their digests, unless a name is taken."""
    taken = {f.name: f"the family {f.name}" for f in families().values()} | {"meta": "what is known of files"}
    columns = {c.name for f in families().values() for c in f.all_columns()}
    for family in own:
        names = {c.name for c in family.all_columns()}
        if family.name in taken:
            raise ParameterError(f"own family {family.name!r}: {taken[family.name]} has that name; choose another")
        if clash := sorted(columns & names):
            raise ParameterError(f"own family {family.name!r} has columns of another family: {first_few(clash)}")
        taken[family.name] = "another own family"
        columns |= names
        family.digest = family.digest or source_digest(family)
    return own


def explain(fp: Fingerprint, name: str, families: Families | None = None) -> Explanation:
    """Return the value of the column `name` for the print `fp`, and what makes it up; `families` as for `select`.

    Raises ParameterError if none of the families has such a column.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> found = explain(Fingerprint(grating((198, 198), 9.0).image), "ridge_period_mean")
    >>> round(found.value, 2), found.column.unit, found.parts
    (0.46, 'mm', ())
    """
    known = select(families)
    near = sorted((f for f in known if name.startswith(f"{f.name}_")), key=lambda f: len(f.name))
    if not near:
        names = ", ".join(f.name for f in known)
        raise ParameterError(f"{name!r} begins with no family's name; the families are: {names}")
    found = near[-1].explain(fp, name)
    return replace(found, error=_standard_error(fp, name, found.value))


def _standard_error(fp: Fingerprint, name: str, value: float) -> float:
    """Return the standard error of a value for an unknown sensor; NaN if it is not known."""
    if fp not in _SCORES:
        quality = families()["quality"]
        _SCORES[fp] = float(quality.compute(fp)[[c.name for c in quality.all_columns()].index("quality_score")])
    needed = {"quality_score": _SCORES[fp], "ridge_area": zones.area(fp) / 100}
    return float(ErrorModel.make().of([name, *ERROR_NEEDS], [value, *(needed[n] for n in ERROR_NEEDS)])[0])


_SCORES: WeakKeyDictionary[Fingerprint, float] = WeakKeyDictionary()
"""Quality scores of prints whose values were explained: many columns of one print are, and a score takes 0.1 s."""


def schema_digest(columns: Iterable[Column]) -> str:
    """Return a short digest of the names and units of a table's `columns`, in order; equal for tables that fit."""
    text = json.dumps([[c.name, c.unit] for c in columns], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def as_records(columns: Iterable[Column]) -> list[dict[str, object]]:
    """Return columns as plain dictionaries, for JSON and listings; `uses` only where there are any."""
    return [{k: list(v) if k == "uses" else v for k, v in asdict(c).items() if k != "uses" or v} for c in columns]


def explain_renamed(names: Iterable[str]) -> list[str]:
    """Return what has become of the columns of version 0.1 among some names, one sentence a change.

    Examples
    --------
    >>> explain_renamed(["ridge_area", "quality_area"])
    ['quality_area (mm²) is ridge_area (cm²)']
    """
    names = list(names)
    return [text for old, text in RENAMED_COLUMNS.items() if any(re.fullmatch(old, n) for n in names)]
