"""Digital phantoms: ridges drawn by a formula in millimetres, so that their features are known by construction.

A scene gives the phase of the ridges (a ridge where it is a multiple of 2 pi), their orientation and period at points
(x, y) in mm, x to the right, y up, the origin in the middle. A phantom is a scene at a resolution, perhaps turned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ridgefeat.structure import (
    BIFURCATION,
    CORE,
    DELTA,
    ENDING,
    MM_PER_PX,
    WORKING_DPI,
    Array,
    Minutiae,
    OrientationField,
    SingularPoints,
    UInt8,
)
from ridgefeat.synth.prints import Truth
from ridgefeat.synth.simple import wrap_orientation
from ridgefeat.synth.subjects import make_print

SIDE_MM = 20.32
"""Side of every image: 240 px at 300 dpi, 400 px at 500 dpi, 800 px at 1,000 dpi."""
RADII_MM = (7.5, 9.0)
"""Half axes of the ellipse that the print fills; around it the image is white."""
TURN = 25.0
"""Degrees by which the turned phantoms are turned, counter-clockwise."""
VARIANTS = {"500": (500.0, 0.0), "300": (300.0, 0.0), "1000": (1000.0, 0.0), "turned": (500.0, TURN)}
"""The variants of every scene: resolution in dpi, and turn in degrees."""
SEED = 33
"""Of the stated noise."""

Ridges = tuple[Array, Array, Array]
"""Phase (radians), orientation (radians) and period (mm), each at every point."""


@dataclass(frozen=True)
class Scene:
    """Ridges by formula, and what else is known of them; lengths in mm, angles in radians, y up."""

    ridges: Callable[[Array, Array], Ridges]
    """Takes the points' x and y."""
    features: tuple[str, ...]
    """Groups of features that are known of it (`features.GROUPS`)."""
    fills: bool = False
    """Whether ridges fill the image; else the ellipse of RADII_MM."""
    amplitude: float = 127.5
    noise: float = 0.0
    """Of the sine across the ridges, and deviation of the added noise, grey levels."""
    ridge_share: float | None = None
    """Breadth of a ridge as a share of the period, drawn with sharp edges; None for a sine."""
    gaps: tuple[tuple[float, float], ...] = ()
    lines: tuple[tuple[float, float, float, float], ...] = ()
    """Light spots (x, y) and light lines (x, y to x, y) on the ridges, with the breadth GAP_MM."""
    minutiae: tuple[tuple[float, float, float, int], ...] = ()
    """x, y, direction, kind."""
    cores: tuple[tuple[float, float, float], ...] = ()
    deltas: tuple[tuple[float, float, float], ...] = ()
    """x, y, direction in which it opens."""


GAP_MM = 0.24
"""Breadth of the light spots and lines."""


