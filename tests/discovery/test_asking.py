"""Requests for gossip to nodes with valid, invalid, slow and missing replies."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.discovery.asking import ask, ask_all, resolve
from rxpump.discovery.gossip import MAX_GOSSIP_BYTES
from rxpump.discovery.member import Endpoint, NodeState
from tests.discovery.http_nodes import http_node, listening, response
from tests.discovery.members import RECORDED, document, encoded

GOSSIP = (RECORDED / "gossip-cluster-from-slave.json").read_bytes()


async def test_a_node_is_asked_for_its_gossip() -> None:
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


async def test_a_silent_node_takes_no_longer_than_the_timeout() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with listening(hang) as silent, http_node(response(GOSSIP)) as node:
        first, second = await ask_all([silent, node], timeout=0.05)
    assert first.problem == "no gossip within 0.05 s"
    assert second.gossip is not None


async def test_an_unreachable_address_is_an_error() -> None:
    async with http_node() as node:
        pass
    assert (await ask(node, timeout=5)).problem


async def test_names_are_resolved_to_all_their_addresses() -> None:
    found, problems = await resolve([Endpoint("localhost", 2113), Endpoint("127.0.0.1", 2113)])
    assert Endpoint("127.0.0.1", 2113) in found
    assert len(found) == len(set(found))
    assert problems == []


async def test_a_name_without_an_address_is_an_error() -> None:
    found, problems = await resolve([Endpoint("nowhere.invalid", 2113), Endpoint("a" * 64 + ".example", 2113)])
    assert found == []
    assert [problem.problem.startswith("its name has no address") for problem in problems] == [True, True]
