"""NFIQ 2's local quality measures, block by block.

Formulas: Tabassi et al. 2021, NFIQ 2 (NISTIR 8382), and ISO/IEC 29794-4. Where the text leaves a choice (how blocks
are turned and cut, which ridge widths count), it is that of NIST's reference implementation, usnistgov/NFIQ2, so that
the values compare. All blocks of a print are computed at once.
"""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.features.quality.blocks import BLOCK, Blocks, turned_windows
from ridgefeat.structure import Bool, Float, UInt8

ACROSS, ALONG = BLOCK, BLOCK // 2
"""Pixels of a turned window across the ridges and along them."""
PAD = 2
"""Pixels by which NFIQ 2 widens a block before it turns it, for FDA and RVU."""
RIDGE_WIDTHS = (3.0, 10.0)
VALLEY_WIDTHS = (2.0, 10.0)
"""Mean widths in pixels that a block may have to count as ridges at all."""
MAX_WIDTH = 20.0
"""Width in pixels by which NFIQ 2 divides those of ridges and valleys."""
SHRINK = 4
"""Factor by which the image is made smaller to find the region of interest."""
MIN_TURN = np.deg2rad(4.0)
"""Change of orientation between neighbouring blocks from which on orientation flow counts it."""
BINS = {
    "fda": (0.268, 0.304, 0.33, 0.355, 0.38, 0.407, 0.44, 0.50, 1.0),
    "lcs": (0.0, 0.70, 0.74, 0.77, 0.79, 0.81, 0.83, 0.85, 0.87),
    "ocl": (0.337, 0.479, 0.579, 0.655, 0.716, 0.766, 0.81, 0.852, 0.898),
    "of": (1.715e-2, 3.5e-2, 5.57e-2, 8.1e-2, 1.15e-1, 1.718e-1, 2.569e-1, 4.758e-1, 7.48e-1),
    "rvu": (0.5, 0.667, 0.8, 1.0, 1.25, 1.5, 2.0, 24.0, 30.0),
}
"""Inner limits of each measure's ten bins; a value on a limit belongs to the bin above."""


def summary(name: str, values: np.ndarray) -> np.ndarray:
    """Return a measure's ten bin counts, mean and standard deviation, shape (12,); NaN without values."""
    if not values.size:
        return np.full(12, np.nan)
    counts = np.bincount(np.searchsorted(BINS[name], values, "right"), minlength=10)
    return np.append(counts, (values.mean(dtype=float), values.std(dtype=float)))


def frequency_domain(blocks: Blocks) -> Float:
    """Return the frequency domain analysis (FDA) score of each foreground block, 0 (no ridges) to 1 (a pure wave).

    The spectrum of the mean profile across the ridges: the largest amplitude and 0.3 of its two neighbours, over the
    sum of all up to the Nyquist frequency; 1 where the largest is the lowest frequency.
    """
    angle = blocks.angle[blocks.inside] + np.float32(np.pi / 2)
    windows = turned_windows(blocks, angle, ALONG, ACROSS, PAD)
    profile = windows.mean(2, dtype=np.float32)
    amplitude = np.abs(np.fft.rfft(profile, axis=1)[:, 1:])
    peak = amplitude.argmax(1)
    rows = np.arange(len(peak))
    # Beyond Nyquist the spectrum is its own mirror image.
    mirrored = np.concatenate([amplitude, amplitude[:, -2:-1]], 1)
    near = mirrored[rows, np.maximum(peak - 1, 0)] + mirrored[rows, peak + 1]
    total = amplitude[:, :-1].sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = (amplitude[rows, peak] + 0.3 * near) / total
    # Only a wave of two pixels, whose amplitude is not in the sum, would come out above 1.
    return np.asarray(np.where(peak == 0, 1, np.minimum(score, 1)), np.float32)


def ridge_windows(blocks: Blocks, pad: int) -> tuple[UInt8, Float, Bool]:
    """Return each foreground block's window with ridges upright, its grey trend, and which columns are ridge.

    The trend is a line fitted to the means of the 32 columns; a column is ridge if its mean lies below the line.
    """
    windows = turned_windows(blocks, blocks.angle[blocks.inside], ACROSS, ALONG, pad)
    profile = windows.sum(1, dtype=np.int32) / ALONG
    at = np.arange(ACROSS) - (ACROSS - 1) / 2
    slope = profile @ at / (at @ at)
    # Rounded so that a flat block is the same on every machine: neither ridge nor valley by a last bit.
    trend = np.round(profile.mean(1)[:, None] + slope[:, None] * at, 9)
    return windows, trend, np.round(profile, 9) < trend


def local_clarity(blocks: Blocks) -> Float:
    """Return the local clarity score (LCS) of each foreground block, 0 (unclear) to 1 (clear).

    1 - the mean share of pixels in ridge columns that are lighter, and in valley columns that are darker, than the
    window's trend; 0 where the mean widths are not a fingerprint's.
    """
    windows, trend, ridge = ridge_windows(blocks, 0)
    lighter = (windows >= np.ceil(trend)[:, None]).sum(1)
    columns = ridge.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        wrong_ridge = (lighter * ridge).sum(1) / (ALONG * columns)
        wrong_valley = ((ALONG - lighter) * ~ridge).sum(1) / (ALONG * (ACROSS - columns))
        score = 1 - (wrong_ridge + wrong_valley) / 2
    return np.asarray(np.where(_plausible_widths(ridge), score, 0), np.float32)


