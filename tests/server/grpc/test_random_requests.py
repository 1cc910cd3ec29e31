"""Random requests to every method: each is answered, and none of them makes a handler fail unexpectedly."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from rxpump.grpc.messages import monitoring
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.grpc.method_table import HANDLERS
from tests.server.grpc.caller import ADMIN, Caller, calling, serving

ROUNDS = 5
SECONDS = 0.01
TEXTS = [
    "",
    "s",
    "t",
    "$all",
    "$$s",
    "$settings",
    "g",
    "::",
    "a@b",
    "é\0\n",
    "x" * 300,
    "admin",
    "$by_category",
    "^a|b$",
    "(",
]
IDS = ["", "no", "00112233-4455-6677-8899-aabbccddeeff", "{00112233-4455-6677-8899-aabbccddeeff}"]
NUMBERS = [0, 1, 2, 3, 10, 255, 1 << 20, (1 << 31) - 1, (1 << 63) - 1]
UNSIGNED = [*NUMBERS, (1 << 64) - 1, (1 << 63)]
SIGNED = [*NUMBERS, -1, -2, -4, -5, -(1 << 31), -(1 << 63)]


def fits(values: list[int], bits: int, *, signed: bool) -> list[int]:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return [value for value in values if low <= value <= high]


def random_value(chance: random.Random, field: Any, depth: int) -> Any:
    match field.type:
        case field.TYPE_MESSAGE:
            return random_message(chance, field.message_type, depth - 1)
        case field.TYPE_STRING:
            return chance.choice(IDS if field.name in ("string", "record_id") else TEXTS)
        case field.TYPE_BYTES:
            return chance.choice([b"", b"s", b"t", b"$all", b"{}", b"[", b"\xff\xfe", b"0@s", b"x" * 3000])
        case field.TYPE_BOOL:
            return chance.random() < 0.5
        case field.TYPE_ENUM:
            return chance.choice(field.enum_type.values).number
        case field.TYPE_FLOAT | field.TYPE_DOUBLE:
            return chance.choice([0.0, 1.5, -1.0, float("nan"), float("inf")])
        case field.TYPE_UINT32 | field.TYPE_FIXED32:
            return chance.choice(fits(UNSIGNED, 32, signed=False))
        case field.TYPE_UINT64 | field.TYPE_FIXED64:
            return chance.choice(fits(UNSIGNED, 64, signed=False))
        case field.TYPE_INT32 | field.TYPE_SINT32 | field.TYPE_SFIXED32:
            return chance.choice(fits(SIGNED, 32, signed=True))
        case _:
            return chance.choice(fits(SIGNED, 64, signed=True))


def random_message(chance: random.Random, descriptor: Any, depth: int = 6) -> Any:
    """Return a message with random values for most of its fields."""
    values: dict[str, Any] = {}
    maps: dict[str, dict[str, Any]] = {}
    described = DescriptorProto()  # The descriptor itself names labels differently in old and new protobuf.
    descriptor.CopyToProto(described)
    repeated = {field.name for field in described.field if field.label == field.LABEL_REPEATED}
    chosen = {oneof.name: chance.choice(oneof.fields).name for oneof in descriptor.oneofs}
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if (oneof is not None and chosen[oneof.name] != field.name) or chance.random() < 0.15:
            continue
        if field.type == field.TYPE_MESSAGE and depth == 0:
            continue
        if field.type == field.TYPE_MESSAGE and field.message_type.GetOptions().map_entry:
            key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
            keys = [chance.choice(["type", "content-type", "x"]) for _ in range(chance.randrange(4)) if key]
            maps[field.name] = {each: random_value(chance, value, depth) for each in keys}
        elif field.name in repeated:
            values[field.name] = [random_value(chance, field, depth) for _ in range(chance.randrange(3))]
        else:
            values[field.name] = random_value(chance, field, depth)
    message = GetMessageClass(descriptor)(**values)
    for name, entries in maps.items():  # The constructors of protobuf 4 accept no maps of messages.
        for each, entry in entries.items():
            if isinstance(entry, Message):
                getattr(message, name)[each].CopyFrom(entry)
            else:
                getattr(message, name)[each] = entry
    return message


async def ask(caller: Caller, chance: random.Random, method: Method) -> StatusCode | None:
    """Make a call with random requests. Return its status code; None if it did not end."""
    count = chance.choice([0, 1, 1, 1, 2, 3]) if method.kind.value[0] else 1
    requests = [random_message(chance, method.request.DESCRIPTOR) for _ in range(count)]
    metadata = chance.choice([(), ADMIN])
    call = await caller.open(method, *requests, metadata=metadata)
    if chance.random() < 0.7:
        call.half_close()
    try:
        async with asyncio.timeout(SECONDS):
            return (await call.end()).code
    except TimeoutError:
        call.cancel()
        return None


@pytest.mark.parametrize("seed", range(2))
async def test_no_request_makes_a_handler_fail(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(seed)
    methods = [METHODS[path] for path in HANDLERS if path != monitoring.STATS.path]
    codes = set()
    with caplog.at_level(logging.ERROR):
        async with serving(insecure=bool(seed % 2), projections=True) as server, calling(server) as caller:
            for _ in range(ROUNDS):
                for method in methods:
                    codes.add(await ask(caller, chance, method))
                    assert not caplog.records, caplog.text
    assert {StatusCode.OK, None} < codes
