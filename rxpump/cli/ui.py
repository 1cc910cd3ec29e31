"""The command `rxpump ui`, which serves a web page of an event store."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console

from rxpump.cli.exits import ending_in_order
from rxpump.cli.listening import certificate, is_loopback, stop_requested, tls_cert_option, tls_key_option
from rxpump.cli.loop import run
from rxpump.cli.store_command import DEFAULT_URI
from rxpump.cli.web_page import (
    CLIENT_NAME,
    DEFAULT_PORT,
    LOOPBACK,
    check_installed,
    client_of,
    page_account,
    page_options,
    password_option,
    shown,
)
from rxpump.client import Client
from rxpump.connecting import connect
from rxpump.server import DEFAULT_ACCOUNTS, EmbeddedServer, SqliteStore, Strictness
from rxpump.uri import EmbeddedAddress, parse

if TYPE_CHECKING:
    from rxpump.ui.context import Options

_PORT: Final = click.IntRange(0, 65535)


@click.command()
@click.argument("uri", envvar="RXPUMP_URI", default=DEFAULT_URI)
@click.option("--port", type=_PORT, default=DEFAULT_PORT, show_default=True, help="Port of the page; 0: a free port.")
@click.option(
    "--host",
    default=LOOPBACK,
    show_default=True,
    help="Address to listen on. If other hosts can reach it, the page needs a password.",
)
@click.option("--writable", is_flag=True, help="Let the page append events, delete streams and set metadata.")
@password_option
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Host name by which browsers reach the page, if it is not localhost or an address. Can be repeated.",
)
@tls_cert_option
@tls_key_option
def ui(
    uri: str,
    port: int,
    host: str,
    writable: bool,
    ui_password: str | None,
    hosts: tuple[str, ...],
    tls_cert: str | None,
    tls_key: str | None,
) -> None:
    """Serve a web page that shows the streams of an event store.

    Ctrl-C ends it. URI is the connection string. The default is that of the other commands. Browsers do not see
    its login and its password, but everyone who can open the page sees the events that this login may read.
    """
    check_installed()
    options = page_options(host, writable=writable, password=ui_password, hosts=hosts)
    with ending_in_order():
        run(_serve(uri, host, port, options, certificate(tls_cert, tls_key)))


async def _serve(uri: str, host: str, port: int, options: Options, tls: ssl.SSLContext | None) -> None:
    console = Console(highlight=False, soft_wrap=True)
    async with _client(uri) as client, shown(client, uri, options, host, port, tls) as address:
        stop = stop_requested()
        console.print(f"The page is at [bold]{address}[/]")
        if tls is None and not is_loopback(host):
            console.print("The password and the events are sent without encryption.", style="yellow")
        console.print("Press Ctrl-C to stop.", style="dim")
        await stop.wait()


@asynccontextmanager
async def _client(uri: str) -> AsyncIterator[Client]:
    """Create a client that is not connected yet. A server in this process runs until the end of the block.

    The page uses such a server over gRPC, because TCP has no requests for its groups and statistics.
    """
    address, settings = parse(uri)
    if not isinstance(address, EmbeddedAddress):
        yield connect(uri, name=CLIENT_NAME)
        return
    store = await asyncio.to_thread(_store, address)
    account = page_account()
    server = EmbeddedServer(
        store,
        users=(*DEFAULT_ACCOUNTS, account),
        grpc_port=0,
        strictness=Strictness(address.strictness),
        projections=address.projections,
    )
    async with server:
        yield client_of(server, account, settings)


def _store(address: EmbeddedAddress) -> SqliteStore:
    return SqliteStore.in_memory() if address.path is None else SqliteStore.open(address.path)
