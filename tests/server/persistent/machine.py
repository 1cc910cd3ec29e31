"""A group without a store: messages that are their numbers, consumers that keep what they are given."""

from __future__ import annotations

from rxpump.server.persistent.consumer import Consumer
from rxpump.server.persistent.group import Group
from rxpump.server.persistent.message import Message
from rxpump.server.persistent.settings import GroupSettings

TIMEOUT = 10.0


def event_id(number):
    return number.to_bytes(16, "big")


def message(number, *, bucket=0, replay_of=None, size=10):
    return Message(number, event_id(number), b"x" * size, bucket=bucket, replay_of=replay_of)


class Client:
    def __init__(self):
        self.is_unread = False
        self.sent = []
        self.forgotten = []

    def send(self, frames):
        self.sent.append(frames)

    def forget(self, consumer):
        self.forgotten.append(consumer)


def consumer(name="a", slots=10, client=None):
    return Consumer(name.encode() * 16, slots, client or Client())


class Driven:
    """A group of a stream that has `stored` events, and what its consumers were given at `now`."""

    def __init__(self, stored=0, through=-1, **settings):
        settings = {"message_timeout_ms": int(TIMEOUT * 1000), "strategy": "RoundRobin", **settings}
        self.group = Group(GroupSettings("s", "g", **settings), through, now=0.0)
        self.now = 0.0
        self.stored = stored
        self.next = through + 1

    def connect(self, name="a", slots=10):
        connected = consumer(name, slots)
        self.group.connect(connected)
        return connected

    def step(self):
        """Deliver and read until there is nothing to do; tell who was given what, and how often before."""
        given = []
        while True:
            deliveries = self.group.deliver(self.now, 100)
            given += [(each.consumer.correlation_id[:1].decode(), each.message) for each in deliveries]
            wanted = min(self.group.wanted, self.stored - self.next)
            if wanted > 0:
                self.group.take([message(number) for number in range(self.next, self.next + wanted)])
                self.next += wanted
            elif not deliveries:
                return [(name, each.number, each.retry_count) for name, each in given]

    def numbers(self):
        return [number for _, number, _ in self.step()]

    def ack(self, *numbers, by="a"):
        self.group.acknowledge([event_id(number) for number in numbers], by.encode() * 16)

    def nak(self, *numbers, action, by="a", text="because"):
        self.group.refuse([event_id(number) for number in numbers], by.encode() * 16, action, text)
