"""The commands `rxpump stats` and `rxpump top`, which show the rates of a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import click
from rich.console import Group
from rich.live import Live
from rich.text import Text

from rxpump.blocking import BlockingClient
from rxpump.blocking import open as open_store
from rxpump.cli.decorators import Decorator
from rxpump.cli.exits import ending_in_order, until_interrupted
from rxpump.cli.groups import all_groups, group_row
from rxpump.cli.output import Output, as_text, table_of, table_of_values
from rxpump.cli.sampling import Sampler, round_trip_ms, statistics_of_server
from rxpump.cli.store_command import DEFAULT_URI, json_option, store_command
from rxpump.errors import AccessDenied

SHOWN_STREAMS: Final = 20

interval_option: Decorator = click.option(
    "--interval",
    type=click.FloatRange(0.05),
    default=1.0,
    show_default=True,
    help="Duration of a measurement in seconds.",
)
count_option: Decorator = click.option("--count", type=click.IntRange(1), help="End after this many measurements.")

_STREAM_COLUMNS: Final = ("stream", "events_per_second", "bytes_per_second")
_GROUP_COLUMNS: Final = ("stream", "group", "status", "consumers", "lag", "parked", "in_flight")


@click.command()
@click.option("--watch", is_flag=True, help="Repeat the measurement until Ctrl-C.")
@interval_option
@store_command
def stats(store: BlockingClient, output: Output, watch: bool, interval: float) -> None:
    """Show the rates of writes, and the statistics of the server.

    By default only admins may do so, because the command subscribes to $all. On a terminal, --watch shows each
    measurement instead of the one before.
    """
    with until_interrupted(), closing(Sampler(store, interval)) as sampler:
        if not watch:
            output.record(_measured(store, sampler))
        elif output.is_json or not output.is_terminal:
            while True:
                output.record(_measured(store, sampler))
                output.flush()
        else:
            with Live(console=output.console, auto_refresh=False) as live:
                while True:
                    live.update(table_of_values(_measured(store, sampler)), refresh=True)


def _measured(store: BlockingClient, sampler: Sampler) -> dict[str, Any]:
    """Return the rates of one interval, the round-trip time and the statistics of the server by name."""
    rates, _ = sampler.sample()
    statistics = statistics_of_server(store)
    server = None if statistics is None else dict(sorted(statistics.items()))
    return {**rates, "round_trip_ms": round_trip_ms(store), "server": server}


@click.command()
@click.argument("uri", envvar="RXPUMP_URI", default=DEFAULT_URI)
@interval_option
@count_option
@json_option
def top(uri: str, interval: float, count: int | None, is_json: bool | None) -> None:
    """Show the busiest streams, and the lag of the consumer groups.

    The rates are those of the writes of an interval. URI is the connection string. The default is that of the
    other commands. By default only admins may watch.
    """
    with ending_in_order(), open_store(uri) as store, until_interrupted():
        output = Output(is_json)
        views = _views(store, interval, count)
        if output.is_json:
            for view in views:
                output.record(view)
                output.flush()
            return
        with Live(console=output.console, auto_refresh=False, screen=output.console.is_terminal) as live:
            for view in views:
                live.update(_screen(uri, view), refresh=True)


def _views(store: BlockingClient, interval: float, count: int | None) -> Iterator[dict[str, Any]]:
    """Yield the measured values by name, once in each interval."""
    with closing(Sampler(store, interval)) as sampler:
        measured = 0
        while measured != count:
            measured += 1
            rates, streams = sampler.sample()
            yield {
                **rates,
                "round_trip_ms": round_trip_ms(store),
                "streams": streams[:SHOWN_STREAMS],
                "groups": _groups(store),
            }


def _groups(store: BlockingClient) -> list[dict[str, Any]]:
    try:
        return [group_row(details) for details in all_groups(store, None)]
    except AccessDenied:
        return []


def _screen(uri: str, view: dict[str, Any]) -> Group:
    """Return measured values as text for display. The connection string is shown without its login."""
    heading = Text.assemble(
        (uri.rpartition("@")[2].removeprefix("tcp://").partition("?")[0], "bold"),
        f"   {as_text(view['events_per_second'])} events/s",
        f"   {view['bytes_per_second'] / 1e6:,.2f} MB/s",
        f"   round trip {as_text(view['round_trip_ms'])} ms",
        f"   end of the log {as_text(view['log_end'])}\n",
    )
    streams, groups = table_of(view["streams"], _STREAM_COLUMNS), table_of(view["groups"], _GROUP_COLUMNS)
    return Group(heading, streams, Text(), groups)
