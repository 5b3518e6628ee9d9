"""Flags: what a person should check before trusting a print's numbers. A print is only flagged, never dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from ridgefeat.stages.fingers import are_touching
from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.stages.percentiles import percentiles
from ridgefeat.structure import MM_PER_PX, Bool, Float, UInt8

MEANINGS = {
    "resolution_assumed": "no resolution was given or found; 500 dpi was assumed",
    "inverted": "ridges were white; the negative was measured (--invert)",
    "no_print": "no ridges were found; with wrong_scale: but there are at another resolution",
    "too_small": "the print's area is too small for stable features",
    "low_contrast": "ridges hardly differ from valleys",
    "saturated": "much of the print is pure black or white",
    "cut_by_border": "the image's border cuts much of the print",
    "wrong_scale": "the measured ridge period contradicts the resolution",
    "several_prints": "there is more than one separate piece",
    "touching_fingers": "fingers join, so that the boundary between them is estimated",
}

BLACK, WHITE = 2, 253
"""Grey levels up to and from which a pixel counts as pure black or white."""
OTHER_SCALES = (2.5, 1.6, 0.5, 0.25)
"""Factors by which an image without ridges is resized to look for them again."""
MIN_SIDE = 60
MAX_PIXELS = 2_000_000
"""Limits in px on a resized image: its shorter side, and its area."""


@parameters
class FlagParams:
    """Parameters of flag."""

    min_area: float = parameter(60.0, "mm²", 1, 1000, "area below which a print is flagged as too small")
    min_contrast: float = parameter(12.0, "grey levels", 0, 127, "standard deviation below which it is of low contrast")
    saturated_share: float = parameter(0.92, "", 0, 1, "share of black or white pixels above which it is saturated")
    border_share: float = parameter(0.45, "", 0, 1, "share of its outline on the image's border above which it is cut")
    shortest_period: float = parameter(0.30, "mm", 0.1, 1, "a median period below this contradicts the resolution")
    longest_period: float = parameter(0.80, "mm", 0.2, 2, "a median period above this contradicts the resolution")


def flag(
    image: UInt8,
    mask: Bool,
    period: Float,
    params: FlagParams | None = None,
    *,
    find_period: Callable[[UInt8], float] | None = None,
) -> tuple[str, ...]:
    """Return the names of what is wrong, in a fixed order; their meanings are in MEANINGS.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns)
        500 dpi.
    mask : ndarray of bool, shape (rows, columns)
    period : ndarray of float32, shape (rows, columns)
        Pixels at 500 dpi.
    params : FlagParams, optional
    find_period : callable, optional
        Returns an image's median ridge period in px, NaN without ridges. Where the mask is empty, it is called with the
        image at other resolutions.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> Fingerprint(grating((200, 200), 9.0).image, 500).flags
    ('cut_by_border',)
    >>> Fingerprint(grating((200, 200), 16.0).image, 500).flags
    ('cut_by_border', 'wrong_scale')
    """
    p = params or FlagParams()
    if not mask[::4, ::4].any():
        found = (find_period(scaled) / factor for factor, scaled in other_scales(image)) if find_period else ()
        elsewhere = (x * MM_PER_PX for x in found)
        contradicts = any(x < p.shortest_period or x > p.longest_period for x in elsewhere)
        return ("no_print", "wrong_scale") if contradicts else ("no_print",)
    few = (slice(None, None, 4), slice(None, None, 4))
    grey = image[few][mask[few]]
    typical = percentiles(period[few][mask[few]], 50)[0] * MM_PER_PX
    pieces = cv2.connectedComponents(np.ascontiguousarray(mask[few]).view(np.uint8), connectivity=4)[0] - 1
    wrong = {
        "too_small": cv2.countNonZero(mask.view(np.uint8)) * MM_PER_PX**2 < p.min_area,
        "low_contrast": grey.std() < p.min_contrast,
        "saturated": np.mean((grey <= BLACK) | (grey >= WHITE)) > p.saturated_share,
        "cut_by_border": _share_on_border(mask) > p.border_share,
        "wrong_scale": not p.shortest_period <= typical <= p.longest_period,
        "several_prints": pieces > 1,
        "touching_fingers": are_touching(mask),
    }
    return tuple(name for name, found in wrong.items() if found)


def other_scales(image: UInt8) -> Iterator[tuple[float, UInt8]]:
    """Yield factors, and the image resized by them, as far as its size allows: it may be of another resolution."""
    for factor in OTHER_SCALES:
        size = round(image.shape[1] * factor), round(image.shape[0] * factor)
        if min(size) >= MIN_SIDE and size[0] * size[1] <= MAX_PIXELS:
            how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
            yield factor, np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def _share_on_border(mask: Bool) -> float:
    on_border = sum(int(np.count_nonzero(edge)) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    inner = int(np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1]))
    return on_border / max(1, on_border + inner)
