"""Entries: what takes part in comparisons, each with its name, its labels and, where that failed, why."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ridgefeat.errors import LayoutError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.sources import SUFFIXES, PrintSource, find_prints, load_print
from ridgefeat.table.row import error_text
from ridgefeat.templates import read_iso, read_xyt
from ridgefeat.verify.minutiae import Prepared, prepare
from ridgefeat.verify.template import Template, comparison_params, template_of_minutiae, template_of_print
from ridgefeat.work.engine import count_workers, spread
from ridgefeat.work.threads import one_thread

ISO_SUFFIXES = frozenset([".fmr", ".iso", ".ist", ".fmd"])
XYT_SUFFIXES = frozenset([".xyt"])
TEMPLATE_SUFFIXES = ISO_SUFFIXES | XYT_SUFFIXES
FINGER = ("subject", "hand", "finger", "finger_id")
"""Labels that tell one finger from another."""
_XYT_HEIGHT = 500
"""The format counts rows from the bottom of an image it does not know; a comparison does not care where that is."""
_BATCH = 8

PathLike = str | os.PathLike[str]
Dpi = float | tuple[float, float]
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, eq=False)
class Entry:
    """One print that takes part in comparisons.

    Attributes
    ----------
    name : str
        What tables call it: its path below the input.
    labels : dict of str to str
        What its name, or a table, says of it.
    content : Prepared, ndarray of float32 or None
        What the comparator compares; None where that could not be had.
    failure : str or None
        Why it could not.
    """

    name: str
    labels: dict[str, Any] = field(default_factory=dict)
    content: Any = None
    failure: str | None = None

    @property
    def subject(self) -> str:
        """Whose it is; the print's own name where no label says."""
        return str(self.labels.get("subject") or self.name)

    @property
    def finger(self) -> tuple[str, ...] | None:
        """What tells this finger from others; None where no label names a subject."""
        if not self.labels.get("subject"):
            return None
        return tuple(str(self.labels.get(name) or "") for name in FINGER)

    @property
    def altered(self) -> bool:
        """Whether its labels say that the print was altered."""
        return str(self.labels.get("alteration") or "none") != "none"


def find_sources(
    inputs: Sequence[PathLike] | PathLike,
    *,
    layout: str = "auto",
    regex: str | None = None,
    index: PathLike | None = None,
) -> list[PrintSource]:
    """List prints and templates in files and folders.

    A folder gives its images; where it has none, its ISO/IEC 19794-2 templates (.fmr, .iso, .ist, .fmd); where it has
    none of those either, its .xyt files. Files are taken as they are. Layout, expression and index are find_prints'.

    Parameters
    ----------
    inputs : path or sequence of paths
    layout, regex, index
        How whose a print is, is read.

    Returns
    -------
    list of PrintSource

    Raises
    ------
    LayoutError
        If nothing is found, or an input does not exist.
    """
    given = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    wanted = [file for one in given for file in _files(one)]
    if not wanted:
        raise LayoutError("no input was given; name images, templates or folders of them")
    return find_prints(wanted, layout=layout, regex=regex, index=index)


def enrol(
    sources: Sequence[PrintSource],
    *,
    params: Params | None = None,
    dpi: Dpi | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Entry]:
    """Return an entry a print, in their order; one that fails says why.

    Parameters
    ----------
    sources : sequence of PrintSource
        From find_sources.
    params : Params, optional
        Stage parameters; comparison_params() without.
    dpi : float or (float, float), optional
        Resolution of images and .xyt files, whatever else is known of it.
    jobs : int
        Worker processes; -1 for every core.
    progress : callable, optional
        Called with prints done, prints that failed, and prints in all.
    """
    from joblib import delayed

    params = params or comparison_params()
    parts = [sources[i : i + _BATCH] for i in range(0, len(sources), _BATCH)]
    calls = (delayed(_enrol_batch)(part, params, dpi) for part in parts)
    entries: list[Entry] = []
    for batch in spread(calls, count_workers(jobs), ordered=True):
        entries += batch
        if progress is not None:
            progress(len(entries), sum(e.failure is not None for e in entries), len(sources))
    return entries


def read_template(path: PathLike | PrintSource, *, dpi: Dpi | None = None, params: Params | None = None) -> Template:
    """Read one print or template for comparing.

    Parameters
    ----------
    path : path or PrintSource
        An image, an ISO/IEC 19794-2 record (.fmr, .iso, .ist, .fmd) or an .xyt file.
    dpi : float or (float, float), optional
        Its resolution. An .xyt file's is 500 without.
    params : Params, optional
        Stage parameters; comparison_params() without.

    Returns
    -------
    Template

    Raises
    ------
    ImageError, TemplateError
        If it cannot be read or has too few minutiae.
    LayoutError
        If it does not exist.
    """
    source = path if isinstance(path, PrintSource) else find_prints([path])[0]
    suffix = Path(source.relative).suffix.lower()
    pair = None if dpi is None else dpi if isinstance(dpi, tuple) else (dpi, dpi)
    with one_thread():
        if suffix in ISO_SUFFIXES:
            return template_of_minutiae(read_iso(source.path, dpi=pair)[0], source.relative)
        if suffix in XYT_SUFFIXES:
            across, down = pair or (500.0, 500.0)
            found = read_xyt(source.path, height=_XYT_HEIGHT, dpi_x=across, dpi_y=down)
            return template_of_minutiae(found, source.relative)
        image = load_print(source, dpi)
        fp = Fingerprint(
            image.pixels, (image.dpi_x, image.dpi_y), params=params or comparison_params(), source=source.relative
        )
        return template_of_print(fp)


def _enrol_batch(sources: Sequence[PrintSource], params: Params, dpi: Dpi | None) -> list[Entry]:
    return [_enrol(source, params, dpi) for source in sources]


def _enrol(source: PrintSource, params: Params, dpi: Dpi | None) -> Entry:
    content: Prepared | None = None
    failure = None
    try:
        content = prepare(read_template(source, dpi=dpi, params=params))
    except Exception as error:  # a bad print is an entry that says why, never an end to the run
        failure = error_text(error).removeprefix(f"{source.relative}: ")
    return Entry(source.relative, dict(source.labels), content, failure)


def _files(given: PathLike) -> Iterator[PathLike]:
    folder = Path(given)
    if not folder.is_dir():
        yield given
        return
    found: dict[str, list[Path]] = {}
    for path in folder.rglob("*"):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            found.setdefault(path.suffix.lower(), []).append(path)
    if SUFFIXES & set(found):
        yield given
        return
    for kinds in (ISO_SUFFIXES, XYT_SUFFIXES):
        if files := [path for kind in kinds for path in found.get(kind, [])]:
            yield from sorted(files, key=_natural)
            return
    raise LayoutError(
        f"{folder} holds no prints: neither images ({' '.join(sorted(SUFFIXES))}) nor templates "
        f"({' '.join(sorted(TEMPLATE_SUFFIXES))})"
    )


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d+)", path.as_posix())
    return [(part.isdigit(), int(part) if part.isdigit() and len(part) < 19 else 0, part) for part in parts]
