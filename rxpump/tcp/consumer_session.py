"""A connection to a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rxpump.errors import RxPumpError
from rxpump.model.events import Event
from rxpump.model.group_settings import NackAction
from rxpump.tcp.protocol.acknowledgement import acks, naks
from rxpump.tcp.protocol.group_buffer import GroupBuffer
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.records import indexed_event
from rxpump.tcp.wire.commands import Command
from rxpump.transport import GroupSession


class TcpConsumerSession(GroupSession):
    """One connection to a consumer group.

    Args:
        buffer: Buffer of the deliveries.
        requests: Requests of the connection, which also carry the acknowledgements.
    """

    def __init__(self, buffer: GroupBuffer, requests: PendingRequests) -> None:
        self._buffer = buffer
        self._requests = requests
        self._changed = asyncio.Event()
        buffer.on_change = self._changed.set

    @property
    def buffered(self) -> int:
        """Number of deliveries that have arrived and were not returned."""
        return len(self._buffer)

    def before_end(self, act: Callable[[], None]) -> None:
        """Register a function to call just before the client closes."""
        self._buffer.before_end = act

    @property
    def ending(self) -> RxPumpError | None:
        """The error that ended the session; None while it is open."""
        return self._buffer.ending

    async def next(self) -> Sequence[tuple[Event, int]]:
        """Wait for deliveries; each has the number of earlier deliveries of its event."""
        while True:
            if self._buffer.ending is not None:
                raise self._buffer.ending
            if records := self._buffer.take():
                return [(indexed_event(record.event), record.retry_count) for record in records]
            self._changed.clear()
            await self._changed.wait()

    def ack(self, events: Sequence[Event]) -> None:
        """Acknowledge events."""
        for payload in acks(self._buffer.subscription_id, _ids(events)):
            self._requests.send_message(self._buffer, Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, payload)

    def nack(self, events: Sequence[Event], action: NackAction, reason: str) -> None:
        """Refuse events."""
        for payload in naks(self._buffer.subscription_id, _ids(events), action, reason):
            self._requests.send_message(self._buffer, Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS, payload)

    def close(self) -> None:
        """Send the buffered acknowledgements, and unsubscribe."""
        self._requests.unsubscribe(self._buffer)

    def __repr__(self) -> str:
        return f"<TcpConsumerSession {self._buffer!r}>"


def _ids(events: Sequence[Event]) -> list[bytes]:
    """Return the id of each event; if the event was delivered through a link, the id of the link.

    See docs/protocol/tcp.md, section 4.18.
    """
    return [event.received_id_bytes for event in events]
