"""What goes wrong, by kind.

Every message names what was wrong, its value and its place, and says what to do about it.
"""

from __future__ import annotations


class RidgefeatError(Exception):
    """Root of everything that ridgefeat raises on purpose."""


class ImageError(RidgefeatError):
    """An image that cannot be read or is not a usable image."""


class LayoutError(RidgefeatError):
    """A file name, index or folder without the information that it should have."""


class ParameterError(RidgefeatError):
    """A parameter that is unknown, of the wrong type or out of range."""


class TableError(RidgefeatError):
    """A feature table or sidecar that cannot be read, written or combined."""


class TemplateError(RidgefeatError):
    """A minutiae template that cannot be read or written."""


class ModelError(RidgefeatError):
    """A model file that cannot be loaded or does not fit the data."""


class ScoreError(RidgefeatError):
    """Comparison scores that cannot be evaluated."""


class EngineError(RidgefeatError):
    """An engine that is not installed, not reachable or gone."""


class EngineLost(EngineError):
    """A cluster that was lost during a run."""


class WorkerLost(EngineError):
    """A worker that ended before its calls were done; they can be repeated."""
