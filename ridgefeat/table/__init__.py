"""Many prints -> one table: rows, jobs, resume, CSV and Parquet, sidecar, transformer.

import ridgefeat as rf
rf.extract_many(["prints/"], jobs=2)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridgefeat._lazy import lazily
from ridgefeat.table.system import explained

if TYPE_CHECKING:
    from ridgefeat.table.api import extract, extract_many, feature_columns, read
    from ridgefeat.table.reading import read_table
    from ridgefeat.table.sidecar import check_same, load_sidecar
    from ridgefeat.table.transformer import FeatureExtractor

# Loaded when first used: the transformer needs scikit-learn, the rest OpenCV and pandas.
_HOME = {
    "FeatureExtractor": "transformer",
    "check_same": "sidecar",
    "extract": "api",
    "extract_many": "api",
    "feature_columns": "api",
    "load_sidecar": "sidecar",
    "read": "api",
    "read_table": "reading",
}

__all__ = [
    "FeatureExtractor",
    "check_same",
    "extract",
    "extract_many",
    "feature_columns",
    "load_sidecar",
    "read",
    "read_table",
]

__getattr__ = lazily(__name__, _HOME, explained)


def __dir__() -> list[str]:
    return __all__
