from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import AccessDenied, InvalidPosition, ReadFailed, UnexpectedReply
from rxpump.model.positions import FIRST_POSITION, LAST_POSITION, Position, StreamDirection
from rxpump.tcp.operations.read_all import READ_ALL, ReadAllBackward, ReadAllForward
from rxpump.tcp.protocol.outcome import Failure, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.commands import Command
from tests.tcp.operations.cases import answer, assert_each_code_is_named, reply

FORWARD = ReadAllForward(FIRST_POSITION, 10, resolve_links=True, require_leader=True)


def test_each_direction_has_its_command() -> None:
    assert set(READ_ALL) == set(StreamDirection)
    forward, backward = READ_ALL[StreamDirection.FORWARD], READ_ALL[StreamDirection.BACKWARD]
    assert (forward.command, forward.reply) == (
        Command.READ_ALL_EVENTS_FORWARD, Command.READ_ALL_EVENTS_FORWARD_COMPLETED,
    )  # fmt: skip
    assert (backward.command, backward.reply) == (
        Command.READ_ALL_EVENTS_BACKWARD, Command.READ_ALL_EVENTS_BACKWARD_COMPLETED,
    )  # fmt: skip


@pytest.mark.parametrize("operation", [ReadAllForward, ReadAllBackward])
@pytest.mark.parametrize("position", [FIRST_POSITION, LAST_POSITION, Position(300, 200)])
def test_the_request_contains_all_arguments(
    operation: type[ReadAllForward] | type[ReadAllBackward], position: Position
) -> None:
    read = operation(position, 10, resolve_links=False, require_leader=True)
    assert schema.ReadAllEvents.FromString(read.payload) == schema.ReadAllEvents(
        commit_position=position.commit,
        prepare_position=position.prepare,
        max_count=10,
        resolve_link_tos=False,
        require_leader=True,
    )


def test_each_result_is_named() -> None:
    outcomes: dict[ReadAllResult, Any] = {
        ReadAllResult.SUCCESS: Success,
        ReadAllResult.NOT_MODIFIED: (Failure, UnexpectedReply),
        ReadAllResult.ERROR: (Failure, ReadFailed),
        ReadAllResult.ACCESS_DENIED: (Failure, AccessDenied),
    }
    assert_each_code_is_named(FORWARD, schema.ReadAllEventsCompleted, ReadAllResult, outcomes)


def test_a_reply_without_a_result_code_is_a_page() -> None:
    event = schema.ResolvedEvent(event=schema.EventRecord(event_number=5), commit_position=168, prepare_position=168)
    page = answer(
        FORWARD,
        schema.ReadAllEventsCompleted(
            commit_position=0, prepare_position=0, events=[event], next_commit_position=200, next_prepare_position=0
        ),
    )
    assert [each.position for each in page] == [Position(168, 168)]
    assert (page.position, page.next_position, page.is_last) == (Position(0, 0), Position(200, 0), False)


def test_a_page_without_events_is_the_last() -> None:
    page = answer(FORWARD, schema.ReadAllEventsCompleted(next_commit_position=4420, next_prepare_position=0))
    assert page.is_last


def test_an_error_contains_the_message_of_the_server() -> None:
    outcome = reply(FORWARD, schema.ReadAllEventsCompleted(result=ReadAllResult.ERROR, error="Invalid position."))
    assert isinstance(outcome, Failure)
    assert str(outcome.error) == "reading '$all' failed: Invalid position."


@pytest.mark.parametrize(
    "text",
    [
        "Log record at actual pos 1858 has non-positive length: 0.  in chunk #0-0 (chunk-000000.000000).",
        "Log record at actual pos 100 has too large length: 1701999209 bytes, while limit is 16777216 bytes.",
        "Log record that ends at actual pos 100 has too large length: 5 bytes, while limit is 4 bytes.",
        "Requested position 1000000000000 is greater than writer checkpoint 3309 when requesting to read previous "
        "record from TF.",
    ],
)
def test_a_position_without_a_record_is_an_invalid_position(text: str) -> None:
    outcome = reply(FORWARD, schema.ReadAllEventsCompleted(result=ReadAllResult.ERROR, error=text))
    assert outcome == Failure(InvalidPosition("$all", text))
