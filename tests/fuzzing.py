"""Hypothesis strategies for almost valid bytes: messages with any fields, damaged recordings, random fields."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any, Self

from hypothesis import strategies as st

from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.recordings import NAMES, load

LARGEST_SEED = 4096  # in bytes; larger payloads need more time and find no more faults

INT32 = st.integers(-5, 5) | st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-5, 5) | st.integers(-2, 1000) | st.integers(-(2**63), 2**63 - 1)
STREAM = st.sampled_from(["s", "links", "$$s", "$sys", "$all", "$$$all", "$", "$$", "$settings", ""]) | st.text(
    max_size=8
)
EVENT_ID = st.binary(min_size=16, max_size=16) | st.sampled_from([b"a" * 16, b"b" * 16]) | st.binary(max_size=20)
DATA = st.sampled_from(
    [
        b"0@s",
        b"-1@s",
        b"0@$sys",
        b"9@",
        b"@",
        b"x@s",
        b'{"$maxCount":1}',
        b'{"$tb":1}',
        b'{"$acl":{"$r":"ops"}}',
        b"{}",
        b"[",
    ]
) | st.binary(max_size=20)

PATTERN = st.sampled_from(["s", "^[^$]", "(a*)*b", "(?!", "\\1", "[", "x{9999999999}"]) | st.text(max_size=5)
"""Strategy of prefixes and patterns for filters, among them invalid patterns and one that takes too long."""

BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "event_stream_id": STREAM,
    "event_id": EVENT_ID,
    "event_type": st.sampled_from(["$>", "T", "$metadata", ""]) | st.text(max_size=5),
    "data": DATA,
    "processed_event_ids": st.lists(EVENT_ID, max_size=3),
    "subscription_group_name": st.sampled_from(["g", "h", ""]) | st.text(max_size=5),
    "subscription_id": st.sampled_from(["g", "s::g", "h", "s::h", "::", ""]) | st.text(max_size=5),
    "named_consumer_strategy": st.sampled_from(["RoundRobin", "DispatchToSingle", "Pinned", "", "?"]),
    "context": st.integers(-1, 2),
    "type": st.integers(-1, 2),
    "version": st.integers(-1, 1),  # tests/server/test_bad_input.py tests other versions, which end the connection
}


@cache
def message(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for messages of a class: any of its fields, often with values that occur in practice."""
    fields = {field.name: _values(field) for field in kind.DESCRIPTOR.fields}
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: kind(**values))


def _values(field: Any) -> st.SearchStrategy[Any]:
    if (field.name, field.type) == ("data", field.TYPE_STRING):
        return st.lists(PATTERN, max_size=3)
    if field.name in BY_NAME:
        return BY_NAME[field.name]
    single: st.SearchStrategy[Any]
    if field.type == field.TYPE_MESSAGE:
        single = message(getattr(schema, field.message_type.name))
    else:
        single = {
            field.TYPE_INT32: INT32,
            field.TYPE_INT64: INT64,
            field.TYPE_BOOL: st.booleans(),
            field.TYPE_STRING: st.text(max_size=8),
            field.TYPE_BYTES: st.binary(max_size=8),
        }[field.type]
    return st.lists(single, max_size=4) if is_repeated(field) else single


def is_repeated(field: Any) -> bool:
    """Return whether a field is repeated. Every protobuf from 4.25 supports this check without a warning."""
    return isinstance(field.default_value, list)


def mutated(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy for damaged seeds: bytes are changed, removed, doubled, inserted or cut off."""
    return st.builds(_mutate, st.sampled_from(seeds), st.lists(EDIT, min_size=1, max_size=4))


EDIT = st.tuples(
    st.sampled_from(["change", "cut", "double", "truncate", "insert"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(1, 8),
    st.binary(min_size=1, max_size=4),
)


def _mutate(seed: bytes, edits: list[tuple[str, float, int, bytes]]) -> bytes:
    for kind, where, length, new in edits:
        at = int(where * len(seed))
        before, piece, after = seed[:at], seed[at : at + length], seed[at + length :]
        middle = {"change": new, "cut": b"", "double": piece * 2, "truncate": b"", "insert": new + piece}[kind]
        seed = before + middle + (b"" if kind == "truncate" else after)
    return seed


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


VARINT = st.integers(0, 2**64 - 1).map(_varint)
FIELD_VALUES = {
    0: VARINT,
    1: st.binary(min_size=8, max_size=8),
    2: st.binary(max_size=24).map(lambda data: _varint(len(data)) + data),
    5: st.binary(min_size=4, max_size=4),
}
FIELD = st.sampled_from(list(FIELD_VALUES)).flatmap(
    lambda kind: st.builds(
        lambda number, value: _varint(number << 3 | kind) + value, st.integers(1, 20), FIELD_VALUES[kind]
    )
)
ANY_FIELDS = st.lists(FIELD, max_size=6).map(b"".join)
"""Encoded fields with any number, wire type and value."""


def recorded(*, from_client: bool) -> dict[int, list[bytes]]:
    """Return the recorded payloads of one direction, by command."""
    found: dict[int, set[bytes]] = {}
    for name in NAMES:
        for line in load(name):
            package = line.package
            if package is not None and line.from_client == from_client and len(package.payload) <= LARGEST_SEED:
                found.setdefault(package.command, set()).add(package.payload)
    return {command: sorted(payloads) for command, payloads in sorted(found.items())}


def payload_of(command: int, kind: Any, seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Return a strategy for payloads of a command: its message, a damaged recording, random fields, or any bytes."""
    likely = message(kind).map(lambda made: made.SerializeToString())
    others = [mutated(seeds)] if seeds else []
    return st.one_of(likely, likely, likely, *others, ANY_FIELDS, st.binary(max_size=40))


def kind_of(command: Command) -> Any:
    """Return the class of the message that a command carries, or None."""
    name = command.name.title().replace("_", "")
    for direction in ("Forward", "Backward"):
        name = name.replace(direction, "")
    return getattr(schema, name, None)


class ErrorLog(logging.Handler):
    """A context manager that collects the log lines of level ERROR and above."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(self.format(record))

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger().removeHandler(self)
