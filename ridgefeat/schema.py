"""Validation of parsed JSON (sidecars, models' descriptions and the like) against schemas declared as TypedDict.

class Sidecar(TypedDict, total=False):
    layout: Required[str]
    rows: int

content = check_schema(json.loads(raw), Sidecar, f"sidecar {path}", TableError)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, Required, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from ridgefeat.files import first_few

T = TypeVar("T")
MAX_INTEGER = 1 << 63
_WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number", NoneType: "null"}


def check_schema(value: object, schema: type[T], where: str, kind: type[Exception]) -> T:
    """Return a parsed JSON value if it fits a schema; otherwise raise an error of `kind` that names the first mismatch.

    A schema is a TypedDict (other keys are allowed), list[X], dict[str, X], tuple[X, Y] for a list of fixed length,
    Literal, X | Y, str, bool, int (of 64 bits), float (finite; a whole number too), None and object.

    Examples
    --------
    >>> check_schema({"a": [1, 2]}, dict[str, list[int]], "file a.json", ValueError)
    {'a': [1, 2]}
    >>> check_schema({"a": [1, None]}, dict[str, list[int]], "file a.json", ValueError)
    Traceback (most recent call last):
    ValueError: file a.json: a[1] must be a whole number, got null
    """
    if (wrong := _wrong(value, schema, "")) is None:
        return value  # type: ignore[return-value]
    at, needed, got = wrong
    found = "nothing" if got is _MISSING else _short(got)
    raise kind(f"{where}: {at.lstrip('.') or 'it'} must be {needed}, got {found}")


_MISSING = object()


def _wrong(value: Any, schema: Any, at: str) -> tuple[str, str, Any] | None:
    """Return place, expected type and actual value of the first mismatch; None if there is none."""
    if schema in (object, Any):
        return None
    origin, args = get_origin(schema), get_args(schema)
    fits = False
    if origin in (Union, UnionType):
        found = [_wrong(value, one, at) for one in args]
        deepest = max((f for f in found if f), key=lambda f: len(f[0]), default=None)
        return None if None in found else deepest if deepest and deepest[0] != at else (at, describe(schema), value)
    if is_typeddict(schema):
        return _wrong_keys(value, schema, at) if isinstance(value, Mapping) else (at, "an object", value)
    if origin is list and isinstance(value, list):
        return next((w for i, v in enumerate(value) if (w := _wrong(v, args[0], f"{at}[{i}]"))), None)
    if origin is tuple and isinstance(value, list) and len(value) == len(args):
        pairs = enumerate(zip(value, args, strict=True))
        return next((w for i, (v, one) in pairs if (w := _wrong(v, one, f"{at}[{i}]"))), None)
    if origin is dict and isinstance(value, Mapping):
        return next((w for k, v in value.items() if (w := _wrong(v, args[1], f"{at}.{k}"[:200]))), None)
    if origin is Literal:
        fits = any(value == v and type(value) is type(v) for v in args)
    elif schema is int:
        fits = type(value) is int and abs(value) < MAX_INTEGER
    elif schema is float:
        fits = (type(value) is int and abs(value) < MAX_INTEGER) or (type(value) is float and isfinite(value))
    elif schema in (str, bool, NoneType):
        fits = type(value) is schema
    return None if fits else (at, describe(schema), value)


def _wrong_keys(value: Mapping[str, Any], schema: Any, at: str) -> tuple[str, str, Any] | None:
    for name, one in _hints(schema).items():
        if name in value:
            if wrong := _wrong(value[name], one, f"{at}.{name}"):
                return wrong
        elif name in _required(schema):
            return f"{at}.{name}", describe(one), _MISSING
    return None


_hints = cache(get_type_hints)


@cache
def _required(schema: Any) -> frozenset[str]:
    """Return the required keys; `__required_keys__` is wrong where annotations are strings."""
    kept = get_type_hints(schema, include_extras=True)
    return frozenset(name for name, one in kept.items() if get_origin(one) is Required)


def describe(schema: Any) -> str:
    """Return a type in words.

    Examples
    --------
    >>> describe(list[int]), describe(Literal["a", "b"]), describe(str | None)
    ('a list', "'a' or 'b'", 'text or null')
    """
    if schema in _WORDS:
        return _WORDS[schema]
    args = get_args(schema)
    if get_origin(schema) is Literal:
        return " or ".join(map(repr, args))
    if get_origin(schema) in (Union, UnionType):
        return " or ".join(map(describe, args))
    if get_origin(schema) is tuple:
        return f"a list of {len(args)}"
    return "a list" if get_origin(schema) is list else "an object"


def _short(value: object) -> str:
    """Return a value as JSON, shortened."""
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    if isinstance(value, int) and abs(value) >= MAX_INTEGER:  # which Python may refuse to print
        return "a number of more than 64 bits"
    return first_few([json.dumps(value, ensure_ascii=False)[:40]])
