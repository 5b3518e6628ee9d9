"""A user's own families without a package: objects, or FILE.py:name.

A family from a file is sent to workers as the file's address and digest, and read there again.
"""

from __future__ import annotations

import hashlib
import inspect
import marshal
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ridgefeat.errors import ParameterError
from ridgefeat.files import first_line, read_bounded

if TYPE_CHECKING:
    from ridgefeat.features.family import Family

MAX_SOURCE_BYTES = 4 << 20


def load_family(address: str, digest: str = "") -> Family:
    """Return the family that FILE.py:name names; a file is run once per process as long as it does not change.

    Raises ParameterError if the file cannot be read or run, holds no Family of that name, or no longer has the digest
    (SHA-256) that is given.
    """
    from ridgefeat.features.family import Family

    path, _, name = address.rpartition(":")
    if not path.endswith(".py") or not name.isidentifier():
        raise ParameterError(f"family {address!r} must be FILE.py:name, such as edge.py:edge")
    source = read_bounded(path, MAX_SOURCE_BYTES, ParameterError, "family file")
    now = hashlib.sha256(source).hexdigest()
    if digest and now != digest:
        raise ParameterError(f"{path} has changed since the run began; start the run again")
    found = _run(str(Path(path).resolve()), source).get(name)
    if not isinstance(found, Family):
        what = "there is none" if found is None else f"it is of type {type(found).__name__}"
        raise ParameterError(f"{address} must be a ridgefeat.features.Family, and {what}")
    found.origin = f"{Path(path).resolve()}:{name}"
    found.digest = now
    return found


@lru_cache
def _run(path: str, source: bytes) -> dict[str, Any]:
    """Run a Python file, which may import its neighbours, and return what it defines."""
    module = ModuleType(f"ridgefeat_family_{Path(path).stem}")
    module.__file__ = path
    sys.modules[module.__name__] = module  # data classes look their module up
    sys.path.insert(0, str(Path(path).parent))
    try:
        exec(compile(source, path, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        raise ParameterError(f"{path} cannot be run: {type(error).__name__}: {first_line(error)}") from error
    finally:
        sys.path.remove(str(Path(path).parent))
    return vars(module)


def source_digest(family: Family) -> str:
    """Return a digest of the files that define a family's functions, or of their code where there are no files."""
    found = hashlib.sha256()
    for source in sorted({_source(function) for _, function in (*family.groups, *family.sums)}):
        found.update(source)
    return found.hexdigest()


def _source(function: Any) -> bytes:
    try:
        path = Path(inspect.getsourcefile(function) or "")
        return path.read_bytes() if path.is_file() else inspect.getsource(function).encode()
    except (OSError, TypeError):
        return marshal.dumps(code) if (code := getattr(function, "__code__", None)) else b""
