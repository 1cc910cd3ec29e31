"""PersistentSubscriptions.Read: connect a consumer to a group (docs/protocol/grpc.md, section 5.10)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final
from uuid import uuid4

from rxpump.grpc.messages.persistent_subscriptions import ReadResponse
from rxpump.model.group_settings import NackAction
from rxpump.server.access.access import Permission
from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.message import Message
from rxpump.server.groups.running_group import RunningGroup
from rxpump.server.grpc.authorization import require_login
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import CallError, access_denied, handler_failed
from rxpump.server.grpc.delivery_encoder import DeliveryEncoder
from rxpump.server.grpc.event_encoder import joined
from rxpump.server.grpc.event_ids import read_id
from rxpump.server.grpc.group_errors import group_dropped, group_failed, group_is_full, group_not_found
from rxpump.server.grpc.leadership import check_leadership
from rxpump.server.grpc.services.group_options import group_stream
from rxpump.server.grpc.services.read_options import id_form
from rxpump.server.membership import Demand
from rxpump.server.strictness import Strictness

_ACTIONS: Final = {
    0: NackAction.RETRY,
    1: NackAction.PARK,
    2: NackAction.RETRY,
    3: NackAction.SKIP,
    4: NackAction.STOP,
}
"""Action for each number in a message. As on a real server, nothing is read from a call after any other number."""

_UNNAMED: Final = "<unknown>"


async def read_group(call: Call) -> None:
    """Deliver the events of a group until the consumer is dropped or the call is cancelled."""
    first = await call.next_message()
    if first is None:
        return
    if not first.HasField("options"):
        raise handler_failed("The first message must have the options of the consumer.")
    running, slots, encoder = _connection(call, first.options)
    session = _ConsumerSession(call, running, encoder)
    consumer = Consumer(
        uuid4().bytes,
        slots,
        session,
        user=call.user.login,
        connection_name=call.header("connection-name") or _UNNAMED,
        keeps_retry_counts=True,
    )
    call.reply(ReadResponse(subscription_confirmation={"subscription_id": running.settings.id}))
    call.node.groups.connect(running, consumer)
    await session.run(consumer)


def _connection(call: Call, options: Any) -> tuple[RunningGroup, int, DeliveryEncoder]:
    """Return the group, the number of events that can be in flight, and the encoder of the events.

    Raises:
        CallError: The consumer cannot connect.
    """
    if options.HasField("stream_identifier") and not options.stream_identifier.stream_name:
        raise handler_failed("The name of the stream must not be empty.")
    stream, group = group_stream(options), options.group_name
    require_login(call)
    if not call.node.access.may(call.user, Permission.READ, stream):
        raise access_denied()
    ids = id_form(options)
    if ids is None:
        raise handler_failed("The options must have the form of ids, `uuid_option`.")
    if options.buffer_size < 0:
        raise handler_failed(f"The buffer size must be at least 0, got {options.buffer_size}.")
    if not group:
        raise handler_failed("The name of the group must not be empty.")
    check_leadership(call, Demand.GROUP)
    running = call.node.groups.find(stream, group)
    if running is None:
        raise group_not_found(stream, group)
    if running.group.is_full:
        raise group_is_full(stream, group)
    return running, options.buffer_size, DeliveryEncoder(ids, call.node.store.read, running.settings)


class _ConsumerSession:
    """Connection between a call and its consumer: sends events, and applies acknowledgements."""

    def __init__(self, call: Call, running: RunningGroup, encoder: DeliveryEncoder) -> None:
        self._call = call
        self._running = running
        self._encoder = encoder
        self._dropped: asyncio.Future[CallError] = asyncio.get_running_loop().create_future()
        self._waiting: asyncio.Task[None] | None = None
        self._has_left = False

    async def run(self, consumer: Consumer) -> None:
        """Apply acknowledgements until the consumer is dropped.

        Raises:
            CallError: The consumer was dropped, or `_acknowledge` has failed.
        """
        # The events of the consumer must be requeued before a later call of the same connection is served.
        self._call.when_ended = partial(self._leave, consumer)
        loop = asyncio.get_running_loop()
        acknowledging = loop.create_task(self._acknowledge(consumer))
        try:
            await asyncio.wait((acknowledging, self._dropped), return_when=asyncio.FIRST_COMPLETED)
            if acknowledging.done():
                acknowledging.result()
            await asyncio.wait((self._dropped,))  # A half-closed call still receives events.
            raise self._dropped.result()
        finally:
            acknowledging.cancel()
            if self._waiting is not None:
                self._waiting.cancel()
            self._leave(consumer)

    def _leave(self, consumer: Consumer) -> None:
        """Leave the group, unless the consumer has left already."""
        if not (self._has_left or self._dropped.done()):
            self._has_left = True
            consumer.leave()

    async def _acknowledge(self, consumer: Consumer) -> None:
        """Apply acknowledgements until a malformed one, after which a real server ignores all.

        Raises:
            CallError: An acknowledgement is malformed, and the server does not imitate a real one exactly.
        """
        try:
            await self._apply(consumer)
        except CallError:
            if self._call.node.strictness is not Strictness.REAL:
                raise

    async def _apply(self, consumer: Consumer) -> None:
        while (message := await self._call.next_message()) is not None:
            match message.WhichOneof("content"):
                case "ack":
                    self._running.acknowledge(_ids(message.ack.ids), consumer.id)
                case "nack":
                    action = _ACTIONS.get(message.nack.action)
                    if action is None:
                        return
                    self._running.nack(_ids(message.nack.ids), consumer.id, action, message.nack.reason)
                case _:
                    raise handler_failed("Each message after the first must be an ack or a nack.")

    @property
    def is_unread(self) -> bool:
        """Whether the client does not read, so that no more events are sent to it."""
        return not self._call.has_room

    def deliver(self, consumer: Consumer, messages: Sequence[Message]) -> None:
        """Send events to the client."""
        self._call.write(joined(self._encoder.deliveries(messages)))
        if self.is_unread and self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_task(self._resume(consumer))

    async def _resume(self, consumer: Consumer) -> None:
        """Let the group deliver again once the client has read."""
        await self._call.drained()
        self._waiting = None
        consumer.resume()

    def dropped(self, consumer: Consumer, failure: str | None) -> None:
        """End the call."""
        if not self._dropped.done():
            stream, group = self._running.settings.stream, self._running.settings.group
            error = group_dropped(stream, group) if failure is None else group_failed(stream, group, failure)
            self._dropped.set_result(error)

    def __repr__(self) -> str:
        return f"<_ConsumerSession of {self._running.settings.id!r}>"


def _ids(messages: Iterable[Any]) -> list[bytes]:
    """Return the ids of events, without those that are empty.

    Raises:
        CallError: An id is malformed.
    """
    try:
        return [found for message in messages if (found := read_id(message)) is not None]
    except ValueError:
        raise handler_failed("Unrecognized Guid format.") from None
