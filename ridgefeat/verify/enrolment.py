"""Enrolment: from files to entries, each with its name, its labels and its template or the reason of its failure."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ridgefeat.an2 import MINUTIAE
from ridgefeat.errors import LayoutError, RidgefeatError
from ridgefeat.files import first_few, read_start
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.sources import SUFFIXES, PrintSource, RecordPlace, find_prints, load_print, natural_key
from ridgefeat.table import error_text
from ridgefeat.tabular import LOG
from ridgefeat.templates import MinutiaeRecord, decode_type9, read_minutiae, recognise
from ridgefeat.templates.reading import HEAD
from ridgefeat.verify.minutiae import PreparedTemplate, prepare
from ridgefeat.verify.template import Template, template_from_minutiae, template_from_print
from ridgefeat.work.engine import count_workers, spread_items
from ridgefeat.work.guard import Stopped
from ridgefeat.work.threads import one_thread

TEMPLATE_SUFFIXES = frozenset([".fmr", ".fmd", ".ist", ".iso", ".xyt"])
"""What is not an image, whatever it holds."""
KINDS = {"image": "images", "record": "minutiae records", "xyt": ".xyt", "csv": "minutiae in CSV"}
"""What a folder may hold; where there are several of one print, the first is read."""
FINGER_LABELS = ("subject", "hand", "finger", "finger_id")
"""Labels that distinguish fingers."""

LATENT_SCALES = (0.9, 0.8)
LATENT_PARAMS = ("segmentation.seed_share=0.15", "segmentation.contrast=0.06", "segmentation.falloff=0.3")
"""How an image is read again if it is a latent: smaller, and at every scale with a segmentation that accepts fainter
ridges."""

PathLike = str | os.PathLike[str]
Pair = tuple[float, float]
Dpi = float | Pair
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
    reread : callable or None
        Returns the templates of the image if it is a latent, given a number of workers; see latent_templates.

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
    reread: Callable[[int | None], list[PreparedTemplate]] | None = None

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
    index_column: str = "file",
    template_format: str = "auto",
) -> list[PrintSource]:
    """Return the prints and templates in files and folders.

    Parameters
    ----------
    inputs : path or sequence of paths
    layout, regex, index, index_column
        How names are read; see ridgefeat.sources.find_prints.
    template_format : str
        A name in ridgefeat.templates.FORMATS.

    Raises
    ------
    LayoutError
        If nothing is found, or an input does not exist.
    """
    given = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    wanted = [file for one in given for file in _files(one, template_format != "auto")]
    if not wanted:
        raise LayoutError("no input is given; name images, templates or folders of them")
    return find_prints(wanted, layout=layout, regex=regex, index=index, index_column=index_column)


def enrol(
    sources: Sequence[PrintSource],
    *,
    params: Params | None = None,
    dpi: Dpi | None = None,
    jobs: int | None = 1,
    progress: Progress | None = None,
    template_format: str = "auto",
) -> list[Entry]:
    """Return an entry per print, in the given order; one that fails holds the reason.

    Parameters
    ----------
    sources : sequence of PrintSource
        From find_sources.
    params : Params, optional
        Stage parameters; the defaults if omitted.
    dpi : float or (float, float), optional
        Resolution of images and .xyt files; it overrides that of the files.
    jobs : int, optional
        Worker processes; None or -1 for every core.
    progress : callable, optional
        Called with prints done, prints that failed, and prints in all.
    template_format : str
        A name in ridgefeat.templates.FORMATS, for what is not recognised.
    """
    params = params or Params()
    make = partial(_enrol, params=params, dpi=dpi, template_format=template_format)
    entries: list[Entry] = []
    for source, found in zip(sources, spread_items(make, sources, count_workers(jobs)), strict=True):
        is_stopped = isinstance(found, Stopped)
        entries.append(Entry(source.relative, dict(source.labels), failure=found.reason) if is_stopped else found)
        if progress is not None:
            progress(len(entries), sum(e.failure is not None for e in entries), len(sources))
    return entries


def read_template(
    path: PathLike | PrintSource, *, dpi: Dpi | None = None, params: Params | None = None, template_format: str = "auto"
) -> Template:
    """Return the template of one print, or of a file of another system, for comparisons.

    Parameters
    ----------
    path : path or PrintSource
        An image, or a template in any format of ridgefeat.templates, recognised by its content; also the image or the
        minutiae of one record of a transaction (`file.an2/09-01-8`).
    dpi : float or (float, float), optional
        Its resolution; 500 for an .xyt file if omitted.
    params : Params, optional
        Stage parameters; the defaults if omitted.
    template_format : str
        A name in ridgefeat.templates.FORMATS, for what is not recognised.

    Raises
    ------
    ImageError, TemplateError
        If it cannot be read or has too few minutiae.
    LayoutError
        If it does not exist.
    """
    source = path if isinstance(path, PrintSource) else find_prints([path])[0]
    pair = None if dpi is None else dpi if isinstance(dpi, tuple) else (dpi, dpi)
    with one_thread():
        if is_template(source, template_format):
            record = read_record(source, template_format, dpi=pair)
            return replace(template_from_minutiae(record.minutiae, source.relative), notes=record.notes)
        return _template_of_image(source, dpi, params or Params())


def latent_templates(
    source: PrintSource, jobs: int | None = 1, *, dpi: Dpi | None = None, params: Params | None = None
) -> list[PreparedTemplate]:
    """Return the templates of an image if it is a latent, of which less can be taken for granted.

    A latent's resolution is seldom exact, because the scale in its photograph is small, or skin was stretched. Its
    ridges may be fainter than those of a print taken on purpose. The image is therefore read at each of the scales
    in LATENT_SCALES, and at each of them and its own with a segmentation that accepts fainter ridges (LATENT_PARAMS).
    Readings without enough minutiae are left out.

    `jobs` are worker processes, None or -1 for every core; `dpi` and `params` are as read_template takes them.
    """
    params = params or Params()
    fainter = params.updated(LATENT_PARAMS)
    ways = [*((s, params) for s in LATENT_SCALES), *((s, fainter) for s in (1.0, *LATENT_SCALES))]
    found = spread_items(partial(_read_latent, source=source, dpi=dpi), ways, count_workers(jobs))
    return [content for content in found if isinstance(content, PreparedTemplate)]


def _read_latent(way: tuple[float, Params], source: PrintSource, dpi: Dpi | None) -> PreparedTemplate | None:
    try:
        return prepare(_template_of_image(source, dpi, way[1], scale=way[0]))
    except (RidgefeatError, MemoryError):
        return None


def _template_of_image(source: PrintSource, dpi: Dpi | None, params: Params, *, scale: float = 1.0) -> Template:
    image = load_print(source, dpi)
    own = image.dpi_x / scale, image.dpi_y / scale
    fp = Fingerprint(image.pixels, own, params=params, region=image.region, source=source.relative)
    return template_from_print(fp)


def is_template(source: PrintSource, template_format: str = "auto") -> bool:
    """Whether a file holds minutiae and no image: by its content, or else by its suffix."""
    if source.place is not None or source.error is not None:
        return isinstance(source.place, RecordPlace) and source.place.kind == MINUTIAE
    suffix = source.path.suffix.lower()
    is_named = suffix in TEMPLATE_SUFFIXES or (template_format != "auto" and suffix not in SUFFIXES)
    return is_named or _recognise(source.path) is not None


def read_record(
    source: PrintSource, template_format: str = "auto", *, dpi: Pair | None = None, height: int | None = None
) -> MinutiaeRecord:
    """Return the minutiae of a source that is a template; `dpi` and `height` as read_minutiae takes them."""
    if isinstance(source.place, RecordPlace):
        return decode_type9(source.place.record(), size=source.place.size, dpi=source.place.dpi)
    return read_minutiae(source.path, form=template_format, dpi=dpi, height=height)


def count_notes(entries: Sequence[Entry]) -> dict[str, int]:
    """Return what the readers of templates noted, and of how many, the most frequent first."""
    templates = [getattr(entry.content, "template", None) for entry in entries]
    return dict(Counter(note for t in templates if t is not None for note in t.notes).most_common(20))


def _kind(path: Path) -> str | None:
    """Return what a file holds, a name in KINDS: an image by its suffix, a template by its content or suffix."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return "image"
    return _recognise(path) or ("xyt" if suffix == ".xyt" else "record" if suffix in TEMPLATE_SUFFIXES else None)


