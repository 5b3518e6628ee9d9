"""Ridge structure as data: what stages hand on.

Structures of arrays, frozen. Positions are (x, y) in pixels of the 500 dpi working image, x to the right, y down,
origin at the centre of the top-left pixel. Angles are radians, counter-clockwise from the positive x axis as seen on
the page: orientations in [0, pi) along the ridge, directions in [0, 2 pi).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ridgefeat.brief import Brief

if TYPE_CHECKING:
    import pandas as pd

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
UInt8 = NDArray[np.uint8]
Array = NDArray[Any]


WORKING_DPI = 500.0
MM_PER_PX = 25.4 / WORKING_DPI
DPI_RANGE = (50.0, 5000.0)
"""Lowest and highest resolution that a print may be given with."""

ENDING, BIFURCATION = 1, 2
"""Minutia kinds, with the codes of ISO/IEC 19794-2."""

CORE, DELTA = 1, 2
"""Singular point kinds."""


@dataclass(frozen=True, eq=False, repr=False)
class OrientationField(Brief):
    """Local ridge orientation.

    Attributes
    ----------
    angle : ndarray of float32, shape (rows, columns)
        Orientation along the ridge, radians in [0, pi), counter-clockwise from the x axis as seen on the page.
    coherence : ndarray of float32, shape (rows, columns)
        How far the neighbourhood agrees on one orientation, 0 (not at all) to 1 (parallel ridges).
    """

    angle: Float
    coherence: Float


@dataclass(frozen=True, eq=False, repr=False)
class GaborResponses(Brief):
    """Magnitudes of a bank of complex Gabor filters, in the middle of each cell of 8 x 8 px.

    The magnitude, of shape (wavelengths, orientations, grid rows, grid columns), is the envelope of each filter's
    response: the amplitude of the waves that pass, in units of the normalised image (local deviation 1, so that clean
    ridges give about 1.4). Cell (i, j) covers pixel rows 8 i to 8 i + 7 and columns 8 j to 8 j + 7.
    """

    magnitude: Float
    wavelengths: Float  # centre of each filter in pixels at 500 dpi
    orientations: Float  # of the ridges that each filter answers to, radians in [0, pi)


class _Points(Brief):
    """What point sets share: a length, selection by index or mask, and scaling to another resolution."""

    x: Float
    y: Float
    kind: UInt8
    direction: Float
    _names: ClassVar[dict[int, str]]

    @classmethod
    def make(cls, *columns: Any) -> Self:
        """Return the points whose `columns` are given in the order of the fields, each converted to its type."""
        names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
        kinds = [np.uint8 if name == "kind" else np.float32 for name in names]
        return cls(*(np.asarray(c, kind) for c, kind in zip(columns, kinds, strict=True)))  # type: ignore[call-arg]

    @classmethod
    def empty(cls) -> Self:
        """Return a set without points."""
        return cls.make(*[()] * len(fields(cls)))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.x)

    def select(self, which: Any) -> Self:
        """Return the points that an index array, slice or Boolean mask selects."""
        return replace(self, **{f.name: getattr(self, f.name)[which] for f in fields(self)})  # type: ignore[arg-type,type-var]

    def to_frame(self, dpi_x: float = WORKING_DPI, dpi_y: float = WORKING_DPI) -> pd.DataFrame:
        """Return a row per point: kind, x_px, y_px, x_mm, y_mm, direction_deg, and quality of minutiae.

        Pixels are those of an image with the given resolution; degrees run counter-clockwise from the x axis.

        Examples
        --------
        >>> Minutiae.make([10], [20], [np.pi / 2], [ENDING], [80]).to_frame(1000, 1000).round(2).to_dict("records")
        [{'kind': 'ending', 'x_px': 20.5, 'y_px': 40.5, 'x_mm': 0.52, 'y_mm': 1.03, 'direction_deg': 90.0,
          'quality': 80.0}]
        """
        import pandas as pd

        x, y = (a.astype(np.float64) for a in self.original_xy(dpi_x, dpi_y))
        columns: dict[str, Any] = {"kind": [self._names.get(k, "other") for k in self.kind.tolist()]}
        columns |= {"x_px": x, "y_px": y, "x_mm": x * 25.4 / dpi_x, "y_mm": y * 25.4 / dpi_y}
        columns["direction_deg"] = np.rad2deg(self.direction.astype(np.float64))
        known = {"quality": self.quality} if isinstance(self, Minutiae) else {}
        return pd.DataFrame(columns | known)

    def _frame(self) -> pd.DataFrame:
        return self.to_frame()

    def __repr__(self) -> str:
        kinds = (f"{np.count_nonzero(self.kind == k)} {name}" for k, name in self._names.items())
        return f"<{type(self).__name__} {len(self)} points, kinds: {', '.join(kinds)}>"

    def original_xy(self, dpi_x: float, dpi_y: float) -> tuple[Float, Float]:
        """Return x and y in pixels of an image with the given resolution instead of 500 dpi.

        Examples
        --------
        >>> import ridgefeat.structure as s
        >>> core = s.SingularPoints.make([99.5], [49.5], [s.CORE], [0])
        >>> core.original_xy(1000, 250)
        (array([199.5], dtype=float32), array([24.5], dtype=float32))
        """
        x = (self.x + 0.5) * np.float32(dpi_x / WORKING_DPI) - 0.5
        y = (self.y + 0.5) * np.float32(dpi_y / WORKING_DPI) - 0.5
        return x.astype(np.float32), y.astype(np.float32)


@dataclass(frozen=True, eq=False, repr=False)
class Minutiae(_Points):
    """Ridge endings and bifurcations.

    Attributes
    ----------
    x, y : ndarray of float32, shape (n,)
        Position in pixels at 500 dpi.
    direction : ndarray of float32, shape (n,)
        Radians in [0, 2 pi), ISO/IEC 19794-2's sense: from a ridge ending along the ridge that ends there; from a
        bifurcation into the valley between the two branches that enclose the smallest angle.
    kind : ndarray of uint8, shape (n,)
        1 ridge ending, 2 bifurcation.
    quality : ndarray of float32, shape (n,)
        Confidence, 0 (none) to 100.
    """

    x: Float
    y: Float
    direction: Float
    kind: UInt8
    quality: Float
    _names: ClassVar = {ENDING: "ending", BIFURCATION: "bifurcation"}

    def best(self, count: int) -> Minutiae:
        """Return at most `count` minutiae, those of highest quality, in their own order; NaN counts as lowest."""
        if len(self) <= count:
            return self
        rank = np.argsort(-np.nan_to_num(self.quality, nan=-1.0), kind="stable")[:count]
        return self.select(np.sort(rank))


@dataclass(frozen=True, eq=False, repr=False)
class SingularPoints(_Points):
    """Cores and deltas.

    Attributes
    ----------
    x, y : ndarray of float32, shape (n,)
        Position in pixels at 500 dpi.
    kind : ndarray of uint8, shape (n,)
        1 core (Poincare index +1/2), 2 delta (-1/2).
    direction : ndarray of float32, shape (n,)
        Radians in [0, 2 pi): for a core the direction in which its ridges open, for a delta one of its three arms.
    """

    x: Float
    y: Float
    kind: UInt8
    direction: Float
    _names: ClassVar = {CORE: "core", DELTA: "delta"}

    @property
    def cores(self) -> SingularPoints:
        """The cores alone."""
        return self.select(self.kind == CORE)

    @property
    def deltas(self) -> SingularPoints:
        """The deltas alone."""
        return self.select(self.kind == DELTA)
