"""Columns that measure how a print was taken rather than what the finger is like.

They are the ones of ridgefeat's own families; a table of other columns has none, and the question is then not asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

CIRCUMSTANCES: dict[str, tuple[str, ...]] = {
    "pressure": (
        "ridge_thickness_ratio*",
        "ridge_white_share",
        "quality_rvu_*",
        "quality_dark_share",
        "quality_black_share",
        "quality_minutiae_mu",
    ),
    "contrast": (
        "quality_mu",
        "quality_mmb",
        "quality_sigma",
        "quality_roi_mean",
        "quality_grey_*",
        "quality_white_share",
        "quality_ridge_contrast",
        "quality_ridge_sharpness",
    ),
    "size": ("ridge_area", "ridge_width", "ridge_height", "quality_area_share"),
    "position": ("quality_area_cut", "orient_core_x", "orient_core_y"),
}
"""By what they measure: how hard and how wet the finger was pressed on, how dark and sharp the image is, how much of
the finger is on it, and which part of it. Names, or patterns with *."""
ABOUT_IMAGES = ("quality",)
"""Families that describe the image; none of their columns is one of the ridges'."""


def circumstances(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the columns of each kind of circumstance among some names, in their order; kinds without any left out."""
    names = list(names)
    found = {
        kind: [n for n in names if any(fnmatchcase(n, p) for p in patterns)] for kind, patterns in CIRCUMSTANCES.items()
    }
    return {kind: own for kind, own in found.items() if own}
