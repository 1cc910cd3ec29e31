"""A store with its page on a real port, and functions that read from the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from playwright.async_api import ConsoleMessage, Locator, Page, expect

import rxpump
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing import Network
from rxpump.ui.context import Context, Options
from rxpump.ui.serve import serving
from tests.ports import unused_port

MILLISECONDS = 20_000
"""Time for which a test waits for the page. It is long, because several tests can share a processor."""

expect.set_options(timeout=MILLISECONDS)


@dataclass(slots=True)
class Site:
    """A store, a client of it, and the page that shows it.

    Attributes:
        server: Embedded server.
        network: Network between the page and the server.
        client: Client of the page, which also writes the events of tests.
        context: Context of the page.
        address: Address of the page, with a slash at the end.
    """

    server: EmbeddedServer
    network: Network
    client: rxpump.Client
    context: Context
    address: str
    _pages: AsyncExitStack = field(repr=False)

    def at(self, *path: str, **query: str | int) -> str:
        """Return the address of a view."""
        search = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
        return f"{self.address}#/{'/'.join(quote(part, safe='') for part in path)}{'?' if search else ''}{search}"

    @staticmethod
    def events(*types: str, data: Any = None) -> list[rxpump.NewEvent]:
        """Return one event of each type, with a number as data or the given data."""
        return [rxpump.NewEvent(type, {"n": n} if data is None else data) for n, type in enumerate(types)]

    async def write(self, stream: str, *types: str, data: Any = None) -> None:
        """Append one event of each type to a stream."""
        await self.client.publish(stream, self.events(*types, data=data))

    def other_client(self) -> rxpump.Client:
        """Return a client whose way to the server does not fail."""
        return rxpump.connect(self.server.uri)

    async def stop_page(self) -> None:
        """Stop the program that serves the page. The store continues to run."""
        await self._pages.aclose()

    async def start_page(self) -> None:
        """Serve the page again at the same address, as a program that was restarted does, with another token."""
        port = int(self.address.rstrip("/").rpartition(":")[2])
        self.context = Context.of(self.client, self.network.uri, self.context.options)
        await self._pages.enter_async_context(serving(self.context, "127.0.0.1", port))


@asynccontextmanager
async def new_site(*, writable: bool = True, grpc: bool = False, password: str | None = None) -> AsyncIterator[Site]:
    """Serve the page of an empty store in memory, which it reaches through a network that can fail."""
    async with (
        EmbeddedServer(SqliteStore.in_memory(), http_port=0, grpc_port=0, insecure=True) as server,
        AsyncExitStack() as stack,
    ):
        network = stack.enter_context(Network(server.grpc_uri or "" if grpc else server.uri))
        uri = network.uri if grpc else f"{network.uri}?http_port={server.http_port}"
        client = await stack.enter_async_context(rxpump.connect(uri))
        pages = await stack.enter_async_context(AsyncExitStack())
        context = Context.of(client, network.uri, Options(writable=writable, password=password))
        address = await pages.enter_async_context(serving(context, "127.0.0.1", unused_port()))
        yield Site(server, network, client, context, address, pages)


def watch_errors(page: Page) -> list[str]:
    """Return a list that collects the errors of scripts, and of the content security policy."""
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            errors.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


async def texts(locator: Locator) -> list[str]:
    """Return the texts of the elements that a locator finds now, without white space around them."""
    return [text.strip() for text in await locator.all_inner_texts()]


async def rows(table: Locator) -> list[list[str]]:
    """Return the cells of the rows of a table."""
    return [await texts(row.locator("td")) for row in await table.locator("tbody tr").all()]


def count(page: Page, name: str) -> Locator:
    """Return a count of the live view: received, rate, not-drawn or not-listed."""
    return page.locator(f'[data-count="{name}"]')
