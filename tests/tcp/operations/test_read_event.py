from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import AccessDenied, EventNotFound, ReadFailed, StreamDeleted, StreamNotFound
from rxpump.tcp.operations.read_event import ReadEvent
from rxpump.tcp.protocol.outcome import Failure
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadEventResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.operations.cases import ID, answer, assert_each_code_is_named, classes_of, reply

READ = ReadEvent("ponies", 7, resolve_links=True, require_leader=True)


def test_request_and_reply_equal_the_documented_example() -> None:
    """See docs/protocol/tcp.md, section 8."""
    read = ReadEvent("nope", 0, resolve_links=False, require_leader=False)
    assert read.payload == bytes.fromhex("0a046e6f7065 1000 1800 2000")
    outcome = read.interpret(Package(Command.READ_EVENT_COMPLETED, ID, bytes.fromhex("0802 1200")))
    assert classes_of(outcome) == (Failure, StreamNotFound)


@pytest.mark.parametrize("resolve_links", [True, False])
@pytest.mark.parametrize("require_leader", [True, False])
def test_the_request_contains_all_arguments(resolve_links: bool, require_leader: bool) -> None:
    read = ReadEvent("ponies", -1, resolve_links=resolve_links, require_leader=require_leader)
    assert schema.ReadEvent.FromString(read.payload) == schema.ReadEvent(
        event_stream_id="ponies", event_number=-1, resolve_link_tos=resolve_links, require_leader=require_leader
    )
    assert str(read) == "ReadEvent -1@'ponies'"


def test_each_result_is_named() -> None:
    outcomes: dict[ReadEventResult, Any] = {
        ReadEventResult.SUCCESS: (Failure, EventNotFound),  # A success without an event is tested below.
        ReadEventResult.NOT_FOUND: (Failure, EventNotFound),
        ReadEventResult.NO_STREAM: (Failure, StreamNotFound),
        ReadEventResult.STREAM_DELETED: (Failure, StreamDeleted),
        ReadEventResult.ERROR: (Failure, ReadFailed),
        ReadEventResult.ACCESS_DENIED: (Failure, AccessDenied),
    }
    assert_each_code_is_named(READ, schema.ReadEventCompleted, ReadEventResult, outcomes)


def test_a_success_returns_the_event() -> None:
    record = schema.EventRecord(event_stream_id="ponies", event_number=7, event_type="PonyJumped", data=b"{}")
    event = answer(READ, schema.ReadEventCompleted(result=0, event=schema.ResolvedIndexedEvent(event=record)))
    assert (event.stream, event.number, event.type, event.data) == ("ponies", 7, "PonyJumped", b"{}")


def test_a_broken_link_is_returned_as_an_event() -> None:
    link = schema.EventRecord(event_stream_id="index", event_number=7, event_type="$>", data=b"9@ponies")
    event = answer(READ, schema.ReadEventCompleted(result=0, event=schema.ResolvedIndexedEvent(link=link)))
    assert event.is_broken_link
    assert (event.stream, event.number) == ("index", 7)


def test_a_success_without_an_event_is_event_not_found() -> None:
    """A server sends this reply if metadata was never set (docs/protocol/tcp.md, section 4.6)."""
    outcome = reply(READ, schema.ReadEventCompleted(result=0, event=schema.ResolvedIndexedEvent()))
    assert isinstance(outcome, Failure)
    error = outcome.error
    assert isinstance(error, EventNotFound)
    assert (error.stream, error.number) == ("ponies", 7)


def test_an_error_contains_the_message_of_the_server() -> None:
    outcome = reply(READ, schema.ReadEventCompleted(result=ReadEventResult.ERROR, error="Disk on fire."))
    assert isinstance(outcome, Failure)
    assert str(outcome.error) == "reading 'ponies' failed: Disk on fire."
