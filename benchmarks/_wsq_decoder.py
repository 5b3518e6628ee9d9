"""A second WSQ decoder, written from the specification to check the one that ridgefeat uses (NIST's, in C).

NumPy, with nothing of NIST's code. Slow, and without protection against hostile bytes. The specification leaves the
precision open; single precision throughout, rows joined before columns, rounds the same pixels up as NIST's program. In
double precision, one pixel in some 25,000 differs by one grey level.

Source: FBI, WSQ Gray-Scale Fingerprint Image Compression Specification, IAFIS-IC-0110(V3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

Span = tuple[int, int]
"""Start and length along an axis."""


def decode(data: bytes) -> np.ndarray:
    """Return the pixels, uint8, shape (rows, columns)."""
    quantised, at, size = [], 2, (0, 0)
    codes: dict[int, dict[tuple[int, int], int]] = {}
    while data[at + 1] != 0xA1:
        marker, (length,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        body, at = data[at + 4 : at + 2 + length], at + 2 + length
        if marker == 0xA4:
            low, high = _filters(body)
        elif marker == 0xA5:
            centre = _scaled(body, 0, "H")
            bins = [(_scaled(body, 3 + 6 * k, "H"), _scaled(body, 6 + 6 * k, "H")) for k in range(64)]
        elif marker == 0xA6:
            codes |= _huffman(body)
        elif marker == 0xA2:
            size = struct.unpack_from(">HH", body, 2)
            shift, scale = _scaled(body, 6, "H"), _scaled(body, 9, "H")
        elif marker == 0xA3:
            end = at
            while data[end] != 0xFF or data[end + 1] == 0:
                end += 1
            quantised += _coefficients(data[at:end].replace(b"\xff\0", b"\xff"), codes[body[0]])
            at = end
    plane = np.zeros(size, np.float32)
    values, used = np.array(quantised, np.float32), 0
    for (y, x), (step, dead) in zip(_subbands(*size), bins, strict=True):
        if step == 0:
            continue
        part = values[used : used + y[1] * x[1]].reshape(y[1], x[1])
        used += part.size
        found = np.where(part > 0, step * (part - centre) + dead / 2, step * (part + centre) - dead / 2)
        plane[y[0] : sum(y), x[0] : sum(x)] = np.where(part == 0, 0, found)
    assert used == len(values), "the coefficients do not fill the subbands"
    for y, x, y_turned, x_turned in _joins(*size):
        block = plane[y[0] : sum(y), x[0] : sum(x)]
        block = _join(block, low, high, y_turned)
        plane[y[0] : sum(y), x[0] : sum(x)] = _join(block.T, low, high, x_turned).T
    return np.clip(np.floor(np.float64(plane * scale + shift) + 0.5), 0, 255).astype(np.uint8)


def _scaled(body: bytes, at: int, kind: str) -> np.float32:
    """Return a number that is written as its decimal places and its digits."""
    value = np.float32(struct.unpack_from(">" + kind, body, at + 1)[0])
    for _ in range(body[at]):
        value /= np.float32(10)
    return value


def _filters(body: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the synthesis filters, low and high; the file has the right halves of the analysis filters."""
    halves, at = [], 2
    for taps in body[:2]:
        half = []
        for _ in range((taps + 1) // 2):
            half.append(-_scaled(body, at + 1, "I") if body[at] else _scaled(body, at + 1, "I"))
            at += 6
        modulated = np.array(half) * np.float32([1, -1] * taps)[: len(half)]
        halves.append(np.concatenate([modulated[:0:-1], modulated]))
    return halves[1], halves[0]


def _huffman(body: bytes) -> dict[int, dict[tuple[int, int], int]]:
    """Return the tables of a segment: (length, code) -> category."""
    tables, at = {}, 0
    while at < len(body):
        number, counts = body[at], body[at + 1 : at + 17]
        values, code, table = iter(body[at + 17 :]), 0, {}
        for length, count in enumerate(counts, 1):
            for _ in range(count):
                table[length, code] = next(values)
                code += 1
            code <<= 1
        tables[number] = table
        at += 17 + sum(counts)
    return tables


def _coefficients(data: bytes, table: dict[tuple[int, int], int]) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in data)
    out: list[int] = []
    at = 0
    wide = {101: 8, 102: 8, 103: 16, 104: 16, 105: 8, 106: 16}
    while True:
        code = length = 0
        while (length, code) not in table:
            if at == len(bits) or length > 16:
                return out
            code, length, at = code << 1 | (bits[at] == "1"), length + 1, at + 1
        category = table[length, code]
        if category in wide:
            value, at = int(bits[at : at + wide[category]], 2), at + wide[category]
        if category <= 100:
            out += [0] * category
        elif category in (105, 106):
            out += [0] * value
        elif category in wide:
            out.append(value if category % 2 else -value)
        else:
            out.append(category - 180)


