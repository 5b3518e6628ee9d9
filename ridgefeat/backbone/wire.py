"""Protobuf's encoding: numbered fields, one after the other. Reading never leaves the bounds that it is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ridgefeat.errors import ModelError

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5


class Field(NamedTuple):
    """One field: its number and kind, where it begins, and where its content starts and stops; a number's value."""

    number: int
    kind: int
    begin: int
    start: int
    stop: int
    value: int


def fields(data: bytes, start: int, stop: int) -> Iterator[Field]:
    """Yield the fields of the message that lies from start to stop.

    Raises
    ------
    ModelError
        Where a field runs over the end, or is of an unknown kind.
    """
    at = start
    while at < stop:
        begin = at
        key, at = varint(data, at, stop)
        number, kind = key >> 3, key & 7
        value, content, after = 0, at, at
        if kind == VARINT:
            value, after = varint(data, at, stop)
        elif kind == BYTES:
            length, content = varint(data, at, stop)
            after = content + length
        elif kind in (FIXED_64, FIXED_32):
            after = at + (8 if kind == FIXED_64 else 4)
        else:
            raise ModelError(f"byte {begin} begins no field (kind {kind})")
        if number == 0 or after > stop:
            raise ModelError(f"the field at byte {begin} runs over its end: cut off, or no ONNX at all")
        yield Field(number, kind, begin, content, after, value)
        at = after


def varint(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and where it ends."""
    value = shift = 0
    while at < stop and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (1 << 64) - 1, at
        shift += 7
    raise ModelError(f"the number at byte {at} does not end: cut off, or no ONNX at all")


def number(f: Field) -> int:
    """Return a field's number, which may be negative."""
    if f.kind != VARINT:
        raise ModelError(f"the field at byte {f.begin} should be a number")
    return f.value - (1 << 64) if f.value >> 63 else f.value


def numbers(data: bytes, f: Field, most: int) -> list[int]:
    """Return the numbers of a repeated field, packed or not."""
    if f.kind == VARINT:
        return [number(f)]
    found, at = [], f.start
    while at < f.stop:
        value, at = varint(data, at, f.stop)
        found.append(value - (1 << 64) if value >> 63 else value)
        if len(found) > most:
            raise ModelError(f"the field at byte {f.begin} holds more than {most} numbers")
    return found


def text(data: bytes, f: Field) -> str:
    """Return a field's text."""
    if f.kind != BYTES:
        raise ModelError(f"the field at byte {f.begin} should be text")
    return data[f.start : f.stop].decode("utf-8", "replace")


def packed(number: int, content: bytes) -> bytes:
    """Return a field with some content."""
    return header(number, len(content)) + content


def header(number: int, size: int) -> bytes:
    """Return what stands before a field's content of a size in bytes."""
    return _varint_bytes(number << 3 | BYTES) + _varint_bytes(size)


def encoded(number: int, value: int) -> bytes:
    """Return a field with a number from 0 to 2**63 - 1."""
    return _varint_bytes(number << 3 | VARINT) + _varint_bytes(value)


def fixed_32(number: int, content: bytes) -> bytes:
    """Return a field with four bytes."""
    return _varint_bytes(number << 3 | FIXED_32) + content


def _varint_bytes(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
