"""Which resolution a print has, and where it was taken from."""

from __future__ import annotations

import math

from ridgefeat.errors import ImageError, ParameterError
from ridgefeat.structure import DPI_RANGE, WORKING_DPI

Dpi = tuple[float, float]

ASSUMED_DPI = 500.0
MIN_CREDIBLE_DPI = 250.0
"""No fingerprint sensor or card scan has less; programs write 72 or 96 for an unknown resolution."""

ADULT_PERIOD_MM = 0.46
MAX_WORKING_PIXELS = 6_000_000
"""At 500 dpi: 12 x 12 cm, more than four fingers next to each other."""
MEASURED_PERIODS = (4.6, 17.0)
"""Periods in px within what stages.period measures; what lies outside is set to its bounds."""


def rounded_dpi(across: float, down: float) -> Dpi | None:
    """Return a file's resolution rounded to 0.01 dpi, or None where it is zero, absurd or no number."""
    if not (0 < across < 1e6 and 0 < down < 1e6):
        return None
    return round(across, 2), round(down, 2)


def parse_dpi(text: str) -> Dpi:
    """Return a resolution written as "500", or "199,173" where it differs across and down.

    Raises ParameterError if it is neither, or not between 50 and 5000 dpi.

    Examples
    --------
    >>> parse_dpi("500"), parse_dpi("199,173")
    ((500.0, 500.0), (199.0, 173.0))
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise ParameterError(f"resolution must read N or X,Y in dpi, such as 500 or 199,173; got {text!r}")
    low, high = DPI_RANGE
    if not all(low <= n <= high for n in numbers):
        raise ParameterError(f"resolution must lie between {low:g} and {high:g} dpi, got {text!r}")
    return numbers[0], numbers[-1]


def resolve_dpi(
    explicit: float | Dpi | None, known: Dpi | None, header: Dpi | None, *, known_origin: str = "layout"
) -> tuple[float, float, str, tuple[str, ...]]:
    """Return a print's resolution across and down, its origin, and flags.

    The origin is, in this order: given, for what the user gave (`explicit`); `known_origin`, for what the layout or the
    index gives (`known`); header, for what the file gives, from 250 to 5000 dpi only, as programs write 72 or 96 for an
    unknown resolution; assumed, for 500 dpi. The flag is resolution_assumed where none is known, and
    header_resolution_ignored besides where the file's is not credible.

    Examples
    --------
    >>> resolve_dpi(None, None, (500.0, 500.0))
    (500.0, 500.0, 'header', ())
    >>> resolve_dpi(None, None, (72.0, 72.0))
    (500.0, 500.0, 'assumed', ('resolution_assumed', 'header_resolution_ignored'))
    """
    if explicit is not None:
        across, down = explicit if isinstance(explicit, tuple) else (explicit, explicit)
        return float(across), float(down), "given", ()
    if known is not None:
        return *known, known_origin, ()
    if header is None:
        return ASSUMED_DPI, ASSUMED_DPI, "assumed", ("resolution_assumed",)
    if all(MIN_CREDIBLE_DPI <= d <= DPI_RANGE[1] for d in header):
        return *header, "header", ()
    return ASSUMED_DPI, ASSUMED_DPI, "assumed", ("resolution_assumed", "header_resolution_ignored")


def check_extent(width: int, height: int, dpi: Dpi) -> None:
    """Raise ImageError if an image of this size in pixels is too large for a print."""
    across, down = dpi
    if width * height * WORKING_DPI**2 > MAX_WORKING_PIXELS * across * down:
        size = f"{25.4 * width / across:.0f} x {25.4 * height / down:.0f} mm, too large for a print"
        advice = "give the true resolution, or cut the print out"
        raise ImageError(f"{width}x{height} px at {across:g}x{down:g} dpi are {size}; {advice}")


def suggest_dpi(period: float) -> str:
    """Return what resolution the period that was found suggests, in words.

    `period` is the median distance between neighbouring ridges in px of the image. Ridges of adults are about 0.46 mm
    apart; of children less. Outside 4.6 to 17 px a period is not measured, and the resolution only bounded.

    Examples
    --------
    >>> suggest_dpi(4.6), suggest_dpi(9.0), suggest_dpi(4.5)
    ('median period 4.6 px: about 250 dpi for an adult', 'median period 9.0 px: about 500 dpi for an adult',
     'median period 4.5 px or less: at most about 250 dpi for an adult')
    """
    if math.isnan(period):
        return "no period was found that would suggest another"
    low, high = MEASURED_PERIODS
    bound = ("or less: at most " if period < low else "or more: at least ") if not low <= period <= high else ""
    dpi = 10 * round(period * 25.4 / ADULT_PERIOD_MM / 10)
    return f"median period {period:.1f} px{' ' + bound if bound else ': '}about {dpi} dpi for an adult"
