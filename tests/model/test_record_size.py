"""The limit of the size of a record, which contains an event and the name of its stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import rxpump
from rxpump import NewEvent
from rxpump.errors import InvalidArgument
from rxpump.model.record_size import MAX_RECORD_BYTES, fits, text_bytes, utf16_bytes
from rxpump.server import EmbeddedServer
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_EVENT_BYTES
from tests.raw_client import RawClient

LONG_NAME = "s" * 12_000
LARGEST = bytes(MAX_EVENT_BYTES - 2)
WIDE_TYPE = "\u20ac" * (
    MAX_EVENT_BYTES // 2 - 100
)  # The text is within the limit in UTF-16, and far above it in UTF-8.


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    async with rxpump.connect(memory_server.uri) as client:
        yield client


@pytest.mark.parametrize(
    ("text", "utf16", "longer"),
    [("", 0, 0), ("ab", 4, 4), ("\u00fc", 2, 2), ("\u20ac", 2, 3), ("\U0001f40e", 4, 4), ("a\u20ac", 4, 4)],
)
def test_a_text_counts_in_its_longer_encoding(text: str, utf16: int, longer: int) -> None:
    assert (utf16_bytes(text), text_bytes(text)) == (utf16, longer)


@pytest.mark.parametrize("name", ["s" * 9_000, "\u20ac" * 3_000, "\U0001f40e" * 2_400])
def test_the_name_of_the_stream_counts(name: str) -> None:
    room = MAX_RECORD_BYTES - 128 - text_bytes(name)
    assert (fits(room, name), fits(room + 1, name)) == (True, False)


def test_an_event_counts_its_type_in_bytes() -> None:
    assert NewEvent("\u20ac" * 1000, b"x").size == 3001


def test_metadata_count_like_data() -> None:
    assert NewEvent("T", b"", metadata=LARGEST).size == MAX_EVENT_BYTES


@pytest.mark.parametrize("event", [NewEvent(WIDE_TYPE), NewEvent("T", b"x", metadata=LARGEST)], ids=["type", "data"])
async def test_an_event_above_the_limit_is_refused_at_the_call(client: rxpump.Client, event: NewEvent) -> None:
    with pytest.raises(InvalidArgument, match=rf"^event is .*at most {MAX_EVENT_BYTES} bytes"):
        client.publish("s", [event])


LARGE = NewEvent("T", LARGEST)
WRITES: dict[str, Callable[[rxpump.Client], Any]] = {
    "publish_event": lambda client: client.publish_event(LONG_NAME, "T", LARGEST),
    "publish": lambda client: client.publish(LONG_NAME, [LARGE]),
    "set_metadata": lambda client: client.set_metadata(LONG_NAME, bytes(MAX_EVENT_BYTES - 18)),
    "transaction": lambda client: client.continue_transaction(LONG_NAME, 7).write([LARGE]),
}


@pytest.mark.parametrize("verb", WRITES)
async def test_a_write_above_the_limit_is_refused(client: rxpump.Client, verb: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^event is .*name of 1200[02] characters.*at most 16777216 bytes"):
        WRITES[verb](client)


async def test_a_source_fails_at_the_first_event_that_is_too_large(client: rxpump.Client) -> None:
    with pytest.raises(InvalidArgument, match=r"^event is "):
        await client.publish(LONG_NAME, iter([LARGE]))


async def test_the_largest_event_is_written_if_it_fits(client: rxpump.Client) -> None:
    assert (await client.publish("s" * 1_000, [LARGE])).last_event_number == 0


@pytest.mark.parametrize(
    ("stream", "event_type", "data"), [(LONG_NAME, "T", LARGEST), ("s", WIDE_TYPE, b""), ("s" * 12_000, "T", LARGEST)]
)
async def test_the_server_refuses_with_a_result_code(
    memory_server: EmbeddedServer, stream: str, event_type: str, data: bytes
) -> None:
    event = schema.NewEvent(event_id=bytes(range(1, 17)), event_type=event_type, data=data)
    async with RawClient.to(memory_server) as raw:
        write = schema.WriteEvents(event_stream_id=stream, expected_version=-2, events=[event])
        written = schema.WriteEventsCompleted.FromString((await raw.ask(Command.WRITE_EVENTS, write)).payload)
        start = schema.TransactionStart(event_stream_id=stream, expected_version=-2)
        started = schema.TransactionStartCompleted.FromString(
            (await raw.ask(Command.TRANSACTION_START, start)).payload
        )
        put = schema.TransactionWrite(transaction_id=started.transaction_id, events=[event])
        answer = schema.TransactionWriteCompleted.FromString((await raw.ask(Command.TRANSACTION_WRITE, put)).payload)
    for reply in (written, answer):
        assert (reply.result, reply.message) == (
            OperationResult.INVALID_TRANSACTION,
            "The event is too large for a stream with this name.",
        )


TO_METADATA_PREFIX: dict[str, Callable[[rxpump.Client], Any]] = {
    "publish_event": lambda client: client.publish_event("$$", "T"),
    "publish": lambda client: client.publish("$$", [NewEvent("T")]),
    "publish a source": lambda client: client.publish("$$", iter([NewEvent("T")])),
    "publisher": lambda client: client.publisher("$$"),
    "relay": lambda client: client.relay("a", lambda events: events, "$$"),
    "transaction": lambda client: client.transaction("$$"),
    "continue_transaction": lambda client: client.continue_transaction("$$", 7),
    "set_metadata": lambda client: client.set_metadata("$$"),
    "delete_stream": lambda client: client.delete_stream("$$"),
    "delete_stream of metadata": lambda client: client.delete_stream("$$s", hard=True),
    "publish_to": lambda client: rxpump.operators.publish_to(client, "$$"),
}


@pytest.mark.parametrize("verb", TO_METADATA_PREFIX)
async def test_requests_that_end_a_real_server_are_refused_at_the_call(client: rxpump.Client, verb: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^stream is '\$\$"):
        TO_METADATA_PREFIX[verb](client)


async def test_a_delete_can_expect_that_the_stream_exists(client: rxpump.Client) -> None:
    with pytest.raises(rxpump.errors.WrongExpectedVersion):
        await client.delete_stream("s", rxpump.ExpectedVersion.STREAM_EXISTS)
    await client.publish_event("s", "T")
    assert (await client.delete_stream("s", rxpump.ExpectedVersion.STREAM_EXISTS)).position is not None
    with pytest.raises(rxpump.errors.StreamDeleted):
        await client.delete_stream("s", rxpump.ExpectedVersion.STREAM_EXISTS)
