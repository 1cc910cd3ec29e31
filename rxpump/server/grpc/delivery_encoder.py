"""Encode the events of a group as messages to its consumers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rxpump.model.system_names import parked_stream
from rxpump.server.groups.message import Message
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.grpc.event_encoder import EventEncoder, framed_event, is_link, varint_of
from rxpump.server.grpc.event_ids import IdForm
from rxpump.server.store.located_pages import located_positions
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import varint
from rxpump.server.store.record_schema import LogEntry


class DeliveryEncoder(EventEncoder):
    """Encodes deliveries of a group.

    As on a real server, the event and the link of a delivery both have the position of the link. An event with the
    type of a link but other data is delivered as an ordinary event.

    Args:
        ids: Form of the ids.
        read: Reader of the store, which finds the positions of the events.
        settings: Settings of the group.
    """

    def __init__(self, ids: IdForm, read: Reader, settings: GroupSettings) -> None:
        super().__init__(ids, read, resolve_links=False)
        self._settings = settings

    def deliveries(self, messages: Sequence[Message]) -> list[bytes]:
        """Return the messages of a delivery, each with its prefix."""
        entries = [LogEntry.FromString(message.entry) for message in messages]
        replays = self._positions(parked_stream(self._settings.id), [m for m in messages if m.replay_of is not None])
        new = (
            {}
            if self._settings.is_on_all
            else self._positions(self._settings.stream, [m for m in messages if m.replay_of is None])
        )
        encoded = []
        for message, entry in zip(messages, entries, strict=True):
            found = (new if message.replay_of is None else replays).get(message.number)
            commit, prepare = found or (entry.commit_position, entry.prepare_position)
            encoded.append(self._delivery(entry, commit, prepare, message.retry_count))
        return encoded

    def _positions(self, stream: str, messages: Sequence[Message]) -> dict[int, tuple[int, int]]:
        """Return the positions of events in the log, by number in the stream."""
        return located_positions(self._read, stream, [message.number for message in messages]) if messages else {}

    def _delivery(self, entry: Any, commit: int, prepare: int, retry_count: int) -> bytes:
        parts = []
        is_broken = entry.HasField("link") and not entry.HasField("event")
        link_tag = b"\x12" if not is_broken or is_link(entry.link.data) else b"\x0a"
        for tag, name in ((b"\x0a", "event"), (link_tag, "link")):
            if entry.HasField(name):
                recorded = self.recorded(getattr(entry, name), commit, prepare)
                parts += [tag, varint_of(len(recorded)), recorded]
        parts += [b"\x18", varint(commit), b"\x28", varint_of(retry_count)]
        return framed_event(b"".join(parts))
