"""The command `rxpump read`, which writes the events of a stream or of `$all`."""

from __future__ import annotations

import re
from itertools import islice

import click

from rxpump.blocking import BlockingClient, BlockingIterator
from rxpump.cli.decorators import Decorator
from rxpump.cli.event_text import event_writer
from rxpump.cli.output import Output
from rxpump.cli.store_command import store_command
from rxpump.cli.values import number_in, parse_place, position_in_all
from rxpump.model.events import Event
from rxpump.model.positions import Edge, Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM
from rxpump.operators import where

PAGE = 500

format_option: Decorator = click.option(
    "--format",
    "form",
    metavar="json|line|data|TEMPLATE",
    help="Format of each event. A template contains fields, as in '{number} {type} {data}'.",
)
type_option: Decorator = click.option(
    "--type", "types", multiple=True, help="Only events of this type. Can be repeated."
)
links_option: Decorator = click.option(
    "--resolve-links/--links", default=True, help="Show the targets of links, or the links themselves."
)


@click.command()
@click.argument("stream")
@click.option(
    "--from", "start", callback=parse_place, help="First event: its number, start or end; in $all its position."
)
@click.option("--backward", is_flag=True, help="Read from the end to the start.")
@click.option("--max", "most", type=click.IntRange(0), help="Write at most this many events.")
@type_option
@format_option
@links_option
@store_command
def read(
    store: BlockingClient,
    output: Output,
    stream: str,
    start: int | Edge | Position | None,
    backward: bool,
    most: int | None,
    types: tuple[str, ...],
    form: str | None,
    resolve_links: bool,
) -> None:
    """Write the events of STREAM, or of all streams if it is $all.

    By default only admins may read $all.
    """
    if start is Edge.END and not backward:
        raise click.UsageError("--from end needs --backward, because no event follows the end")
    write = event_writer(output, form)
    direction = StreamDirection.BACKWARD if backward else StreamDirection.FORWARD
    page = PAGE if most is None or types else min(PAGE, max(most, 1))
    events: BlockingIterator[Event]
    if stream == ALL_STREAM:
        events = store.iter_all(
            direction=direction,
            from_position=position_in_all(start),
            batch_size=page,
            resolve_links=resolve_links,
            where=where(type_regex=types_regex(types)) if types else None,
        )
    else:
        number = number_in(stream, start)
        events = store.iter(
            stream, direction=direction, from_event=number, batch_size=page, resolve_links=resolve_links
        )
    with events:
        wanted = (event for event in events if not types or event.type in types)
        for event in islice(wanted, most):
            write(event)
            if not events.buffered:
                output.flush()


def types_regex(types: tuple[str, ...]) -> str:
    """Return a regular expression that matches these types of events and no others."""
    return f"^(?:{'|'.join(map(re.escape, types))})$"
