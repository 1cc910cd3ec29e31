"""The stored form of an event: the pieces of bytes that pages consist of.

A page of a stream and a page of the log hold the same record, each with other bytes around it
(docs/protocol/tcp.md, section 3.4). All pieces are encoded once, when the event is written. A page is then a
concatenation of columns:

    page of a stream   stream_head record           stream_head record           ...
    page of the log    all_head    record all_tail  all_head    record all_tail  ...

The head is the tag and the length of the field; `all_tail` holds the positions. For each kind of page, a row has a
checksum of its pieces and its place.

This module contains its own encoder of the fields that `rxpump.server.store.record_schema` declares, because that
takes half the time of protobuf, and encoding is most of the work of a write. Encoded names of streams and types are
cached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zlib import crc32

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import LINK_EVENT_TYPE
from rxpump.server.store.checksum import event_checksum, first_place
from rxpump.server.store.new_event import Writable
from rxpump.server.store.record_schema import JSON_CONTENT, Numbers, StreamEntry

_JSON_FIELDS = b"\x28\x01\x30\x01"  # content types of data and metadata
_BINARY_FIELDS = b"\x28\x00\x30\x00"
_LONGEST_CACHED = 1_000  # characters of a name whose encoding is cached, so that the cache is bounded

RESERVED_BYTES = 32
"""Number of bytes of the log for each reserved position, where a real server writes a record that is no event."""

MAX_VARINT_BYTES: Final = 10
"""Size in bytes of the longest protobuf encoding of a number."""

_LOW: Final = 0x7F  # mask of the bits of the value in each byte of a varint
_TWO_LOW: Final = 0x3FFF
_MORE: Final = 0x80  # bit that is set in each byte of a varint except the last

_UNIX_EPOCH_TICKS = 621_355_968_000_000_000
_NOWHERE = ""  # No stream has the empty name, so such a link has no target.
_VARINTS: Final = re.compile(rb"\x08([\x80-\xff]*[\x00-\x7f])").findall
_LINK = re.compile(r"\s*([+-]?[0-9]{1,19})\s*@(.+)", re.DOTALL)


class Row(NamedTuple):
    """One row of the table `events`, in the order of its columns."""

    position: int
    stream: int
    revision: int
    event_id: bytes
    stream_head: bytes
    record: bytes
    all_head: bytes
    all_tail: bytes
    link_stream: str | None
    link_revision: int | None
    created: int
    stream_checksum: int
    all_checksum: int

    @property
    def position_after(self) -> int:
        """Position of the next record: positions count the bytes of records."""
        return self.position + len(self.record)

    def in_transaction(self, position: int, commit: int, prepare: int) -> Row:
        """Return the row with the positions of an event of a transaction.

        Args:
            position: Position of the row in the log.
            commit: Commit position that readers see.
            prepare: Prepare position that readers see.
        """
        head, tail = _wrapping(self.record, commit, prepare)
        checksum = event_checksum(position, head, self.record, tail)
        return self._replace(position=position, all_head=head, all_tail=tail, all_checksum=checksum)


class Written(NamedTuple):
    """The rows that one write appended to a stream."""

    stream: str
    rows: Sequence[Row]


def make_row(event: Writable, *, stream: int, name: str, revision: int, position: int, now_ns: int) -> Row:
    """Return the row of one new event; see `make_rows`."""
    [row] = make_rows([event], stream=stream, name=name, first=revision, position=position, now_ns=now_ns)
    return row


def make_rows(
    events: Iterable[Writable], *, stream: int, name: str, first: int, position: int, now_ns: int
) -> list[Row]:
    """Return the rows of new events.

    Args:
        events: The events.
        stream: Key of their stream.
        name: Name of their stream.
        first: Number of the first event in its stream.
        position: Position of the first event in the log.
        now_ns: Time of the write in nanoseconds since the Unix epoch.
    """
    name_field, times, created = _text_field(b"\x0a", name), _times(now_ns), now_ns // 1_000_000
    place = first_place(stream)
    rows: list[Row] = []
    for revision, event in enumerate(events, first):
        event_id, data, event_type, metadata = event.event_id, event.data, event.event_type, event.metadata
        body = b"%b\x10%b\x1a%b%b%b\x3a%b%b\x42%b%b%b" % (
            name_field,
            varint(revision),
            _frequent(len(event_id)),
            event_id,
            _description(event_type, event.data_content_type == JSON_CONTENT),
            _frequent(len(data)),
            data,
            _frequent(len(metadata)),
            metadata,
            times,
        )
        record = _head(len(body)) + body
        stream_head = _head(len(record))
        at = varint(position)
        all_tail = b"\x18%b\x20%b" % (at, at)
        all_head = _all_head(len(record) + len(all_tail))
        link_stream, link_revision = link_of(event) if event_type == LINK_EVENT_TYPE else (None, None)
        rows.append(
            Row(
                position,
                stream,
                revision,
                event_id,
                stream_head,
                record,
                all_head,
                all_tail,
                link_stream,
                link_revision,
                created,
                crc32(record, crc32(stream_head, place + revision)),  # `event_checksum`, inlined for speed
                crc32(all_tail, crc32(record, crc32(all_head, position))),
            )
        )
        position += len(record)
    return rows


def _wrapping(record: bytes, commit: int, prepare: int) -> tuple[bytes, bytes]:
    """Return the bytes before and after a record in a page of the log."""
    tail = b"\x18%b\x20%b" % (varint(commit), varint(prepare))
    return _all_head(len(record) + len(tail)), tail


def record_and_tail(entry: bytes) -> tuple[bytes, bytes]:
    """Return the record and the tail of an event as it is in a page. In a page of a stream, the tail is empty."""
    start, _ = _content(entry, 0)
    _, end = _content(entry, start)
    return entry[start:end], entry[end:]


def _content(encoded: bytes, start: int) -> tuple[int, int]:
    """Return where the content of the field at `start` begins and ends."""
    at, length, shift = start + 1, 0, 0  # after the tag
    while encoded[at] & _MORE:
        length |= (encoded[at] & _LOW) << shift
        at, shift = at + 1, shift + 7
    length |= encoded[at] << shift
    return at + 1, at + 1 + length


def _text_field(tag: bytes, text: str) -> bytes:
    return (_cached_field if len(text) <= _LONGEST_CACHED else _new_field)(tag, text)


def _new_field(tag: bytes, text: str) -> bytes:
    encoded = text.encode()
    return b"%b%b%b" % (tag, varint(len(encoded)), encoded)


_cached_field = lru_cache(maxsize=1024)(_new_field)


def _description(event_type: str, is_json: bool) -> bytes:
    """Return the encoded type and content types of an event."""
    return (_cached_description if len(event_type) <= _LONGEST_CACHED else _new_description)(event_type, is_json)


def _new_description(event_type: str, is_json: bool) -> bytes:
    return _new_field(b"\x22", event_type) + (_JSON_FIELDS if is_json else _BINARY_FIELDS)


_cached_description = lru_cache(maxsize=1024)(_new_description)


def link_of(event: Any) -> tuple[str | None, int | None]:
    """Return the target of a link (docs/protocol/tcp.md, section 4.8).

    The data of a link are `number@stream`; the name of the stream may contain an @, too.

    Args:
        event: A new event, or a `Record`.

    Returns:
        The stream and the number of the target. None and None if the event is no link; the empty name and None if it
        is a link whose data name no target.
    """
    if event.event_type != LINK_EVENT_TYPE:
        return None, None
    match = _LINK.fullmatch(event.data.decode(errors="replace"))
    if match is None or not -1 <= int(match[1]) <= MAX_EVENT_NUMBER:
        return _NOWHERE, None
    return match[2], int(match[1])


def leads_to(record: bytes, link: tuple[str, int | None]) -> bool:
    """Return whether the event of an encoded record is a link with the target `link`, as `link_of` returns it."""
    stream, number = link
    if isinstance(number, int) and isinstance(stream, str):  # Damaged rows can contain other types.
        data = b"%d@%b" % (number, stream.encode(errors="surrogateescape"))
        if b"\x3a%b%b" % (varint(len(data)), data) in record:  # Fast path for the field `data` of nearly every link.
            return True
    return link_of(StreamEntry.FromString(record).event) == link


def varint(value: int) -> bytes:
    """Return the protobuf encoding of a number from 0 on. The high bits of large numbers are cached."""
    if value <= _LOW:
        return b"%c" % (value,)
    if value <= _TWO_LOW:
        return b"%c%c" % (value & _LOW | _MORE, value >> 7)
    return b"%c%c%b" % (value & _LOW | _MORE, value >> 7 & _LOW | _MORE, _frequent(value >> 14))


def varints(values: Sequence[int]) -> list[bytes]:
    """Return the protobuf encoding of each number, in half the time of separate calls.

    The numbers are encoded as one message. Before each one, the message has the tag of the field.
    """
    return _VARINTS(Numbers(values=values).SerializeToString())


_frequent = lru_cache(maxsize=4096)(varint)  # The results are cached, because lengths repeat.


@lru_cache(maxsize=4096)
def _head(size: int) -> bytes:
    """Return the tag and the length of field 1."""
    return b"\x0a" + varint(size)


@lru_cache(maxsize=4096)
def _all_head(size: int) -> bytes:
    """Return the tag and the length of field 3."""
    return b"\x1a" + varint(size)


@lru_cache(maxsize=16)
def _times(now_ns: int) -> bytes:
    """Return the encoded times of an event, which are those of its transaction."""
    return b"\x48%b\x50%b" % (varint(_UNIX_EPOCH_TICKS + now_ns // 100), varint(now_ns // 1_000_000))
