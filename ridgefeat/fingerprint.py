"""Fingerprint: one print; each stage computed once, when first asked for."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from ridgefeat.errors import ImageError, ParameterError
from ridgefeat.params import Params
from ridgefeat.stages import (
    cards,
    enhancement,
    flags,
    gabor,
    minutiae,
    normalisation,
    orientation,
    period,
    segmentation,
    skeleton,
)
from ridgefeat.stages import singular_points as singular
from ridgefeat.structure import (
    DPI_RANGE,
    WORKING_DPI,
    Bool,
    Float,
    GaborResponses,
    Minutiae,
    OrientationField,
    SingularPoints,
    UInt8,
)

MAX_PIXELS = 6_000_000
"""At 500 dpi: 12 x 12 cm, more than four fingers next to each other."""


class Fingerprint:
    """One print and everything that can be read from it.

    Parameters
    ----------
    original : ndarray of uint8, shape (rows, columns)
        The print as it was read, ridges dark.
    dpi : float or (float, float)
        Its resolution, across and down.
    hand : {"left", "right"}, optional
        Which hand it is from; the radial and ulnar columns need it.
    params : Params, optional
        Parameters of the stages; the defaults without.
    source : str
        Where it came from, for messages.

    Raises
    ------
    ImageError
        If the array is no two-dimensional uint8 image, or larger than 155 cm².
    ParameterError
        If the resolution or the hand is unusable.

    Examples
    --------
    >>> from ridgefeat.synth.simple import grating
    >>> fp = Fingerprint(grating((150, 200), period=9.0).image, dpi=500)
    >>> fp, fp.mask.shape, len(fp.minutiae)
    (<Fingerprint 200x150 px, 500x500 dpi>, (150, 200), 0)
    """

    def __init__(
        self,
        original: UInt8,
        dpi: float | tuple[float, float] = WORKING_DPI,
        *,
        hand: str | None = None,
        params: Params | None = None,
        source: str = "",
    ) -> None:
        original = np.asarray(original)
        if original.ndim != 2 or original.dtype != np.uint8 or original.size == 0:
            raise ImageError(
                f"a print is a non-empty two-dimensional uint8 array, got {original.dtype} of shape {original.shape}"
            )
        self.dpi_x, self.dpi_y = check_dpi(dpi)
        if hand not in (None, "left", "right"):
            raise ParameterError(f"hand must be 'left', 'right' or None, got {hand!r}")
        rows, columns = original.shape
        if rows * columns * WORKING_DPI**2 > MAX_PIXELS * self.dpi_x * self.dpi_y:
            raise ImageError(
                f"{columns}x{rows} px at {self.dpi_x:g}x{self.dpi_y:g} dpi are {25.4 * columns / self.dpi_x:.0f} x "
                f"{25.4 * rows / self.dpi_y:.0f} mm, too large for a print; "
                "give the true resolution, or cut the print out"
            )
        self.original = original
        self.hand = hand
        self.params = params or Params()
        self.source = source

    @cached_property
    def image(self) -> UInt8:
        """The print resampled to 500 dpi in both directions, uint8, shape (rows, columns)."""
        return resample(self.original, self.dpi_x, self.dpi_y)

    @cached_property
    def normalised(self) -> Float:
        """The working image with local mean 0 and local deviation 1, float32."""
        return normalisation.normalise(self.image, self.params.normalisation)

    @cached_property
    def gabor(self) -> GaborResponses:
        """Responses of a bank of Gabor filters, by wavelength and orientation, on a grid."""
        return gabor.gabor_responses(self.normalised, self.params.gabor)

    @cached_property
    def mask(self) -> Bool:
        """Where the print is, bool."""
        mask = segmentation.segment(self.image, self.gabor, self.params.segmentation)
        cleaned = cards.without_lines(self.image, mask)
        return mask if cleaned is self.image else self._segment(cleaned)

    @cached_property
    def orientation(self) -> OrientationField:
        """Ridge orientation and its coherence at every pixel."""
        return orientation.estimate_orientation(self.normalised, self.gabor, self.mask, self.params.orientation)

    @cached_property
    def period(self) -> Float:
        """Distance between neighbouring ridges in pixels at 500 dpi, float32; NaN where it is not known."""
        return period.estimate_period(self.gabor, self.orientation, self.mask, self.params.period)

    @cached_property
    def enhanced(self) -> Float:
        """The ridges alone after contextual Gabor filtering, float32 in [-1, 1], ridges negative (dark)."""
        return enhancement.enhance(self.normalised, self.orientation, self.period, self.mask, self.params.enhancement)

    @cached_property
    def binary(self) -> Bool:
        """Ridges of the enhanced print, bool."""
        return skeleton.binarise(self.enhanced, self.mask, self.params.skeleton)

    @cached_property
    def skeleton(self) -> Bool:
        """Centre lines of the ridges, one pixel wide, bool."""
        return skeleton.skeletonise(self.binary, self.params.skeleton)

    @cached_property
    def minutiae(self) -> Minutiae:
        """Ridge endings and bifurcations."""
        return minutiae.extract_minutiae(
            skeleton=self.skeleton,
            normalised=self.normalised,
            enhanced=self.enhanced,
            orientation=self.orientation,
            period=self.period,
            mask=self.mask,
            params=self.params.minutiae,
        )

    @cached_property
    def singular_points(self) -> SingularPoints:
        """Cores and deltas."""
        return singular.find_singular_points(self.orientation, self.mask, self.params.singular_points)

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """What a person should look at before trusting the numbers; empty where nothing is wrong."""
        return flags.flag(self.image, self.mask, self.period, self.params.flags, find_print=self._segment)

    def _segment(self, image: UInt8) -> Bool:
        """Return where ridges are in another working image, by this print's parameters."""
        found = gabor.gabor_responses(normalisation.normalise(image, self.params.normalisation), self.params.gabor)
        return segmentation.segment(image, found, self.params.segmentation)

    def __repr__(self) -> str:
        rows, columns = self.original.shape
        name = f"{self.source!r}, " if self.source else ""
        return f"<Fingerprint {name}{columns}x{rows} px, {self.dpi_x:g}x{self.dpi_y:g} dpi>"


def check_dpi(dpi: float | tuple[float, float]) -> tuple[float, float]:
    """Return a resolution as (across, down), or raise ParameterError if no print can have it.

    Examples
    --------
    >>> check_dpi(500), check_dpi((199, 173))
    ((500.0, 500.0), (199.0, 173.0))
    """
    try:
        across, down = (float(dpi), float(dpi)) if np.isscalar(dpi) else (float(d) for d in dpi)  # type: ignore
    except (TypeError, ValueError):
        raise ParameterError(f"resolution must be one or two numbers in dpi, got {dpi!r}") from None
    low, high = DPI_RANGE
    if not (low <= across <= high and low <= down <= high):
        raise ParameterError(f"resolution must lie between {low:g} and {high:g} dpi, got {across:g}x{down:g}")
    return across, down


def resample(image: UInt8, dpi_x: float, dpi_y: float) -> UInt8:
    """Return the image at 500 dpi in both directions: bicubic where it grows, area means where it shrinks.

    Examples
    --------
    >>> resample(np.zeros((300, 400), np.uint8), 1000, 250).shape
    (600, 200)
    """
    rows, columns = image.shape
    size = (max(1, round(columns * WORKING_DPI / dpi_x)), max(1, round(rows * WORKING_DPI / dpi_y)))
    if size == (columns, rows):
        return image
    shrinks = size[0] < columns or size[1] < rows
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))
