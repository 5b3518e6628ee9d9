"""A training's state as a file: arrays and a JSON text in an .npz, never pickled."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.errors import ModelError
from ridgefeat.files import atomic_write
from ridgefeat.nn.layer import Array

STATE = "state"
MAX_STATE_BYTES = 64 << 20


def write_checkpoint(path: str | Path, arrays: Mapping[str, Array], state: Mapping[str, Any]) -> None:
    """Write arrays and state; the final name never holds half a file."""
    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **{STATE: text, **arrays})  # type: ignore[arg-type]


def read_checkpoint(path: str | Path, expected: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read what `write_checkpoint` wrote.

    Parameters
    ----------
    path : path
    expected : mapping of str to ndarray
        Arrays that may be in the file: their shapes and types bound what is read.

    Raises
    ------
    ModelError
        Where the file cannot be read, or holds other arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {
                info.filename.removesuffix(".npy"): _member(archive, info, expected) for info in archive.infolist()
            }
        state = json.loads(arrays.pop(STATE).tobytes())
    except FileNotFoundError:
        raise ModelError(f"there is no checkpoint {path}; check the path, or train from the start") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except Exception as error:  # a damaged archive fails in many ways
        raise ModelError(f"{path} is no checkpoint or is damaged ({error!r}); train from the start") from error
    if not isinstance(state, dict):
        raise ModelError(f"{path} is no checkpoint: its state is a {type(state).__name__}; train from the start")
    return arrays, state


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, expected: Mapping[str, Array]) -> Array:
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as file:
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read[np.lib.format.read_magic(file)](file)
    if name == STATE:
        fits = dtype == np.uint8 and len(shape) == 1 and shape[0] <= MAX_STATE_BYTES
    else:
        fits = name in expected and shape == expected[name].shape and dtype == expected[name].dtype
    if not fits:
        raise ModelError(
            f"{name[:80]!r} with shape {shape} and type {dtype} is not of this network; build the one that was saved"
        )
    with archive.open(info) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
