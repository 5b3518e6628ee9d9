"""A comparison of people as a page: one HTML file that needs no network and runs no script.

write_compare_page(differences, None, "report.html", title="features.csv")
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.compare.differences import ALPHA, Differences
from ridgefeat.compare.ratio import Ratio
from ridgefeat.report.bench.words import find_topic
from ridgefeat.report.checklist import answer_for_compare, render_checklist
from ridgefeat.report.compare import words
from ridgefeat.report.compare.figures import MAX_COLUMNS, compare_displays
from ridgefeat.report.page import number, render_page, signed, write_file, write_page

MAX_ROWS = 200
"""Rows of the page's table; all are in compare.csv."""


def write_compare_page(
    found: Differences, ratio: Ratio | None, path: str | Path, *, title: str = "Features", command: str = ""
) -> Path:
    """Write a page about a comparison of people.

    Parameters
    ----------
    found : Differences
        What ridgefeat.compare.compare_people returned.
    ratio : Ratio or None
        What likelihood_ratio returned.
    path : str or Path
        The page to write; an existing one is replaced. The same comparison gives the same bytes.
    title : str
        The page's heading names it.
    command : str
        The command line.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    TableError
        If the page cannot be written.
    """
    people, rows, displays = found.people, words.list_rows(found), compare_displays(found, ratio)
    of_ratio = [displays.pop(name) for name in ("ratio", "tippett") if ratio is not None]
    page: dict[str, Any] = {
        "title": title,
        "by": people.by,
        "group": people.group,
        "kind": found.kind,
        "levels": people.levels or ("all",),
        "topic": find_topic(people.by),
        "headline": _headline(found),
        "verdict": words.find_verdict(found),
        "differs": not found.found.empty,
        "effect": words.effect_name(found),
        "effects": displays.pop("effects", None),
        "rows": rows[:MAX_ROWS],
        "more": max(0, len(rows) - MAX_ROWS),
        "shown": MAX_COLUMNS if len(displays) < len(rows) else 0,
        "people": list(displays.values()),
        "ratio": words.describe_ratio(ratio) if ratio is not None else [],
        "ratio_figures": of_ratio,
        "methods": list(words.methods(found, ratio)),
        "notes": people.notes,
        "low_icc": words.LOW_ICC,
        "command": command,
    }
    return write_page(Path(path), render_page("compare/page.html", page))


def write_compare_methods(found: Differences, ratio: Ratio | None, path: str | Path) -> Path:
    """Write what was done, with the figures, in sentences to be edited for the methods section of a paper.

    Raises TableError if the file cannot be written.
    """
    checklist = render_checklist(answer_for_compare(found, ratio))
    text = "\n\n".join(["# Methods", *words.methods(found, ratio), checklist]) + "\n"
    return write_file(Path(path), text.encode("utf-8", errors="backslashreplace"), "methods section")


def _headline(found: Differences) -> list[dict[str, str]]:
    people, tested = found.people, int(found.frame["q"].notna().sum())
    sizes = [f"{level} {int((people.label == k).sum()):,}" for k, level in enumerate(people.levels)]
    verb = "differ" if people.levels else "change"
    facts = [
        (f"columns that {verb}", f"{len(found.found):,}", f"of {tested:,}, q < {ALPHA}"),
        ("people", f"{len(people):,}", ", ".join(sizes[:4])),
        ("prints", f"{len(people.person):,}", f"of {len(people.fingers)} fingers" if people.fingers else ""),
    ]
    if len(found.found):
        first = found.found.iloc[0]
        facts.append((f"largest {words.effect_name(found)}", signed(first[found.effect]), str(first["column"])))
    smallest = float(found.frame["smallest_effect"].median()) if tested else float("nan")
    if np.isfinite(smallest):
        facts.append((f"detectable {words.effect_name(found)}", number(smallest), "power 80 %, one column"))
    return [{"name": n, "value": v, "note": t} for n, v, t in facts]