@dataclass(frozen=True)
class Phantom:
    """One image of a scene: its name, the scene, the resolution in dpi, and the turn in radians."""

    name: str
    scene: Scene
    dpi: float
    turn: float

    @property
    def features(self) -> tuple[str, ...]:
        """Groups of features that are known of it (`features.GROUPS`)."""
        return self.scene.features

    def at(self, x: Array, y: Array) -> Ridges:
        """Return phase, orientation and period at points of the image in mm."""
        phase, angle, period = self.scene.ridges(*self._turned(x, y, -self.turn))
        return phase, angle + self.turn, period

    def inside(self, x: Array, y: Array) -> Array:
        """Whether points of the image in mm lie in the print."""
        u, v = self._turned(x, y, -self.turn)
        reach = (SIDE_MM, SIDE_MM) if self.scene.fills else RADII_MM
        return np.asarray((u / reach[0]) ** 2 + (v / reach[1]) ** 2 <= 1)

    @cached_property
    def image(self) -> UInt8:
        """The print, ridges dark; uint8, square, SIDE_MM wide."""
        x, y, pixel = _grid(self.dpi)
        phase, _, period = self.at(x, y)
        scene = self.scene
        if scene.ridge_share is None:
            light = -np.cos(phase) * scene.amplitude
        else:
            # How far inside the ridge's edge, in pixels: a pixel on the edge is grey.
            off = np.abs(phase - 2 * np.pi * np.rint(phase / (2 * np.pi)))
            depth = (np.pi * scene.ridge_share - off) * period / (2 * np.pi) / pixel
            light = (1 - 2 * np.clip(depth + 0.5, 0, 1)) * scene.amplitude
        u, v = self._turned(x, y, -self.turn)
        for segment in (*scene.lines, *((*spot, *spot) for spot in scene.gaps)):
            depth = (GAP_MM / 2 - _distance(u, v, [segment])[0]) / pixel
            light = np.maximum(light, (2 * np.clip(depth + 0.5, 0, 1) - 1) * scene.amplitude)
        grey = 127.5 + np.where(self.inside(x, y), light, 127.5)
        if scene.noise:
            grey = grey + scene.noise * np.random.default_rng(SEED).standard_normal(grey.shape)
        return np.clip(np.rint(grey), 0, 255).astype(np.uint8)

    @cached_property
    def truth(self) -> Truth:
        """The truth at 500 dpi."""
        x, y, _ = _grid(WORKING_DPI)
        _, angle, period = self.at(x, y)
        scene, full = self.scene, 2 * np.pi
        minutiae = [(*self.place(a, b), (d + self.turn) % full, k, 100) for a, b, d, k in scene.minutiae]
        known = [(CORE, scene.cores), (DELTA, scene.deltas)]
        singular = [(*self.place(a, b), kind, (d + self.turn) % full) for kind, found in known for a, b, d in found]
        points = (
            Minutiae.make(*np.reshape(minutiae, (-1, 5)).T),
            SingularPoints.make(*np.reshape(singular, (-1, 4)).T),
        )
        orientation = OrientationField(wrap_orientation(angle), np.ones(x.shape, np.float32))
        return Truth(orientation, (period / MM_PER_PX).astype(np.float32), self.inside(x, y), *points)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel at 500 dpi, x and y down, of a point of the scene in mm."""
        u, v = self._turned(x, y, self.turn)
        middle = (round(SIDE_MM / MM_PER_PX) - 1) / 2
        return middle + float(u) / MM_PER_PX, middle - float(v) / MM_PER_PX

    @staticmethod
    def _turned(x: Array | float, y: Array | float, angle: float) -> tuple[Array, Array]:
        c, s = np.cos(angle), np.sin(angle)
        return np.asarray(c * x - s * y), np.asarray(s * x + c * y)


def make_phantoms() -> Iterator[Phantom]:
    """Yield every phantom: each scene of `SCENES` in its variants.

    Examples
    --------
    >>> first = next(make_phantoms())
    >>> first.name, first.image.shape, first.truth.period[200, 200] * MM_PER_PX
    ('grating_fine_500', (400, 400), np.float32(0.35))
    """
    for name, scene in SCENES.items():
        for variant, (dpi, turn) in VARIANTS.items():
            yield Phantom(f"{name}_{variant}", scene, dpi, np.deg2rad(turn))


@dataclass(frozen=True)
class SyntheticPrint:
    """One print of the generator `ridgefeat.synth`: its name, image at 500 dpi and truth."""

    name: str
    image: UInt8
    truth: Truth
    dpi: float = WORKING_DPI
    features: tuple[str, ...] = ("print",)


N_PRINTS = 30


def make_prints() -> Iterator[SyntheticPrint]:
    """Yield the synthetic prints, of natural pattern: by turns free of noise, good and fair."""
    for seed in range(1, N_PRINTS + 1):
        made = make_print(seed, noise_level=(seed - 1) % 3)
        yield SyntheticPrint(f"print_{seed:02d}", made.image, made.truth)


def _grid(dpi: float) -> tuple[Array, Array, float]:
    """Return x and y in mm of every pixel of an image, and the side of a pixel."""
    pixel = 25.4 / dpi
    n = round(SIDE_MM / pixel)
    at = (np.arange(n) - (n - 1) / 2) * pixel
    x, y = np.broadcast_arrays(at[None, :], -at[:, None])
    return x, y, pixel


def grating(period: float, angle: float = 0.0) -> Callable[[Array, Array], Ridges]:
    """Parallel ridges: phase = 2 pi n.(x, y) / period, n normal to the ridges."""

    def ridges(x: Array, y: Array) -> Ridges:
        phase = 2 * np.pi * (y * np.cos(angle) - x * np.sin(angle)) / period
        return phase, np.full(x.shape, angle), np.full(x.shape, period)

    return ridges


def chirp(first: float, last: float) -> Callable[[Array, Array], Ridges]:
    """Level ridges whose frequency rises linearly from 1 / first at the bottom to 1 / last at the top of the print."""

    def ridges(x: Array, y: Array) -> Ridges:
        slope = (1 / last - 1 / first) / (2 * RADII_MM[1])
        middle = (1 / last + 1 / first) / 2
        frequency = np.clip(middle + slope * y, 0.5 / first, 2 / last)
        return 2 * np.pi * (middle * y + slope * y**2 / 2), np.zeros(x.shape), 1 / frequency

    return ridges


def zones(x: Array, y: Array) -> Ridges:
    """Four quarters: level ridges, upright ones, and two slants."""
    quarter = (x >= 0) + 2 * (y < 0)
    made = [grating(0.45), grating(0.55, np.pi / 2), grating(0.5, np.pi / 4), grating(0.5, 3 * np.pi / 4)]
    phase, angle, period = (np.choose(quarter, parts) for parts in zip(*(g(x, y) for g in made), strict=True))
    return phase, angle, period


ARC_CENTRE = (0.0, -14.0)


def arcs(x: Array, y: Array) -> Ridges:
    """Concentric arcs around a point below the image: phase = 2 pi r / period, curvature 1 / r."""
    dx, dy = x - ARC_CENTRE[0], y - ARC_CENTRE[1]
    r = np.hypot(dx, dy)
    return 2 * np.pi * r / 0.48, np.arctan2(dy, dx) + np.pi / 2, np.full(x.shape, 0.48)


Segment = tuple[float, float, float, float]


def _distance(x: Array, y: Array, segments: list[Segment] | tuple[Segment, ...]) -> tuple[Array, Array, Array]:
    """Return the distance to the nearest of some segments, and the vector from there."""
    best = np.full(np.shape(x), np.inf)
    dx, dy = np.zeros_like(best), np.zeros_like(best)
    for x0, y0, x1, y1 in segments:
        length = (x1 - x0) ** 2 + (y1 - y0) ** 2
        t = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1) if length else 0.0
        u, v = x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)
        distance = np.hypot(u, v)
        nearer = distance < best
        best, dx, dy = np.where(nearer, distance, best), np.where(nearer, u, dx), np.where(nearer, v, dy)
    return best, dx, dy


def parallel_curves(period: float, *segments: Segment) -> Callable[[Array, Array], Ridges]:
    """Ridges at equal distances from segments: the period is exact, a free end is a core, three that meet a delta.

    The segments themselves are in a valley.
    """

    def ridges(x: Array, y: Array) -> Ridges:
        distance, dx, dy = _distance(x, y, segments)
        angle = np.arctan2(dy, dx) + np.pi / 2
        return 2 * np.pi * distance / period + np.pi, angle, np.full(np.shape(x), period)

    return ridges


LOOP_PERIOD, LOOP_RIDGES = 0.48, 6
_BENDS_BY = np.deg2rad(40)
_LEG = 3 * LOOP_PERIOD / np.sin(_BENDS_BY / 2)
"""Two legs lead from delta to core; the straight line between these is three periods off the legs at most, so that it
crosses the ridges at 0.5, 1.5 and 2.5 periods twice."""
_DELTA = (1.2, -4.5)
_BEND = (_DELTA[0], _DELTA[1] + _LEG)
_CORE = (_BEND[0] - _LEG * np.sin(_BENDS_BY), _BEND[1] + _LEG * np.cos(_BENDS_BY))
_FAR = 40.0
_RAYS = [(_DELTA[0] + _FAR * np.cos(a), _DELTA[1] + _FAR * np.sin(a)) for a in np.deg2rad([240, 345])]
"""Where ridges of two sides meet, they turn by less than 90 degrees: there is no other singular point."""
_LOOP = ((*_CORE, *_BEND), (*_BEND, *_DELTA), (*_DELTA, *_RAYS[0]), (*_DELTA, *_RAYS[1]))
_WHORL = (0.0, 2.0, 0.0, -1.6)

MINUTIAE_PERIOD = 0.5
_PLACED = (
    *((-4.6, 5.2, 0, ENDING), (0.3, 6.6, 1, ENDING), (4.4, 4.3, 0, BIFURCATION), (-1.7, 3.4, 1, BIFURCATION)),
    *((-5.9, 0.9, 1, ENDING), (1.9, 1.3, 0, ENDING), (5.8, -0.7, 1, BIFURCATION), (-2.9, -1.8, 0, BIFURCATION)),
    *((0.9, -3.6, 1, ENDING), (4.6, -4.9, 0, ENDING), (-4.3, -5.4, 1, BIFURCATION), (-0.6, -7.2, 0, ENDING)),
)
"""About where minutiae are: x, y, whether they point left, kind."""


def _spirals(x: Array, y: Array, points: list[tuple[float, float, int, int]]) -> tuple[Array, Array, Array]:
    """Return the phase that minutiae add to level ridges, and its derivatives."""
    phase, dx, dy = np.zeros(np.shape(x)), np.zeros(np.shape(x)), np.zeros(np.shape(x))
    for x0, y0, is_left, _ in points:
        sign = -1 if is_left else 1
        u, v = sign * (x - x0), y0 - y
        square = np.maximum(u**2 + v**2, 1e-9)
        phase, dx, dy = phase + np.arctan2(v, u), dx - sign * v / square, dy - u / square
    return phase, dx, dy


def _placed() -> list[tuple[float, float, int, int]]:
    """Move minutiae up or down until the phase that the others leave there makes each the kind that it should be."""
    points = list(_PLACED)
    for _ in range(20):
        for i, (x, y, is_left, kind) in enumerate(points):
            others = _spirals(np.array(x), np.array(y), points[:i] + points[i + 1 :])[0]
            off = others - 2 * np.pi * y / MINUTIAE_PERIOD - np.pi * (kind == BIFURCATION)
            off -= 2 * np.pi * np.rint(off / (2 * np.pi))
            points[i] = (x, float(y + off * MINUTIAE_PERIOD / (2 * np.pi)), is_left, kind)
    return points


MINUTIAE = _placed()


def counted_minutiae(x: Array, y: Array) -> Ridges:
    """Level ridges with a spiral in the phase for each minutia (Larkin and Fletcher, Optics Express 15, 2007)."""
    carrier = 2 * np.pi / MINUTIAE_PERIOD
    phase, dx, dy = _spirals(x, y, MINUTIAE)
    dy = dy - carrier
    return phase - carrier * y, np.arctan2(dy, dx) + np.pi / 2, 2 * np.pi / np.hypot(dx, dy)


_PORES = tuple((x, 0.6 * k) for k in range(-14, 15) for x in np.arange(-7.5 + 0.75 * (k % 2), 7.6, 1.5).tolist())
_LINES = ((-5.0, -2.0, -3.5, 4.0), (-1.0, 1.0, -1.0, 7.0), (2.0, -6.0, 3.5, -0.5), (4.5, 0.5, 5.5, 5.0))
_PARALLEL = ("period", "density", "parallel", "orientation", "extent", "no_minutiae")

SCENES: dict[str, Scene] = {
    "grating_fine": Scene(grating(0.35), _PARALLEL),
    "grating": Scene(grating(0.45, np.pi / 2), _PARALLEL),
    "grating_coarse": Scene(grating(0.6), _PARALLEL),
    "chirp": Scene(chirp(0.6, 0.4), ("period", "percentiles", "orientation", "extent")),
    "zones": Scene(zones, ("period", "directions", "zones", "orientation", "extent")),
    "arcs": Scene(arcs, ("period", "density", "orientation", "curvature", "extent", "no_minutiae")),
    "minutiae": Scene(
        counted_minutiae,
        ("minutiae", "extent"),
        minutiae=tuple((x, y, np.pi * left, kind) for x, y, left, kind in MINUTIAE),
    ),
    "loop": Scene(
        parallel_curves(LOOP_PERIOD, *_LOOP),
        ("period", "singular", "loop"),
        cores=((*_CORE, _BENDS_BY - np.pi / 2),),
        deltas=((*_DELTA, np.pi / 2),),
    ),
    "whorl": Scene(
        parallel_curves(0.48, _WHORL),
        ("period", "singular", "whorl"),
        cores=((*_WHORL[:2], -np.pi / 2), (*_WHORL[2:], np.pi / 2)),
    ),
    "narrow": Scene(grating(0.5), ("breadth",), ridge_share=0.4),
    "broad": Scene(grating(0.5), ("breadth",), ridge_share=0.6),
    "pores": Scene(grating(0.6), ("pores",), ridge_share=0.5, gaps=_PORES),
    "creases": Scene(grating(0.5), ("creases",), ridge_share=0.5, lines=_LINES),
    "noise": Scene(grating(0.5), ("period", "orientation", "grey"), fills=True, amplitude=70.0, noise=20.0),
}
"""The scenes by name."""
