"""Names of a package that are loaded when first used, so that importing it stays quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any


def lazily(
    package: str, home: Mapping[str, str], within: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Callable[[str], Any]:
    """Return a package's `__getattr__`.

    Parameters
    ----------
    package : str
        Its name.
    home : mapping of str to str
        The module below the package in which each name stands; "module.other" where it is called otherwise there.
    within : callable, optional
        Returns a context to load in.
    """

    def load(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = home[name].partition(".")
        with within():
            return getattr(import_module(f"{package}.{module}"), attribute or name)

    return load
