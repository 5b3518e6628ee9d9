"""Files with the minutiae of each print: for people (.csv) and for other tools (.xyt, .fmr), in their folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ridgefeat.errors import TableError, TemplateError
from ridgefeat.structure import WORKING_DPI
from ridgefeat.templates import write_iso, write_minutiae_csv, write_xyt

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

MAX_SIDE = 1 << 14
"""Pixels; the ISO record has 14 bits for a coordinate."""


def name_targets(relatives: Iterable[str], folder: Path) -> list[Path]:
    """Return where each print's files go, without ending; names that would collide keep the image's."""
    paths = [_inside(r) for r in relatives]
    stems = Counter(str(p.with_suffix("")).casefold() for p in paths)
    return [folder / (p if stems[str(p.with_suffix("")).casefold()] > 1 else p.with_suffix("")) for p in paths]


def write_minutiae(fp: Fingerprint, target: Path) -> None:
    """Write target.csv, target.xyt and target.fmr (ISO/IEC 19794-2).

    The .xyt is in pixels at 500 dpi, which is what bozorth3's tolerances mean; the others in the original's.

    Raises
    ------
    TableError
        If they cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        points, singular = fp.minutiae, fp.singular_points
        height, width = fp.original.shape
        write_minutiae_csv(_with(target, ".csv"), points, singular, dpi_x=fp.dpi_x, dpi_y=fp.dpi_y)
        write_xyt(_with(target, ".xyt"), points, height=len(fp.image), dpi_x=WORKING_DPI, dpi_y=WORKING_DPI)
        if max(height, width) <= MAX_SIDE:
            write_iso(
                _with(target, ".fmr"), points, singular, width=width, height=height, dpi_x=fp.dpi_x, dpi_y=fp.dpi_y
            )
    except (OSError, TemplateError) as error:
        raise TableError(f"minutiae of {fp.source} cannot be written to {target}.*: {error}") from None


def _with(target: Path, ending: str) -> Path:
    return target.with_name(target.name + ending)


def _inside(relative: str) -> Path:
    """Return a path that stays below the folder it is joined to."""
    parts = [p for p in PurePosixPath(Path(relative).as_posix()).parts if p not in ("..", "/", ".")]
    return Path(*parts) if parts else Path("print")
