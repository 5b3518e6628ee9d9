"""Numbers as text that a page can hold: float32 in byte planes, deflated, base64; read back by explore_unpack.js.

Feature values of many prints do not compress; what can be saved are digits that no measurement carries. Small tables
are kept exactly, larger ones to 12 significant bits.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.structure import Float

EXACT_BYTES = 6 << 20
"""Bytes of float32 up to which values are kept as they are."""
KEPT_BITS = 11
"""Bits after the leading one that larger tables keep: a relative error below 2^-12, whole numbers to 4,096 exactly."""
MANTISSA = 23


def pack_values(columns: Float) -> dict[str, Any]:
    """Return a table's values as a record of text and of what it takes to read it.

    Parameters
    ----------
    columns : ndarray of float32, shape (columns, prints)
        NaN where missing.

    Returns
    -------
    dict
        `bits`: bits kept after the leading one; `planes`: bytes of a value, the highest first, each plane's deflated
        bytes in base64.
    """
    bits = MANTISSA if columns.nbytes <= EXACT_BYTES else KEPT_BITS
    whole = np.ascontiguousarray(columns, np.float32).view(np.uint32)
    if bits < MANTISSA:
        whole = np.where(np.isnan(columns), np.uint32(0x7FC00000), _rounded(whole, MANTISSA - bits))
    kept = 4 if bits == MANTISSA else 3
    planes = [((whole >> np.uint32(24 - 8 * i)) & np.uint32(255)).astype(np.uint8) for i in range(kept)]
    return {"bits": bits, "planes": [deflated(p.tobytes()) for p in planes]}


def _rounded(whole: NDArray[np.uint32], drop: int) -> NDArray[np.uint32]:
    """Return float32 bit patterns rounded to the nearest with `drop` low bits zero."""
    half, mask = np.uint32(1 << (drop - 1)), np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)
    rounded: NDArray[np.uint32] = (whole + half) & mask
    return rounded


def pack_numbers(values: NDArray[Any]) -> str:
    """Return an array of integers as base64 of its deflated little-endian bytes."""
    return deflated(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes())


def deflated(raw: bytes) -> str:
    """Return bytes, deflated, as base64."""
    return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")


def safe_json(content: Any) -> str:
    r"""Return JSON that may stand inside a script element: no <, > or & in it, whatever names and labels say."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
