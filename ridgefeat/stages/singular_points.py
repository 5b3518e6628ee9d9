"""Singular points: cores and deltas, found by the Poincare index, and by symmetry filters where it misses a core."""

from __future__ import annotations

from dataclasses import fields

import cv2
import numpy as np

from ridgefeat.stages.grid import FINE, edge_distance
from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.stages.symmetry import DEVIATION, Complex, core_near, deep_inside, delta_likeness, summit, symmetry
from ridgefeat.structure import CORE, DELTA, Bool, Float, OrientationField, SingularPoints

TURN = np.float32(2 * np.pi)
AROUND = np.arange(72, dtype=np.float32) * (TURN / 72)
"""Angles of the points on a ring, every 5 degrees."""
COHERENCE_RADII = np.array([16, 20, 24], np.float32)
"""Pixels; coherence is always low at a singular point itself, so it is read two ridges away."""
DIRECTION_RADII = np.array([10, 14, 18], np.float32)
"""Pixels; near enough that the field still turns around this point alone."""
BELOW, ASIDE = (8, 220), 200
"""Pixels below and to either side of a missed core within which its delta is searched for."""
MISSED_MARGIN = 6
"""Minimum distance of a missed core from the mask's edge in fine cells (24 px); nearer, bent ridges are like a core."""
INCOHERENT_WEIGHT = 0.05
"""Added to the coherence as a vector's weight, so that the smoothed field is defined where it is 0."""


@parameters
class SingularPointParams:
    """Parameters of find_singular_points."""

    smoothing: float = parameter(
        8.0, "px", 0, 64, "deviation of the Gaussian that smooths the field first; raised: fewer points"
    )
    border: float = parameter(14.0, "px", 0, 64, "minimum distance from the mask's edge")
    min_coherence: float = parameter(
        0.28, "", 0, 1, "minimum coherence on a ring around the point; raised: fewer points"
    )
    pair_distance: float = parameter(26.0, "px", 0, 200, "a core and a delta closer than this cancel each other")
    min_symmetry: float = parameter(
        0.5, "", 0, 1, "minimum symmetry of a core that the field misses and of its delta; raised: fewer points"
    )
    min_symmetry_alone: float = parameter(
        0.7, "", 0, 1, "minimum symmetry of such a core without a delta; raised: fewer points"
    )


def find_singular_points(
    orientation: OrientationField, mask: Bool, params: SingularPointParams | None = None
) -> SingularPoints:
    """Find cores and deltas by the Poincare index.

    Parameters
    ----------
    orientation : OrientationField
    mask : ndarray of bool, shape (rows, columns)
    params : SingularPointParams, optional

    Returns
    -------
    SingularPoints
        Cores first, each kind from the top down.

    Notes
    -----
    Around each 2 x 2 block of the smoothed doubled-angle field the turns add up to +1 (core), -1 (delta) or 0
    revolutions (Kawagoe and Tojo, "Fingerprint pattern classification", Pattern Recognition 1984; in the doubled angle
    the index is a whole number and needs no threshold). Cores and deltas born of noise come in close pairs; those
    cancel. A core's direction is the one in which its ridges open (Bazen and Gerez, 2002).

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import rings
    >>> found = Fingerprint(rings((241, 241), 9.0).image).singular_points
    >>> found.kind, len(found.cores), len(found.deltas)  # the two cores of a whorl
    (array([1, 1], dtype=uint8), 2, 0)
    """
    p = params or SingularPointParams()
    if not mask.any():
        return SingularPoints.empty()
    field = _smoothed(orientation, mask, p)
    x, y, charge = _charges(field)
    edge = edge_distance(mask, x, y)
    inside = edge > 0
    if not inside.any():
        return SingularPoints.empty()
    x, y, charge, edge = x[inside], y[inside], charge[inside], edge[inside]
    alive = _cancel(x, y, charge, p.pair_distance) & (edge >= p.border)
    alive &= _coherence_around(orientation.coherence, x, y) >= p.min_coherence
    x, y, charge = x[alive], y[alive], charge[alive]
    kind = np.where(charge > 0, CORE, DELTA).astype(np.uint8)
    direction = _directions(field, x, y, charge)
    order = np.lexsort((x, y, kind))
    return SingularPoints(x, y, kind, direction).select(order)


