"""Indexes of known prints, without images: which print of which set is this, and whose is it?

An index holds, for every print, its file name and labels in its set, and the beginnings of the digests of its pixels
(as decoded, and without a frame that its layout cuts off) and of its file; so the same picture is recognised in any
lossless format and under any name. Of some prints it also holds a signature (see `marks`), by which changed copies are.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from lzma import LZMAError
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.audit.marks import KEYPOINTS, MARK_BYTES, MIN_COPY, MarkIndex, describe_marks
from ridgefeat.errors import TableError
from ridgefeat.files import atomic_write, check_unpacked_size, first_line, os_errors_as, read_bounded
from ridgefeat.sources import LAYOUTS, PrintSource, pixel_digest
from ridgefeat.sources.find import load
from ridgefeat.structure import UInt8
from ridgefeat.work.engine import count_workers, spread_items

DIGEST_BYTES = 6
"""Bytes of a digest that are kept: among 10,000 unknown prints one is taken for one of 100,000 known by chance in
280,000 audits."""
FORMAT = b"ridgefeat index 2"
MAX_BYTES = 1 << 30
BATCH = 100
"""Prints that are sent to a worker at once."""
LEVELS = ("unknown", "finger", "copy", "exact")
"""How a print is known: not; as one of the same finger or a copy changed much; as a changed copy; by its digest."""
DAMAGE: tuple[type[Exception], ...] = (ValueError, KeyError, EOFError, OSError, RuntimeError, MemoryError)
DAMAGE += (struct.error, zlib.error, LZMAError, zipfile.BadZipFile)
"""What zipfile and pandas raise for damaged files."""
DIGEST_COLUMNS = ("meta_sha256", "pixel_digest", "file_sha256", "sha256")
"""Columns of a table that hold digests, in hexadecimal."""


@dataclass(frozen=True)
class Look:
    """What a print is recognised by: beginnings of its digests, and keypoints (describe_marks) of an image."""

    digests: tuple[int, ...]
    marks: NDArray[Any] | None = None


def without_frame(pixels: UInt8) -> UInt8:
    """Return a print without the frame of SOCOFing's prints, where it has one, whatever its file is called."""
    return LAYOUTS["socofing"].prepare(pixels, Path())[0]


def look_at(pixels: UInt8, *, marked: bool = True) -> Look:
    """Return what a print's pixels are recognised by, with and without the frame of SOCOFing's prints."""
    cut = without_frame(pixels)
    digests = dict.fromkeys(shorten(pixel_digest(p)) for p in (pixels, cut))
    return Look(tuple(digests), describe_marks(cut) if marked else None)


def look_at_source(source: PrintSource) -> Look | None:
    """Return what a print that is still to be read is recognised by; None where it cannot be read."""
    loaded = load(source)
    return None if loaded is None else look_at(loaded.pixels)


def shorten(digest: str) -> int:
    """Return the beginning of a digest in hexadecimal as a number."""
    return int(digest[: 2 * DIGEST_BYTES], 16)


def looks_in(frame: pd.DataFrame) -> list[Look] | None:
    """Return what a table's rows are recognised by, from columns of digests; None if it has none of them."""
    columns = [frame[n].fillna("").astype(str) for n in DIGEST_COLUMNS if n in frame]
    columns = [c.where(c.str.fullmatch("[0-9a-fA-F]{64}"), "") for c in columns]
    if not (held := [c for c in columns if (c != "").any()]):
        return None
    return [Look(tuple(shorten(d) for d in row if d)) for row in zip(*held, strict=True)]


@dataclass(frozen=True, eq=False)
class PrintIndex:
    """Known prints.

    Attributes
    ----------
    prints : pandas.DataFrame
        A row per print, all text: file, set, and its labels in the set ("" where it has none). Subjects of one set
        are people.
    digests, digest_rows : ndarray of uint64 and of int32
        The beginnings of digests, and whose they are.
    marks, mark_rows : ndarray of uint8, shape (n, MARK_BYTES), and of int32
        Signatures, and whose they are.
    """

    prints: pd.DataFrame
    digests: NDArray[np.uint64]
    digest_rows: NDArray[np.int32]
    marks: UInt8
    mark_rows: NDArray[np.int32]

    def find(self, looks: Sequence[Look]) -> tuple[NDArray[np.intp], NDArray[np.int8]]:
        """Return the known print that each look is of, and how that is known.

        Parameters
        ----------
        looks : sequence of Look
            Prints to look up.

        Returns
        -------
        found : ndarray of int, shape (looks,)
            Positions in `prints`; -1 for a print that is not known.
        level : ndarray of int, shape (looks,)
            How each is known: a position in LEVELS.
        """
        found, level = np.full(len(looks), -1, np.intp), np.zeros(len(looks), np.int8)
        for i, look in enumerate(looks):
            if rows := [self._of_digest[d] for d in look.digests if d in self._of_digest]:
                found[i], level[i] = rows[0], LEVELS.index("exact")
            elif look.marks is not None and len(self.marks):
                at, agreeing = self._search.best(look.marks)
                if at >= 0:
                    found[i] = self.mark_rows[at]
                    level[i] = LEVELS.index("copy" if agreeing >= MIN_COPY else "finger")
        return found, level

    @cached_property
    def _of_digest(self) -> Mapping[int, int]:
        # Of prints with one image the first.
        return dict(zip(self.digests[::-1].tolist(), self.digest_rows[::-1].tolist(), strict=True))

    @cached_property
    def _search(self) -> MarkIndex:
        return MarkIndex(self.marks)


