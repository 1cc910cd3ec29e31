"""Encode stored events as messages of a response.

The bytes of a message are made from the fields of a stored event, because creating a message object takes several
times as long. The encodings of names and types are cached, because they repeat; the caches are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, Final

from rxpump.model.system_names import LINK_EVENT_TYPE
from rxpump.server.groups.streams import is_hidden_in_log
from rxpump.server.grpc.event_ids import ID_FIELDS, IdForm
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.located_pages import located_target
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import link_of, varint
from rxpump.server.store.record_schema import JSON_CONTENT, LogEntry, LogPage

_UNIX_EPOCH_TICKS: Final = 621_355_968_000_000_000
_LONGEST_CACHED: Final = 1_000
"""Characters of a text whose encoding is cached."""

_NAMES_NOTHING: Final = re.compile(rb"\s*[+-]?[0-9]+\s*@").fullmatch
"""Function that matches the data of a link that contain no stream name."""

_PREFIX: Final = Struct(">BL").pack
_LOW_BITS: Final = 14


def frame(message: bytes) -> bytes:
    """Return a message after the prefix of gRPC: no compression, and the length of the message."""
    return _PREFIX(0, len(message)) + message


class EventEncoder:
    """Encodes stored events as `ReadResponse` messages, each with the prefix that a call needs.

    Args:
        ids: Form of the ids.
        read: Reader of the store, which finds the targets of links.
        resolve_links: Whether the target of a link is sent with it.
    """

    def __init__(self, ids: IdForm, read: Reader, *, resolve_links: bool) -> None:
        self._ids = ids
        self._read = read
        self._resolve_links = resolve_links
        self._id_fields = ID_FIELDS[ids]

    def page(self, events: bytes) -> tuple[list[bytes], Any, Any]:
        """Encode the events of a page.

        Args:
            events: The events, as an encoded `LogPage`.

        Returns:
            The messages, and the first and the last event as `LogEntry`; None and None if there is none.
        """
        entries = LogPage.FromString(events).events
        if not entries:
            return [], None, None
        return list(filter(None, self.messages(entries))), entries[0], entries[-1]

    def committed(self, batch: CommittedBatch) -> Sequence[bytes]:
        """Encode the events of a batch. The batch caches the messages for other calls with the same options."""
        key = (type(self), self._ids, self._resolve_links)
        messages: Sequence[bytes] | None = batch.shared.get(key)
        if messages is None:
            messages = batch.shared[key] = self.messages([event.entry for event in batch.events])
        return messages

    def messages(self, entries: Sequence[Any]) -> list[bytes]:
        """Encode events, given as `LogEntry`. Return no bytes for an event that the read leaves out."""
        records = [entry.event for entry in entries]
        fields = self._id_fields([record.event_id for record in records])
        messages = []
        name, stream = "", stream_field("")
        for entry, record, id_field in zip(entries, records, fields, strict=True):
            if record.event_stream_id != name:
                name = record.event_stream_id
                stream = _cached_field(name)
            at = position(entry.commit_position)
            prepare = entry.prepare_position
            prepared = at if prepare == entry.commit_position else position(prepare)
            event = _recorded(record, id_field + stream, at, prepared)
            if self._resolve_links and record.event_type == LINK_EVENT_TYPE:
                messages.append(framed_event(self._resolved(record, event, at)))
                continue
            size = varint_of(len(event))
            whole = len(size) + len(event) + len(at) + 2
            outer = varint_of(whole)
            messages.append(b"%b\x0a%b\x0a%b%b\x18%b" % (_PREFIX(0, 1 + len(outer) + whole), outer, size, event, at))
        return messages

    def _resolved(self, link: Any, recorded_link: bytes, at: bytes) -> bytes:
        """Return a link as an encoded `ReadEvent`, with its target if there is one.

        As on a real server, an event with the type of a link but other data is delivered as an ordinary event.

        Args:
            link: The link, as a `Record`.
            recorded_link: The link, as an encoded `RecordedEvent`.
            at: The encoded commit position of the link.
        """
        size = varint_of(len(recorded_link))
        stream, number = link_of(link)
        if not stream and not _NAMES_NOTHING(link.data):
            return b"\x0a%b%b\x18%b" % (size, recorded_link, at)
        found = located_target(self._read, stream, number) if stream else None
        if found is None:
            return b"\x12%b%b\x18%b" % (size, recorded_link, at)
        target = LogEntry.FromString(found)
        event = self.recorded(target.event, target.commit_position, target.prepare_position)
        return b"\x0a%b%b\x12%b%b\x18%b" % (varint_of(len(event)), event, size, recorded_link, at)

    def recorded(self, record: Any, commit: int, prepare: int) -> bytes:
        """Return an event as an encoded `RecordedEvent`."""
        start = self._id_fields([record.event_id])[0] + _cached_field(record.event_stream_id)
        return _recorded(record, start, position(commit), position(prepare))

    def __repr__(self) -> str:
        return f"<EventEncoder with ids as {self._ids.value}{', resolving links' if self._resolve_links else ''}>"


def _recorded(record: Any, start: bytes, commit: bytes, prepare: bytes) -> bytes:
    """Return an event as an encoded `RecordedEvent`.

    Args:
        record: The event, as a `Record`.
        start: Its encoded id and stream.
        commit: Its encoded commit position.
        prepare: Its encoded prepare position.
    """
    number, data, metadata = record.event_number, record.data, record.metadata
    return b"".join(
        (
            start,
            b"\x18" + position(number) if number else b"",
            b"\x20",
            prepare,
            b"\x28",
            commit,
            _created_entry(record.created),
            _type_entry(record.event_type),
            _JSON_ENTRY if record.data_content_type == JSON_CONTENT else _BINARY_ENTRY,
            b"\x3a" + varint_of(len(metadata)) if metadata else b"",
            metadata,
            b"\x42" + varint_of(len(data)) if data else b"",
            data,
        )
    )


def framed_event(content: bytes) -> bytes:
    """Return an encoded event as a response with its prefix. The event is field 1 of every response that has one."""
    size = varint_of(len(content))
    return b"%b\x0a%b%b" % (_PREFIX(0, 1 + len(size) + len(content)), size, content)


def position(value: int) -> bytes:
    """Return the protobuf encoding of a number of which nearby ones are encoded too. The high bits are cached."""
    if value < 1 << _LOW_BITS:
        return b"%c%c" % (value & 0x7F | 0x80, value >> 7) if value > 0x7F else b"%c" % (value,)
    return b"%c%c%b" % (value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, varint_of(value >> _LOW_BITS))


varint_of: Final = lru_cache(maxsize=4096)(varint)
"""Function that returns the protobuf encoding of a number; the most recent results are cached."""


def stream_field(name: str) -> bytes:
    """Return the encoded field `stream_identifier` of a RecordedEvent."""
    encoded = name.encode()
    identifier = b"\x1a%b%b" % (varint(len(encoded)), encoded)
    return b"\x12%b%b" % (varint(len(identifier)), identifier)


def _metadata_entry(key: bytes, value: bytes) -> bytes:
    """Return an entry of the field `metadata` of a RecordedEvent."""
    entry = b"\x0a%b%b\x12%b%b" % (varint(len(key)), key, varint(len(value)), value)
    return b"\x32%b%b" % (varint(len(entry)), entry)


_JSON_ENTRY: Final = _metadata_entry(b"content-type", b"application/json")
_BINARY_ENTRY: Final = _metadata_entry(b"content-type", b"application/octet-stream")
_created_entry: Final = lru_cache(maxsize=64)(
    lambda ticks: _metadata_entry(b"created", b"%d" % (ticks - _UNIX_EPOCH_TICKS))
)
"""Function that returns the time of an event. The events of a transaction have the same time."""

_cached_stream_field: Final = lru_cache(maxsize=1024)(stream_field)
_cached_type_entry: Final = lru_cache(maxsize=1024)(lambda name: _metadata_entry(b"type", name.encode()))


def _cached_field(name: str) -> bytes:
    return _cached_stream_field(name) if len(name) <= _LONGEST_CACHED else stream_field(name)


def _type_entry(name: str) -> bytes:
    if len(name) <= _LONGEST_CACHED:
        return _cached_type_entry(name)
    return _metadata_entry(b"type", name.encode())


class LogEncoder(EventEncoder):
    """Encodes the events of a read of all streams, without those that such a read leaves out."""

    def messages(self, entries: Sequence[Any]) -> list[bytes]:
        """Encode events, given as `LogEntry`. Return no bytes for an event that the read leaves out."""
        messages = super().messages(entries)
        return [
            b"" if is_hidden_in_log(entry.event.event_stream_id) else message
            for entry, message in zip(entries, messages, strict=True)
        ]


def joined(messages: Iterable[bytes]) -> bytes:
    """Return messages as the bytes of a response."""
    return b"".join(messages)
