"""A synthetic set as files: PNG images that know their resolution, an index of labels, and the truth."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ridgefeat.errors import LayoutError, ParameterError
from ridgefeat.files import check_unpacked_size, first_line, results_folder
from ridgefeat.structure import Minutiae, OrientationField, SingularPoints, UInt8
from ridgefeat.synth.prints import Truth
from ridgefeat.synth.subjects import make_subjects

INDEX = "index.csv"
_IMAGES = (".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".wsq")
COLUMNS = ("file", "subject", "sex", "hand", "finger", "impression", "pattern", "noise_level", "simulated")
_MINUTIAE = ("x", "y", "direction", "kind", "quality")
_SINGULAR = ("x", "y", "kind", "direction")


def write_set(
    outdir: str | Path,
    n: int,
    seed: int,
    *,
    truth: bool = False,
    overwrite: bool = False,
    fingers: int = 10,
    impressions: int = 1,
    progress: Callable[[int, int, int], None] | None = None,
    command: Sequence[str] = (),
    **options: Any,
) -> Path:
    """Write a set of synthetic prints.

    Parameters
    ----------
    outdir : str or Path
        Folder to write to; made where it is missing.
    n : int, >= 1
        Number of prints; the last subject may have fewer than the others.
    seed : int
        The same seed and arguments give the same bytes.
    truth : bool
        Also write `<name>.npz` next to each image, to be read with `read_truth`.
    overwrite : bool
        Write into a folder that holds an index already.
    fingers, impressions : int
        Of each subject.
    progress : callable, optional
        Called after each print with (done, 0, n).
    command : sequence of str
        The command line, recorded in the manifest.
    **options
        What else `make_subjects` takes: sex_effect, female_share, pattern, noise_level, shape.

    Returns
    -------
    Path
        The index: a table with a column `file` and labels, in which `simulated` is "yes" for every print. The folder
        appears as a whole: its `manifest.json`, written last, lists all files.

    Raises
    ------
    ParameterError
        If a number is out of range.
    LayoutError
        If the folder holds an index or images already, or cannot be written.
    """
    outdir = Path(outdir)
    if n < 1:
        raise ParameterError(f"n must be at least 1 print, got {n!r}")
    index = outdir / INDEX
    if index.exists() and not overwrite:
        raise LayoutError(f"{index} is there already; choose another folder, or give --overwrite (overwrite=True)")
    if not overwrite and (there := next((p.name for p in outdir.glob("*") if p.suffix.lower() in _IMAGES), None)):
        raise LayoutError(f"{outdir} holds images already, such as {there}; choose another folder, or give --overwrite")
    subjects = -(-n // max(1, fingers * impressions))
    made = make_subjects(subjects, seed=seed, fingers=fingers, impressions=impressions, **options)
    with results_folder(outdir, "synth", LayoutError, typed=command) as temporary:
        rows = []
        for one in islice(made, n):
            (temporary / f"{one.name}.png").write_bytes(encode_png(one.print.image, one.print.dpi))
            if truth:
                write_truth(temporary / f"{one.name}.npz", one.print.truth)
            rows.append([f"{one.name}.png", *(getattr(one, name) for name in COLUMNS[1:-1]), "yes"])
            if progress is not None:
                progress(len(rows), 0, n)
        with (temporary / INDEX).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])
    return index


def encode_png(image: UInt8, dpi: float) -> bytes:
    """Encode a grey image as PNG with its resolution in dpi, held by its pHYs chunk in pixels per metre.

    Examples
    --------
    >>> from ridgefeat.sources import decode_image
    >>> decode_image(encode_png(np.zeros((40, 50), np.uint8), 500.0)).dpi
    (500.0, 500.0)
    """
    file = BytesIO()
    Image.fromarray(image).save(file, "png", dpi=(dpi, dpi), compress_level=1)
    return file.getvalue()


def write_truth(path: str | Path, truth: Truth) -> None:
    """Write a print's truth as `orientation` (radians), `period` (px), `mask`, `minutiae_*` and `singular_*`."""
    points = {f"minutiae_{name}": getattr(truth.minutiae, name) for name in _MINUTIAE}
    points |= {f"singular_{name}": getattr(truth.singular_points, name) for name in _SINGULAR}
    np.savez_compressed(path, orientation=truth.orientation.angle, period=truth.period, mask=truth.mask, **points)


def read_truth(path: str | Path) -> Truth:
    """Return the truth about a print from the .npz file at `path`, which `write_set` wrote.

    Raises LayoutError if it cannot be read or is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            check_unpacked_size(arrays.zip)
            orientation = OrientationField(angle := arrays["orientation"], np.ones_like(angle))
            minutiae = Minutiae(**{name: arrays[f"minutiae_{name}"] for name in _MINUTIAE})
            singular = SingularPoints(**{name: arrays[f"singular_{name}"] for name in _SINGULAR})
            return Truth(orientation, arrays["period"], arrays["mask"], minutiae, singular)
    except Exception as error:  # a damaged archive fails in many ways
        why = f"{first_line(error)}); write_set writes such files with truth=True"
        raise LayoutError(f"{path} does not hold the truth about a print ({why}") from error
