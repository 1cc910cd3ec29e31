"""The command `rxpump serve`, which runs the embedded server until a signal stops it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Any

import click
from rich.console import Console

from rxpump.cli.listening import certificate, is_loopback, stop_requested, tls_cert_option, tls_key_option
from rxpump.cli.loop import run
from rxpump.cli.web_page import (
    DEFAULT_PORT,
    LOOPBACK,
    check_installed,
    client_of,
    page_account,
    page_options,
    password_option,
    shown,
)
from rxpump.errors import InvalidArgument, RxPumpError
from rxpump.model.credentials import Credentials, within
from rxpump.model.system_names import SYSTEM_PREFIX
from rxpump.server import Account, EmbeddedServer, SqliteStore
from rxpump.server.access.users import DEFAULT_ACCOUNTS, with_credentials
from rxpump.tcp.features import LIMITS

_PORT = click.IntRange(0, 65535)


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
@tls_cert_option
@tls_key_option
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
    "--anonymous-access/--no-anonymous-access",
    default=None,
    help="Let requests without a login use ordinary streams. Default: yes, but not over gRPC with TLS.",
)
@click.option(
    "--user",
    "credentials",
    callback=_read_users,
    multiple=True,
    metavar="LOGIN:PASSWORD",
    help="Add a user, or change the password of admin or ops. Can be repeated.",
)
@click.option("--ui", is_flag=True, help="Serve the web page of the events, on 127.0.0.1; see rxpump ui --help.")
@click.option(
    "--ui-port", type=_PORT, default=DEFAULT_PORT, show_default=True, help="Port of the web page; 0: a free port."
)
@click.option("--ui-writable", is_flag=True, help="Let the page append events, delete streams and set metadata.")
@password_option
@click.option(
    "--projections",
    is_flag=True,
    help="Write the system projections: the streams $ce-x, $et-x, $streams and $category-x.",
)
def serve(**options: Any) -> None:
    """Run an event store, for clients over TCP and over gRPC.

    Clients of Event Store use TCP, and clients of KurrentDB use gRPC. Ctrl-C or SIGTERM stops the server after it
    has replied to pending requests. A second signal ends it at once.
    """
    if options["ui"]:
        check_installed()
    try:
        run(_serve(**options))
    except (RxPumpError, OSError) as error:
        raise click.ClickException(str(error)) from error


async def _serve(
    db: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    credentials: tuple[Credentials, ...],
    ui: bool,
    ui_port: int,
    ui_writable: bool,
    ui_password: str | None,
    **options: Any,
) -> None:
    tls = certificate(tls_cert, tls_key)
    users = with_credentials(DEFAULT_ACCOUNTS, credentials)
    console = Console(highlight=False, soft_wrap=True)
    store = SqliteStore.in_memory() if db is None else SqliteStore.open(db)
    stop = stop_requested()
    page_user = page_account()
    if ui:
        options["grpc_port"] = _grpc_port_with_page(options["host"], options["grpc_port"])
    accounts = (*users, page_user) if ui else users
    async with EmbeddedServer(store, users=accounts, tls=tls, **options) as server, AsyncExitStack() as stack:
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
        if ui:
            shown_with = page_options(LOOPBACK, writable=ui_writable, password=ui_password)
            page = shown(client_of(server, page_user), server.uri, shown_with, LOOPBACK, ui_port)
            console.print(f"The page is at [bold]{await stack.enter_async_context(page)}[/]")
        console.print(f"Users: {', '.join(account.login for account in users)}.", markup=False)
        console.print("Press Ctrl-C to stop.", style="dim")
        await stop.wait()
        console.print("Stopping.")


def _grpc_port_with_page(host: str, port: int | None) -> int | None:
    """Return the port for gRPC of a server with a page, which shows more over gRPC than over TCP.

    If no port is given, it is a free one, unless other hosts could reach it.
    """
    return 0 if port is None and is_loopback(host) else port


def _warn_of_default_passwords(host: str, users: Iterable[Account]) -> None:
    """Write a warning to stderr if other hosts can connect and log in with a default password."""
    logins = [account.login for account in users if account.has_default_password]
    if logins and not is_loopback(host):
        options = " ".join(f"--user {login}:PASSWORD" for login in logins)
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(
            f"Warning: {host!r} can be reached from other hosts, and {' and '.join(logins)} can log in with the"
            f" default password. Use {options}, or listen on 127.0.0.1."
        )


def _warn_of_insecurity(host: str) -> None:
    """Write a warning to stderr if other hosts can connect to an insecure server."""
    if not is_loopback(host):
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(
            f"Warning: {host!r} can be reached from other hosts, and with --insecure everyone can read and write all"
            " events. Remove --insecure, or listen on 127.0.0.1."
        )
