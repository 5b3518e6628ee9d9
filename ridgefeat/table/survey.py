"""A dry run: which prints would be read, their labels and resolutions, and what is wrong. Nothing is extracted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ridgefeat.sources import load_print
from ridgefeat.table.row import ArrayPrint, Item, error_text, escape_controls
from ridgefeat.table.writers import label_names, text


@dataclass
class Survey:
    """Findings of a dry run.

    Attributes
    ----------
    prints : int
        Number of prints.
    layouts, resolutions, sizes, flags : Counter
        Prints by layout, by resolution with its origin, by size, and by flag.
    labels : dict of str to Counter
        Prints by value of each label; "" counts those without.
    errors : list of (str, str)
        Each bad print and its error.
    duplicates : list of list of str
        Prints of identical pixels under different names.
    """

    prints: int = 0
    layouts: Counter[str] = field(default_factory=Counter)
    resolutions: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    labels: dict[str, Counter[str]] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[list[str]] = field(default_factory=list)


def survey_prints(items: Sequence[Item], dpi: tuple[float, float] | None = None) -> Survey:
    """Read every print once; return what was found: sizes, layouts, labels, duplicates, errors.

    Parameters
    ----------
    items : sequence of PrintSource or ArrayPrint
    dpi : (float, float), optional
        Resolution across and down in place of what files and layouts give.

    Returns
    -------
    Survey
    """
    out = Survey(prints=len(items))
    alike: dict[str, list[str]] = {}
    for name in label_names(items):
        out.labels[name] = Counter(text(item.labels.get(name)) for item in items)
    for item in items:
        out.layouts[item.layout or "none"] += 1
        name = escape_controls(str(item.relative))
        if item.error or isinstance(item, ArrayPrint):
            out.errors.append((name, escape_controls(item.error or "is an array")))
            continue
        try:
            loaded = load_print(item, dpi)
        except Exception as error:
            out.errors.append((name, error_text(error).removeprefix(f"{name}: ")))
            continue
        rows, columns = loaded.pixels.shape
        out.sizes[f"{columns}x{rows}"] += 1
        out.resolutions[f"{loaded.dpi_x:.5g}x{loaded.dpi_y:.5g} dpi ({loaded.dpi_origin})"] += 1
        out.flags.update(loaded.flags)
        alike.setdefault(loaded.sha256, []).append(name)
    out.duplicates = [names for names in alike.values() if len(names) > 1]
    return out
