"""An event on its way to a group's consumers.

What is sent is put together from the bytes that a page is made of, and so from those that are stored:
no event is encoded again.

    page                                   tag length fields      tag length fields ...
    PersistentSubscriptionStreamEventAppeared   tag length fields tag retry_count
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rxpump.server.store.record import varint
from rxpump.server.store.record_schema import StreamPage


class Message:
    """One event, known by the number and the id of the original event: the link, where there is one.

    fields:      a ResolvedIndexedEvent, encoded.
    bucket:      which events it is kept together with (rxpump.server.groups.pinning).
    retry_count: how often it was sent before.
    replay_of:   of a parked event that is tried again, the data of the link in the parked stream.
    """

    __slots__ = ("bucket", "event_id", "fields", "number", "replay_of", "retry_count")

    def __init__(
        self, number: int, event_id: bytes, fields: bytes, *, bucket: int = 0, replay_of: bytes | None = None
    ) -> None:
        self.number: int = number
        self.event_id: bytes = event_id
        self.fields: bytes = fields
        self.bucket: int = bucket
        self.replay_of: bytes | None = replay_of
        self.retry_count: int = 0

    @property
    def size(self) -> int:
        """How many bytes it takes, about."""
        return len(self.fields)

    def payload(self) -> bytes:
        """Put together what a consumer is sent."""
        return b"\x0a%b%b\x10%b" % (varint(len(self.fields)), self.fields, varint(self.retry_count))

    def __lt__(self, other: Message) -> bool:
        return self.number < other.number

    def __repr__(self) -> str:
        return f"<Message {self.number}, sent {self.retry_count} times before>"


def messages_of(page: bytes, bucket_of: Callable[[Any], int], *, are_replays: bool = False) -> list[Message]:
    """Take a page (ReadStreamEventsCompleted.events) apart, in order."""
    messages: list[Message] = []
    end = 0
    for resolved in StreamPage.FromString(page).events:
        start, length = _length_at(page, end + 1)
        end = start + length
        original = resolved.link if resolved.HasField("link") else resolved.event
        messages.append(
            Message(
                original.event_number,
                original.event_id,
                page[start:end],
                bucket=bucket_of(resolved),
                replay_of=original.data if are_replays else None,
            )
        )
    return messages


def _length_at(page: bytes, offset: int) -> tuple[int, int]:
    """Read a varint; give where it ends, and its value."""
    value = shift = 0
    while True:
        byte = page[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return offset, value
        shift += 7
