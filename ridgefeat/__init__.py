"""ridgefeat: features with units from fingerprint images.

import ridgefeat as rf
fp = rf.read("print.png", dpi=500)
fp.orientation, fp.period, fp.minutiae
table = rf.extract_many(["a.png", "b.png"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ridgefeat._version import __version__
from ridgefeat.errors import RidgefeatError

if TYPE_CHECKING:
    from ridgefeat import backbone, bench, features, nn, synth, table, templates, threshold, verify
    from ridgefeat.fingerprint import Fingerprint
    from ridgefeat.params import Params
    from ridgefeat.structure import Minutiae, OrientationField, SingularPoints
    from ridgefeat.table import FeatureExtractor, extract, extract_many, feature_columns, read

# Loaded when first used, so that `import ridgefeat` (and every command's --help) stays quick.
_HOME = {
    "Fingerprint": "ridgefeat.fingerprint",
    "Params": "ridgefeat.params",
    "Minutiae": "ridgefeat.structure",
    "OrientationField": "ridgefeat.structure",
    "SingularPoints": "ridgefeat.structure",
    "read": "ridgefeat.table",
    "extract": "ridgefeat.table",
    "extract_many": "ridgefeat.table",
    "feature_columns": "ridgefeat.table",
    "FeatureExtractor": "ridgefeat.table",
}
_PARTS = ("backbone", "bench", "features", "nn", "synth", "table", "templates", "threshold", "verify")

__all__ = [
    "FeatureExtractor",
    "Fingerprint",
    "Minutiae",
    "OrientationField",
    "Params",
    "RidgefeatError",
    "SingularPoints",
    "__version__",
    "backbone",
    "bench",
    "extract",
    "extract_many",
    "feature_columns",
    "features",
    "nn",
    "read",
    "synth",
    "table",
    "templates",
    "threshold",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME and name not in _PARTS:
        raise AttributeError(f"module 'ridgefeat' has no attribute {name!r}")
    from importlib import import_module

    if name in _PARTS:
        return import_module(f"ridgefeat.{name}")
    from ridgefeat.table.system import explained

    with explained():
        return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
