"""Our client against the recorded answers of a real Event Store 4.1.4.

A peer plays the server: it waits for the request that a recorded client made, finds it by what it says (the same
command, the same fields), and gives the recorded answer under our correlation id. Each recorded request that is
among ours is made through the transport, and what comes of it is compared with what the recording says.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable
from typing import Any

import pytest

from rxpump.backoff import Backoff
from rxpump.direction import StreamDirection
from rxpump.errors import (
    AccessDenied,
    BadRequest,
    EventNotFound,
    NotAuthenticated,
    NotLeader,
    NotReady,
    ReadFailed,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedVersion,
)
from rxpump.new_event import NewEvent
from rxpump.pages import AllPage, StreamPage
from rxpump.position import Position
from rxpump.protocol.operations.append import Append
from rxpump.protocol.outcome import Redirect
from rxpump.runtime import Runtime
from rxpump.settings import Settings
from rxpump.transport.base import Transport
from rxpump.transport.tcp.locator import FixedAddress
from rxpump.transport.tcp.transport import TcpTransport
from rxpump.uri import TcpAddress
from rxpump.wire import schema
from rxpump.wire.commands import Command
from rxpump.wire.framing import Framer
from rxpump.wire.package import Package
from tests.recordings import DIRECTORY, NAMES, load

CLIENT_ONLY = DIRECTORY.with_name("wire-client")
CONVERSATIONS = [(DIRECTORY, name) for name in NAMES] + [
    (CLIENT_ONLY, path.stem) for path in sorted(CLIENT_ONLY.glob("*.jsonl"))
]

REQUESTS: dict[int, Any] = {
    Command.WRITE_EVENTS: schema.WriteEvents,
    Command.READ_EVENT: schema.ReadEvent,
    Command.READ_STREAM_EVENTS_FORWARD: schema.ReadStreamEvents,
    Command.READ_STREAM_EVENTS_BACKWARD: schema.ReadStreamEvents,
    Command.READ_ALL_EVENTS_FORWARD: schema.ReadAllEvents,
    Command.READ_ALL_EVENTS_BACKWARD: schema.ReadAllEvents,
}
REPLIES: dict[int, Any] = {
    Command.WRITE_EVENTS_COMPLETED: schema.WriteEventsCompleted,
    Command.READ_EVENT_COMPLETED: schema.ReadEventCompleted,
    Command.READ_STREAM_EVENTS_FORWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_ALL_EVENTS_FORWARD_COMPLETED: schema.ReadAllEventsCompleted,
    Command.READ_ALL_EVENTS_BACKWARD_COMPLETED: schema.ReadAllEventsCompleted,
}
FAILURES: dict[tuple[int, int], type[Exception]] = {
    (Command.WRITE_EVENTS_COMPLETED, 4): WrongExpectedVersion,
    (Command.WRITE_EVENTS_COMPLETED, 5): StreamDeleted,
    (Command.WRITE_EVENTS_COMPLETED, 7): AccessDenied,
    (Command.READ_EVENT_COMPLETED, 1): EventNotFound,
    (Command.READ_EVENT_COMPLETED, 2): StreamNotFound,
    (Command.READ_EVENT_COMPLETED, 3): StreamDeleted,
    (Command.READ_EVENT_COMPLETED, 5): AccessDenied,
    **{
        (command, result): error
        for command in (
            Command.READ_STREAM_EVENTS_FORWARD_COMPLETED,
            Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED,
        )
        for result, error in ((1, StreamNotFound), (2, StreamDeleted), (4, ReadFailed), (5, AccessDenied))
    },
    **{
        (command, result): error
        for command in (Command.READ_ALL_EVENTS_FORWARD_COMPLETED, Command.READ_ALL_EVENTS_BACKWARD_COMPLETED)
        for result, error in ((2, ReadFailed), (3, AccessDenied))
    },
}
PLAIN_FAILURES: dict[int, type[Exception]] = {
    Command.BAD_REQUEST: BadRequest,
    Command.NOT_AUTHENTICATED: NotAuthenticated,
}


def exchanges(directory: Any, name: str) -> list[tuple[Package, Package]]:
    """The recorded requests that are among ours, each with its answer."""
    lines = [line for line in load(name, directory) if line.package is not None]
    answers = {line.package.correlation_id: line.package for line in lines if not line.from_client}
    return [
        (line.package, answers[line.package.correlation_id])
        for line in lines
        if line.from_client and line.package.command in REQUESTS and line.package.correlation_id in answers
    ]


def said(package: Package) -> Any:
    """What a request says, as values that can be compared; where it cannot be read, its bytes."""
    try:
        message = REQUESTS[package.command].FromString(package.payload)
    except Exception:
        return package.payload
    fields = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    if "events" in fields:
        fields["events"] = [
            (bytes(e.event_id), e.event_type, e.data_content_type == 1, e.data, e.metadata) for e in message.events
        ]
    return fields


class Peer(asyncio.Protocol):
    """Plays the server; `unknown` are requests that nobody recorded."""

    def __init__(self, recorded: list[tuple[Package, Package]]) -> None:
        self.recorded = recorded
        self.unknown: list[Package] = []
        self._framer = Framer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        for package in self._framer.feed(data):
            if package.command == Command.IDENTIFY_CLIENT:
                self._send(package, Command.CLIENT_IDENTIFIED, b"")
            elif package.command == Command.HEARTBEAT_REQUEST:
                self._send(package, Command.HEARTBEAT_RESPONSE, b"")
            elif package.command in REQUESTS:
                self._answer(package)

    def _answer(self, package: Package) -> None:
        (request, answer) = self.recorded[0]
        if request.command == package.command and said(request) == said(package):
            self._send(package, answer.command, answer.payload)
        else:
            self.unknown.append(package)
            self._send(package, Command.BAD_REQUEST, b"this was not recorded")

    def _send(self, to: Package, command: int, payload: bytes) -> None:
        self._transport.write(Package(command, to.correlation_id, payload).encode())


def ask(transport: Transport, request: Package) -> Awaitable[Any] | None:
    """Make the recorded request with our client; None where a client of ours cannot even say it."""
    fields = said(request)
    if isinstance(fields, bytes) or fields.get("event_stream_id") == "":
        return None
    forward = request.command in (Command.READ_STREAM_EVENTS_FORWARD, Command.READ_ALL_EVENTS_FORWARD)
    direction = StreamDirection.FORWARD if forward else StreamDirection.BACKWARD
    links = fields.get("resolve_link_tos", False)
    match request.command:
        case Command.WRITE_EVENTS:
            return _write(transport, fields)
        case Command.READ_EVENT:
            return transport.read_event(fields["event_stream_id"], fields["event_number"], resolve_links=links)
        case Command.READ_STREAM_EVENTS_FORWARD | Command.READ_STREAM_EVENTS_BACKWARD:
            stream, start = fields["event_stream_id"], fields["from_event_number"]
            return transport.read_stream(stream, start, fields["max_count"], direction, resolve_links=links)
        case _:
            start = Position(fields["commit_position"], fields["prepare_position"])
            return transport.read_all(start, fields["max_count"], direction, resolve_links=links)


def _write(transport: Transport, fields: Any) -> Awaitable[Any] | None:
    events = []
    for id_bytes, type, is_json, data, metadata in fields["events"]:
        if not type or len(id_bytes) != 16 or not any(id_bytes):
            return None
        id = uuid.UUID(bytes_le=id_bytes)
        events.append(NewEvent(type, data, metadata=metadata, id=id, is_json=is_json))
    return transport.append(fields["event_stream_id"], events, fields["expected_version"])


def expected_failure(answer: Package) -> type[Exception] | None:
    """The error that the recorded answer stands for, if it is one."""
    if answer.command in PLAIN_FAILURES:
        return PLAIN_FAILURES[answer.command]
    if answer.command == Command.NOT_HANDLED:
        return NotReady
    reply = REPLIES[answer.command].FromString(answer.payload)
    return FAILURES.get((answer.command, reply.result))


def compare(value: Any, answer: Package) -> None:
    """What our client gave is what the recording says, event for event."""
    reply = REPLIES[answer.command].FromString(answer.payload)
    if answer.command == Command.WRITE_EVENTS_COMPLETED:
        assert (value.first_event_number, value.last_event_number) == (
            reply.first_event_number,
            reply.last_event_number,
        )
        known = reply.commit_position >= 0
        assert value.position == (Position(reply.commit_position, reply.prepare_position) if known else None)
    elif answer.command == Command.READ_EVENT_COMPLETED:
        same_event(value, reply.event)
    else:
        assert isinstance(value, (StreamPage, AllPage))
        assert len(value) == len(reply.events)
        for event, resolved in zip(value, reply.events, strict=True):
            same_event(event, resolved)
        if isinstance(value, StreamPage):
            assert (value.next_event_number, value.last_event_number, value.is_end_of_stream) == (
                reply.next_event_number,
                reply.last_event_number,
                reply.is_end_of_stream,
            )
        else:
            assert value.next_position == (reply.next_commit_position, reply.next_prepare_position)


def same_event(event: Any, resolved: Any) -> None:
    record = resolved.event if resolved.HasField("event") else resolved.link
    assert (event.stream, event.number, event.type) == (
        record.event_stream_id,
        record.event_number,
        record.event_type,
    )
    assert event.id.bytes_le == record.event_id
    assert event.data == (resolved.event.data if resolved.HasField("event") else b"")
    assert event.is_broken_link == (not resolved.HasField("event"))
    assert (event.link is not None) == resolved.HasField("link")
    assert event.created.year > 2000
    assert repr(event)


@pytest.mark.parametrize(("directory", "name"), CONVERSATIONS, ids=[name for _, name in CONVERSATIONS])
async def test_a_recorded_server_is_understood(directory: Any, name: str) -> None:
    recorded = exchanges(directory, name)
    peer = Peer([])
    listening = await asyncio.get_running_loop().create_server(lambda: peer, "127.0.0.1", 0)
    address = TcpAddress("127.0.0.1", listening.sockets[0].getsockname()[1])
    once = Backoff(attempts=0)
    transports = {
        leader: TcpTransport(
            FixedAddress(address),
            Settings(require_leader=leader, retry=once),
            Runtime("golden"),
            lambda status: None,
        )
        for leader in (True, False)
    }
    for request, answer in recorded:
        if answer.command == Command.NOT_HANDLED and len(answer.payload) > 2:
            continue  # it sends us elsewhere: below
        fields = said(request)
        leader = bool(fields["require_leader"]) if isinstance(fields, dict) else False
        transport = transports[leader]
        peer = Peer([(request, answer)])
        await transport.open()
        asked = ask(transport, request)
        if asked is not None:
            error = expected_failure(answer)
            if error is None:
                compare(await asked, answer)
            else:
                with pytest.raises(error):
                    await asked
            assert peer.unknown == []
        await transport.close()
    listening.close()


def test_most_of_what_was_recorded_can_be_asked() -> None:
    """The comparison above is not empty: how many exchanges there are, and how many our client cannot say."""
    every = [each for directory, name in CONVERSATIONS for each in exchanges(directory, name)]
    assert len(every) > 250


async def test_a_node_that_does_not_lead_names_the_one_that_does() -> None:
    redirects = 0
    for request, answer in exchanges(CLIENT_ONLY, "cluster-not-master"):
        if answer.command == Command.NOT_HANDLED and len(answer.payload) > 2:
            outcome = Append("s", [], -2, require_leader=True).interpret(answer)
            assert isinstance(outcome, Redirect), request
            assert isinstance(outcome.error, NotLeader)
            assert outcome.port > 10_000
            redirects += 1
    assert redirects > 3
