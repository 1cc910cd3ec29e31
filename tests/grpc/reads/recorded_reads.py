"""Calls of Read in recorded conversations with real servers: tests/data/wire/grpc/reads.jsonl.

A line is a call: the request of another client, the messages of the server, and its trailers. There are no trailers
if the client cancelled the call, or if the connection was lost. Of the calls with the same kind of request and of
response, the file has the shortest one of each server. It also has calls of KurrentDB 26.1 that start outside of a
stream, and calls with unusual options and names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rxpump.errors import (
    AccessDenied,
    BadRequest,
    LogTruncated,
    NotAuthenticated,
    NotLeader,
    NotReady,
    OperationTimedOut,
    ReadFailed,
    RxPumpError,
    ServerFailed,
    StreamDeleted,
    StreamNotFound,
    SubscriptionDropped,
)
from rxpump.grpc.messages import streams
from rxpump.model.filters import EventFilter
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import END, START, Edge, Position, StreamDirection
from tests.grpc.messages.recorded import FILE as MESSAGES

FILE = MESSAGES.parent / "reads.jsonl"
VERSIONS = {"23.10": "23.10.6", "24.10": "24.10.4", "26.1": "26.1.0"}
_EDGES = {"start": START, "end": END}


@dataclass(frozen=True)
class RecordedRead:
    """A call of Read.

    Attributes:
        server: Version of the server.
        case: Name of the conversation.
        request: Message of the client.
        responses: Messages of the server.
        trailers: Last headers of the server; empty if the call did not end.
    """

    server: str
    case: str
    request: bytes
    responses: tuple[bytes, ...]
    trailers: tuple[tuple[str, str], ...]

    @property
    def options(self) -> Any:
        return streams.ReadRequest.FromString(self.request).options

    @property
    def is_subscription(self) -> bool:
        return bool(self.options.HasField("subscription"))

    @property
    def stream(self) -> str | None:
        options = self.options
        return options.stream.stream_identifier.stream_name.decode() if options.HasField("stream") else None

    @property
    def direction(self) -> StreamDirection:
        return StreamDirection.BACKWARD if self.options.read_direction else StreamDirection.FORWARD

    @property
    def start(self) -> Any:
        """Event number, position or Edge at which the client started."""
        options = self.options
        source = options.stream if options.HasField("stream") else options.all
        match source.WhichOneof("from"):
            case "revision":
                return source.revision
            case "position":
                return Position(source.position.commit_position, source.position.prepare_position)
            case edge:
                return _EDGES[edge]

    @property
    def where(self) -> EventFilter | None:
        """The filter; None if there is none, or if rxpump would filter in the client."""
        options = self.options
        if not options.HasField("filter"):
            return None
        name = {"stream_identifier": "stream", "event_type": "type"}[options.filter.WhichOneof("subject")]
        expression = getattr(options.filter, options.filter.WhichOneof("subject"))
        if expression.regex:
            return EventFilter(**{f"{name}_regex": expression.regex})
        return EventFilter(**{f"{name}_prefix": expression.prefix[0]})

    @property
    def contents(self) -> list[Any]:
        return [streams.ReadResponse.FromString(each) for each in self.responses]

    @property
    def events(self) -> list[tuple[str, int, bytes]]:
        """Stream, number and data of each event except for tombstones, read without code of rxpump."""
        found = []
        for content in self.contents:
            if content.HasField("event"):
                is_broken = not content.event.HasField("event")
                record = content.event.link if is_broken else content.event.event
                data = b"" if is_broken else record.data
                found.append((record.stream_identifier.stream_name.decode(), record.stream_revision, data))
        is_tombstone = self.is_subscription and self.stream is not None
        return [each for each in found if not (is_tombstone and each[1] == MAX_EVENT_NUMBER)]

    @property
    def error(self) -> type[RxPumpError] | None:
        """Class of the error for the trailers; None if there is none."""
        if any(content.HasField("stream_not_found") for content in self.contents):
            return StreamNotFound
        fields = dict(self.trailers)
        match fields.get("grpc-status"), fields.get("exception"), fields.get("grpc-message", ""):
            case "0", _, _:
                return SubscriptionDropped if self.is_subscription else None
            case None, _, _ if not fields:
                return None
            case None, _, _:  # A server answers HTTP status 500 if the name is not printable ASCII.
                name = self.stream or ""
                return ServerFailed if name.isascii() and name.isprintable() else StreamDeleted
            case _, "stream-deleted", _:
                return StreamDeleted
            case _, "access-denied", _:
                return AccessDenied
            case _, "not-leader", _:
                return NotLeader if self.is_subscription else OperationTimedOut
            case "16", _, _:
                return NotAuthenticated
            case "10", _, _:
                return SubscriptionDropped
            case "14", _, _:
                return NotReady if self.is_subscription else OperationTimedOut
            case _, _, text if "invalid position" in text:
                return LogTruncated
            case "3", _, _:
                return BadRequest
            case _, _, text if text.startswith("Unexpected ReadStreamResult"):
                return ReadFailed
        return ServerFailed

    def __str__(self) -> str:
        options = self.options
        kind = "follow" if self.is_subscription else self.direction.value
        start = self.start.value if isinstance(self.start, Edge) else "place"
        links = " links" if options.resolve_links else ""
        return f"{self.server} {self.case} {kind} {(self.stream and 'stream') or '$all'} {start}{links}"


def load() -> Sequence[RecordedRead]:
    return [_read(json.loads(line)) for line in FILE.read_text().splitlines()]


def _read(fields: dict[str, Any]) -> RecordedRead:
    return RecordedRead(
        fields["server"],
        fields["case"],
        bytes.fromhex(fields["request"]),
        tuple(map(bytes.fromhex, fields["responses"])),
        tuple((name, value) for name, value in fields["trailers"]),
    )
