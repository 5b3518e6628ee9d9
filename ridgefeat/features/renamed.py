"""Columns of version 0.1 that have another name since 0.2, or are gone."""

from __future__ import annotations

import re
from collections.abc import Iterable

RENAMED_COLUMNS = {
    r"orient_field_\d\d_\w+": "orient_field_00_cos is orient_field_r1c1_cos, and so on by row and column",
    r"texture_(lbp_own|hog_own|block)_r0c\d_\w+": (
        "the zones of texture_lbp_own, texture_hog_own and texture_block are counted from 1: "
        "texture_block_r0c0_band0 is texture_block_r1c1_band0, and so on"
    ),
    "quality_area": "quality_area (mm²) is ridge_area (cm²)",
    "quality_minutiae_count": "quality_minutiae_count is minutiae_count",
    "quality_minutiae_mean": "quality_minutiae_mean is minutiae_quality_mean",
}
"""A pattern of 0.1's names, and what has become of them."""


def explain_renamed(names: Iterable[str]) -> list[str]:
    """Return what has become of the columns of version 0.1 among some names, one sentence a change.

    Parameters
    ----------
    names : iterable of str
        Names of columns.

    Examples
    --------
    >>> explain_renamed(["ridge_area", "quality_area"])
    ['quality_area (mm²) is ridge_area (cm²)']
    """
    names = list(names)
    return [text for old, text in RENAMED_COLUMNS.items() if any(re.fullmatch(old, n) for n in names)]
