"""Ask nodes for gossip over HTTP."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import h11

from rxpump.discovery.cluster_view import Answer
from rxpump.discovery.gossip import MAX_GOSSIP_BYTES, Gossip, MalformedGossip, parse_gossip
from rxpump.discovery.member import Endpoint

_PATH: Final = "/gossip?format=json"
_PIECE_BYTES: Final = 64 * 1024
_MAX_HEADER_BYTES: Final = 32 * 1024


async def ask_all(
    endpoints: Sequence[Endpoint], *, timeout: float, tls: ssl.SSLContext | None = None
) -> list[Answer]:
    """Ask several nodes at once.

    Args:
        endpoints: HTTP addresses of the nodes.
        timeout: Seconds that each node has to answer.
        tls: Context for HTTPS, or None for HTTP.

    Returns:
        One answer for each node, in their order. A node that cannot be asked is an answer that says why.
    """
    return list(await asyncio.gather(*(ask(endpoint, timeout=timeout, tls=tls) for endpoint in endpoints)))


async def ask(endpoint: Endpoint, *, timeout: float, tls: ssl.SSLContext | None = None) -> Answer:
    """Ask one node; see `ask_all`."""
    try:
        async with asyncio.timeout(timeout):
            return Answer(endpoint, await _fetch(endpoint, tls))
    except TimeoutError:
        problem = f"no gossip within {timeout:g} s"
    except MalformedGossip as error:
        problem = str(error)
    except (OSError, UnicodeError) as error:  # an invalid host name is a UnicodeError
        problem = str(error) or type(error).__name__
    except h11.RemoteProtocolError as error:
        problem = f"the answer is not HTTP: {error}"
    return Answer(endpoint, problem=problem)


async def resolve(seeds: Sequence[Endpoint]) -> tuple[list[Endpoint], list[Answer]]:
    """Look up the addresses of seeds, IPv4 and IPv6.

    Returns:
        Every address of every seed, each once, and an answer that says why for each seed that has none.
    """
    loop = asyncio.get_running_loop()
    found: dict[Endpoint, None] = {}
    problems: list[Answer] = []
    for seed in seeds:
        try:
            infos = await loop.getaddrinfo(seed.address, seed.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            problems.append(Answer(seed, problem=f"its name has no address: {error}"))
        else:
            found |= {Endpoint(str(address[0]), seed.port): None for *_, address in infos}
    return list(found), problems


async def _fetch(endpoint: Endpoint, tls: ssl.SSLContext | None) -> Gossip:
    async with _connected(endpoint, tls) as (reader, writer):
        machine = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEADER_BYTES)
        headers = [("Host", str(endpoint)), ("Accept", "application/json"), ("Connection", "close")]
        writer.write(machine.send(h11.Request(method="GET", target=_PATH, headers=headers)) or b"")
        writer.write(machine.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return parse_gossip(await _body(machine, reader))


async def _body(machine: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    """Read the body of a response. Redirects are not followed: a node answers for itself."""
    body = bytearray()
    while True:
        match machine.next_event():
            case h11.NEED_DATA:
                machine.receive_data(await reader.read(_PIECE_BYTES))
            case h11.Response(status_code=status) if status != 200:
                raise MalformedGossip(f"the node answered with HTTP status {status}")
            case h11.Data(data=data):
                body += data
                if len(body) > MAX_GOSSIP_BYTES:
                    raise MalformedGossip(f"it is over the limit of {MAX_GOSSIP_BYTES} bytes")
            case h11.EndOfMessage() | h11.ConnectionClosed():
                return bytes(body)


@asynccontextmanager
async def _connected(
    endpoint: Endpoint, tls: ssl.SSLContext | None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port, ssl=tls)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # an orderly close would wait for a node that hangs
