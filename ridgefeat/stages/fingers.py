"""Fingers: a slap, or several prints in one image, cut into single fingers, named where that is clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ridgefeat.stages.grid import CELL, part_at_necks
from ridgefeat.structure import MM_PER_PX, Bool

CELL_MM = CELL * MM_PER_PX
NECK_MM = 0.7
"""A neck is narrower by this, to either side of its middle, than the parts that it joins."""
MAX_NECK = 0.75
"""Longest boundary at which parts are two, compared with the breadth of the narrower: else one print with a notch."""
MIN_TALL, MIN_TWO_MM = 1.2, 20.0
"""Parts side by side are two fingers, however long their boundary, if each is taller than broad by the first and they
are broader together than the second."""
MIN_SLAP_MM = 26.5
"""Breadth of two fingers side by side; sensors of one finger and SD4's images are narrower."""
MAX_PARTS = 60
"""What has more is not a hand, and stays one print."""
MIN_AREA_MM2, MIN_BREADTH_MM = 50.0, 6.0
"""Smaller pieces are not fingertips: the little finger's is some 10 x 15 mm."""
CREASE_MM = 6.0
"""Widest gap between a fingertip and the next phalanx below it."""
MIN_OVERLAP = 0.5
"""Share of its breadth that a lower phalanx has below the fingertip; hands lie up to some 30 degrees askew."""
MAX_LENGTH_MM = 34.0
"""Length from the tip after which a finger is cut: the distal phalanx is 20 to 30 mm long."""
MARGIN_MM = 1.5
"""Around a finger's mask, so that its outline can be found again."""
MIN_STEP_MM = 5.0
"""How much lower than the index finger's a little finger's tip is, where that names the hand."""

HANDS = {"right": ("index", "middle", "ring", "little"), "left": ("little", "ring", "middle", "index")}
"""Fingers of a slap from left to right as the image is seen."""
SLAPS = {"13": "right", "14": "left"}
THUMBS = "15"
"""Codes of ANSI/NIST-ITL for four fingers of a hand, and for both thumbs."""


@dataclass(frozen=True, eq=False)
class Finger:
    """One finger of an image."""

    box: tuple[int, int, int, int]
    """Left, top, width and height in px of the mask's image, with a margin of 1.5 mm."""
    mask: Bool
    """Where the finger is in its box, shape (height, width)."""
    touching: bool = False
    """Whether it joins its neighbour, so that the boundary between them is estimated."""


