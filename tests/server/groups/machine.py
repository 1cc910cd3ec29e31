"""Drive the state machine of a group without a store. Its messages are numbered, its consumers record deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rxpump.model.group_settings import NackAction
from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.group import Group
from rxpump.server.groups.message import Message
from rxpump.server.groups.settings import GroupSettings

TIMEOUT = 10.0


def event_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def message(number: int, *, bucket: int = 0, replay_of: bytes | None = None, size: int = 10) -> Message:
    return Message(number, event_id(number), b"x" * size, bucket=bucket, replay_of=replay_of)


class Client:
    def __init__(self) -> None:
        self.is_unread = False
        self.delivered: list[int] = []
        self.failures: list[str | None] = []

    def deliver(self, consumer: Consumer, messages: Sequence[Message]) -> None:
        self.delivered += [message.number for message in messages]

    def dropped(self, consumer: Consumer, failure: str | None) -> None:
        self.failures.append(failure)


def consumer(name: str = "a", slots: int = 10, client: Client | None = None) -> Consumer:
    return Consumer(name.encode() * 16, slots, client or Client())


class Driven:
    """A group of a stream with `stored` events. A test sets the time `now`."""

    def __init__(self, stored: int = 0, last_completed: int = -1, **settings: Any) -> None:
        settings = {"message_timeout_seconds": TIMEOUT, "strategy": "RoundRobin", **settings}
        self.group = Group(GroupSettings(stream="s", group="g", **settings), last_completed)
        self.now = 0.0
        self.stored = stored
        self.next = last_completed + 1

    def connect(self, name: str = "a", slots: int = 10) -> Consumer:
        connected = consumer(name, slots)
        self.group.connect(connected)
        return connected

    def step(self) -> list[tuple[str, int, int]]:
        """Read and deliver as many events as possible. Return each delivery as (consumer, number, retry count)."""
        given = []
        while True:
            deliveries = self.group.deliver(self.now, 100)
            given += [(each.consumer.id[:1].decode(), each.message) for each in deliveries]
            wanted = min(self.group.wanted, self.stored - self.next)
            if wanted > 0:
                self.group.take([message(number) for number in range(self.next, self.next + wanted)])
                self.next += wanted
            elif not deliveries:
                return [(name, each.number, each.retry_count) for name, each in given]

    def numbers(self) -> list[int]:
        return [number for _, number, _ in self.step()]

    def ack(self, *numbers: int, by: str = "a") -> None:
        self.group.acknowledge([event_id(number) for number in numbers], by.encode() * 16)

    def nak(self, *numbers: int, action: NackAction, by: str = "a", text: str = "because") -> None:
        self.group.nack([event_id(number) for number in numbers], by.encode() * 16, action, text)
