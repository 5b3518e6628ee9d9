"""Vectors that were computed once, kept in a folder: by the image's pixels, the network's digest and the settings.

joblib.Memory would keep them as pickles, which run code when they are read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ParameterError
from ridgefeat.files import atomic_write, os_errors_as
from ridgefeat.structure import Float


class Cache:
    """A folder with one small file per image, below one folder per setting.

    Parameters
    ----------
    folder : path
    settings : mapping
        All that the values depend on besides the pixels.
    """

    def __init__(self, folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
        key = json.dumps(settings, sort_keys=True)
        self.folder = Path(folder) / hashlib.sha256(key.encode()).hexdigest()[:24]
        with os_errors_as(ParameterError, f"the cache {os.fspath(folder)} cannot be made"):
            self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, image: NDArray[Any]) -> Path:
        """Return where an image's values are kept."""
        digest = hashlib.sha256(repr(image.shape).encode())
        digest.update(np.ascontiguousarray(image).data)
        return self.folder / f"{digest.hexdigest()}.npy"

    def read(self, path: Path, shape: tuple[int, ...]) -> Float | None:
        """Return an image's values; None if there are none, or the file is damaged."""
        try:
            with path.open("rb") as file:
                if file.read(6) != b"\x93NUMPY" or os.fstat(file.fileno()).st_size > 4 * np.prod(shape) + 1024:
                    return None
                file.seek(0)
                values = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        fits = isinstance(values, np.ndarray) and values.shape == shape and values.dtype == np.float32
        return values if fits and np.isfinite(values).all() else None

    def write(self, path: Path, values: Float) -> None:
        """Keep an image's values."""
        with atomic_write(path, durable=False) as temporary, temporary.open("wb") as file:
            np.save(file, np.ascontiguousarray(values, np.float32), allow_pickle=False)