def join_indexes(indexes: Sequence[PrintIndex]) -> PrintIndex:
    """Return several indexes as one, the first ones' prints before the others'."""
    starts = np.cumsum([0, *(len(i.prints) for i in indexes)])
    shift = list(zip(indexes, starts, strict=False))
    return PrintIndex(
        pd.concat([i.prints for i in indexes], ignore_index=True).fillna(""),
        np.concatenate([i.digests for i in indexes]),
        np.concatenate([i.digest_rows + np.int32(s) for i, s in shift]),
        np.concatenate([i.marks for i in indexes]),
        np.concatenate([i.mark_rows + np.int32(s) for i, s in shift]),
    )


def make_index(sources: Sequence[PrintSource], name: str, jobs: int | None = 1) -> PrintIndex:
    """Return the index of a folder's prints as the set `name`; prints that cannot be read are left out.

    Parameters
    ----------
    sources : sequence of PrintSource
        The prints, as find_prints gives them.
    name : str
        Name of the set.
    jobs : int, optional
        Worker processes; None or -1 for every core.

    Returns
    -------
    PrintIndex

    Raises
    ------
    TableError
        If none can be read.
    """
    looks = list(spread_items(look_at_source, sources, count_workers(jobs), batch=BATCH))
    if not (kept := [(s, look) for s, look in zip(sources, looks, strict=True) if isinstance(look, Look)]):
        raise TableError(f"none of {len(sources)} images can be read, first {sources[0].path}")
    rows = [{"file": s.relative, "set": name, **s.labels} for s, _ in kept]
    return pack_index(rows, [look for _, look in kept])


def pack_index(rows: Sequence[Mapping[str, str]], looks: Sequence[Look]) -> PrintIndex:
    """Return the index of prints of which names and labels, and what they are recognised by, are known."""
    pairs = [(d, i) for i, look in enumerate(looks) for d in look.digests]
    marked = [(i, look.marks[0, :KEYPOINTS]) for i, look in enumerate(looks) if look.marks is not None]
    return PrintIndex(
        pd.DataFrame(rows).fillna("").astype(str),
        np.array([d for d, _ in pairs], np.uint64),
        np.array([i for _, i in pairs], np.int32),
        np.array([m.view(np.uint8) for _, m in marked], np.uint8).reshape(-1, MARK_BYTES),
        np.array([i for i, _ in marked], np.int32),
    )


def write_index(index: PrintIndex, path: str | os.PathLike[str]) -> None:
    """Write an index to a file; the same index gives the same bytes.

    Parameters
    ----------
    index : PrintIndex
    path : str or Path
        An existing file is replaced.

    Raises
    ------
    TableError
        If it cannot be written.
    """
    prints = index.prints.to_csv(sep="\t", index=False, lineterminator="\n")
    arrays = {
        "digests": index.digests.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - DIGEST_BYTES :],
        "digest_rows": index.digest_rows.astype("<i4"),
        "marks": index.marks,
        "mark_rows": index.mark_rows.astype("<i4"),
    }
    parts = {"format": FORMAT, "prints": prints.encode("utf-8", "backslashreplace")}
    parts |= {name: array.tobytes() for name, array in arrays.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_LZMA)
    with os_errors_as(TableError, f"index {os.fspath(path)} cannot be written"), atomic_write(path) as temporary:
        temporary.write_bytes(packed.getvalue())


def read_print_index(path: str | os.PathLike[str]) -> PrintIndex:
    """Read an index that write_index has written.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    PrintIndex

    Raises
    ------
    TableError
        If it cannot be read, is too large, or is damaged.
    """
    return _unpack(read_bounded(path, MAX_BYTES, TableError, "index"), f"index {os.fspath(path)}")


def public_index() -> PrintIndex:
    """Return the index of public sets that ships with the package."""
    return _unpack((resources.files("ridgefeat.audit") / "public.index").read_bytes(), "the index of public sets")


def _unpack(data: bytes, where: str) -> PrintIndex:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_unpacked_size(archive)
            if archive.read("format") != FORMAT:
                raise ValueError("written by another version")
            text = archive.read("prints").decode()
            prints = pd.read_csv(io.StringIO(text), sep="\t", dtype=str, keep_default_na=False)
            digests, marks = (_array(archive, n, w) for n, w in (("digests", DIGEST_BYTES), ("marks", MARK_BYTES)))
            rows, mark_rows = (_array(archive, n, 4).view("<i4").ravel() for n in ("digest_rows", "mark_rows"))
    except DAMAGE as error:
        raise TableError(f"{where} is damaged, or no index: {first_line(error)}; make it with --make-index") from None
    if not {"file", "set"} <= set(prints) or len(digests) != len(rows) or len(marks) != len(mark_rows):
        raise TableError(f"{where} is damaged: its parts do not fit together; make it again with --make-index")
    used = np.concatenate([rows, mark_rows, np.zeros(1, np.int32)])
    if used.min() < 0 or used.max() >= max(1, len(prints)):
        raise TableError(f"{where} is damaged: it names prints that it does not list; make it with --make-index")
    padded = np.zeros((len(digests), 8), np.uint8)
    padded[:, 8 - DIGEST_BYTES :] = digests
    wide = padded.view(">u8").ravel().astype(np.uint64)
    return PrintIndex(prints, wide, rows.astype(np.int32), marks, mark_rows.astype(np.int32))


def _array(archive: zipfile.ZipFile, name: str, width: int) -> UInt8:
    return np.frombuffer(archive.read(name), np.uint8).reshape(-1, width)


def people_of(prints: pd.DataFrame) -> list[str]:
    """Return the person of each known print, as "set subject"; an empty text where the set does not name one."""
    subjects: Iterable[Any] = prints["subject"] if "subject" in prints else [""] * len(prints)
    return [f"{s} {p}" if p else "" for s, p in zip(prints["set"], subjects, strict=True)]
