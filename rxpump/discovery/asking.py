"""Request gossip and the state of a node over HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import h11

from rxpump.discovery.cluster_view import Answer
from rxpump.discovery.gossip import MAX_GOSSIP_BYTES, MalformedGossip, parse_gossip
from rxpump.discovery.member import Endpoint, NodeState

_GOSSIP: Final = "/gossip?format=json"
_INFO: Final = "/info"
_STATES: Final = {name.lower(): state for name, state in NodeState.__members__.items() if name.isalpha()}
"""State by its name in lower case, as gossip contains it."""

_PIECE_BYTES: Final = 64 * 1024
_MAX_HEADER_BYTES: Final = 32 * 1024

_GRACE: Final = 0.25
"""Fraction of the timeout that the other nodes have after the first answer."""

_MOST_ADDRESSES: Final = 64
"""Largest number of addresses to which one round sends requests. The name of a cluster usually has fewer than ten."""


@dataclass(frozen=True, slots=True)
class Target:
    """A node to which requests are sent.

    Attributes:
        endpoint: Address to connect to.
        name: Host in the connection string or in the gossip, for the Host header and for the certificate.
    """

    endpoint: Endpoint
    name: str


async def ask_all(
    targets: Sequence[Target], *, timeout: float, tls: ssl.SSLContext | None = None, server_name: str | None = None
) -> list[Answer]:
    """Request gossip from several nodes at once over HTTP; see `gather_answers`.

    Args:
        targets: The nodes.
        timeout: Seconds that each node has to answer.
        tls: Context for HTTPS, or None for HTTP.
        server_name: Name that the certificates must contain; None for the host of each node.
    """
    asked = partial(ask, timeout=timeout, tls=tls, server_name=server_name)
    return await gather_answers(targets, asked, timeout=timeout)


async def gather_answers(
    targets: Sequence[Target], ask: Callable[[Target], Coroutine[Any, Any, Answer]], *, timeout: float
) -> list[Answer]:
    """Request gossip from several nodes at once.

    After the first gossip the other nodes have only a part of the timeout left, because a node that hangs would
    otherwise delay every choice.

    Args:
        targets: The nodes.
        ask: Function that requests gossip from one node. It does not raise.
        timeout: Seconds that each node has to answer.

    Returns:
        One answer for each node, in their order. The answer of a node that cannot be reached contains the reason.
    """
    asking = {target: asyncio.ensure_future(ask(target)) for target in targets}
    try:
        waiting = set(asking.values())
        loop = asyncio.get_running_loop()
        end: float | None = None
        while waiting and (end is None or loop.time() < end):
            left = None if end is None else end - loop.time()
            done, waiting = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if end is None and any(task.result().gossip is not None for task in done):
                end = loop.time() + timeout * _GRACE
    finally:
        for task in asking.values():
            task.cancel()
        await asyncio.gather(*asking.values(), return_exceptions=True)
    slow = f"no gossip within {timeout * _GRACE:g} s of the first answer"
    return [
        Answer(target.endpoint, problem=slow) if task.cancelled() else task.result()
        for target, task in asking.items()
    ]


async def ask(
    target: Target, *, timeout: float, tls: ssl.SSLContext | None = None, server_name: str | None = None
) -> Answer:
    """Request gossip from one node; see `ask_all`."""
    try:
        async with asyncio.timeout(timeout):
            return Answer(target.endpoint, parse_gossip(await _get(target, _GOSSIP, tls, server_name)))
    except TimeoutError:
        problem = f"no gossip within {timeout:g} s"
    except MalformedGossip as error:
        problem = str(error)
    except (OSError, ValueError) as error:  # An invalid host name raises a ValueError.
        problem = str(error) or type(error).__name__
    except h11.RemoteProtocolError as error:
        problem = f"the answer is not HTTP: {error}"
    return Answer(target.endpoint, problem=problem)


async def ask_state(
    host: str, port: int, *, timeout: float, tls: ssl.SSLContext | None = None, server_name: str | None = None
) -> NodeState | None:
    """Request the state of a node. Every server since version 4 answers this, even if it is not in a cluster.

    Args:
        host: Host of the node.
        port: Port of its HTTP interface.
        timeout: Seconds in which the node must answer.
        tls: Context for HTTPS, or None for HTTP.
        server_name: Name that the certificate must contain; None for the host.

    Returns:
        The state, or None if the node did not answer, or answered something else.
    """
    try:
        async with asyncio.timeout(timeout):
            body = await _get(Target(Endpoint(host, port), host), _INFO, tls, server_name)
            state = json.loads(body)["state"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, MalformedGossip, h11.RemoteProtocolError):
        return None  # TimeoutError is an OSError, and UnicodeError is a ValueError.
    return _STATES.get(state) if isinstance(state, str) else None


async def resolve(seeds: Sequence[Endpoint], *, timeout: float) -> tuple[list[Target], list[Answer]]:
    """Look up the addresses of seeds, IPv4 and IPv6.

    Args:
        seeds: Hosts and ports.
        timeout: Seconds for each name.

    Returns:
        Every address of every seed, each once, and for each seed without an address an answer with the reason.
    """
    found: dict[Endpoint, Target] = {}
    problems: list[Answer] = []
    for looked_up in await asyncio.gather(*(_look_up(seed, timeout) for seed in seeds)):
        if isinstance(looked_up, Answer):
            problems.append(looked_up)
        else:
            found |= {target.endpoint: target for target in looked_up if target.endpoint not in found}
    return list(found.values())[:_MOST_ADDRESSES], problems


async def _look_up(seed: Endpoint, timeout: float) -> list[Target] | Answer:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            infos = await loop.getaddrinfo(seed.address, seed.port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return Answer(seed, problem=f"its name was not resolved within {timeout:g} s")
    except (OSError, ValueError) as error:  # An invalid host name raises a ValueError.
        return Answer(seed, problem=f"its name has no address: {error}")
    return [Target(Endpoint(str(address[0]), seed.port), seed.address) for *_, address in infos]


async def _get(target: Target, path: str, tls: ssl.SSLContext | None, server_name: str | None) -> bytes:
    async with _connected(target, tls, server_name) as (reader, writer):
        machine = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEADER_BYTES)
        host = str(Endpoint(target.name, target.endpoint.port))
        headers = [("Host", host), ("Accept", "application/json"), ("Connection", "close")]
        writer.write(machine.send(h11.Request(method="GET", target=path, headers=headers)) or b"")
        writer.write(machine.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return await _body(machine, reader)


async def _body(machine: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    """Read the body of a response. Redirects are not followed, because each node must answer for itself."""
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
    target: Target, tls: ssl.SSLContext | None, server_name: str | None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    name = None if tls is None else server_name or target.name
    at = target.endpoint
    reader, writer = await asyncio.open_connection(at.address, at.port, ssl=tls, server_hostname=name)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # Closing in order would wait for a node that hangs.
