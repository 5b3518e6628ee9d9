"""Pairs of prints to scores: templates, comparators, protocols, identification.

from ridgefeat import verify
a, b = verify.read_template("a.png"), verify.read_template("b.fmr")
verify.compare(a, b).score
verify.verify(["FVC2002/DB1_B"], "fvc").scores
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridgefeat._lazy import lazily

if TYPE_CHECKING:
    from ridgefeat.verify.calibration import Calibration, load_calibration
    from ridgefeat.verify.entries import Entry, enrol, find_sources, read_template
    from ridgefeat.verify.identification import Candidate, identify
    from ridgefeat.verify.minutiae import Comparison, Prepared, compare, prepare
    from ridgefeat.verify.protocols import Plan
    from ridgefeat.verify.run import Verification, verify
    from ridgefeat.verify.template import Template, comparison_params, template_of_minutiae, template_of_print

_HOME = {
    "Calibration": "calibration",
    "Candidate": "identification",
    "Comparison": "minutiae",
    "Entry": "entries",
    "Plan": "protocols",
    "Prepared": "minutiae",
    "Template": "template",
    "Verification": "run",
    "compare": "minutiae",
    "comparison_params": "template",
    "enrol": "entries",
    "find_sources": "entries",
    "identify": "identification",
    "load_calibration": "calibration",
    "prepare": "minutiae",
    "read_template": "entries",
    "template_of_minutiae": "template",
    "template_of_print": "template",
    "verify": "run",
}

__all__ = [
    "Calibration",
    "Candidate",
    "Comparison",
    "Entry",
    "Plan",
    "Prepared",
    "Template",
    "Verification",
    "compare",
    "comparison_params",
    "enrol",
    "find_sources",
    "identify",
    "load_calibration",
    "prepare",
    "read_template",
    "template_of_minutiae",
    "template_of_print",
    "verify",
]

__getattr__ = lazily(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__
