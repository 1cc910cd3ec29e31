"""An event as it is stored: the bytes that pages are made of.

A page of a stream and a page of `$all` hold the same record in different wrappings (docs/protocol/tcp.md, section
3.4). All of them are made here, once, when the event is written, so that a page is the concatenation
of columns:

    page of a stream   stream_head record           stream_head record           ...
    page of $all       all_head    record all_tail  all_head    record all_tail  ...

For each of the two kinds of page a row has a checksum over its part of the page and its place.

A record is written field by field here, as protobuf would write the EventRecord in it, but in half the
time: most of what a server does for a write is to make these columns. What many events have in common
(their stream and their type) is encoded once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import LINK_EVENT_TYPE
from rxpump.server.store.checksum import event_checksum, first_place
from rxpump.server.store.record_schema import JSON_CONTENT, StreamEntry

_JSON_FIELDS = b"\x28\x01\x30\x01"  # the content types of data and metadata
_BINARY_FIELDS = b"\x28\x00\x30\x00"
_LONGEST_KEPT = 1_000  # characters of a name that is kept encoded: so what is kept is bounded

RESERVED_BYTES = 32
"""What is no event takes a place in the log too, as on a real server."""

_UNIX_EPOCH_TICKS = 621_355_968_000_000_000
_NEVER = ""  # no stream has the empty name, so a link to it leads nowhere
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
        """Where the next record begins: positions count the bytes of records, as in a log."""
        return self.position + len(self.record)

    def in_transaction(self, position: int, commit: int, prepare: int) -> Row:
        """Give the row as one that lies at `position`, but is told to be of the commit at `commit`."""
        head, tail = _wrapping(self.record, commit, prepare)
        checksum = event_checksum(position, head, self.record, tail)
        return self._replace(position=position, all_head=head, all_tail=tail, all_checksum=checksum)


class Written(NamedTuple):
    """The rows that one write to `stream` has added to the log."""

    stream: str
    rows: Sequence[Row]


def make_row(event: Any, *, stream: int, name: str, revision: int, position: int, now_ns: int) -> Row:
    """Make the row of `event` (a NewEvent message); `now_ns` is the Unix time in nanoseconds."""
    now_ms = now_ns // 1_000_000
    event_id, data, metadata = event.event_id, event.data, event.metadata
    body = b"%b\x10%b\x1a%b%b%b%b\x3a%b%b\x42%b%b\x48%b\x50%b" % (
        _text_field(b"\x0a", name),
        varint(revision),
        _frequent(len(event_id)),
        event_id,
        _text_field(b"\x22", event.event_type),
        _JSON_FIELDS if event.data_content_type == JSON_CONTENT else _BINARY_FIELDS,
        _frequent(len(data)),
        data,
        _frequent(len(metadata)),
        metadata,
        _frequent(_UNIX_EPOCH_TICKS + now_ns // 100),
        _frequent(now_ms),
    )
    record = b"\x0a%b%b" % (_frequent(len(body)), body)
    stream_head = b"\x0a" + _frequent(len(record))
    all_head, all_tail = _wrapping(record, position, position)
    link_stream, link_revision = link_of(event)
    return Row(
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
        now_ms,
        crc32(record, crc32(stream_head, first_place(stream) + revision)),  # event_checksum, without its calls
        crc32(all_tail, crc32(record, crc32(all_head, position))),
    )


def _wrapping(record: bytes, commit: int, prepare: int) -> tuple[bytes, bytes]:
    """Give what comes before and after a record in a page of all."""
    at = varint(commit)
    tail = b"\x18%b\x20%b" % (at, at if prepare == commit else varint(prepare))
    return b"\x1a" + _frequent(len(record) + len(tail)), tail


def _text_field(tag: bytes, text: str) -> bytes:
    return (_kept_field if len(text) <= _LONGEST_KEPT else _new_field)(tag, text)


def _new_field(tag: bytes, text: str) -> bytes:
    encoded = text.encode()
    return b"%b%b%b" % (tag, varint(len(encoded)), encoded)


_kept_field = lru_cache(maxsize=1024)(_new_field)


def link_of(event: Any) -> tuple[str | None, int | None]:
    """Return where an event (a NewEvent or EventRecord message) leads: a stream and a number.

    The data of a link are `number@stream`; stream names may hold an @ themselves (docs/protocol/tcp.md, section 4.8).

    Returns:
        None and None for an event that is no link; the empty name and None for a link that leads nowhere.
    """
    if event.event_type != LINK_EVENT_TYPE:
        return None, None
    match = _LINK.fullmatch(event.data.decode(errors="replace"))
    if match is None or not -1 <= int(match[1]) <= MAX_EVENT_NUMBER:
        return _NEVER, None
    return match[2], int(match[1])


def leads_to(record: bytes, link: tuple[str, int | None]) -> bool:
    """Return whether `link`, as `link_of` returned it, is where the event of this record leads."""
    stream, number = link
    if isinstance(number, int) and isinstance(stream, str):  # which damage may have changed
        data = b"%d@%b" % (number, stream.encode(errors="surrogateescape"))
        if b"\x3a%b%b" % (varint(len(data)), data) in record:  # the field `data`, as nearly every link is written
            return True
    return link_of(StreamEntry.FromString(record).event) == link


def varint(value: int) -> bytes:
    """Encode a number >= 0 as protobuf does."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


_frequent = lru_cache(maxsize=4096)(varint)  # for what comes again: lengths, and the time of a transaction
