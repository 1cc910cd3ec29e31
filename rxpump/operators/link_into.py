"""`link_into`: write links to what comes to a stream, and go on with what the server says."""

from __future__ import annotations

from reactivex import Observable
from reactivex import operators as rx

from rxpump import checks
from rxpump.events import Event
from rxpump.expected_version import ExpectedVersion
from rxpump.links import new_link
from rxpump.new_event import NewEvent
from rxpump.operators.publish_to import PublishingClient, publish_to
from rxpump.operators.stage import Operator
from rxpump.write_result import WriteResult


def link_into(
    client: PublishingClient,
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
        await late.pipe(ops.link_into(client, "late-flights"), ops.commit_checkpoint(store))

    Holds, drains and fails as `publish_to` does. An event that was reached by a link is linked to itself; a link that
    leads nowhere stays one. A link's id is derived from where it leads and from `stream`, so that the server
    recognises a batch that is written again as it was. One that is written again in part, as after a restart from a
    checkpoint, it refuses (WrongExpectedVersion): a `client.relay` whose pipeline maps each event to its
    `rxpump.links.new_link` writes each link once, whatever happens.

    Errors: those of `client.publish`, see `publish_to`; InvalidArgument for what is no Event that was read.
    """
    stream = checks.stream_name(stream)
    write = publish_to(client, stream, expected_version=expected_version, batch_size=batch_size)

    def link(event: Event) -> NewEvent:
        return new_link(event, stream)

    def operator(source: Observable[Event]) -> Observable[WriteResult]:
        return write(source.pipe(rx.map(link)))

    return operator