def _plausible_widths(ridge: Bool) -> Bool:
    changes = ridge[:, 1:] != ridge[:, :-1]
    runs = changes.sum(1)
    last = changes.shape[1] - 1 - changes[:, ::-1].argmax(1)
    # The run that the window's end cuts is left out; the first counts for one pixel less than it shows.
    counted = np.arange(ACROSS) <= last[:, None]
    counted[:, 0] = False
    first = ridge[:, 0]
    good = runs > 0
    for kind, begins, (low, high) in ((ridge, first, RIDGE_WIDTHS), (~ridge, ~first, VALLEY_WIDTHS)):
        count = np.where(begins, (runs + 1) // 2, runs // 2)
        width = (kind & counted).sum(1)
        good &= (count > 0) & (width >= low * count) & (width <= high * count)
        for block in np.flatnonzero(good & ((width == low * count) | (width == high * count))):
            # On a limit NFIQ 2's rounding decides: it compares OpenCV's mean of twentieths.
            ends = np.flatnonzero(changes[block])
            runs_of_kind = (ends - np.append(0, ends[:-1]))[0 if begins[block] else 1 :: 2]
            good[block] = low / MAX_WIDTH <= cv2.mean(runs_of_kind / MAX_WIDTH)[0] <= high / MAX_WIDTH
    return np.asarray(good, np.bool_)


def ridge_valley_uniformity(blocks: Blocks) -> Float:
    """Return the ratios of neighbouring ridge and valley widths (RVU), several per foreground block, 1 if even."""
    ridge = ridge_windows(blocks, PAD)[2]
    # The window's last column is not looked at, nor is the first complete run; see the module's note on choices.
    block, at = np.nonzero(ridge[:, 1:-1] != ridge[:, :-2])
    width, same = np.diff(at), block[1:] == block[:-1]
    start, block, width = at[:-1][same], block[:-1][same], width[same]
    if not len(width):
        return np.zeros(0, np.float32)
    begins = np.flatnonzero(np.r_[True, block[1:] != block[:-1]])
    runs = np.diff(begins, append=len(block))
    order = np.arange(len(block)) - np.repeat(begins, runs)
    from_end = np.repeat(runs, runs) - 1 - order
    first_is_ridge = np.repeat(ridge[block[begins], start[begins] + 1], runs)
    pair = np.flatnonzero(order >= 2)
    ratio = width[pair] / width[pair - 1]
    inverted = from_end[pair] % 2 == first_is_ridge[pair]
    return np.asarray(np.where(inverted, 1 / ratio, ratio), np.float32)


def orientation_flow(blocks: Blocks) -> Float:
    """Return the orientation flow (OF) score of each block whose neighbours are foreground too, 0 (smooth) upwards.

    The mean absolute difference to the eight neighbours' angles, less 4 degrees, over 86 degrees; blocks that turn
    by less than 4 degrees are left out.
    """
    if min(blocks.angle.shape) < 3:
        return np.zeros(0, np.float32)
    angle = blocks.angle.astype(float)
    rows, columns = angle.shape
    around = [(r, c) for r in range(3) for c in range(3) if (r, c) != (1, 1)]
    near = np.stack([angle[r : rows - 2 + r, c : columns - 2 + c] for r, c in around])
    turn = np.abs(near - angle[1:-1, 1:-1])
    mean = np.minimum(turn, 2 * np.pi - turn).mean(0)
    inside = cv2.erode(blocks.inside.astype(np.uint8), np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0
    kept = mean[inside & (mean > MIN_TURN)]
    return np.asarray((kept - MIN_TURN) / (np.pi / 2 - MIN_TURN), np.float32)


def region_of_interest(image: UInt8) -> Bool:
    """Return where NFIQ 2 sees the print: dark after erosion, two blurs and two Otsu thresholds, filled.

    Of several regions the one with the largest bounding box is kept. The blurs, 41 and 91 px wide, are done on a
    quarter of the size: their result is as smooth, at a fifteenth of the cost.
    """
    rows, columns = image.shape
    size = (max(1, columns // SHRINK), max(1, rows // SHRINK))
    small = cv2.resize(cv2.erode(image, np.ones((5, 5), np.uint8)), size, interpolation=cv2.INTER_AREA)
    light = cv2.threshold(_blurred(small, 41), 0, 255, cv2.THRESH_OTSU)[1]
    light = cv2.threshold(_blurred(light, 91), 0, 255, cv2.THRESH_OTSU)[1]
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(light, connectivity=4)
    x, y, width, height = boxes[:, :4].T
    hole = (x > 0) & (y > 0) & (x + width < size[0]) & (y + height < size[1])
    hole[0] = False
    filled = ((light == 0) | hole[labels]).astype(np.uint8)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(filled, connectivity=4)
    if len(boxes) < 2:
        return np.zeros(image.shape, np.bool_)
    kept = (labels == 1 + np.argmax(boxes[1:, 2] * boxes[1:, 3])).astype(np.uint8)
    return np.asarray(cv2.resize(kept, (columns, rows), interpolation=cv2.INTER_NEAREST), np.bool_)


def _blurred(small: UInt8, kernel: int) -> UInt8:
    # OpenCV's deviation for a kernel of that many pixels, on the shrunk image.
    sigma = (0.3 * ((kernel - 1) / 2 - 1) + 0.8) / SHRINK
    return np.asarray(cv2.GaussianBlur(small, (0, 0), sigma), np.uint8)
