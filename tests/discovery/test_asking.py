"""Requests for gossip to nodes with valid, invalid, slow and missing replies."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from rxpump.discovery.asking import Target, ask_all, ask_state, resolve
from rxpump.discovery.cluster_view import Answer
from rxpump.discovery.gossip import MAX_GOSSIP_BYTES
from rxpump.discovery.member import Endpoint, NodeState
from tests.certificates import authority_file, certified
from tests.discovery.http_nodes import http_node, response
from tests.discovery.members import RECORDED, document, encoded
from tests.listening import listening

GOSSIP = (RECORDED / "gossip-cluster-from-slave.json").read_bytes()


def target(endpoint: Endpoint) -> Target:
    return Target(endpoint, endpoint.address)


async def ask(endpoint: Endpoint, *, timeout: float) -> Answer:
    (answer,) = await ask_all([target(endpoint)], timeout=timeout)
    return answer


async def test_a_node_returns_its_gossip() -> None:
    async with http_node(response(GOSSIP)) as node:
        answer = await ask(node, timeout=5)
    assert answer.gossip is not None
    assert [member.state for member in answer.gossip.members].count(NodeState.LEADER) == 1


async def test_a_reply_can_arrive_byte_by_byte_and_in_chunks() -> None:
    body = encoded(document(23))
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:])
    async with http_node(*(bytes([byte]) for byte in head + chunks)) as node:
        assert (await ask(node, timeout=5)).gossip is not None


@pytest.mark.parametrize(
    ("pieces", "problem"),
    [
        ([response(b"", "500 Internal Server Error")], "HTTP status 500"),
        ([response(b"", "302 Found", "Location: /gossip?format=json\r\n")], "HTTP status 302"),
        ([response(b"", "408 Request Timeout")], "HTTP status 408"),
        ([response(b"")], "not JSON"),
        ([response(b"<html>")], "not JSON"),
        ([response(b'{"members": [{}]}')], "no httpEndPointIp"),
        ([response(b" " * (MAX_GOSSIP_BYTES + 1))], "over the limit"),
        ([b"HTTP/1.1 200 OK\r\n\r\n", *[b" " * 65536] * 20], "over the limit"),
        ([b"HTTP/1.1 200 OK\r\nX: ", *[b"x" * 65536] * 20], "not HTTP"),
        ([b"no http at all\r\n\r\n"], "not HTTP"),
        ([], "not HTTP"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"], "not HTTP"),
    ],
)
async def test_the_error_describes_an_invalid_reply(pieces: list[bytes], problem: str) -> None:
    async with http_node(*pieces) as node:
        answer = await ask(node, timeout=5)
    assert answer.gossip is None
    assert problem in answer.problem


async def test_a_silent_node_times_out() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(hang) as silent, http_node(response(GOSSIP)) as node:
        first, second = await ask_all([target(silent), target(node)], timeout=0.2)
    assert first.problem == "no gossip within 0.05 s of the first answer"
    assert second.gossip is not None


async def test_a_node_that_is_alone_has_the_whole_timeout() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(hang) as silent:
        assert (await ask(silent, timeout=0.05)).problem == "no gossip within 0.05 s"


async def test_an_unreachable_address_is_an_error() -> None:
    async with http_node() as node:
        pass
    assert (await ask(node, timeout=5)).problem


async def test_a_host_that_cannot_be_looked_up_is_an_error() -> None:
    host = Endpoint("a\0b", 2113)
    assert (await ask(host, timeout=5)).problem
    _, problems = await resolve([host], timeout=5)
    assert [problem.endpoint for problem in problems] == [host]


async def test_the_certificate_must_be_for_the_name_of_the_node() -> None:
    """The name is that of the user and not the address that it was resolved to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response(GOSSIP))
        await writer.drain()

    with authority_file() as ca:
        context = ssl.create_default_context(cafile=ca)
        async with listening(serve, tls=certified("events.example.com")) as node:
            named = Target(node, "events.example.com")
            (answer,) = await ask_all([named], timeout=5, tls=context)
            assert answer.gossip is not None
            (answer,) = await ask_all([target(node)], timeout=5, tls=context, server_name="events.example.com")
            assert answer.gossip is not None
            (answer,) = await ask_all([target(node)], timeout=5, tls=context)
            assert "certificate verify failed" in answer.problem
            (answer,) = await ask_all([named], timeout=5)
            assert answer.gossip is None


async def test_names_are_resolved_to_all_their_addresses() -> None:
    found, problems = await resolve([Endpoint("localhost", 2113), Endpoint("127.0.0.1", 2113)], timeout=5)
    assert target(Endpoint("127.0.0.1", 2113)) in found or Target(Endpoint("127.0.0.1", 2113), "localhost") in found
    assert len(found) == len(set(found))
    assert problems == []


async def test_a_name_without_an_address_is_an_error() -> None:
    found, problems = await resolve(
        [Endpoint("nowhere.invalid", 2113), Endpoint("a" * 64 + ".example", 2113)], timeout=5
    )
    assert found == []
    assert [problem.problem.startswith("its name has no address") for problem in problems] == [True, True]


async def test_a_slow_name_server_takes_no_longer_than_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hang)
    found, problems = await resolve([Endpoint("slow.example", 2113)], timeout=0.01)
    assert found == []
    assert problems[0].problem == "its name was not resolved within 0.01 s"


async def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name has ten dead addresses and one good one."""
    async with http_node(response(GOSSIP)) as node:
        addresses = [(None, None, None, None, (f"127.0.1.{n}", node.port)) for n in range(10)]

        async def look_up(*_: object, **__: object) -> object:
            return [*addresses, (None, None, None, None, (node.address, node.port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
        targets, _ = await resolve([Endpoint("events.example.com", node.port)], timeout=5)
        monkeypatch.undo()
        assert len(targets) == 11
        answers = await ask_all(targets, timeout=5)
    assert [answer.gossip is not None for answer in answers] == [False] * 10 + [True]


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b'{"esVersion": "4.1.4.0", "state": "master"}', NodeState.LEADER),
        (b'{"state": "slave"}', NodeState.FOLLOWER),
        (b'{"state": "catchingup"}', NodeState.CATCHING_UP),
        (b'{"state": "prereplica"}', NodeState.PRE_REPLICA),
        (b'{"state": "readonlyreplica"}', NodeState.READ_ONLY_REPLICA),
        (b'{"state": "dancing"}', None),
        (b'{"state": 5}', None),
        (b"{}", None),
        (b"[]", None),
        (b"no JSON", None),
    ],
)
async def test_a_node_returns_its_own_state(body: bytes, state: NodeState | None) -> None:
    async with http_node(response(body)) as node:
        assert await ask_state(node.address, node.port, timeout=5) is state


@pytest.mark.parametrize("reply", [response(b"", "404 Not Found"), b"no http\r\n\r\n"])
async def test_a_node_without_a_state_has_none(reply: bytes) -> None:
    async with http_node(reply) as node:
        assert await ask_state(node.address, node.port, timeout=5) is None
    assert await ask_state(node.address, node.port, timeout=5) is None, "it is gone"


async def test_a_silent_node_has_no_state() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(hang) as node:
        assert await ask_state(node.address, node.port, timeout=0.01) is None
