from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import AccessDenied, ReadFailed, UnexpectedReply
from rxpump.model.positions import Position, StreamDirection
from rxpump.tcp.operations.filtered_read_all import (
    FILTERED_READ_ALL,
    FilteredReadAllBackward,
    FilteredReadAllForward,
)
from rxpump.tcp.protocol.outcome import Failure, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import FilterContext, FilterType, ReadAllResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_PAGE_EVENTS
from rxpump.tcp.wire.package import Package
from tests.tcp.operations.cases import ID, answer, assert_each_code_is_named, classes_of, reply

FILTER = schema.Filter(context=FilterContext.EVENT_TYPE, type=FilterType.PREFIX, data=["Pony"])
FORWARD = FilteredReadAllForward(Position(300, 200), 10, FILTER, resolve_links=True, require_leader=True)
BACKWARD = FilteredReadAllBackward(Position(300, 200), 10, FILTER, resolve_links=True, require_leader=True)


def test_each_direction_has_its_command() -> None:
    assert set(FILTERED_READ_ALL) == set(StreamDirection)
    assert [FILTERED_READ_ALL[each].command for each in StreamDirection] == [0xBA, 0xBC]
    assert [FILTERED_READ_ALL[each].reply for each in StreamDirection] == [0xBB, 0xBE]


def test_the_request_contains_all_arguments() -> None:
    assert schema.FilteredReadAllEvents.FromString(FORWARD.payload) == schema.FilteredReadAllEvents(
        commit_position=300,
        prepare_position=200,
        max_count=10,
        max_search_window=MAX_PAGE_EVENTS,
        resolve_link_tos=True,
        require_leader=True,
        filter=FILTER,
    )


@pytest.mark.parametrize("operation", [FORWARD, BACKWARD])
def test_each_result_is_named(operation: Any) -> None:
    outcomes: dict[ReadAllResult, Any] = {
        ReadAllResult.SUCCESS: Success,
        ReadAllResult.NOT_MODIFIED: (Failure, UnexpectedReply),
        ReadAllResult.ERROR: (Failure, ReadFailed),
        ReadAllResult.ACCESS_DENIED: (Failure, AccessDenied),
    }
    assert_each_code_is_named(operation, schema.FilteredReadAllEventsCompleted, ReadAllResult, outcomes)


@pytest.mark.parametrize(
    ("operation", "command"),
    [
        (FORWARD, Command.READ_ALL_EVENTS_FORWARD_COMPLETED),
        (BACKWARD, Command.READ_ALL_EVENTS_BACKWARD_COMPLETED),
    ],
)
def test_access_is_denied_with_the_reply_of_unfiltered_reads(operation: Any, command: Command) -> None:
    denied = schema.ReadAllEventsCompleted(result=ReadAllResult.ACCESS_DENIED).SerializeToString()
    assert classes_of(operation.interpret(Package(command, ID, denied))) == (Failure, AccessDenied)
    page = schema.ReadAllEventsCompleted().SerializeToString()
    assert classes_of(operation.interpret(Package(command, ID, page))) == (Failure, UnexpectedReply), (
        "no filtered page"
    )


def test_an_empty_page_is_the_last_if_its_position_is_the_same() -> None:
    onwards = schema.FilteredReadAllEventsCompleted(next_commit_position=900, next_prepare_position=0)
    page = answer(FORWARD, onwards)
    assert (len(page), page.next_position, page.is_last) == (0, Position(900, 0), False)
    onwards.is_end_of_stream = True
    assert answer(FORWARD, onwards).is_last
    nowhere = schema.FilteredReadAllEventsCompleted(next_commit_position=300, next_prepare_position=200)
    assert answer(FORWARD, nowhere).is_last


def test_an_error_contains_the_message_of_the_server() -> None:
    outcome = reply(FORWARD, schema.FilteredReadAllEventsCompleted(result=ReadAllResult.ERROR, error="Too much."))
    assert isinstance(outcome, Failure)
    assert str(outcome.error) == "reading '$all' failed: Too much."
