"""Encode stored events as messages of a response.

The bytes of a message are made from the fields of a stored event, because creating a message object takes several
times as long. The encodings of names and types are cached, because they repeat; the caches are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, Final, NamedTuple

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import LINK_EVENT_TYPE
from rxpump.server.groups.streams import is_hidden_in_log
from rxpump.server.grpc.event_ids import ID_FIELDS, IdForm
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.located_pages import located_target
from rxpump.server.store.log_columns import LogColumns, log_columns
from rxpump.server.store.new_event import NewEvent
from rxpump.server.store.reader import Reader
from rxpump.server.store.record import link_of, varint, varints
from rxpump.server.store.record_schema import JSON_CONTENT, LogEntry

_UNIX_EPOCH_TICKS: Final = 621_355_968_000_000_000
_LONGEST_CACHED: Final = 1_000
"""Characters of a text whose encoding is cached."""

_LINK: Final = re.compile(rb"\s*([+-]?[0-9]{1,19})\s*(?:@.*)?", re.DOTALL).fullmatch
"""Function that matches the data of a link. Before the first @ is a number, which may have no stream."""

_PREFIX: Final = Struct(">BL").pack
_ZERO: Final = b"\0"
"""Encoding of the number 0, whose field is left out."""


def frame(message: bytes) -> bytes:
    """Return a message after the prefix of gRPC: no compression, and the length of the message."""
    return _PREFIX(0, len(message)) + message


class EncodedEvents(NamedTuple):
    """The events of a page.

    Attributes:
        messages: The messages, without those of events that the read leaves out.
        columns: Fields of all events.
    """

    messages: list[bytes]
    columns: LogColumns


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

    def page(self, page: bytes) -> EncodedEvents:
        """Encode the events of a page, given as an encoded `LogPage`."""
        columns = log_columns(page)
        return EncodedEvents(list(filter(None, self.messages(columns))), columns)

    def committed(self, batch: CommittedBatch) -> Sequence[bytes]:
        """Encode the events of a batch. The batch caches the messages for other calls with the same options."""
        key = (type(self), self._ids, self._resolve_links)
        messages: Sequence[bytes] | None = batch.shared.get(key)
        if messages is None:
            messages = batch.shared[key] = self.messages(log_columns(batch.log_page))
        return messages

    def messages(self, columns: LogColumns) -> list[bytes]:
        """Encode events. Return no bytes for an event that the read leaves out."""
        messages = []
        ids, numbers, commits = self._id_fields(columns.ids), varints(columns.numbers), varints(columns.commits)
        prepares = commits if columns.prepares == columns.commits else varints(columns.prepares)
        name, stream = "", stream_field("")
        kind, content_type, created, description = "", -1, 0, b""
        for index, (id_field, number, at, prepared, data, metadata) in enumerate(
            zip(ids, numbers, commits, prepares, columns.data, columns.metadata, strict=True)
        ):
            if columns.streams[index] != name:
                name = columns.streams[index]
                stream = _cached_field(name)
            described = columns.types[index], columns.content_types[index], columns.created[index]
            if described != (kind, content_type, created):
                kind, content_type, created = described
                description = _description(kind, content_type, created)
            event = _recorded(id_field, stream, number, prepared, at, description, metadata, data)
            if self._resolve_links and kind == LINK_EVENT_TYPE:
                messages.append(framed_event(self._resolved(NewEvent(b"", kind, data), event, at)))
            else:
                messages.append(b"".join((_message_start(len(event), len(at)), event, b"\x18", at)))
        return messages

    def _resolved(self, link: NewEvent, recorded_link: bytes, at: bytes) -> bytes:
        """Return a link as an encoded `ReadEvent`, with its target if there is one.

        As on a real server, an event with the type of a link but other data is delivered as an ordinary event.

        Args:
            link: Type and data of the link.
            recorded_link: The link, as an encoded `RecordedEvent`.
            at: The encoded commit position of the link.
        """
        size = varint_of(len(recorded_link))
        stream, number = link_of(link)
        if not stream and not is_link(link.data):
            return b"\x0a%b%b\x18%b" % (size, recorded_link, at)
        found = located_target(self._read, stream, number) if stream else None
        if found is None:
            return b"\x12%b%b\x18%b" % (size, recorded_link, at)
        target = LogEntry.FromString(found)
        event = self.recorded(target.event, target.commit_position, target.prepare_position)
        return b"\x0a%b%b\x12%b%b\x18%b" % (varint_of(len(event)), event, size, recorded_link, at)

    def recorded(self, record: Any, commit: int, prepare: int) -> bytes:
        """Return an event, given as a `Record`, as an encoded `RecordedEvent`."""
        start, stream = self._id_fields([record.event_id])[0], _cached_field(record.event_stream_id)
        description = _description(record.event_type, record.data_content_type, record.created)
        number, prepared, at = varint(record.event_number), varint(prepare), varint(commit)
        return _recorded(start, stream, number, prepared, at, description, record.metadata, record.data)

    def __repr__(self) -> str:
        return f"<EventEncoder with ids as {self._ids.value}{', resolving links' if self._resolve_links else ''}>"


def is_link(data: bytes) -> bool:
    """Return whether the data of an event with the type of a link are those of a link, as a real server reads them.

    A link need not have a target: the data can lack the name of the stream, or the number can be negative.
    """
    match = _LINK(data)
    return match is not None and abs(int(match[1])) <= MAX_EVENT_NUMBER


def _recorded(
    start: bytes,
    stream: bytes,
    number: bytes,
    prepare: bytes,
    commit: bytes,
    description: bytes,
    metadata: bytes,
    data: bytes,
) -> bytes:
    """Return an event as an encoded `RecordedEvent`.

    Args:
        start: Its encoded id.
        stream: Its encoded stream.
        number: Its encoded number.
        prepare: Its encoded prepare position.
        commit: Its encoded commit position.
        description: Its encoded time, type and content type.
        metadata: Its metadata.
        data: Its data.
    """
    if metadata:
        description = b"".join((description, b"\x3a", varint_of(len(metadata)), metadata))
    if not data or number == _ZERO:
        numbered = b"" if number == _ZERO else b"\x18" + number
        content = b"\x42%b%b" % (varint_of(len(data)), data) if data else b""
        return b"".join((start, stream, numbered, b"\x20", prepare, b"\x28", commit, description, content))
    size = varint_of(len(data))
    return b"".join(
        (start, stream, b"\x18", number, b"\x20", prepare, b"\x28", commit, description, b"\x42", size, data)
    )


@lru_cache(maxsize=4096)
def _message_start(event_bytes: int, position_bytes: int) -> bytes:
    """Return the bytes of a response before an encoded event and its position.

    Args:
        event_bytes: Size of the encoded event.
        position_bytes: Size of the encoded position.
    """
    size = varint(event_bytes)
    whole = 1 + len(size) + event_bytes + 1 + position_bytes
    outer = varint(whole)
    return b"%b\x0a%b\x0a%b" % (_PREFIX(0, 1 + len(outer) + whole), outer, size)


def framed_event(content: bytes) -> bytes:
    """Return an encoded event as a response with its prefix. The event is field 1 of every response that has one."""
    size = varint_of(len(content))
    return b"%b\x0a%b%b" % (_PREFIX(0, 1 + len(size) + len(content)), size, content)


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

_cached_stream_field: Final = lru_cache(maxsize=1024)(stream_field)
_cached_type_entry: Final = lru_cache(maxsize=1024)(lambda name: _metadata_entry(b"type", name.encode()))


def _cached_field(name: str) -> bytes:
    return _cached_stream_field(name) if len(name) <= _LONGEST_CACHED else stream_field(name)


def _description(event_type: str, content_type: int, created: int) -> bytes:
    """Return the encoded time, type and content type of an event. The events of a transaction often share them."""
    content_entry = _JSON_ENTRY if content_type == JSON_CONTENT else _BINARY_ENTRY
    time_entry = _metadata_entry(b"created", b"%d" % (created - _UNIX_EPOCH_TICKS))
    return time_entry + _type_entry(event_type) + content_entry


def _type_entry(name: str) -> bytes:
    if len(name) <= _LONGEST_CACHED:
        return _cached_type_entry(name)
    return _metadata_entry(b"type", name.encode())


class LogEncoder(EventEncoder):
    """Encodes the events of a read of all streams, without those that such a read leaves out."""

    def messages(self, columns: LogColumns) -> list[bytes]:
        """Encode events. Return no bytes for an event that the read leaves out."""
        messages = super().messages(columns)
        return [
            b"" if is_hidden_in_log(stream) else message
            for stream, message in zip(columns.streams, messages, strict=True)
        ]


def joined(messages: Iterable[bytes]) -> bytes:
    """Return messages as the bytes of a response."""
    return b"".join(messages)
