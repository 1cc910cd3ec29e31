"""`link_into`: write a link to each event to a stream and emit the results."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import Protocol

from rxpump.errors import WrongExpectedVersion
from rxpump.model import checks
from rxpump.model.events import Event
from rxpump.model.new_events import NewEvent, new_link
from rxpump.model.positions import ExpectedVersion
from rxpump.model.results import WriteResult
from rxpump.operators.machinery.outages import outlast
from rxpump.operators.machinery.stage import Operator, Result, Stage, stage


class LinkingClient(Protocol):
    """The methods of a client that the operator uses."""

    def publish(
        self, stream: str, events: list[NewEvent], /, *, expected_version: int = ...
    ) -> Awaitable[WriteResult]:
        """Write the events as one atomic write."""


def link_into(
    client: LinkingClient,
    stream: str,
    *,
    expected_version: int = ExpectedVersion.ANY,
    batch_size: int = 500,
) -> Operator[Event, WriteResult]:
    """Write a link to each event to `stream`, in order, in batches of the events that are buffered.

        ──a──b──c──────────d──|
        link_into(client, "out")
        ──────[0..2]───────[3]|      a WriteResult for each batch, when it is acknowledged

        late = client.stream_all(where=ops.where(type_prefix="Flight")).pipe(rx.filter(is_late))
        late.pipe(ops.link_into(client, "late-flights"), ops.commit_checkpoint(store)).subscribe(...)

    An event that was read through a link is linked directly. A link to an event that does not exist is copied.

    The id of a link is derived from its target and `stream`. So with `ExpectedVersion.ANY` the server recognizes
    links that were written before, for example after a restart from a checkpoint, as long as it has their ids in its
    cache. If it has only some of the ids of a batch, the links are written one by one. To write each link exactly
    once, use `client.relay` with a pipeline that maps events to `rxpump.model.new_events.new_link`.

    The source is paused while two batches are buffered. If the client is drained, buffered links are written first.

    Args:
        client: The client that writes the links.
        stream: Name of the stream to write to.
        expected_version: Version of the stream that the first batch expects. If it is NO_STREAM or a number, each
            later batch expects the version that the previous batch left.
        batch_size: Largest number of links in a batch.

    Returns:
        An operator that emits a WriteResult for each batch. It fails with the errors of `client.publish`, and with
        InvalidArgument if an item is not an Event that was read.

    Raises:
        InvalidArgument: The server would refuse an argument.
    """
    stream, first_version = checks.written_stream(stream), checks.expected_version(expected_version)
    size = checks.count("batch_size", batch_size)
    checks.client_that_can("publish", client)

    async def work(stage: Stage[Event, WriteResult]) -> AsyncGenerator[Result[WriteResult, Event], None]:
        version = first_version
        async for first in stage:
            kept = [first]
            while stage.waiting and len(kept) < size:
                kept.append(stage.waiting.popleft())
            result = await _write(client, stream, [new_link(each.item, stream) for each in kept], version)
            if version >= ExpectedVersion.NO_STREAM:
                version = result.last_event_number
            yield result, kept

    return stage("link_into", work, at_once=size)


async def _write(client: LinkingClient, stream: str, links: Sequence[NewEvent], version: int) -> WriteResult:
    """Write links in one batch, or one by one if only some of them are in the stream already.

    The server refuses such a batch, because it is neither a repetition nor a new write (docs/protocol/tcp.md,
    section 4.3).
    """
    try:
        return await outlast(lambda: client.publish(stream, list(links), expected_version=version))
    except WrongExpectedVersion:
        if version >= ExpectedVersion.NO_STREAM or len(links) == 1:
            raise
    written = [await _write(client, stream, [link], version) for link in links]
    return WriteResult(stream, written[0].first_event_number, written[-1].last_event_number, written[-1].position)
