"""The leak audit as a page: one HTML file that needs no network and runs no script.

write_audit_page(found, "report.html", title="prints")

`describe_audit` is also how the page of a comparison shows its audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ridgefeat.audit.run import Audit
from ridgefeat.files import count_of
from ridgefeat.report.page import join_names, write_page

MAX_SETS, MAX_FILES = 40, 12
"""Sets of a finding, and files of a set, that are written out; the others are counted."""

ORDER = {"leak": 0, "warning": 1, "note": 2}


def describe_audit(audit: Any) -> dict[str, Any]:
    """Return an Audit (or None) for a page: findings, what was not checked, how many there are, and a sentence."""
    if audit is None:
        empty = {"run": False, "leaks": 0, "warnings": 0, "resolved": 0, "findings": [], "unchecked": []}
        return empty | {"short": "not run", "sentence": "No leak audit was run."}
    unchecked = [_sentence(f.message) for f in audit.findings if f.kind == "not_checked"]
    findings = [f for f in audit.findings if f.kind != "not_checked"]
    findings.sort(key=lambda f: 1.5 if f.resolved else ORDER.get(f.severity, len(ORDER)))
    counts = {s: sum(f.severity == s and not f.resolved for f in findings) for s in ORDER}
    resolved = sum(f.resolved for f in findings)
    parts = [count_of(n, severity) for severity, n in counts.items() if n and severity != "note"]
    found = [*parts, *([count_of(resolved, "resolved leak")] if resolved else [])]
    tiles = [*parts, *([f"{resolved} found, resolved"] if resolved else [])]
    first = next((f for f in findings if f.severity != "note" and not f.resolved), None)
    sentence = f"The leak audit found {join_names(found) or 'no leak'}"
    return {
        "run": True,
        "leaks": counts["leak"],
        "warnings": counts["warning"],
        "resolved": resolved,
        "findings": [_finding(f) for f in findings],
        "unchecked": unchecked,
        "short": tiles[0] if tiles else "no leak",
        "note": ", ".join([*tiles[1:], "see below"]) if findings or unchecked else "nothing was found",
        "sentence": sentence + (f"; the first: {first.message}." if first else "."),
    }


def _finding(one: Any) -> dict[str, Any]:
    sets = [list(s) for s in one.files]
    cells = []
    for i, names in enumerate(sets[:MAX_SETS]):
        groups = list(dict.fromkeys(one.groups[i])) if i < len(one.groups) else []
        several = ", ".join(groups[:MAX_FILES]) if len(groups) > 1 else ""
        cells.append({"names": names[:MAX_FILES], "more": max(0, len(names) - MAX_FILES), "groups": several})
    return {
        "severity": "resolved" if one.resolved else str(one.severity),
        "kind": one.kind,
        "message": _sentence(one.message),
        "cost": _sentence(one.cost),
        "advice": _sentence(one.advice),
        "sets": cells,
        "count": count_of(sum(map(len, sets)), "file") + (f" in {len(sets)} sets" if len(sets) > 1 else ""),
        "more": max(0, len(sets) - MAX_SETS),
        "columns": list(one.columns),
    }


def _sentence(text: str) -> str:
    """Return a message as a sentence of a page: with a capital, and a full stop."""
    text = text.strip()
    return text and text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def write_audit_page(
    found: Audit, path: str | Path, *, title: str = "Prints", about: Mapping[str, str] | None = None
) -> Path:
    """Write a page about an audit.

    Parameters
    ----------
    found : Audit
        What ridgefeat.audit.audit returned.
    path : str or Path
        The page to write; an existing one is replaced. The same audit gives the same bytes.
    title : str
        The page's heading.
    about : mapping of str to str, optional
        Further facts on how it was made, such as the command.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    TableError
        If the page cannot be written.
    """
    page = {
        "title": title,
        "verdict": found.verdict,
        "group": found.group,
        "audit": describe_audit(found),
        "about": {"Prints": f"{found.prints:,}", "Label": found.target, "People by": found.group, **(about or {})},
    }
    return write_page(path, "audit.html", page)
