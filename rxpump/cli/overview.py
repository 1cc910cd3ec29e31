"""The commands `rxpump streams` and `rxpump info`, which describe the content of a server and the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import Any, Final

import click
from reactivex import operators as rx

from rxpump.blocking import BlockingClient
from rxpump.cli.output import Output
from rxpump.cli.sampling import round_trip_ms
from rxpump.cli.store_command import store_command
from rxpump.errors import AccessDenied, EventNotFound, NotSupported, StreamDeleted, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.positions import StreamDirection, position_text
from rxpump.model.status import Connected
from rxpump.model.system_names import SYSTEM_PREFIX

STREAMS: Final = "$streams"
"""Stream with links to the first event of every stream. The system projection of the same name writes it."""


@click.command()
@click.option(
    "--match", default="*", show_default=True, metavar="PATTERN", help="List only streams whose names match."
)
@click.option("--system", is_flag=True, help="Also list streams whose names begin with $.")
@store_command
def streams(store: BlockingClient, output: Output, match: str, system: bool) -> None:
    """List the streams, each with its last event.

    The names are read from the system projection $streams if it runs, otherwise from all events of $all. By default
    only admins may read these.
    """
    rows = (
        row
        for row in sorted(_last_events(store), key=itemgetter("stream"))
        if fnmatchcase(row["stream"], match) and (system or not row["stream"].startswith(SYSTEM_PREFIX))
    )
    output.rows(rows, ("stream", "last_number", "last_type", "last_created"))


def _row(event: Event) -> dict[str, Any]:
    return {
        "stream": event.stream,
        "last_number": event.number,
        "last_type": event.type,
        "last_created": event.created,
    }


def _last_events(store: BlockingClient) -> Iterable[dict[str, Any]]:
    """Return a row with the last event of each stream that can be read."""
    try:
        names = [link.data.decode().partition("@")[2] for link in store.iter(STREAMS, resolve_links=False)]
    except (StreamNotFound, AccessDenied):
        # Rows instead of events, because an event references its whole page.
        return {event.stream: _row(event) for event in store.iter_all(resolve_links=False)}.values()
    return _last_events_of(store, names)


def _last_events_of(store: BlockingClient, names: list[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        try:
            yield _row(store.get_event(name, resolve_links=False))
        except (StreamNotFound, StreamDeleted, EventNotFound):
            continue


@click.command()
@store_command
def info(store: BlockingClient, output: Output) -> None:
    """Show the address and the version of the server.

    Also show the round-trip time, and the end of the log: the position of the last event.
    """
    status = store.run(store.client.status.pipe(rx.first()))
    output.record(
        {
            "address": status.address if isinstance(status, Connected) else None,
            "version": _version(store),
            "round_trip_ms": round_trip_ms(store),
            "log_end": _log_end(store),
        }
    )


def _version(store: BlockingClient) -> str | None:
    try:
        return store.server_info().version
    except NotSupported:
        return None


def _log_end(store: BlockingClient) -> str | None:
    """Return the position of the last event of `$all`; None if there is none, or the user may not read it."""
    try:
        page = store.get_all(direction=StreamDirection.BACKWARD, max_count=1)
    except AccessDenied:
        return None
    position = page[0].position if len(page) else None
    return position_text(position)
