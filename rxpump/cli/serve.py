"""`rxpump serve`: an event store for any client, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal

import click
from rich.console import Console

from rxpump.errors import RxPumpError
from rxpump.server import EmbeddedServer, SqliteStore

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.command()
@click.option("--db", type=click.Path(dir_okay=False), help="File that keeps the events. Without it: in memory.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=1113, show_default=True, help="Port to listen on; 0: a free one."
)
def serve(db: str | None, host: str, port: int) -> None:
    """Run an event store that any client of the TCP protocol can use.

    It stops on Ctrl-C or SIGTERM, after it has answered what it was asked.
    """
    try:
        asyncio.run(_serve(db, host, port))
    except RxPumpError as error:
        raise click.ClickException(str(error)) from error


async def _serve(db: str | None, host: str, port: int) -> None:
    console = Console(highlight=False, soft_wrap=True)
    store = SqliteStore.in_memory() if db is None else SqliteStore.open(db)
    stop = _stop_requested()
    async with EmbeddedServer(store, host=host, port=port) as server:
        console.print(f"Listening on [bold]{server.uri}[/], events are kept in {db or 'memory'}.")
        console.print("Ctrl-C stops it.", style="dim")
        await stop.wait()
        console.print("Stopping.")


def _stop_requested() -> asyncio.Event:
    """Give an event that is set by the first stop signal; the second one ends the process as it always does."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        stop.set()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    return stop