def _halves(span: Span, turned: bool) -> tuple[Span, Span]:
    """Split a span: the low half, which has the sample more, comes first unless the band is turned."""
    start, length = span
    first = length // 2 if turned else (length + 1) // 2
    return (start, first), (start + first, length - first)


def _quarters(span: Span, turned: bool) -> list[Span]:
    first, second = _halves(span, turned)
    return [*_halves(first, False), *_halves(second, True)]


def _sixteen(y: Span, x: Span, y_turned: bool = False, x_turned: bool = False) -> list[tuple[Span, Span]]:
    ys, xs = _quarters(y, y_turned), _quarters(x, x_turned)
    order = [(0, 0), (0, 1), (1, 0), (1, 1)]
    return [(ys[2 * a + c], xs[2 * b + d]) for a, b in order for c, d in order]


def _subbands(rows: int, columns: int) -> list[tuple[Span, Span]]:
    """Return where the 64 subbands lie, rows and columns."""
    whole = (0, rows), (0, columns)
    y, x = (_halves(_halves(span, False)[0], False) for span in whole)
    lowest = _sixteen(y[0], x[0])
    deepest = [_halves(span, False) for span in lowest[0]]
    four = [(a, b) for a in deepest[0] for b in deepest[1]]
    second, third = _sixteen(y[0], x[1], x_turned=True), _sixteen(y[1], x[0], y_turned=True)
    return [*four, *lowest[1:], *second, *third, *_sixteen(*whole)[3:]]


def _joins(rows: int, columns: int) -> Iterator[tuple[Span, Span, bool, bool]]:
    """Yield the blocks to be put together from quarters, the smallest first, and whether a half is turned."""

    def four(y: Span, x: Span, y_turned: bool, x_turned: bool) -> list[tuple[Span, Span, bool, bool]]:
        ys, xs = _halves(y, y_turned), _halves(x, x_turned)
        return [(ys[a], xs[b], bool(a), bool(b)) for a in (0, 1) for b in (0, 1)]

    whole = ((0, rows), (0, columns), False, False)
    top = four(*whole)[:3]
    middle = four(*top[0])[:3]
    deep = [block for parent in middle for block in four(*parent)]
    yield four(*deep[0])[0]
    yield from [*deep, *middle, *top, whole]


def _join(block: np.ndarray, low: np.ndarray, high: np.ndarray, turned: bool) -> np.ndarray:
    """Put the halves of a block's rows together: whole-sample symmetric, low at even and high at odd places."""
    (a, n), (b, m) = _halves((0, len(block)), turned)
    woven = np.zeros_like(block)
    first, second = block[a : a + n], block[b : b + m]
    woven[::2], woven[1::2] = (second, first) if turned else (first, second)
    reach = len(high) // 2
    padded = np.pad(woven, ((reach, reach), (0, 0)), mode="reflect")
    even = (np.arange(len(padded)) - reach) % 2 == 0
    out = np.zeros_like(block)
    for taps, kept in ((low, even), (high, ~even)):
        own, offset = np.where(kept[:, None], padded, 0), reach - len(taps) // 2
        for k, tap in enumerate(taps):
            out += tap * own[offset + k : offset + k + len(block)]
    return out
