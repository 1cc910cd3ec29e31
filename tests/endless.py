"""A server that simulates a stream of any length without memory for it. All pages have the same bytes."""

from __future__ import annotations

import asyncio

from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package


class EndlessServer(asyncio.Protocol):
    """Replies to reads, pings, heartbeats and identification.

    Attributes:
        length: Number of events that the stream seems to have.
        pages: Number of pages that were read.
    """

    pages = 0

    def __init__(self, length: int) -> None:
        self.length = length
        self._framer = Framer()
        page = schema.ReadStreamEventsCompleted()
        for number in range(500):
            record = page.events.add().event
            record.event_stream_id, record.event_number, record.event_type = "endless", number, "Counted"
            record.event_id, record.data_content_type, record.data = bytes(16), 1, b'{"pad":"' + b"x" * 100 + b'"}'
        self._events = page.SerializeToString()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        for package in self._framer.feed(data):
            reply = self._reply(package)
            if reply is not None:
                command, payload = reply
                self.transport.write(Package(command, package.correlation_id, payload).encode())  # type: ignore[attr-defined]

    def _reply(self, package: Package) -> tuple[Command, bytes] | None:
        match package.command:
            case Command.IDENTIFY_CLIENT:
                return Command.CLIENT_IDENTIFIED, b""
            case Command.PING:
                return Command.PONG, package.payload
            case Command.HEARTBEAT_REQUEST:
                return Command.HEARTBEAT_RESPONSE, b""
            case Command.READ_STREAM_EVENTS_FORWARD:
                self.pages += 1
                following = schema.ReadStreamEvents.FromString(package.payload).from_event_number + 500
                end = schema.ReadStreamEventsCompleted(
                    result=0,
                    next_event_number=following,
                    last_event_number=self.length - 1,
                    is_end_of_stream=following >= self.length,
                )
                return Command.READ_STREAM_EVENTS_FORWARD_COMPLETED, self._events + end.SerializeToString()
        return None
