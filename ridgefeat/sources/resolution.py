"""Which resolution a print has, and on whose word."""

from __future__ import annotations

from ridgefeat.errors import ParameterError

Dpi = tuple[float, float]

ASSUMED_DPI = 500.0
LEAST_CREDIBLE_DPI = 250.0
"""No fingerprint sensor or card scan has less; 72 and 96 are what programs write that do not know."""
MOST_CREDIBLE_DPI = 5000.0
_ALLOWED = (50.0, 5000.0)


def rounded_dpi(across: float, down: float) -> Dpi | None:
    """Return a file's resolution rounded to 0.01 dpi, or None where it is zero, absurd or no number."""
    if not (0 < across < 1e6 and 0 < down < 1e6):
        return None
    return round(across, 2), round(down, 2)


def parse_dpi(text: str) -> Dpi:
    """Return a resolution written as "500", or "199,173" where it differs across and down.

    Raises
    ------
    ParameterError
        If it is neither, or not between 50 and 5000 dpi.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise ParameterError(f"resolution must read N or X,Y in dpi, such as 500 or 199,173; got {text!r}")
    low, high = _ALLOWED
    if not all(low <= n <= high for n in numbers):
        raise ParameterError(f"resolution must lie between {low:g} and {high:g} dpi, got {text!r}")
    return numbers[0], numbers[-1]


def resolve_dpi(
    explicit: float | Dpi | None, known: Dpi | None, header: Dpi | None, *, known_origin: str = "layout"
) -> tuple[float, float, str, tuple[str, ...]]:
    """Decide on a print's resolution.

    Parameters
    ----------
    explicit : float, (float, float) or None
        What the user says.
    known : (float, float) or None
        What the layout or the index says; `known_origin` is its name.
    header : (float, float) or None
        What the file says. Believed only from 250 to 5000 dpi: programs write 72 or 96 where they do not know.

    Returns
    -------
    dpi_x, dpi_y : float
        Across and down.
    origin : str
        given, `known_origin`, header or assumed (500 dpi).
    flags : tuple of str
        resolution_assumed where nobody says anything; header_resolution_ignored where the file's word is not believed.
    """
    if explicit is not None:
        across, down = explicit if isinstance(explicit, tuple) else (explicit, explicit)
        return float(across), float(down), "given", ()
    if known is not None:
        return *known, known_origin, ()
    if header is None:
        return ASSUMED_DPI, ASSUMED_DPI, "assumed", ("resolution_assumed",)
    if all(LEAST_CREDIBLE_DPI <= d <= MOST_CREDIBLE_DPI for d in header):
        return *header, "header", ()
    return ASSUMED_DPI, ASSUMED_DPI, "assumed", ("header_resolution_ignored",)
