"""`rxpump serve`: an event store for any client, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import ssl
from typing import Any

import click
from rich.console import Console

from rxpump.cli.loop import run
from rxpump.errors import RxPumpError
from rxpump.server import EmbeddedServer, SqliteStore, load_certificate

_PORT = click.IntRange(0, 65535)
_FILE = click.Path(exists=True, dir_okay=False)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@click.command()
@click.option("--db", type=click.Path(dir_okay=False), help="File that keeps the events. Without it: in memory.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=_PORT, default=1113, show_default=True, help="Port to listen on; 0: a free one.")
@click.option("--tls-cert", type=_FILE, help="File with the certificate (PEM) for TLS. Without it: in clear.")
@click.option("--tls-key", type=_FILE, help="File with its private key; default: the file of the certificate.")
@click.option("--http-port", type=_PORT, help="Port for GET /gossip, /info, /stats and /ping. Without it: no HTTP.")
@click.option("--projections", is_flag=True, help="Run the system projections: $ce-x, $et-x, $streams, $category-x.")
def serve(**options: Any) -> None:
    """Run an event store that any client of the TCP protocol can use.

    It stops on Ctrl-C or SIGTERM, after it has answered what it was asked.
    """
    try:
        run(_serve(**options))
    except RxPumpError as error:
        raise click.ClickException(str(error)) from error


async def _serve(db: str | None, tls_cert: str | None, tls_key: str | None, **options: Any) -> None:
    tls = _certificate(tls_cert, tls_key)
    console = Console(highlight=False, soft_wrap=True)
    store = SqliteStore.in_memory() if db is None else SqliteStore.open(db)
    stop = _stop_requested()
    async with EmbeddedServer(store, tls=tls, **options) as server:
        console.print(f"Listening on [bold]{server.uri}[/], events are kept in {db or 'memory'}.")
        if server.http_port is not None:
            console.print(f"HTTP is answered on port {server.http_port}.")
        console.print("Ctrl-C stops it.", style="dim")
        await stop.wait()
        console.print("Stopping.")


def _certificate(certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    if certificate is None and key is not None:
        raise click.UsageError("--tls-key wants --tls-cert")
    return None if certificate is None else load_certificate(certificate, key)


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