def find_missed_points(
    found: SingularPoints, flow: Complex, params: SingularPointParams | None = None
) -> SingularPoints:
    """Find the upper core of a print, and the delta below it, if the smoothed field does not turn around them.

    Parameters
    ----------
    found : SingularPoints
        From find_singular_points.
    flow : ndarray of complex64, shape (grid rows, grid columns)
        From symmetry.ridge_flow, of the same print.
    params : SingularPointParams, optional

    Returns
    -------
    SingularPoints
        A core and perhaps a delta, to be added to `found`, which must have no core.

    Notes
    -----
    Sharply recurving ridges, poor ink at the core and a core close to its delta (tented arches) leave no turn in a
    smoothed field. The candidate is the point most like a core. It is accepted if its likeness is at least min_symmetry
    (1 is an ideal core) and a delta confirms it: one in `found`, or one below it with the same likeness. Without a
    delta, which may lie outside the image, it needs min_symmetry_alone. Plain arches reach neither.
    """
    p = params or SingularPointParams()
    if not deep_inside(flow).any():
        return SingularPoints.empty()
    core, delta = symmetry(flow, DEVIATION)
    upper = summit(core, delta, flow)
    if not deep_inside(flow, MISSED_MARGIN)[upper]:
        return SingularPoints.empty()
    at, likeness = core_near(core, delta, upper)
    points = [(at[1], at[0], CORE, float(np.angle(core[at])))]
    rows, columns = flow.shape
    down, aside = FINE * (np.arange(rows)[:, None] - at[0]), FINE * np.abs(np.arange(columns) - at[1])
    where = deep_inside(flow) & (down >= BELOW[0]) & (down <= BELOW[1]) & (aside <= ASIDE)
    score = np.where(where, delta_likeness(core, delta), 0)
    row, column = np.unravel_index(score.argmax(), score.shape)
    if not len(found.deltas) and score[row, column] >= p.min_symmetry:
        points.append((int(column), int(row), DELTA, float(np.angle(delta[row, column])) / 3))
    is_confirmed = len(found.deltas) or len(points) > 1
    if likeness < (p.min_symmetry if is_confirmed else p.min_symmetry_alone):
        return SingularPoints.empty()
    x, y, kind, direction = np.array(points, np.float32).T
    middle = np.float32((FINE - 1) / 2)
    # Twice, because the first may round up to a whole turn.
    return SingularPoints.make(FINE * x + middle, FINE * y + middle, kind, direction % TURN % TURN)


def without_turn(points: SingularPoints, orientation: OrientationField) -> SingularPoints:
    """Return the points around which the orientation, 16 px away, does not turn: the field is wrong there."""
    if not len(points):
        return points
    px, py = _rings(points.x, points.y, COHERENCE_RADII[:1])
    angle = cv2.remap(orientation.angle, px, py, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    turns = _turn(2 * angle, 2 * np.roll(angle, -1, 1)).sum(1)
    return points.select(np.abs(turns) < TURN / 2)


def joined(found: SingularPoints, missed: SingularPoints) -> SingularPoints:
    """Return both sets of points, cores first, each kind from the top down."""
    columns = ([*getattr(found, f.name), *getattr(missed, f.name)] for f in fields(SingularPoints))
    points = SingularPoints.make(*columns)
    return points.select(np.lexsort((points.x, points.y, points.kind)))


def _smoothed(orientation: OrientationField, mask: Bool, p: SingularPointParams) -> Float:
    doubled = 2 * orientation.angle[::FINE, ::FINE]
    weight = INCOHERENT_WEIGHT + orientation.coherence[::FINE, ::FINE]
    field = np.stack([np.cos(doubled) * weight, np.sin(doubled) * weight], -1).astype(np.float32)
    if p.smoothing:
        field = cv2.GaussianBlur(field, (0, 0), p.smoothing / FINE, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(field)


def _charges(field: Float) -> tuple[Float, Float, Float]:
    """Return position (pixels) and sign of every block around which the doubled angle turns."""
    angle = np.arctan2(field[..., 1], field[..., 0])
    # Counter-clockwise on the page: along the bottom, up the right, back along the top, down the left.
    top = _turn(angle[:-1, 1:], angle[:-1, :-1])
    bottom = _turn(angle[1:, :-1], angle[1:, 1:])
    right = _turn(angle[1:, 1:], angle[:-1, 1:])
    left = _turn(angle[:-1, :-1], angle[1:, :-1])
    turns = np.round((bottom + right + top + left) / TURN)
    rows, columns = np.nonzero(turns)
    x = ((columns + 0.5) * FINE).astype(np.float32)
    y = ((rows + 0.5) * FINE).astype(np.float32)
    return x, y, turns[rows, columns].astype(np.float32)


def _turn(start: Float, end: Float) -> Float:
    return np.asarray(end - start - TURN * np.round((end - start) / TURN))


def _cancel(x: Float, y: Float, charge: Float, reach: float) -> Bool:
    """Return which charges remain when opposite ones, nearest pairs first, cancel within reach."""
    alive = np.ones(len(x), bool)
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    distance[(charge[:, None] * charge) >= 0] = np.inf
    while len(x) and distance.min() < reach:
        i, j = np.unravel_index(distance.argmin(), distance.shape)
        alive[[i, j]] = False
        distance[[i, j]] = distance[:, [i, j]] = np.inf
    return alive


def _coherence_around(coherence: Float, x: Float, y: Float) -> Float:
    """Return the mean coherence on three rings around each point."""
    px, py = _rings(x, y, COHERENCE_RADII)
    sampled = cv2.remap(coherence, px, py, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(sampled.reshape(3, -1, AROUND.size).mean((0, 2)))


def _rings(x: Float, y: Float, radius: Float) -> tuple[Float, Float]:
    """Return points on rings about each place, shape (radii * places, angles)."""
    px = x[:, None] + radius[:, None, None] * np.cos(AROUND)
    py = y[:, None] - radius[:, None, None] * np.sin(AROUND)
    return px.reshape(-1, AROUND.size), py.reshape(-1, AROUND.size)


def _directions(field: Float, x: Float, y: Float, charge: Float) -> Float:
    """Return the angle at which the ridges leave each point radially, for a core on the side where it opens."""
    if not len(x):
        return np.zeros(0, np.float32)
    px, py = _rings(x, y, DIRECTION_RADII)
    sampled = cv2.remap(field, px / FINE, py / FINE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    sampled = sampled.reshape(3, -1, AROUND.size, 2)
    angle = np.arctan2(sampled[..., 1], sampled[..., 0])
    radial = np.cos(angle - 2 * AROUND).sum(0)
    return np.asarray(AROUND[radial.argmax(1)])
