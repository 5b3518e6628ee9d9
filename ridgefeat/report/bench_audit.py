"""What the leak audit found, as text for a page: findings worst first, with their files and what they cost."""

from __future__ import annotations

from typing import Any

from ridgefeat.report.bench_words import plural

MOST_SETS, MOST_FILES = 40, 12
"""Sets of a finding, and files of a set, that are written out; the others are counted."""

TITLES = {
    "groups": "Groups",
    "folds": "Folds",
    "identical": "Identical pictures",
    "near_duplicate": "Near-duplicate pictures",
    "same_finger": "One finger under several names",
    "label_conflict": "Conflicting labels",
    "altered_copy": "Altered copies",
    "column": "A column tells the answer",
    "column_pair": "Two columns tell the answer",
    "missing": "Gaps in columns",
    "file": "Traits of the files",
    "order": "Order of the rows",
    "target_name": "A column named like the target",
    "target": "The target",
    "not_checked": "Not checked",
}
ORDER = {"leak": 0, "warning": 1, "note": 2}


def audit_words(audit: Any) -> dict[str, Any]:
    """Return the audit for a page: its findings, how many there are, and a sentence about them.

    Parameters
    ----------
    audit : Audit or None
        Its `findings` are read.
    """
    if audit is None:
        told = "No audit was run: nobody looked for leaks."
        return {"run": False, "leaks": 0, "findings": [], "short": "not run", "sentence": told}
    findings = sorted(audit.findings, key=lambda f: ORDER.get(f.severity, len(ORDER)))
    counts = {s: sum(f.severity == s for f in findings) for s in ORDER}
    parts = [plural(counts["leak"], "leak")] if counts["leak"] else []
    parts += [plural(counts["warning"], "warning")] if counts["warning"] else []
    told = (
        "The leak audit found nothing." if not findings else f"The leak audit found {' and '.join(parts) or 'no leak'}"
    )
    if findings:
        worst = findings[0]
        told += f"; the first: {worst.message}." if parts else ", but something to note."
    return {
        "run": True,
        "leaks": counts["leak"],
        "findings": [_finding(f) for f in findings],
        "short": parts[0] if parts else "no leak",
        "note": f"and {parts[1]}; see below" if parts[1:] else "see below" if findings else "nothing was found",
        "sentence": told,
    }


def _finding(one: Any) -> dict[str, Any]:
    sets = [list(s) for s in one.files]
    cells = [
        {"names": s[:MOST_FILES], "more": max(0, len(s) - MOST_FILES), "groups": _groups(one, i)}
        for i, s in enumerate(sets[:MOST_SETS])
    ]
    return {
        "severity": str(one.severity),
        "title": TITLES.get(one.kind, str(one.kind).replace("_", " ").capitalize()),
        "message": _sentence(one.message),
        "cost": _sentence(one.cost),
        "sets": cells,
        "count": plural(sum(map(len, sets)), "file") + (f" in {len(sets)} sets" if len(sets) > 1 else ""),
        "more": max(0, len(sets) - MOST_SETS),
        "columns": list(one.columns),
    }


def _groups(one: Any, index: int) -> str:
    """Return whose the files of a set are, where they are several people's."""
    names = list(dict.fromkeys(one.groups[index])) if index < len(one.groups) else []
    return ", ".join(names[:MOST_FILES]) if len(names) > 1 else ""


def _sentence(text: str) -> str:
    """Return a message as a sentence of a page: with a capital, and a full stop."""
    text = text.strip()
    return text and text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
