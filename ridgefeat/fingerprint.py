"""Fingerprint: one print; each stage computed once, when first asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

from ridgefeat.errors import ImageError, ParameterError
from ridgefeat.params import Params
from ridgefeat.sources.region import checked_region
from ridgefeat.sources.resolution import check_extent
from ridgefeat.stages import (
    cards,
    enhancement,
    flags,
    gabor,
    ink,
    minutiae,
    normalisation,
    orientation,
    pattern,
    period,
    polarity,
    segmentation,
    skeleton,
    symmetry,
)
from ridgefeat.stages import singular_points as singular
from ridgefeat.structure import (
    DPI_RANGE,
    MM_PER_PX,
    WORKING_DPI,
    Bool,
    Float,
    GaborResponses,
    Minutiae,
    OrientationField,
    SingularPoints,
    UInt8,
)
from ridgefeat.work.threads import one_thread

if TYPE_CHECKING:
    import os

    import pandas as pd
    from matplotlib.axes import Axes

    from ridgefeat.features.family import Families

INVERT = ("auto", "yes", "no")
THUMBNAIL = 240
"""Longer side in px of the picture that a notebook shows."""
T = TypeVar("T")


def stage(compute: Callable[[Any], T]) -> cached_property[T]:
    """Return the property that computes a stage once, when first asked for, on one thread."""
    return cached_property(one_thread()(compute))


class Fingerprint:
    """One print and everything that can be read from it.

    Parameters
    ----------
    original : ndarray of uint8, shape (rows, columns)
        The print as it was read.
    dpi : float or (float, float), optional
        Its resolution, across and down; without, 500 dpi is assumed, and flagged.
    hand : {"left", "right"}, optional
        Which hand it is from; the radial and ulnar columns need it.
    invert : {"auto", "yes", "no"}
        Whether ridges are white and the image is turned into its negative before anything is measured. By default the
        surroundings of the print decide (stages.polarity).
    params : Params, optional
        Parameters of the stages; the defaults without.
    region : ndarray of bool or uint8, shape (rows, columns), optional
        Where the print is, as a person has marked it: everything but 0. Nothing outside is measured, and inside faint
        ridges count as well.
    source : str
        Where it came from, for messages.

    Raises
    ------
    ImageError
        If the array is no two-dimensional uint8 image, or larger than 155 cm²; if the region has another shape, or is
        empty.
    ParameterError
        If the resolution, the hand or `invert` is unusable.

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
        dpi: float | tuple[float, float] | None = None,
        *,
        hand: str | None = None,
        invert: str = "auto",
        params: Params | None = None,
        region: Bool | None = None,
        source: str = "",
    ) -> None:
        original = np.asarray(original)
        if original.ndim != 2 or original.dtype != np.uint8 or original.size == 0:
            raise ImageError(
                f"a print is a non-empty two-dimensional uint8 array, got {original.dtype} of shape {original.shape}"
            )
        self.dpi_x, self.dpi_y = check_dpi(WORKING_DPI if dpi is None else dpi)
        if hand not in (None, "left", "right"):
            raise ParameterError(f"hand must be 'left', 'right' or None, got {hand!r}")
        rows, columns = original.shape
        check_extent(columns, rows, (self.dpi_x, self.dpi_y))
        if invert not in INVERT:
            raise ParameterError(f"invert must be one of {', '.join(INVERT)}, got {invert!r}")
        self.original = original
        self.is_dpi_assumed = dpi is None
        self.hand = hand
        self.invert = invert
        self.params = params or Params()
        self.region = None if region is None else checked_region(region, original.shape, "the region")
        self.source = source

    @stage
    def _resampled(self) -> UInt8:
        return resample(self.original, self.dpi_x, self.dpi_y)

    @stage
    def _normalised(self) -> Float:
        return normalisation.normalise(self._resampled, self.params.normalisation)

    @stage
    def gabor(self) -> GaborResponses:
        """Responses of a bank of Gabor filters, by wavelength and orientation, on a grid."""
        return gabor.gabor_responses(self._normalised, self.params.gabor)

    @stage
    def mask(self) -> Bool:
        """Where the print is, bool."""
        if self.region is not None:
            region = resample(self.region.astype(np.uint8) * 255, self.dpi_x, self.dpi_y) > 127
            return segmentation.segment_region(self._resampled, self.gabor, region, self.params.segmentation)
        mask = segmentation.segment(self._resampled, self.gabor, self.params.segmentation)
        cleaned = cards.without_lines(self._resampled, mask)
        return mask if cleaned is self._resampled else self._segment(cleaned)

    @stage
    def is_inverted(self) -> bool:
        """Whether the print came with white ridges; gabor and mask are the same for it and its negative."""
        if self.invert != "auto":
            return self.invert == "yes"
        return polarity.has_white_ridges(self._resampled, self.mask)

    @property
    def pixels(self) -> UInt8:
        """The print in its own resolution, ridges dark: `original`, or its negative."""
        return ~self.original if self.is_inverted else self.original

    @stage
    def image(self) -> UInt8:
        """The print resampled to 500 dpi in both directions, ridges dark; uint8, shape (rows, columns)."""
        return ~self._resampled if self.is_inverted else self._resampled

    @stage
    def normalised(self) -> Float:
        """The working image with local mean 0 and local deviation 1, ridges negative (dark), float32."""
        return -self._normalised if self.is_inverted else self._normalised

    @stage
    def orientation(self) -> OrientationField:
        """Ridge orientation and its coherence at every pixel."""
        return orientation.estimate_orientation(self.normalised, self.gabor, self.mask, self.params.orientation)

    @stage
    def period(self) -> Float:
        """Distance between neighbouring ridges in pixels at 500 dpi, float32; NaN where it is not known."""
        return period.estimate_period(self.gabor, self.orientation, self.mask, self.params.period)

    @stage
    def enhanced(self) -> Float:
        """The ridges alone after contextual Gabor filtering, float32 in [-1, 1], ridges negative (dark)."""
        return enhancement.enhance(self.normalised, self.orientation, self.period, self.mask, self.params.enhancement)

    @stage
    def ink(self) -> ink.Ink:
        """Where there is ink, and its share about each 4 x 4 px."""
        return ink.find_ink(self.image, self.enhanced, self.mask)

    @stage
    def binary(self) -> Bool:
        """Ridges of the enhanced print, bool."""
        return skeleton.binarise(self.enhanced, self.mask, self.params.skeleton)

    @stage
    def skeleton(self) -> Bool:
        """Centre lines of the ridges, one pixel wide, bool."""
        return skeleton.skeletonise(self.binary, self.params.skeleton)

    @stage
    def minutiae(self) -> Minutiae:
        """Ridge endings and bifurcations that are sure enough to count."""
        return minutiae.select_minutiae(self.all_minutiae, self.params.minutiae)

    @stage
    def all_minutiae(self) -> Minutiae:
        """Ridge endings and bifurcations with the doubtful ones: what is compared and exported."""
        return minutiae.extract_minutiae(
            skeleton=self.skeleton,
            normalised=self.normalised,
            enhanced=self.enhanced,
            orientation=self.orientation,
            period=self.period,
            mask=self.mask,
            missed=singular.without_turn(self._missed_points.cores, self.orientation),
            params=self.params.minutiae,
        )

    @stage
    def flow(self) -> symmetry.Complex:
        """Ridge flow of the structure tensor, coherence times exp(2 i angle), on cells of 4 px; 0 outside the print."""
        return symmetry.ridge_flow(self.normalised, self.mask)

    @stage
    def _turning_points(self) -> SingularPoints:
        return singular.find_singular_points(self.orientation, self.mask, self.params.singular_points)

    @stage
    def _missed_points(self) -> SingularPoints:
        if len(self._turning_points.cores):
            return SingularPoints.empty()
        return singular.find_missed_points(self._turning_points, self.flow, self.params.singular_points)

    @stage
    def singular_points(self) -> SingularPoints:
        """Cores and deltas."""
        return singular.joined(self._turning_points, self._missed_points)

    @stage
    def pattern(self) -> dict[str, float]:
        """Probability of each pattern class; NaN if the image shows no print."""
        is_cut = len(self.singular_points.cores) > 0 == len(self.singular_points.deltas)
        return pattern.classify(self.flow, is_cut, self.params.pattern)

    @stage
    def flags(self) -> tuple[str, ...]:
        """What a person should look at before trusting the numbers; empty where nothing is wrong."""
        found = flags.flag(self.image, self.mask, self.period, self.params.flags, find_period=self._median_period)
        known = (("resolution_assumed", self.is_dpi_assumed), ("inverted", self.is_inverted))
        return (*(name for name, is_so in known if is_so), *found)

    @property
    def median_period(self) -> float:
        """Median distance between neighbouring ridges in px at 500 dpi; NaN where there are none."""
        found = self.period[self.mask]
        return float(np.median(found)) if len(found) else float("nan")

    def _median_period(self, image: UInt8) -> float:
        """Return that of another working image, by this print's parameters; NaN without a print of the usual area."""
        other = Fingerprint(image, WORKING_DPI, invert="no", params=self.params)
        is_large = np.count_nonzero(other.mask) * MM_PER_PX**2 >= self.params.segmentation.min_area
        return other.median_period if is_large else float("nan")

    def _segment(self, image: UInt8) -> Bool:
        """Return where ridges are in another working image, by this print's parameters."""
        found = gabor.gabor_responses(normalisation.normalise(image, self.params.normalisation), self.params.gabor)
        return segmentation.segment(image, found, self.params.segmentation)

    def features(
        self, families: Families | None = None, *, errors: bool | str | os.PathLike[str] = False
    ) -> pd.Series[float]:
        """Return the features of some `families` by column name; with `errors` also each standard error, as NAME_se.

        Arguments and errors raised are those of `ridgefeat.extract`.

        Examples
        --------
        >>> from ridgefeat.synth.simple import grating
        >>> fp = Fingerprint(grating((198, 198), 9.0).image)
        >>> found = fp.features(["ridge", "quality"], errors=True)
        >>> round(float(found["ridge_period_mean"]), 2), bool(found["ridge_period_mean_se"] > 0)
        (0.46, True)
        """
        from ridgefeat.table import extract

        return extract(self, families, errors=errors)

    def plot(self, panel: str = "minutiae", ax: Axes | None = None) -> Axes:
        """Draw the print and one of its stages with matplotlib. Return the axes.

        Parameters
        ----------
        panel : {"print", "mask", "orientation", "period", "gabor", "enhanced", "skeleton", "minutiae"}
            The stage.
        ax : matplotlib.axes.Axes, optional
            Where to draw; on a new figure without. Positions are px at 500 dpi.

        Raises
        ------
        ParameterError
            If there is no such stage.

        Examples
        --------
        >>> from ridgefeat.synth.simple import grating
        >>> Fingerprint(grating((150, 200), period=9.0).image).plot("orientation").get_xlim()
        (np.float64(-0.5), np.float64(199.5))
        """
        from ridgefeat.report.pictures.panels import plot_print

        return plot_print(self, panel, ax)

    def _repr_html_(self) -> str:
        """Return the print itself and what is known without computing a stage, for notebooks."""
        scale = min(1.0, THUMBNAIL / max(self.original.shape))
        size = tuple(max(1, round(n * scale)) for n in self.original.shape[::-1])
        picture = cv2.imencode(".png", cv2.resize(self.original, size, interpolation=cv2.INTER_AREA))[1]
        data = base64.b64encode(picture.tobytes()).decode("ascii")
        caption = f"<figcaption>{escape(repr(self))}</figcaption>"
        return f'<figure><img alt="" src="data:image/png;base64,{data}">{caption}</figure>'

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
