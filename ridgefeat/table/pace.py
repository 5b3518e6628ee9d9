"""How many prints to hand out at once: as many as take a worker a second or two, whatever they cost.

The size of a unit decides nothing but time: rows stand where their prints stand. joblib's own batches were tried: they
lie on top of a unit's 1.5 s, so that a kill loses 98 prints in place of 38 (means of ten kills with two workers), and
they are not available on Dask.
"""

from __future__ import annotations

SECONDS = 1.5
"""What a unit should take: enough that handing it over costs nothing, and all that an interruption can lose."""
MOST = 1024
FIRST = 4
SHARE = 4
"""Units a worker that should still be to come, so that all finish at about the same time."""


class Pace:
    """The size of the next unit, learnt from those that are done.

    Parameters
    ----------
    count : int
        Prints still to do.
    workers : int
        Who does them.
    """

    def __init__(self, count: int, workers: int) -> None:
        self.left = count
        self.workers = workers
        self._seconds = 0.0
        self._prints = 0

    def note(self, prints: int, seconds: float) -> None:
        """Learn from a finished unit; older ones count less and less."""
        self._seconds = self._seconds / 2 + seconds
        self._prints = self._prints // 2 + prints

    def take(self, most: int) -> int:
        """Return the size of the next unit, at most `most`, and count it as handed out."""
        size = FIRST
        if self._prints:
            size = int(SECONDS * self._prints / max(self._seconds, 1e-6))
        even = self.left // (SHARE * self.workers)
        size = max(1, min(size, even, MOST, most))
        self.left -= size
        return size
