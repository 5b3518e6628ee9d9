"""Ridges counted as forensic examiners do: along the diagonal of a 5 mm square."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.structure import MM_PER_PX, Bool, Float

SIDE = 5.0 / MM_PER_PX
DIAGONAL = SIDE * np.sqrt(2)
SAMPLES = 142
LEAST_INSIDE = 0.6
CLEAR = 0.08
"""Between minus and plus this, the enhanced print is neither ridge nor valley: what came before goes on."""


def count_ridges(enhanced: Float, mask: Bool, x: Float, y: Float) -> Float:
    """Count the ridges across a 5 mm square about each point.

    Parameters
    ----------
    enhanced : ndarray of float32, shape (rows, columns)
        Ridges negative.
    mask : ndarray of bool, shape (rows, columns)
    x, y : ndarray of float32, shape (n,)
        Centres of the squares, px at 500 dpi.

    Returns
    -------
    ndarray of float32, shape (n,)
        Ridges along that diagonal of the two which crosses more, per full diagonal (7.07 mm); NaN where less than
        60 % of either lies in the print, for the one that is not seen might cross more.

    Notes
    -----
    Acree, "Is there a gender difference in fingerprint ridge density?" (Forensic Science International 1999). A ridge
    is a run below zero; the parts of one at the ends of what is visible are made up for by dividing by its length.
    """
    along = (np.arange(SAMPLES, dtype=np.float32) / (SAMPLES - 1) - 0.5) * np.float32(SIDE)
    px = np.stack([x[:, None] + along, x[:, None] + along])
    py = np.stack([y[:, None] - along, y[:, None] + along])
    flat = px.reshape(-1, SAMPLES), py.reshape(-1, SAMPLES)
    value = cv2.remap(enhanced, *flat, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    inside = cv2.remap(mask.view(np.uint8), *flat, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
    ridge = _settled(value, (np.abs(value) > CLEAR) & inside)
    both_inside = inside[:, 1:] & inside[:, :-1]
    # Each ridge has two flanks; half their number counts a ridge cut by the end as a half.
    flanks = ((ridge[:, 1:] != ridge[:, :-1]) & both_inside).sum(1)
    visible = both_inside.sum(1) / (SAMPLES - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.where(visible >= LEAST_INSIDE, flanks / 2 / visible, np.nan)
    return np.asarray(np.maximum(*count.reshape(2, -1)), np.float32)


def _settled(value: Float, clear: Bool) -> Bool:
    """Return where values are negative; unclear ones are what the last clear one was, or at first the next."""
    at = np.maximum.accumulate(np.where(clear, np.arange(value.shape[1]), -1), axis=1)
    at = np.where(at < 0, clear.argmax(1)[:, None], at)
    return np.asarray(np.take_along_axis(value, at, 1) < 0)


def grid(mask: Bool) -> tuple[Float, Float]:
    """Return centres of half-overlapping 5 mm squares whose middle lies in the print."""
    step = SIDE / 2
    rows, columns = mask.shape
    y, x = np.meshgrid(
        np.arange(step / 2, rows, step, dtype=np.float32),
        np.arange(step / 2, columns, step, dtype=np.float32),
        indexing="ij",
    )
    inside = mask[y.astype(int), x.astype(int)]
    return x[inside], y[inside]