def split_fingers(mask: Bool, *, is_slap: bool = False) -> list[Finger]:
    """Return the fingers of a slap, or the separate prints of an image, from left to right.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
        Where ridges are, 500 dpi, fingertips up: of `segment`.
    is_slap : bool
        Whether it is known to be one hand: then all that is below a fingertip belongs to its finger, else only what
        follows within 6 mm.

    Returns
    -------
    list of Finger
        One for one print, none where there is none. Only the distal phalanx: what follows below a fingertip, after a
        crease, is left out, and a finger is cut 34 mm from its tip.

    Notes
    -----
    The steps of slap segmentation as NIST evaluated it (Ulery, Hicklin, Watson and Kwong, "Slap fingerprint
    segmentation evaluation 2004", NISTIR 7209), whose tool is NFSEG: components, their division where they are narrow,
    lower phalanges left out. Boxes are upright, while NFSEG's are turned with the finger.

    Examples
    --------
    >>> mask = np.zeros((500, 700), bool)
    >>> mask[40:420, 30:300] = mask[100:440, 380:660] = True
    >>> [finger.box for finger in split_fingers(mask)]
    [(0, 10, 330, 440), (350, 70, 340, 400)]
    """
    rows, columns = mask.shape
    padded = np.pad(mask, ((0, -rows % CELL), (0, -columns % CELL)))
    cells = padded.reshape(padded.shape[0] // CELL, CELL, -1, CELL).mean((1, 3)) > 0.5
    parts, touching = _parts(cells)
    large = [n for n in range(1, parts.max(initial=0) + 1) if _is_large(parts == n)]
    tips = _fingertips(large, parts, np.inf if is_slap else CREASE_MM / CELL_MM)
    margin, longest = round(MARGIN_MM / MM_PER_PX), round(MAX_LENGTH_MM / MM_PER_PX)
    found = []
    for n in tips:
        own = cv2.resize((parts == n).view(np.uint8), padded.shape[::-1], interpolation=cv2.INTER_NEAREST)
        # Between cells of the part and of others the pixels' own mask decides.
        others = cv2.resize(((parts > 0) & (parts != n)).view(np.uint8), padded.shape[::-1], interpolation=0)
        near = cv2.dilate(own, np.ones((2 * CELL + 1, 2 * CELL + 1), np.uint8))
        finger = mask & (near & ~others)[:rows, :columns].astype(bool)
        left, top, width, height = cv2.boundingRect(finger.view(np.uint8))
        right, bottom = min(left + width + margin, columns), min(top + min(height, longest) + margin, rows)
        left, top = max(left - margin, 0), max(top - margin, 0)
        box = left, top, right - left, bottom - top
        found.append(Finger(box, finger[top:bottom, left:right].copy(), n in touching))
    return sorted(found, key=lambda f: f.box[0] + f.box[2] / 2)


def are_touching(mask: Bool) -> bool:
    """Whether a mask, broad enough for two fingers, holds fingers that join at their sides."""
    _, _, width, _ = cv2.boundingRect(mask.view(np.uint8))
    return width * MM_PER_PX > MIN_SLAP_MM and any(f.touching for f in split_fingers(mask))


def _parts(cells: Bool) -> tuple[np.ndarray[Any, Any], set[int]]:
    """Return the number of each cell's part, and which parts touch another at their side."""
    parts = part_at_necks(cells, NECK_MM / CELL_MM)
    if parts.max(initial=0) > MAX_PARTS:
        return cells.astype(np.int32), set()
    breadths = {n: _breadth(parts == n) for n in range(1, parts.max(initial=0) + 1)}
    boxes = {n: cv2.boundingRect((parts == n).view(np.uint8)) for n in breadths}
    becomes = {n: n for n in breadths}
    touching = set()
    for a, b, across, along in sorted(_boundaries(parts), key=lambda found: -max(found[2:])):
        one, two = becomes[a], becomes[b]
        is_long = max(across, along) > MAX_NECK * min(breadths[a], breadths[b])
        are_tall = all(boxes[n][3] > MIN_TALL * boxes[n][2] for n in (a, b)) and across > along
        is_split = not is_long or (are_tall and breadths[a] + breadths[b] > MIN_TWO_MM / CELL_MM)
        if one != two and not is_split:
            becomes = {n: one if to == two else to for n, to in becomes.items()}
        elif one != two and across > along and all(_is_large(parts == n) for n in (a, b)):
            touching |= {a, b}  # side by side; else a finger and its next phalanx
    return np.array([0, *becomes.values()])[parts], {becomes[n] for n in touching}


def _boundaries(parts: np.ndarray[Any, Any]) -> list[tuple[int, int, int, int]]:
    """Return which parts are neighbours, with the rows and the columns of their boundary."""
    pairs: dict[tuple[int, int], list[int]] = {}
    for axis in (1, 0):
        one, two = (parts[:, :-1], parts[:, 1:]) if axis else (parts[:-1], parts[1:])
        at = (one != two) & (one > 0) & (two > 0)
        for a, b in zip(one[at].tolist(), two[at].tolist(), strict=True):
            pairs.setdefault((min(a, b), max(a, b)), [0, 0])[1 - axis] += 1
    return [(a, b, across, along) for (a, b), (across, along) in pairs.items()]


def _breadth(part: Bool) -> float:
    """Return a part's greatest breadth in cells."""
    return 2 * float(cv2.distanceTransform(np.pad(part, 1).view(np.uint8), cv2.DIST_L2, 5).max())


def _is_large(part: Bool) -> bool:
    return bool(np.count_nonzero(part) * CELL_MM**2 >= MIN_AREA_MM2 and _breadth(part) * CELL_MM >= MIN_BREADTH_MM)


def _fingertips(numbers: Sequence[int], parts: np.ndarray[Any, Any], crease: float) -> list[int]:
    """Return the parts that are no lower phalanx of another."""
    boxes = {n: cv2.boundingRect((parts == n).view(np.uint8)) for n in numbers}

    def is_below(n: int, tip: int) -> bool:
        left, top, width, _ = boxes[n]
        x, y, w, h = boxes[tip]
        overlap = min(left + width, x + w) - max(left, x)
        return bool(y + h / 2 < top < y + h + crease and overlap > MIN_OVERLAP * min(width, w))

    return [n for n in numbers if not any(is_below(n, tip) for tip in numbers if tip != n)]


def name_fingers(fingers: Sequence[Finger], labels: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """Return hand and finger of each finger of an image, as far as they are clear.

    Parameters
    ----------
    fingers : sequence of Finger
        Of `split_fingers`.
    labels : mapping, optional
        What is known of the image: `finger_position` or `finger_id`, 13 and 14 (right and left four fingers) or 15
        (both thumbs); `hand`.

    Returns
    -------
    list of dict
        Labels `hand` and `finger`. Of four fingers without a known hand, the tips decide: the little finger's is at
        least 5 mm lower than the index finger's and lowest of all, and its area the smaller. Where a code says four
        and there are more, the four largest are named. Of two or three fingers only a known hand is named.

    Examples
    --------
    >>> tips = [Finger((400 * k, top, 330, 440), np.ones((440, 330), bool)) for k, top in enumerate((90, 20, 40, 260))]
    >>> name_fingers(tips, {"finger_position": "14"})[0], name_fingers(tips[:2])
    ({'hand': 'left', 'finger': 'little'}, [{}, {}])
    """
    labels = labels or {}
    code = position_code(labels)
    if code == THUMBS and len(fingers) == 2:
        return [{"hand": hand, "finger": "thumb"} for hand in ("left", "right")]
    hand = SLAPS.get(code) or labels.get("hand")
    if len(fingers) == 4 or (len(fingers) > 4 and code in SLAPS):
        hand = hand or _hand_of(fingers)
        four = sorted(np.argsort([-np.count_nonzero(f.mask) for f in fingers], kind="stable")[:4].tolist())
        fitting = dict(zip(four, HANDS.get(hand or "", ()), strict=False))
        return [{"hand": str(hand), "finger": fitting[k]} if k in fitting else {} for k in range(len(fingers))]
    return [{"hand": hand} if hand in HANDS else {} for _ in fingers]


def position_code(labels: Mapping[str, str]) -> str:
    """Return the finger position that labels give, empty without."""
    return labels.get("finger_position") or labels.get("finger_id") or ""


def _hand_of(fingers: Sequence[Finger]) -> str | None:
    """Return the hand whose little finger is clear by its height and area."""
    tops = np.array([f.box[1] for f in fingers]) * MM_PER_PX
    areas = [np.count_nonzero(f.mask) for f in fingers]
    for hand, little, index in (("right", 3, 0), ("left", 0, 3)):
        if tops[little] - tops[index] >= MIN_STEP_MM and little == tops.argmax() and areas[little] < areas[index]:
            return hand
    return None
