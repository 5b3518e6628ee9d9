"""A comparison for a paper's methods section: sentences to be edited, from what the page shows."""

from __future__ import annotations

from pathlib import Path

from ridgefeat._version import __version__
from ridgefeat.bench.results import Comparison
from ridgefeat.report.bench.page import make_view
from ridgefeat.report.model_card import ASK
from ridgefeat.report.page import render_page, write_page

CALIBRATED = "Probabilities were calibrated on prints of other folds."


def write_methods(comparison: Comparison, path: str | Path) -> Path:
    """Write what was done and found as Markdown, to be edited for a paper.

    Parameters
    ----------
    comparison : Comparison
    path : str or Path
        The file to write; an existing one is replaced.

    Returns
    -------
    Path

    Raises
    ------
    TableError
        If it cannot be written.
    """
    asked = {"harmonise": None, "within": (), "tune": False, "imbalance": "none", "samples": "?"}
    own = {
        "ask": ASK,
        "version": __version__,
        "options": asked | dict(comparison.reproduction.options),
        "several": len(comparison.folds) > 1,
        "probabilities": CALIBRATED if comparison.calibrated and comparison.problem.classes else "",
    }
    text = render_page("bench/methods.md", make_view(comparison) | own)
    return write_page(Path(path), text)
