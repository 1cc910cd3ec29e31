from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import AccessDenied, ReadFailed, StreamDeleted, StreamNotFound, UnexpectedReply
from rxpump.model.positions import StreamDirection
from rxpump.tcp.operations.read_stream import READ_STREAM, ReadStreamBackward, ReadStreamForward
from rxpump.tcp.protocol.outcome import Failure, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadStreamResult
from rxpump.tcp.wire.commands import Command
from tests.tcp.operations.cases import answer, assert_each_code_is_named, reply

FORWARD = ReadStreamForward("ponies", 5, 10, resolve_links=True, require_leader=True)


def test_each_direction_has_its_command() -> None:
    assert set(READ_STREAM) == set(StreamDirection)
    forward, backward = READ_STREAM[StreamDirection.FORWARD], READ_STREAM[StreamDirection.BACKWARD]
    assert (forward.command, forward.reply) == (
        Command.READ_STREAM_EVENTS_FORWARD, Command.READ_STREAM_EVENTS_FORWARD_COMPLETED,
    )  # fmt: skip
    assert (backward.command, backward.reply) == (
        Command.READ_STREAM_EVENTS_BACKWARD, Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED,
    )  # fmt: skip


@pytest.mark.parametrize("operation", [ReadStreamForward, ReadStreamBackward])
@pytest.mark.parametrize("from_event", [-1, 0, 2**31])
def test_the_request_contains_all_arguments(
    operation: type[ReadStreamForward] | type[ReadStreamBackward], from_event: int
) -> None:
    read = operation("ponies", from_event, 10, resolve_links=False, require_leader=False)
    assert schema.ReadStreamEvents.FromString(read.payload) == schema.ReadStreamEvents(
        event_stream_id="ponies",
        from_event_number=from_event,
        max_count=10,
        resolve_link_tos=False,
        require_leader=False,
    )
    assert str(read) == f"{operation.__name__.replace('ReadStream', 'ReadStreamEvents')} of 'ponies'"


def test_each_result_is_named() -> None:
    outcomes: dict[ReadStreamResult, Any] = {
        ReadStreamResult.SUCCESS: Success,
        ReadStreamResult.NO_STREAM: (Failure, StreamNotFound),
        ReadStreamResult.STREAM_DELETED: (Failure, StreamDeleted),
        ReadStreamResult.NOT_MODIFIED: (Failure, UnexpectedReply),
        ReadStreamResult.ERROR: (Failure, ReadFailed),
        ReadStreamResult.ACCESS_DENIED: (Failure, AccessDenied),
    }
    assert_each_code_is_named(FORWARD, schema.ReadStreamEventsCompleted, ReadStreamResult, outcomes)


def test_a_success_returns_the_page() -> None:
    events = [schema.ResolvedIndexedEvent(event=schema.EventRecord(event_number=number)) for number in (5, 6)]
    page = answer(
        FORWARD,
        schema.ReadStreamEventsCompleted(
            events=events, result=0, next_event_number=7, last_event_number=20, is_end_of_stream=False
        ),
    )
    assert [event.number for event in page] == [5, 6]
    assert (page.stream, page.next_event_number, page.last_event_number) == ("ponies", 7, 20)
    assert not page.is_end_of_stream


def test_an_empty_page_can_be_followed_by_others() -> None:
    page = answer(FORWARD, schema.ReadStreamEventsCompleted(result=0, next_event_number=50, last_event_number=60))
    assert (len(page), page.next, page.is_last) == (0, 50, False)


def test_an_error_contains_the_message_of_the_server() -> None:
    outcome = reply(FORWARD, schema.ReadStreamEventsCompleted(result=ReadStreamResult.ERROR, error="No."))
    assert isinstance(outcome, Failure)
    assert str(outcome.error) == "reading 'ponies' failed: No."
