"""Enrolment: from files to entries, each with its name, its labels and its template or the reason of its failure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ridgefeat.an2 import MINUTIAE
from ridgefeat.errors import LayoutError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.sources import SUFFIXES, PrintSource, RecordPlace, find_prints, load_print, natural_key
from ridgefeat.table import error_text
from ridgefeat.templates import decode_type9, read_iso, read_xyt
from ridgefeat.verify.minutiae import prepare
from ridgefeat.verify.template import Template, comparison_params, template_from_minutiae, template_from_print
from ridgefeat.work.engine import count_workers, spread
from ridgefeat.work.threads import one_thread

ISO_SUFFIXES = frozenset([".fmr", ".iso", ".ist", ".fmd"])
XYT_SUFFIXES = frozenset([".xyt"])
TEMPLATE_SUFFIXES = ISO_SUFFIXES | XYT_SUFFIXES
FINGER_LABELS = ("subject", "hand", "finger", "finger_id")
"""Labels that distinguish fingers."""
_XYT_HEIGHT = 500
"""The format counts rows from the bottom of an image of unknown height; the height does not affect comparisons."""
_BATCH = 8

PathLike = str | os.PathLike[str]
Dpi = float | tuple[float, float]
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, eq=False)
class Entry:
    """A print that takes part in comparisons.

    Attributes
    ----------
    name : str
        Its name in tables: the path below the input.
    labels : dict of str to str
        Labels from its name or from a table.
    content : PreparedTemplate, ndarray of float32 or None
        The template that the comparator compares; None after a failure to acquire or enrol.
    failure : str or None
        The reason of the failure.

    Examples
    --------
    >>> entry = Entry("101_1.tif", {"subject": "101", "finger": "thumb"})
    >>> entry.subject, entry.finger, entry.is_altered
    ('101', ('101', '', 'thumb', ''), False)
    >>> Entry("x.png").subject, Entry("x.png").finger
    ('x.png', None)
    """

    name: str
    labels: dict[str, Any] = field(default_factory=dict)
    content: Any = None
    failure: str | None = None

    @property
    def subject(self) -> str:
        """The subject; the name of the print if no label names the subject."""
        return str(self.labels.get("subject") or self.name)

    @property
    def finger(self) -> tuple[str, ...] | None:
        """The labels that identify the finger; None if no label names the subject."""
        if not self.labels.get("subject"):
            return None
        return tuple(str(self.labels.get(name) or "") for name in FINGER_LABELS)

    @property
    def is_altered(self) -> bool:
        """Whether the print was altered, according to its labels."""
        return str(self.labels.get("alteration") or "none") != "none"


def find_sources(
    inputs: Sequence[PathLike] | PathLike,
    *,
    layout: str = "auto",
    regex: str | None = None,
    index: PathLike | None = None,
) -> list[PrintSource]:
    """Return the prints and templates in files and folders.

    A folder gives its images; if it has none, its ISO/IEC 19794-2 templates (.fmr, .iso, .ist, .fmd); if it has none of
    those either, its .xyt files. Files are used as given. A transaction gives its images; if it has none, its minutiae
    (type 9), which can be named in any case, such as `file.an2/09-01-8`.

    Parameters
    ----------
    inputs : path or sequence of paths
    layout, regex, index
        How names are read; see ridgefeat.sources.find_prints.

    Raises
    ------
    LayoutError
        If nothing is found, or an input does not exist.
    """
    given = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    wanted = [file for one in given for file in _files(one)]
    if not wanted:
        raise LayoutError("no input is given; name images, templates or folders of them")
    return find_prints(wanted, layout=layout, regex=regex, index=index)


def enrol(
    sources: Sequence[PrintSource],
    *,
    params: Params | None = None,
    dpi: Dpi | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Entry]:
    """Return an entry per print, in the given order; one that fails holds the reason.

    Parameters
    ----------
    sources : sequence of PrintSource
        From find_sources.
    params : Params, optional
        Stage parameters; comparison_params() if omitted.
    dpi : float or (float, float), optional
        Resolution of images and .xyt files; it overrides that of the files.
    jobs : int
        Worker processes; -1 for every core.
    progress : callable, optional
        Called with prints done, prints that failed, and prints in all.
    """
    params = params or comparison_params()
    batches = [(sources[i : i + _BATCH], params, dpi) for i in range(0, len(sources), _BATCH)]
    entries: list[Entry] = []
    for batch in run_batches(_enrol_batch, batches, jobs):
        entries += batch
        if progress is not None:
            progress(len(entries), sum(e.failure is not None for e in entries), len(sources))
    return entries


def read_template(path: PathLike | PrintSource, *, dpi: Dpi | None = None, params: Params | None = None) -> Template:
    """Return the template of one print, or of a file of another system, for comparisons.

    Parameters
    ----------
    path : path or PrintSource
        An image, an ISO/IEC 19794-2 record (.fmr, .iso, .ist, .fmd), an .xyt file, or the image or minutiae of a
        transaction (`file.an2/09-01-8`).
    dpi : float or (float, float), optional
        Its resolution; 500 for an .xyt file if omitted.
    params : Params, optional
        Stage parameters; comparison_params() if omitted.

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
        if isinstance(source.place, RecordPlace) and source.place.kind == MINUTIAE:
            return template_from_minutiae(decode_type9(source.place.record())[0], source.relative)
        if suffix in ISO_SUFFIXES:
            return template_from_minutiae(read_iso(source.path, dpi=pair)[0], source.relative)
        if suffix in XYT_SUFFIXES:
            across, down = pair or (500.0, 500.0)
            found = read_xyt(source.path, height=_XYT_HEIGHT, dpi_x=across, dpi_y=down)
            return template_from_minutiae(found, source.relative)
        image, params = load_print(source, dpi), params or comparison_params()
        fp = Fingerprint(image.pixels, (image.dpi_x, image.dpi_y), params=params, source=source.relative)
        return template_from_print(fp)


def run_batches(function: Callable[..., Any], batches: Iterable[tuple[Any, ...]], jobs: int) -> Iterator[Any]:
    """Yield function(*batch) for each batch in order, computed by worker processes of one thread each."""
    from joblib import delayed

    calls = (delayed(function)(*batch) for batch in batches)
    yield from spread(calls, count_workers(jobs), ordered=True)


def _enrol_batch(sources: Sequence[PrintSource], params: Params, dpi: Dpi | None) -> list[Entry]:
    return [_enrol(source, params, dpi) for source in sources]


def _enrol(source: PrintSource, params: Params, dpi: Dpi | None) -> Entry:
    try:
        content = prepare(read_template(source, dpi=dpi, params=params))
    except Exception as error:  # a bad print is an entry with a reason, never the end of the run
        reason = error_text(error).removeprefix(f"{source.relative}: ")
        return Entry(source.relative, dict(source.labels), failure=reason)
    return Entry(source.relative, dict(source.labels), content)


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
            yield from sorted(files, key=lambda path: natural_key(path.as_posix()))
            return
    raise LayoutError(
        f"{folder} holds no prints: neither images ({' '.join(sorted(SUFFIXES))}) nor templates "
        f"({' '.join(sorted(TEMPLATE_SUFFIXES))})"
    )
