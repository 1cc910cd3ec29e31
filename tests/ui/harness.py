"""The page of a store on a real port, and a browser that reads server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

import rxpump
from rxpump.ui.context import Context, Options
from rxpump.ui.serve import serving

SECONDS = 20.0


@dataclass(frozen=True)
class Message:
    """One server-sent event."""

    event: str
    data: Any
    id: str | None


class Browser:
    """Requests to the page of one store."""

    def __init__(self, http: httpx.AsyncClient, context: Context) -> None:
        self.http = http
        self.context = context

    async def get(self, path: str, **query: str | int) -> Any:
        """Return the JSON of a reply that succeeds."""
        reply = await self.http.get(path, params=query or None)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def error(self, status: int, path: str, **query: str | int) -> dict[str, Any]:
        """Return the error of a reply with a status."""
        reply = await self.http.get(path, params=query or None)
        assert reply.status_code == status, reply.text
        error: dict[str, Any] = reply.json()["error"]
        return error

    async def post(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a request as the page does, with its token and its origin."""
        own = {"x-rxpump-token": self.context.token, "origin": str(self.http.base_url).rstrip("/")}
        return await self.http.post(path, json=body, headers=own if headers is None else headers)

    @asynccontextmanager
    async def messages(
        self, path: str, last_id: str | None = None, **query: str | int
    ) -> AsyncIterator[AsyncIterator[Message]]:
        """Read server-sent events until the end of the block."""
        headers = {} if last_id is None else {"last-event-id": last_id}
        async with self.http.stream("GET", path, params=query or None, headers=headers) as reply:
            assert reply.status_code == 200, await reply.aread()
            yield parse(reply.aiter_lines())


async def parse(lines: AsyncIterator[str]) -> AsyncIterator[Message]:
    """Yield the messages in the lines of a reply, without comments."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Message(fields["event"], json.loads(fields["data"]), fields.get("id"))
            fields = {}
        else:
            fields = {}


async def until(messages: AsyncIterator[Message], event: str, count: int = 1) -> list[Message]:
    """Return the messages up to the last of `count` messages with a name, which is included."""
    seen: list[Message] = []
    async with asyncio.timeout(SECONDS):
        async for message in messages:
            seen.append(message)
            count -= message.event == event
            if not count:
                return seen
    raise AssertionError(f"the response ended after {seen}")


async def events_until(messages: AsyncIterator[Message], count: int) -> list[dict[str, Any]]:
    """Return the next `count` events, across messages."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(SECONDS):
        while len(events) < count:
            events += (await until(messages, "events"))[-1].data
    return events


@asynccontextmanager
async def page(
    client: rxpump.Client, options: Options | None = None, uri: str = "memory://"
) -> AsyncIterator[Browser]:
    """Serve the page of a client, and yield a browser."""
    async with browsing(Context.of(client, uri, options or Options())) as browser:
        yield browser


@asynccontextmanager
async def browsing(context: Context) -> AsyncIterator[Browser]:
    """Serve a page, and yield a browser."""
    async with (
        serving(context, "127.0.0.1", 0) as address,
        httpx.AsyncClient(base_url=address, timeout=SECONDS, verify=False) as http,  # certificates are slow to load
    ):
        yield Browser(http, context)


def encoded(name: str) -> str:
    """Return a name of a stream as a part of a path, as the page does in `api.js`."""
    return f"={name}" if name in (".", "..") else quote(name, safe="")
