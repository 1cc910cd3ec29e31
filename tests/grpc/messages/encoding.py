"""A parser of encoded messages that does not use protobuf, to find fields that the schema lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Return the number and the value of each field: a number for a varint, bytes for all others."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if kind == LENGTH:
            size, at = _varint(data, at)
        else:
            size = {FIXED64: 8, FIXED32: 4}[kind]
        assert at + size <= len(data), "the field is complete"
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def canonical(data: bytes, descriptor: Descriptor) -> list[tuple[int, Any]]:
    """Return the fields in the order of their numbers.

    Two encodings of a message mean the same if their results are equal. The order of fields and of the entries of a
    map has no meaning, and an entry of a map may leave out an empty key or value.
    """
    found = [(number, _value(value, descriptor.fields_by_number[number])) for number, value in fields(data)]
    maps = {field.number for field in descriptor.fields if _is_map(field)}
    return sorted(found, key=lambda field: (field[0], repr(field[1]) if field[0] in maps else ""))


def _value(value: int | bytes, field: FieldDescriptor) -> Any:
    kind = field.message_type
    if kind is None or not isinstance(value, bytes):
        return value
    entries = canonical(value, kind)
    if not _is_map(field):
        return entries
    present = dict(entries)
    return (present.get(1, b""), present.get(2, b""))


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)
