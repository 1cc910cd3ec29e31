"""The command `rxpump serve`, which runs the embedded server until a signal stops it."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

import click
from rich.console import Console

from rxpump.cli.loop import run
from rxpump.errors import InvalidArgument, RxPumpError
from rxpump.model.credentials import Credentials, within
from rxpump.model.system_names import SYSTEM_PREFIX
from rxpump.server import Account, EmbeddedServer, SqliteStore, load_certificate
from rxpump.server.access.users import DEFAULT_ACCOUNTS, with_credentials
from rxpump.tcp.features import LIMITS

_PORT = click.IntRange(0, 65535)
_FILE = click.Path(exists=True, dir_okay=False)


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Signals. The first one stops the server and closes its store; the second one ends the process at once."""


def _read_users(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Credentials, ...]:
    """Parse the values of `--user`. Error messages do not show the passwords."""
    return tuple(map(_read_user, values))


def _read_user(value: str) -> Credentials:
    login, colon, password = value.partition(":")
    if not colon:
        raise click.BadParameter("the value has no colon; use LOGIN:PASSWORD")
    if login.startswith(SYSTEM_PREFIX):
        raise click.BadParameter(f"the login {login!r} begins with $, which is reserved for names of groups")
    try:
        return within(Credentials(login, password), LIMITS)
    except InvalidArgument as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.option(
    "--db", type=click.Path(dir_okay=False), help="File that stores the events. Default: events are stored in memory."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=_PORT, default=1113, show_default=True, help="Port to listen on; 0 chooses a free port.")
@click.option(
    "--tls-cert", type=_FILE, help="File with the certificate (PEM) for TLS. Default: connections are not encrypted."
)
@click.option("--tls-key", type=_FILE, help="File with the private key. Default: the file of --tls-cert.")
@click.option(
    "--http-port", type=_PORT, help="Port that serves GET /gossip, /info, /stats and /ping over HTTP. Default: none."
)
@click.option(
    "--grpc-port",
    type=_PORT,
    help="Port that serves gRPC, for clients of KurrentDB, and HTTP; with TLS if --tls-cert is given. Default: none.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Allow every request without a login, for gRPC clients that send no login without TLS.",
)
@click.option(
    "--user",
    "credentials",
    callback=_read_users,
    multiple=True,
    metavar="LOGIN:PASSWORD",
    help="Add a user, or change the password of admin or ops. Can be repeated.",
)
@click.option(
    "--projections",
    is_flag=True,
    help="Write the system projections: the streams $ce-x, $et-x, $streams and $category-x.",
)
def serve(**options: Any) -> None:
    """Run an event store for clients of Event Store over TCP and clients of KurrentDB over gRPC.

    Ctrl-C or SIGTERM stops the server after it has replied to pending requests. A second signal ends it at once.
    """
    try:
        run(_serve(**options))
    except RxPumpError as error:
        raise click.ClickException(str(error)) from error


async def _serve(
    db: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    credentials: tuple[Credentials, ...],
    **options: Any,
) -> None:
    tls = _certificate(tls_cert, tls_key)
    users = with_credentials(DEFAULT_ACCOUNTS, credentials)
    console = Console(highlight=False, soft_wrap=True)
    store = SqliteStore.in_memory() if db is None else SqliteStore.open(db)
    stop = _stop_requested()
    async with EmbeddedServer(store, users=users, tls=tls, **options) as server:
        if options["insecure"]:
            _warn_of_insecurity(server.host)
        else:
            _warn_of_default_passwords(server.host, users)
        console.print(f"Listening on [bold]{server.uri}[/], storing events in {db or 'memory'}.")
        if server.http_port is not None:
            console.print(f"Serving HTTP on port {server.http_port}.")
        if server.grpc_uri is not None:
            console.print(f"Serving gRPC on [bold]{server.grpc_uri}[/].")
        if options["projections"]:
            console.print("Writing the system projections.")
        console.print(f"Users: {', '.join(account.login for account in users)}.", markup=False)
        console.print("Press Ctrl-C to stop.", style="dim")
        await stop.wait()
        console.print("Stopping.")


def _warn_of_default_passwords(host: str, users: Iterable[Account]) -> None:
    """Write a warning to stderr if other hosts can connect and log in with a default password."""
    logins = [account.login for account in users if account.has_default_password]
    if logins and not _is_loopback(host):
        options = " ".join(f"--user {login}:PASSWORD" for login in logins)
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(
            f"Warning: {host!r} can be reached from other hosts, and {' and '.join(logins)} can log in with the"
            f" default password. Use {options}, or listen on 127.0.0.1."
        )


def _warn_of_insecurity(host: str) -> None:
    """Write a warning to stderr if other hosts can connect to an insecure server."""
    if not _is_loopback(host):
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(
            f"Warning: {host!r} can be reached from other hosts, and with --insecure everyone can read and write all"
            " events. Remove --insecure, or listen on 127.0.0.1."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _certificate(certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    if certificate is None and key is not None:
        raise click.UsageError("--tls-key needs --tls-cert")
    return None if certificate is None else load_certificate(certificate, key)


def _stop_requested() -> asyncio.Event:
    """Return an event that is set by the first stop signal. The second signal has its default effect."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        stop.set()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    return stop
