"""The command `rxpump ui`, which serves a web page of an event store."""

from __future__ import annotations

import asyncio
import signal
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any, Final

import click
from rich.console import Console

from rxpump.cli.exits import ending_in_order
from rxpump.cli.loop import run
from rxpump.cli.store_command import DEFAULT_URI
from rxpump.connecting import connect

_missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
if not _missing:
    from rxpump.ui.context import Context, Options
    from rxpump.ui.serve import serving

DEFAULT_PORT: Final = 8113
_PORT: Final = click.IntRange(0, 65535)
_ANY: Final = frozenset({"", "0.0.0.0", "::"})


@click.command()
@click.argument("uri", envvar="RXPUMP_URI", default=DEFAULT_URI)
@click.option("--port", type=_PORT, default=DEFAULT_PORT, show_default=True, help="Port of the page; 0: a free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--writable", is_flag=True, help="Let the page append events, delete streams and set metadata.")
@click.option(
    "--password",
    envvar="RXPUMP_UI_PASSWORD",
    show_envvar=True,
    help="Password of the page, with any user name. Needed if --host can be reached from other hosts.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Host name by which browsers reach the page, if it is not localhost or an address. Can be repeated.",
)
def ui(uri: str, host: str, port: int, **options: Any) -> None:
    """Serve a web page that shows the streams of an event store, until Ctrl-C.

    URI is the connection string. The default is that of the other commands. Browsers see neither it nor its
    password.
    """
    if _missing:
        raise click.ClickException(f"not installed: {', '.join(_missing)}. Install it: pip install 'rxpump[ui]'")
    with ending_in_order():
        run(_serve(uri, host, port, page_options(host, **options)))


def page_options(host: str, writable: bool, password: str | None, hosts: tuple[str, ...]) -> Options:
    """Return the options of the page.

    Raises:
        UsageError: Other hosts can reach the page, and it has no password.
    """
    if not is_loopback(host) and not password:
        raise click.UsageError(
            f"{host!r} can be reached from other hosts, so the page needs a password: set RXPUMP_UI_PASSWORD, or "
            "listen on 127.0.0.1"
        )
    return Options(
        writable=writable, password=password or None, hosts=(*hosts, *({host} - _ANY)), any_address=host in _ANY
    )


def is_loopback(host: str) -> bool:
    """Return whether a host to listen on can be reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(uri: str, host: str, port: int, options: Options) -> None:
    console = Console(highlight=False, soft_wrap=True)
    stop = stop_requested()
    client = connect(uri, name="rxpump ui")
    context = Context.of(client, uri, options)
    await client.connect()
    try:
        async with serving(context, host, port) as address:
            console.print(f"Showing {context.address} on [bold]{address}[/]")
            console.print("Press Ctrl-C to stop.", style="dim")
            await stop.wait()
    finally:
        await client.close()


def stop_requested() -> asyncio.Event:
    """Return an event that is set by the first stop signal. The second signal has its default effect."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    return stop
