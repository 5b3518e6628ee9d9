"""Atomic writes, bounded reads, digests of files and short lists of names, shared by all packages."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def os_errors_as(kind: type[Exception], message: str, advice: str = "") -> Iterator[None]:
    """Raise an operating system's error as an error of another kind: "<message>: <reason><advice>".

    Examples
    --------
    >>> with os_errors_as(ValueError, "table x.csv cannot be read", "; check its path"):
    ...     raise FileNotFoundError(2, "No such file or directory")
    Traceback (most recent call last):
    ValueError: table x.csv cannot be read: No such file or directory; check its path
    """
    try:
        yield
    except OSError as error:
        raise kind(f"{message}: {error.strerror or error}{advice}") from None


MANIFEST = "manifest.json"
"""Written last into a folder of results, with the command and each file's digest; without it they are unfinished."""
MAX_DESCRIPTION_BYTES = 32 << 20
"""Maximum size of a manifest or sidecar: as JSON of empty lists it takes 20 times as much memory."""
FREE_UNPACKED_BYTES, MAX_UNPACKED_RATIO = 32 << 20, 16
"""Maximum unpacked size of an archive of arrays: so much, and so many times its packed size."""
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(\d+)-\d+\.tmp(?:-journal)?|\.results-(\d+)-\d+")
"""Names of files and folders that are renamed when they are complete; a journal is that of a database."""


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, durable: bool = True, mode: int | None = None) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` when the block ends without an error.

    The final name therefore never holds half a file, whatever ends the process, and two processes may write it at once.

    If `durable`, the file is on disk, and not only in the system's cache, before it is renamed. Otherwise, writing a
    small file takes a tenth of the time, and a power failure may leave it damaged. `mode` sets its permissions;
    by default they follow the umask.

    Raises OSError if it cannot be written. The temporary file is then gone, and `path` holds what it held before.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder) / "table.csv") as temporary:
    ...         _ = temporary.write_text("a,b")
    ...     [p.name for p in Path(folder).iterdir()]
    ['table.csv']
    """
    with write_together(path, durable=durable) as (temporary,):
        if mode is not None:
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, mode))
        yield temporary


@contextmanager
def write_together(*paths: str | os.PathLike[str], durable: bool = True) -> Iterator[list[Path]]:
    """Yield a temporary path for each path; rename all of them when the block ends without an error.

    The last path describes the others. It is removed before the first of them is renamed, and is renamed last: where it
    is missing, the others are unfinished. A full disk is noticed before that, and the earlier files stay as they were.
    In all else this does as `atomic_write`.
    """
    targets = [Path(p) for p in paths]
    own = f"{os.getpid()}-{threading.get_ident()}"
    temporaries = [target.with_name(f".{target.name}.{own}.tmp") for target in targets]
    try:
        yield temporaries
        if durable:
            for temporary in temporaries:
                _flush(temporary)
        _rename(list(zip(temporaries, targets, strict=True)))
        if durable:
            _flush_folder(targets[-1].parent)
    finally:
        for temporary in temporaries:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _rename(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename files and folders to their final names; the last describes the others, and is absent until then."""
    if len(moves) > 1:
        moves[-1][1].unlink(missing_ok=True)
    for source, target in moves:
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        source.replace(target)


@contextmanager
def results_folder(
    folder: Path, command: str, kind: type[Exception], *, usual: Iterable[str] = (), typed: Sequence[str] = ()
) -> Iterator[Path]:
    """Yield a temporary folder; move its content to `folder`, the manifest last, when the block ends without an error.

    If the process ends before that, `folder` still has its earlier results, or has no manifest. Earlier files that the
    new results do not replace are removed: those that the manifest lists, and `usual`, the names that the command
    writes. The manifest records `command` and `typed`, the whole command line. Raises an error of `kind` if the folder
    cannot be written, or holds results of another command.
    """
    if (owner := owner_of(folder / MANIFEST) or command) != command:
        raise kind(f"{folder} holds results of `ridgefeat {owner}`; choose another folder")
    is_new = not folder.exists()
    with os_errors_as(kind, f"{folder} cannot be written", "; is it a writable folder?"):
        folder.mkdir(parents=True, exist_ok=True)
        remove_temporaries(folder)
        temporary = folder / f".results-{os.getpid()}-{threading.get_ident()}"
        temporary.mkdir()
    try:
        with os_errors_as(kind, f"{folder} cannot be written", "; is it a writable folder?"):
            yield temporary
            made = sorted(p.name for p in temporary.iterdir())
            written = [p for p in sorted(temporary.rglob("*")) if p.is_file()]
            files = {p.relative_to(temporary).as_posix(): sha256(p) for p in written}
            manifest = {"command": command, "command_line": list(typed), "files": files}
            (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            _flush(temporary / MANIFEST)
            earlier = [folder / name for name in {*usual, *_listed(folder)} - {*made}]
            (folder / MANIFEST).unlink(missing_ok=True)
            for path in earlier:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            _rename([(temporary / name, folder / name) for name in (*made, MANIFEST)])
            _flush_folder(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if is_new:
            with suppress(OSError):  # only where nothing is in it
                folder.rmdir()


def read_description(path: Path) -> dict[str, Any]:
    """Return a manifest or sidecar as a dict; an empty one if it cannot be read."""
    try:
        held = json.loads(read_start(path, MAX_DESCRIPTION_BYTES))
    except (ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}


def owner_of(description: Path) -> str:
    """Return the command named by a manifest or sidecar; an empty string if it names none."""
    said = read_description(description).get("command")
    return str(next(iter(said[1:]), "")) if isinstance(said, list) else str(said or "")


def _listed(folder: Path) -> set[str]:
    """Return the names that a folder's manifest lists; those that lead out of it are ignored."""
    files = read_description(folder / MANIFEST).get("files")
    names = {Path(name).parts[0] for name in files if Path(name).parts} if isinstance(files, dict) else set()
    return {name for name in names if Path(name).name == name and name not in ("..", MANIFEST)}


def remove_temporaries(folder: Path, names: Collection[str] | None = None) -> None:
    """Remove the temporary files that killed processes left in a folder; only those for files of the given names."""
    for path in folder.iterdir() if folder.is_dir() else ():
        found = _TEMPORARY.fullmatch(path.name)
        if found and (names is None or found["name"] in names) and not _is_running(int(found[2] or found[3])):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    """Return whether a process runs; True where that cannot be determined."""
    try:
        if os.name == "posix":
            os.kill(process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    except OverflowError:
        return False
    return True


def _flush(path: Path) -> None:
    """Wait until a file is on disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Wait until a folder's entries are on disk, where the system can do so."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def read_bounded(path: str | os.PathLike[str], limit: int, kind: type[Exception], name: str) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes; no more is read.

    An error of `kind` is raised if there is no such file, it is no regular file, is larger, or cannot be read. `name`
    is what the message calls it: "sidecar", "template".
    """
    path = Path(path)
    with os_errors_as(kind, f"{name} {path} cannot be read"):
        if not path.is_file():  # opening a fifo would wait for a writer that may never come
            raise kind(f"{name} {path}: no such file, or not a regular one")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    if len(data) > limit:
        raise kind(f"{name} {path} is larger than {size_text(limit)}, the largest size that is read")
    return data


def check_unpacked_size(archive: zipfile.ZipFile) -> None:
    """Raise ValueError if an archive of arrays claims to unpack to far more than the size of its file."""
    unpacked, packed = (sum(getattr(i, name) for i in archive.infolist()) for name in ("file_size", "compress_size"))
    if unpacked > FREE_UNPACKED_BYTES + MAX_UNPACKED_RATIO * packed:
        raise ValueError(f"{size_text(packed)} that unpack to {size_text(unpacked)}")


def bare_name(path: str | os.PathLike[str]) -> str:
    """Return a path without the folders above it, which may name people; "." and the like as they are.

    Examples
    --------
    >>> bare_name("/home/ada/prints/"), bare_name("prints"), bare_name(".")
    ('prints', 'prints', '.')
    """
    return Path(path).name or os.fspath(path)


def read_start(path: str | os.PathLike[str], size: int) -> bytes:
    """Return up to `size` bytes of a file's start; none if it is not a regular file or cannot be read."""
    with suppress(OSError, ValueError):
        if Path(path).is_file():
            with Path(path).open("rb") as file:
                return file.read(size)
    return b""


def size_text(size: int) -> str:
    """Return a size for people.

    Examples
    --------
    >>> size_text(1000), size_text(64 << 20), size_text(8 << 30)
    ('1,000 bytes', '64 MB', '8 GB')
    """
    if size < 1 << 20:
        return f"{size:,} bytes"
    return f"{size >> 30} GB" if size >= 1 << 30 else f"{size >> 20} MB"


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


MISSING_WORDS = frozenset(
    ("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>")
    + ("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
    + ("NAN", "N.A.", "n.a.", "NONE", "#NV", "-", "--", "?", ".")
)
"""Cells that mean "missing" as spreadsheets, R, SAS and pandas write it (pandas' list and a few); an empty one too."""


def count_of(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun in singular or plural.

    Examples
    --------
    >>> count_of(1, "fold"), count_of(1200, "fold"), count_of(2, "class", "classes")
    ('1 fold', '1,200 folds', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def first_few(names: Sequence[str], count: int = 5, separator: str = ", ") -> str:
    """Return the first names, and how many more there are.

    Examples
    --------
    >>> first_few(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    >>> first_few(["a", "b"], 2)
    'a, b'
    """
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return separator.join(names[:count]) + more


def first_line(error: BaseException, limit: int = 200) -> str:
    """Return the first line of an error's message; its type where there is none.

    Examples
    --------
    >>> first_line(ValueError("no number: 'x'\\nrow 3")), first_line(KeyError())
    ("no number: 'x'", 'KeyError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:limit]


def import_pyarrow(kind: type[Exception], path: str | os.PathLike[str]) -> tuple[Any, Any]:
    """Return pyarrow and its Parquet module; if missing, raise an error of `kind` that says how to install them."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise kind(f"{path}: Parquet needs pyarrow: pip install 'ridgefeat[parquet]'; or use CSV") from None
    return pyarrow, parquet


def exact_numbers(pandas_version: str) -> dict[str, Any]:
    """Return the option by which pandas.read_csv reads a number exactly.

    From 3.1 on, pandas does so by default and warns if the option is given.

    Examples
    --------
    >>> exact_numbers("2.2.3"), exact_numbers("3.1.0")
    ({'float_precision': 'round_trip'}, {})
    """
    major, minor = (int(n) for n in pandas_version.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}
