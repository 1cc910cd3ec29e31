"""Pages that Event Store 23.10.6 has read through a filter: its replies to recorded requests."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import AccessDenied, BadRequest, ReadFailed
from rxpump.model.positions import Position
from rxpump.tcp.operations.filtered_read_all import FilteredReadAllBackward, FilteredReadAllForward
from rxpump.tcp.protocol.outcome import Failure, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.recordings import load

OPERATIONS: dict[int, type[FilteredReadAllForward | FilteredReadAllBackward]] = {
    Command.FILTERED_READ_ALL_EVENTS_FORWARD: FilteredReadAllForward,
    Command.FILTERED_READ_ALL_EVENTS_BACKWARD: FilteredReadAllBackward,
}


def exchanges() -> list[tuple[Package, Package]]:
    """Return the recorded requests, each with its reply."""
    packages = [line.package for line in load("23.10/filtered-read-all") if line.package is not None]
    asked = [each for each in packages if each.command in OPERATIONS]
    replies = {each.correlation_id: each for each in packages if each.command not in OPERATIONS}
    return [(each, replies[each.correlation_id]) for each in asked]


EXCHANGES = exchanges()


@pytest.mark.parametrize(("request_", "reply"), EXCHANGES)
def test_a_recorded_page_or_refusal_is_understood(request_: Package, reply: Package) -> None:
    asked = schema.FilteredReadAllEvents.FromString(request_.payload)
    start = Position(asked.commit_position, asked.prepare_position)
    operation = OPERATIONS[request_.command](
        start, asked.max_count, asked.filter, resolve_links=asked.resolve_link_tos, require_leader=True
    )
    outcome: Any = operation.interpret(reply)
    if reply.command != operation.reply:
        assert isinstance(outcome, Failure)
        assert type(outcome.error) is (BadRequest if reply.command == Command.BAD_REQUEST else AccessDenied)
        return
    found = schema.FilteredReadAllEventsCompleted.FromString(reply.payload)
    if found.result != ReadAllResult.SUCCESS:
        assert isinstance(outcome, Failure)
        assert isinstance(outcome.error, ReadFailed)
        return
    assert isinstance(outcome, Success)
    page = outcome.value
    assert [(each.stream, each.number, each.data) for each in page] == [
        (each.event.event_stream_id, each.event.event_number, each.event.data) for each in found.events
    ]
    assert [each.position for each in page] == [
        Position(each.commit_position, each.prepare_position) for each in found.events
    ]
    assert page.next_position == Position(found.next_commit_position, found.next_prepare_position)
    assert page.is_last or not found.is_end_of_stream


def test_both_directions_and_all_outcomes_were_recorded() -> None:
    assert {asked.command for asked, _ in EXCHANGES} == OPERATIONS.keys()
    assert len({reply.command for _, reply in EXCHANGES}) >= 3
