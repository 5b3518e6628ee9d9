"""The nearest rows of a large set of vectors, block by block, so that memory does not grow with its square."""

from __future__ import annotations

import numpy as np

from ridgefeat.bench.audit_table import Index
from ridgefeat.structure import Float

BLOCK_CELLS = 1 << 24
"""Similarities held at once: 64 MB."""


def most_similar(vectors: Float, count: int) -> tuple[Index, Float]:
    """Return each row's rows with the largest dot product, itself left out.

    Parameters
    ----------
    vectors : ndarray of float32, shape (rows, columns)
    count : int
        Neighbours of each; fewer where there are fewer rows.

    Returns
    -------
    neighbours : ndarray of int, shape (rows, count)
        Most similar first; of equals the first.
    similarity : ndarray of float32, shape (rows, count)
    """
    rows = len(vectors)
    count = min(count, max(0, rows - 1))
    nearest = np.zeros((rows, count), np.intp)
    similarity = np.zeros((rows, count), np.float32)
    step = max(1, BLOCK_CELLS // max(1, rows))
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        block = vectors[start:stop] @ vectors.T
        lines = np.arange(stop - start)
        block[lines, np.arange(start, stop)] = -np.inf
        for k in range(count):
            best = block.argmax(axis=1)
            nearest[start:stop, k] = best
            similarity[start:stop, k] = block[lines, best]
            block[lines, best] = -np.inf
    return nearest, similarity
