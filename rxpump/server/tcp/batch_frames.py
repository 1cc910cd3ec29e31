"""Frames that carry the events of a committed batch to subscriptions.

Each event is a StreamEventAppeared, which is made of the bytes that are stored. In these frames only the correlation
id differs between subscriptions, so that the other bytes are built once and shared.

    StreamEventAppeared   tag  length  record  positions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rxpump.server.store.committed_batch import CommittedBatch, CommittedEvent
from rxpump.server.store.record import varint
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import shared_frames

_CHUNK_BYTES: Final = 256 * 1024
"""Payload bytes in one write to a connection, so that unsent bytes are counted in time."""


def appeared(event: CommittedEvent, *, resolve_links: bool) -> bytes:
    """Return the encoded StreamEventAppeared of an event (docs/protocol/tcp.md, section 3.5)."""
    record, positions = event.encoded(resolve_links=resolve_links)
    return b"\x0a%b%b%b" % (varint(len(record) + len(positions)), record, positions)


def batch_frames(batch: CommittedBatch, correlation_id: bytes, *, after: int, resolve_links: bool) -> Iterator[bytes]:
    """Return the frames of the events whose position is higher than `after`, in chunks of `_CHUNK_BYTES`."""
    first = batch.index_after(after)
    key = (first, resolve_links)
    chunks = batch.shared.get(key)
    if chunks is None:
        chunks = batch.shared[key] = _chunks(batch.events[first:], resolve_links=resolve_links)
    return map(correlation_id.join, chunks)


def _chunks(events: Sequence[CommittedEvent], *, resolve_links: bool) -> list[list[bytes]]:
    payloads = [appeared(event, resolve_links=resolve_links) for event in events]
    return [shared_frames(Command.STREAM_EVENT_APPEARED, chunk) for chunk in _split(payloads)]


def _split(payloads: Iterable[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    room = _CHUNK_BYTES
    for payload in payloads:
        if chunk and len(payload) > room:
            yield chunk
            chunk, room = [], _CHUNK_BYTES
        chunk.append(payload)
        room -= len(payload)
    if chunk:
        yield chunk
