"""Nodes that answer HTTP requests with given bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rxpump.discovery.member import Endpoint
from tests.listening import listening


def response(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """Return a response as bytes."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@asynccontextmanager
async def http_node(*pieces: bytes) -> AsyncIterator[Endpoint]:
    """Serve a node that sends these pieces to each client, closes, and records the first line of each request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    async with listening(serve) as endpoint:
        yield endpoint
