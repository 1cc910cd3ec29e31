"""One client's connection to a consumer group: what it is sent, and how much it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from rxpump.server.groups.message import Message
from rxpump.tcp.wire.codes import SERVER_FAILED, SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package, shared_frames
from rxpump.tcp.wire.schema import SubscriptionDropped


class Client(Protocol):
    """Whose connection it is."""

    @property
    def is_unread(self) -> bool:
        """Whether the client leaves what it was sent unread."""

    def send(self, frames: bytes) -> None:
        """Send frames."""

    def forget(self, consumer: Consumer) -> None:
        """Be told that the consumer was dropped."""


class Consumer:
    """Gets events under `correlation_id`, up to `slots` that it has not answered for.

    `held` are the ids of those events. `leave` takes it out of its group, `resume` tells the group that
    the client has read what it left unread. A client that does not read gets nothing more: its slots may
    hold more bytes than a connection can.
    """

    def __init__(self, correlation_id: bytes, slots: int, client: Client) -> None:
        self.correlation_id = correlation_id
        self.slots = slots
        self.held: set[bytes] = set()
        self.leave: Callable[[], None] = _nothing
        self.resume: Callable[[], None] = _nothing
        self._client = client

    @property
    def has_room(self) -> bool:
        """Whether it takes one more event."""
        return len(self.held) < self.slots and not self._client.is_unread

    def receive(self, messages: Iterable[Message]) -> None:
        """Send events to the client, all as one."""
        payloads = [message.payload() for message in messages]
        frames = shared_frames(Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED, payloads)
        self._client.send(self.correlation_id.join(frames))

    def drop(self, reason: SubscriptionDropReason = SubscriptionDropReason.UNSUBSCRIBED) -> None:
        """End it, and tell the client so."""
        self._client.forget(self)
        self.leave()
        dropped = SubscriptionDropped() if not reason else SubscriptionDropped(reason=reason)
        package = Package(Command.SUBSCRIPTION_DROPPED, self.correlation_id, dropped.SerializeToString())
        self._client.send(package.encode())

    def fail(self, reason: str) -> None:
        """End it, and send the client the reason: a failure of the server."""
        self._client.forget(self)
        self.leave()
        failed = Package(Command.BAD_REQUEST, self.correlation_id, f"{SERVER_FAILED}{reason}".encode())
        self._client.send(failed.encode())

    def __repr__(self) -> str:
        return f"<Consumer with {len(self.held)} of {self.slots} slots taken>"


def _nothing() -> None:
    pass