def _recognise(path: Path) -> str | None:
    return recognise(read_start(path, HEAD))


def _enrol(source: PrintSource, params: Params, dpi: Dpi | None, template_format: str) -> Entry:
    labels = dict(source.labels)
    reread = None if is_template(source, template_format) else partial(latent_templates, source, dpi=dpi, params=params)
    content = reason = None
    try:
        content = prepare(read_template(source, dpi=dpi, params=params, template_format=template_format))
    except Exception as error:  # a bad print is an entry with a reason, never the end of the run
        reason = error_text(error).removeprefix(f"{source.path}: ").removeprefix(f"{source.relative}: ")
    return Entry(source.relative, labels, content, reason, reread)


def _files(given: PathLike, is_named: bool) -> Iterator[PathLike]:
    folder = Path(given)
    if not folder.is_dir():
        yield given
        return
    visible = (p for p in folder.rglob("*") if not any(n.startswith(".") for n in p.relative_to(folder).parts))
    files = sorted((p for p in visible if p.is_file()), key=lambda path: natural_key(path.as_posix()))
    kinds = {path: _kind(path) or ("record" if is_named else "") for path in files}
    for wanted in KINDS:
        if found := [path for path, kind in kinds.items() if kind == wanted]:
            prints = {path.with_suffix("") for path in found}
            if left := [p.name for p, kind in kinds.items() if kind and p.with_suffix("") not in prints]:
                LOG.info(
                    "%s: only its %s are read (%d); passed over: %s. Give these as inputs of their own.",
                    *(folder, KINDS[wanted], len(found), first_few(left)),
                )
            yield from [given] if wanted == "image" else found
            return
    raise LayoutError(
        f"{folder} holds no prints: neither images ({' '.join(sorted(SUFFIXES))}) nor templates (ISO/IEC 19794-2, ANSI "
        "INCITS 378, .xyt, CSV of minutiae); card formats must be named by --template-format"
    )
