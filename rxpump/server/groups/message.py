"""An event on its way to the consumers of a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rxpump.server.store.record_schema import StreamEntry, StreamPage


class Message:
    """One event, identified by the number and id of the original event: of the link, if the event is one.

    Attributes:
        number: Number of the original event in its stream; in the parked stream, if it is replayed; otherwise for a
            group on all streams, its offset in the log.
        event_id: Id of the original event.
        entry: The event as an encoded `StreamEntry`; for a group on all streams, as a `LogEntry`.
        bucket: Bucket of events that go to the same consumer (see `rxpump.server.groups.pinning`).
        replay_of: Data of the link in the parked stream, if the event is replayed; otherwise None.
        retry_count: Number of earlier deliveries.
    """

    __slots__ = ("bucket", "entry", "event_id", "number", "replay_of", "retry_count")

    def __init__(
        self, number: int, event_id: bytes, entry: bytes, *, bucket: int = 0, replay_of: bytes | None = None
    ) -> None:
        self.number: int = number
        self.event_id: bytes = event_id
        self.entry: bytes = entry
        self.bucket: int = bucket
        self.replay_of: bytes | None = replay_of
        self.retry_count: int = 0

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        return len(self.entry)

    @property
    def address(self) -> bytes:
        """Data of a link to the event: to the target if links are resolved and there is one."""
        entry = StreamEntry.FromString(self.entry)
        if not entry.HasField("event"):
            return bytes(entry.link.data)
        return f"{entry.event.event_number}@{entry.event.event_stream_id}".encode()

    @property
    def original_number(self) -> int:
        """Number of the original event in its own stream."""
        entry = StreamEntry.FromString(self.entry)
        return int((entry.link if entry.HasField("link") else entry.event).event_number)

    def __lt__(self, other: Message) -> bool:
        return self.number < other.number

    def __repr__(self) -> str:
        return f"<Message {self.number}, sent {self.retry_count} times before>"


def messages_of(page: bytes, bucket_of: Callable[[Any], int], *, are_replays: bool = False) -> list[Message]:
    """Split a page into messages, each with its slice of the page, so that no event is encoded again.

    Args:
        page: An encoded `StreamPage`.
        bucket_of: Returns the bucket of a `StreamEntry`.
        are_replays: Whether the page was read from a parked stream. Then, as on a real server, events that are no
            longer there are left out.

    Returns:
        The messages in the order of the page.
    """
    messages: list[Message] = []
    end = 0
    for entry in StreamPage.FromString(page).events:
        start, length = _read_varint(page, end + 1)
        end = start + length
        if are_replays and not entry.HasField("event"):
            continue
        original = entry.link if entry.HasField("link") else entry.event
        messages.append(
            Message(
                original.event_number,
                original.event_id,
                page[start:end],
                bucket=bucket_of(entry),
                replay_of=original.data if are_replays else None,
            )
        )
    return messages


def _read_varint(page: bytes, offset: int) -> tuple[int, int]:
    """Return the offset after the varint at `offset`, and its value."""
    value = shift = 0
    while True:
        byte = page[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return offset, value
        shift += 7
