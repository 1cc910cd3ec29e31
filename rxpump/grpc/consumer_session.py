"""A connection to a consumer group: one call, which receives events and sends acknowledgements.

The server sends at most `buffer_size` events that are not acknowledged, and no more than the window of the call
allows. It does not confirm acknowledgements, and drops those that it has not read when the call is cancelled. A
session that is closed therefore ends its side first, and cancels the call a moment after the server has received this
(docs/protocol/grpc.md, section 5.10).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from rxpump.errors import MalformedReply, RxPumpError, ServerFailed, SubscriptionDropped
from rxpump.grpc.attempts import Attempts
from rxpump.grpc.call import Call
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls.consume import acks, consume, consume_context, nacks
from rxpump.grpc.calls.operation import parse
from rxpump.grpc.calls.records import EventRows
from rxpump.grpc.channel import Channel
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.model.events import Event
from rxpump.model.group_settings import NackAction
from rxpump.transport import GroupSession

LEAVING_SECONDS: Final = 0.1
"""Seconds in which the server reads the last acknowledgements that it has received, before the call is cancelled."""


async def connect_group(caller: Caller, stream: str | None, group: str, buffer_size: int) -> GrpcConsumerSession:
    """Connect to a consumer group; arguments and errors as in `Transport.connect_group`."""
    context = consume_context(stream, group)
    request = consume(stream, group, buffer_size)
    attempts = caller.attempts(context)
    async with attempts:
        while True:
            call = await caller.open(context, request, attempts=attempts, ends_on_goaway=True)
            try:
                await _confirmation(attempts, call)
            except RxPumpError as error:
                call.cancel()
                await attempts.wait_after(error)
            except BaseException:
                call.cancel()
                raise
            else:
                return GrpcConsumerSession(caller.channel, call, stream)


async def _confirmation(attempts: Attempts, call: Call) -> None:
    """Wait for the confirmation. Messages of a kind that is not known here can precede it."""
    context = call.context
    kind = None
    while kind is None and (received := await attempts.next(call, 1)):
        kind = parse(context, messages.ReadResponse, received[0]).WhichOneof("content")
    if kind is None:
        raise SubscriptionDropped(context.stream_or_all, "the server ended the call")
    if kind != "subscription_confirmation":
        raise MalformedReply(context.operation, "no confirmation before other messages")


class GrpcConsumerSession(GroupSession):
    """One connection to a consumer group.

    Args:
        channel: Connections of the client.
        call: Call for which the server has confirmed the subscription.
        stream: Name of the stream; None is `$all`.
    """

    def __init__(self, channel: Channel, call: Call, stream: str | None) -> None:
        self._channel = channel
        self._call = call
        self._stream = stream
        self._before_end: Callable[[], None] | None = None
        self._is_closed = False
        channel.before_close.add(self._leave)

    @property
    def ending(self) -> RxPumpError | None:
        """The error that ended the session; None while it is open."""
        if not self._call.has_ended:
            return None
        return self._call.error or SubscriptionDropped(self._context.stream_or_all, "the server ended the call")

    @property
    def buffered(self) -> int:
        """Number of deliveries that have arrived and were not returned. A message is counted as one delivery."""
        return self._call.buffered

    def before_end(self, act: Callable[[], None]) -> None:
        """Register a function to call just before the client closes."""
        self._before_end = act

    async def next(self) -> Sequence[tuple[Event, int]]:
        """Wait for deliveries; each has the number of earlier deliveries of its event."""
        try:
            received = await self._call.next()
        except RxPumpError as error:
            self._channel.before_close.discard(self._leave)
            if isinstance(error, ServerFailed):  # The server or a proxy failed while it served the consumer.
                raise SubscriptionDropped(self._context.stream_or_all, error.reason) from error
            raise
        if not received:
            self._channel.before_close.discard(self._leave)
            raise SubscriptionDropped(self._context.stream_or_all, "the server ended the call")
        delivered = self._deliveries(received)
        events = EventRows(delivered).events()
        return [(event, each.retry_count) for event, each in zip(events, delivered, strict=True)]

    def ack(self, events: Sequence[Event]) -> None:
        """Send acknowledgements of events."""
        self._send(acks(_ids(events)))

    def nack(self, events: Sequence[Event], action: NackAction, reason: str) -> None:
        """Send nacks of events, with the action for the server and the reason."""
        self._send(nacks(_ids(events), action, reason))

    def close(self) -> None:
        """End the request, and cancel the call later, so that the server reads all acknowledgements before."""
        self._channel.before_close.discard(self._leave)
        if not self._is_closed:
            self._is_closed = True
            self._call.end()
            self._channel.cancel_later(self._call, LEAVING_SECONDS)

    def _send(self, requests: Sequence[bytes]) -> None:
        """Send requests. Do nothing if the session is closed, because the client has ended its side of the call."""
        if not self._is_closed:
            for request in requests:
                self._call.send(request)

    def _leave(self) -> None:
        """Let the consumer acknowledge the events that it has handled, then close. Called when the client closes."""
        if self._before_end is not None:
            self._before_end()
        self.close()

    def _deliveries(self, received: Sequence[bytes]) -> Sequence[Any]:
        """Return the DeliveredEvent messages in responses."""
        responses = [parse(self._context, messages.ReadResponse, each) for each in received]
        return [response.event for response in responses if response.HasField("event")]

    @property
    def _context(self) -> CallContext:
        return self._call.context

    def __repr__(self) -> str:
        return f"<GrpcConsumerSession {self._call!r}>"


def _ids(events: Sequence[Event]) -> list[bytes]:
    """Return the id of each event; if the event was delivered through a link, the id of the link."""
    return [event.received_id_bytes for event in events]
