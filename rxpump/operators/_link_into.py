"""`link_into`: write links to what comes to a stream, and go on with what the server says."""

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
    """What the operator needs of a client."""

    def publish(
        self, stream: str, events: list[NewEvent], /, *, expected_version: int = ...
    ) -> Awaitable[WriteResult]:
        """Write the events as one."""


def link_into(
    client: LinkingClient,
    stream: str,
    *,
    expected_version: int = ExpectedVersion.ANY,
    batch_size: int = 500,
) -> Operator[Event, WriteResult]:
    """Write a link to each Event to `stream`, in order, in batches of what waits; who reads that reads the events.

        ──a──b──c──────────d──|
        link_into(client, "out")
        ──────[0..2]───────[3]|      a WriteResult per batch, once it is acknowledged

        late = client.stream_all(where=ops.where(type_prefix="Flight")).pipe(rx.filter(is_late))
        late.pipe(ops.link_into(client, "late-flights"), ops.commit_checkpoint(store)).subscribe(...)

    An event that was reached by a link is linked to itself; a link that leads nowhere stays one. A link's id is
    derived from where it leads and from `stream`: under ANY, links that were written before are recognised, as after
    a restart from a checkpoint, as far as the server remembers them (a batch that it knows in part goes link by
    link).
    A version >= 0 or NO_STREAM is expected by the first batch, each later one expects what the one before it
    left. Each link once, whatever happens: that is a `client.relay` whose pipeline maps events to their
    `rxpump.model.new_events.new_link`.

    Lossless: at two batches that wait the source is held. Where the client is drained, what was given is written.

    Errors: those of `client.publish`; InvalidArgument for what is no Event that was read, and, at the call, for
    arguments that the server could only refuse.
    """
    stream, first_version = checks.written_stream(stream), checks.expected_version(expected_version)
    size = checks.page_size(batch_size, argument="batch_size")
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
    """Write links; what the server knows in part is no repetition to it, and no new write.

    See docs/protocol/tcp.md, section 4.3.
    """
    try:
        return await outlast(lambda: client.publish(stream, list(links), expected_version=version))
    except WrongExpectedVersion:
        if version >= ExpectedVersion.NO_STREAM or len(links) == 1:
            raise
    written = [await _write(client, stream, [link], version) for link in links]
    return WriteResult(stream, written[0].first_event_number, written[-1].last_event_number, written[-1].position)
