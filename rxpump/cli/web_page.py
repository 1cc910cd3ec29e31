"""The web page of `rxpump ui` and `rxpump serve --ui`."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from rxpump.cli.decorators import Decorator
from rxpump.cli.listening import is_loopback
from rxpump.client import Client
from rxpump.connecting import connect
from rxpump.model.system_names import ADMINS
from rxpump.server import Account, EmbeddedServer
from rxpump.settings import Settings

_missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
if TYPE_CHECKING or not _missing:
    from rxpump.ui.context import Context, Options
    from rxpump.ui.serve import serving

DEFAULT_PORT: Final = 8113
LOOPBACK: Final = "127.0.0.1"
CLIENT_NAME: Final = "rxpump ui"
_ANY_ADDRESS: Final = frozenset({"", "0.0.0.0", "::"})
_VARIABLE: Final = "RXPUMP_UI_PASSWORD"

password_option: Decorator = click.option(
    "--ui-password",
    envvar=_VARIABLE,
    show_envvar=True,
    help="Password of the page, with any user name. In the variable, it is not shown in lists of processes.",
)


def check_installed() -> None:
    """Check that the packages of the page are installed.

    Raises:
        ClickException: A package is missing. The message says how to install it.
    """
    if _missing:
        names = ", ".join(_missing)
        raise click.ClickException(f"not installed: {names}. Install the web page: pip install 'rxpump[ui]'")


def page_options(host: str, *, writable: bool, password: str | None, hosts: tuple[str, ...] = ()) -> Options:
    """Return the options of a page that listens on a host.

    Raises:
        UsageError: Other hosts can reach the page, and it has no password.
    """
    if not is_loopback(host) and not password:
        raise click.UsageError(
            f"{host!r} can be reached from other hosts, so the page needs a password: set {_VARIABLE}, or listen on"
            f" {LOOPBACK}"
        )
    is_any = host in _ANY_ADDRESS
    names = hosts if is_any else (*hosts, host)
    return Options(writable=writable, password=password or None, hosts=names, any_address=is_any)


@asynccontextmanager
async def shown(
    client: Client, uri: str, options: Options, host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Connect a client and serve the page of its store during an `async with` block.

    Args:
        client: Client that is not connected yet.
        uri: Connection string that the page shows, without its credentials.
        options: Options of the page.
        host: Host name or address to listen on.
        port: Port to listen on; 0 for a free port.
        tls: Certificate of the page; None for no encryption.

    Yields:
        The address of the page.

    Raises:
        RxPumpError: There is no connection.
        OSError: The address cannot be used.
    """
    context = Context.of(client, uri, options)
    await client.connect()
    try:
        async with serving(context, host, port, tls) as address:
            yield address
    finally:
        await client.close()


def page_account() -> Account:
    """Return an account for the page, which exists while the server runs.

    Its login and its password are random, so that it replaces no other account.
    """
    return Account(f"rxpump-ui-{secrets.token_hex(4)}", secrets.token_urlsafe(32), (ADMINS,))


def client_of(server: EmbeddedServer, account: Account, settings: Settings | None = None) -> Client:
    """Return a client of a running server in this process, over gRPC if the server has it, otherwise over TCP.

    The certificate of a server with TLS is not verified, because the connection does not leave the machine.

    Args:
        server: The server.
        account: Account that the client logs in with.
        settings: Settings of the client; None for the defaults.
    """
    host = LOOPBACK if server.host in _ANY_ADDRESS else server.host
    host = f"[{host}]" if ":" in host else host
    tls = "tls=true&tls_verify=false" if server.has_tls else "tls=false"
    if server.grpc_port is None:
        uri = f"tcp://{host}:{server.port}?{tls}"
    else:
        uri = f"kurrentdb://{host}:{server.grpc_port}?{tls}&credentialsInClear=true"
    return connect(uri, settings=settings, name=CLIENT_NAME, username=account.login, password=account.password)
