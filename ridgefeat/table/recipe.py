"""Recipe: all that decides a table's columns and values, apart from the prints themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ridgefeat._version import __version__
from ridgefeat.errors import ParameterError, RidgefeatError, TableError
from ridgefeat.features import Column, Family, as_records, schema_digest, select
from ridgefeat.features.family import Families, explain_renamed
from ridgefeat.files import bare_name, first_few
from ridgefeat.fingerprint import INVERT, check_dpi
from ridgefeat.params import RENAMED_PARAMETERS, Params
from ridgefeat.reliability import ERROR_NEEDS, ERROR_SUFFIX, ErrorModel


@dataclass(frozen=True)
class Recipe:
    """How prints become rows; small, and sent to every worker.

    Attributes
    ----------
    families : tuple of str or Family
        Names of the feature families, in their fixed order, then a user's own families themselves.
    params : Params
        Parameters of the stages.
    dpi : (float, float) or None
        Resolution across and down that overrides what files and layouts say.
    layout : str
        What file names mean.
    regex : str or None
        Named groups for file names of other schemes.
    mirror : {"left", "right"} or None
        The hand whose images are mirrored first, so that a column that has a side means the same on both hands.
    invert : {"auto", "yes", "no"}
        Whether ridges are white.
    fingers : {"split"} or None
        Whether split_prints has cut images into fingers; extraction itself does not.
    errors : ErrorModel or None
        Of the standard errors that stand after the features.
    """

    families: tuple[str | Family, ...]
    params: Params
    dpi: tuple[float, float] | None = None
    layout: str = "auto"
    regex: str | None = None
    mirror: str | None = None
    invert: str = "auto"
    fingers: str | None = None
    errors: ErrorModel | None = None

    @classmethod
    def make(
        cls,
        families: Families | None = None,
        params: Params | None = None,
        dpi: float | tuple[float, float] | None = None,
        layout: str = "auto",
        regex: str | None = None,
        mirror: str | None = None,
        invert: str = "auto",
        fingers: str | None = None,
        errors: ErrorModel | None = None,
    ) -> Recipe:
        """Return a checked recipe; whatever is left out takes its default.

        Raises ParameterError for an unknown or unusable family, an impossible resolution, another hand than left and
        right, another `invert` than auto, yes and no, other `fingers` than split, or errors without the families that
        they depend on.
        """
        if invert not in INVERT:
            raise ParameterError(f"invert must be one of {', '.join(INVERT)}, got {invert!r}")
        if mirror not in (None, "left", "right"):
            raise ParameterError(f"mirror must be 'left', 'right' or None, got {mirror!r}")
        if fingers not in (None, "split"):
            raise ParameterError(f"fingers must be 'split' or None, got {fingers!r}")
        chosen = tuple(f if f.digest else f.name for f in select(families))
        dpi = None if dpi is None else check_dpi(dpi)
        needed = {name.partition("_")[0] for name in ERROR_NEEDS}
        if errors and (lacking := sorted(needed - {f for f in chosen if isinstance(f, str)})):
            advice = f"add the {'families' if len(lacking) > 1 else 'family'} {' and '.join(lacking)}"
            raise ParameterError(f"standard errors depend on {' and '.join(ERROR_NEEDS)}; {advice}")
        return cls(chosen, params or Params(), dpi, layout, regex, mirror, invert, fingers, errors)

    @classmethod
    def like(cls, content: Mapping[str, Any], where: str, families: Families | None = None) -> Recipe:
        """Return the recipe that a sidecar's content holds; `where` is the sidecar's name, for messages.

        A user's own families are taken from `families`: a sidecar makes no file run.

        Raises TableError if this version cannot make the same columns from the same parameters; the message says which.
        """
        found, recorded = renamed(content), content.get("own_families", {})
        try:
            own = {f.name: f for f in (select(families) if families else ()) if f.digest}
            params = Params() if found else Params.from_dict(content["parameters"], where)
            dpi = content.get("dpi")
            dpi = None if dpi is None else tuple(dpi)
            others = {k: content[k] for k in ("regex", "mirror", "invert", "fingers") if k in content}
            if known := content.get("errors"):
                others["errors"] = ErrorModel(known["source"], tuple(known["deviations"].items()))
            names = [own.get(n, n.partition(":")[0]) for n in content["families"]]
            recipe = cls.make(names, params, dpi, content["layout"], **others)
        except (RidgefeatError, TypeError) as error:
            lacking = [f"; {n} is from {s['source']}: give it with --families" for n, s in recorded.items()]
            hint = "" if families else "".join(lacking)
            raise TableError(f"{where}: version {__version__} cannot make that table again: {error}{hint}") from None
        if found := found or differences(content, recipe.to_dict()):
            other = f"version {__version__} would make another table: {'; '.join(found)}"
            advice = "Install that version, or extract without --like"
            raise TableError(f"{where} was made by version {content.get('version')}; {other}. {advice}")
        return recipe

    def agreeing(self, **given: Any) -> Recipe:
        """Return this recipe unless a given option (None: not given) contradicts it.

        Raises ParameterError, which names every option that does.
        """
        own: dict[str, Any] = {name: getattr(self, name) for name in given}
        other = Recipe.make(**{k: own[k] if v is None else v for k, v in given.items()})
        if wrong := [k for k, v in given.items() if v is not None and getattr(other, k) != getattr(self, k)]:
            said = ", ".join(f"{k} ({_short(getattr(self, k))} there)" for k in wrong)
            raise ParameterError(f"--like fixes how prints are read; what was given contradicts it: {said}")
        return self

    def columns(self) -> list[Column]:
        """Return the feature columns in their order."""
        return [c for family in select(self.families) for c in family.all_columns()]

    def names(self) -> list[str]:
        """Return the names of what is computed: the feature columns, and their standard errors if asked for."""
        names = [c.name for c in self.columns()]
        return [*names, *(n + ERROR_SUFFIX for n in names)] if self.errors else names

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as sidecars and manifests hold it, digests included."""
        columns, families = self.columns(), [f for f in self.families if isinstance(f, Family)]
        origins = {f.name: bare_name(f.origin) if f.origin else "Python" for f in families}
        own = {f.name: {"source": origins[f.name], "sha256": f.digest} for f in families}
        return {
            "families": [f.name for f in select(self.families)],
            **({"own_families": own} if own else {}),
            "parameters": self.params.to_dict(),
            "parameters_digest": self.params.digest,
            "layout": self.layout,
            "regex": self.regex,
            "dpi": None if self.dpi is None else list(self.dpi),
            **{name: getattr(self, name) for name in ("mirror", "invert", "fingers")},
            **({"errors": {**vars(self.errors), "deviations": dict(self.errors.deviations)}} if self.errors else {}),
            "columns": as_records(columns),
            "schema_digest": schema_digest(columns),
        }


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Return, in words, how the columns and parameters of two recipes differ; empty if they agree.

    If one of them is of version 0.1, only what has been renamed since is said.
    """
    old, now = renamed(a), renamed(b)
    if bool(old) != bool(now):
        return old or now
    out = []
    first, second = ({c["name"]: c.get("unit", "") for c in x["columns"]} for x in (a, b))
    if gone := [n for n in first if n not in second]:
        out.append(f"columns only in the first: {first_few(gone)}")
    if new := [n for n in second if n not in first]:
        out.append(f"columns only in the second: {first_few(new)}")
    units = {n: (u or "no unit", second[n] or "no unit") for n, u in first.items() if second.get(n, u) != u}
    if units:
        out.append(f"units: {first_few([f'{n} ({here}, {there})' for n, (here, there) in units.items()])}")
    if not out and list(first) != list(second):
        out.append("the order of the columns")
    one, two = _flat(a["parameters"]), _flat(b["parameters"])
    if changed := [k for k in {**one, **two} if one.get(k) != two.get(k)]:
        values = [f"{k} ({one.get(k, 'unset')}, {two.get(k, 'unset')})" for k in changed]
        out.append(f"parameters: {first_few(values)}")
    one, two = (x.get("own_families", {}) for x in (a, b))
    if other := [n for n in {**one, **two} if one.get(n) != two.get(n)]:
        out.append(f"source code of the family {first_few(other)}")
    for key, name, usual in (("mirror", "mirrored hand", "none"), ("invert", "invert", "auto")):
        here, there = (x.get(key) or usual for x in (a, b))
        if here != there:
            out.append(f"{name}: {here}, {there}")
    return out


def renamed(recipe: Mapping[str, Any]) -> list[str]:
    """Return, in words, which columns and parameters of a recipe of version 0.1 are called otherwise since 0.2."""
    columns = explain_renamed(c["name"] for c in recipe["columns"])
    parameters = [f"{k} is {RENAMED_PARAMETERS[k]}" for k in _flat(recipe["parameters"]) if k in RENAMED_PARAMETERS]
    found = {"columns": columns, "parameters": parameters}
    return [f"{what} renamed in 0.2: {', '.join(words)}" for what, words in found.items() if words]


def _flat(parameters: Mapping[str, Any]) -> dict[str, Any]:
    stages = {stage: given for stage, given in parameters.items() if isinstance(given, Mapping)}
    return {f"{stage}.{name}": value for stage, given in stages.items() for name, value in given.items()}


def _short(value: Any) -> str:
    if isinstance(value, Params):
        return f"digest {value.digest}"
    if isinstance(value, ErrorModel):
        return value.source
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
