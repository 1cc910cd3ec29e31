"""The HTTP resources have the form of those of a real server (recorded from 4.1.4)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.http.listener import Addresses
from rxpump.server.http.request import HttpRequest
from rxpump.server.http.resources import Resources
from tests.certificates import certified
from tests.server.talk import Talk

RECORDED = Path(__file__).parents[2] / "data" / "http"


@pytest.fixture
async def fetched() -> AsyncIterator[Any]:
    """Return a resource of a server with these options."""
    servers = []

    async def reply_to(path: str, local: str = "10.0.0.7", **options: Any) -> tuple[EmbeddedServer, Any]:
        server = EmbeddedServer(SqliteStore.in_memory(), http_port=0, **options)
        servers.append(server)
        await server.start()
        await Talk(server.store).write("s", "0")
        answer = Resources(server, server._node).respond(
            HttpRequest("GET", path, {}, {}), Addresses(local, "10.0.0.8")
        )
        assert answer.status == HTTPStatus.OK
        return server, json.loads(answer.body)

    yield reply_to
    for server in servers:
        await server.stop()


def shape(value: Any) -> type[Any] | list[Any]:
    """Return the keys and types of a JSON value, in order."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    return [shape(item) for item in value] if isinstance(value, list) else type(value)


@pytest.mark.parametrize(("path", "recorded"), [("/gossip", "gossip-single"), ("/info", "info-single")])
async def test_resources_have_the_keys_and_types_of_a_real_server(
    fetched: Callable[..., Any], path: str, recorded: str
) -> None:
    _, ours = await fetched(path)
    assert shape(ours) == shape(json.loads((RECORDED / f"{recorded}.json").read_text()))


async def test_the_only_member_is_the_leader_with_its_address(fetched: Callable[..., Any]) -> None:
    server, gossip = await fetched("/gossip")
    [member] = gossip["members"]
    assert (member["state"], member["isAlive"]) == ("Master", True)
    assert (member["externalTcpIp"], member["externalTcpPort"]) == ("127.0.0.1", server.port)
    assert (gossip["serverIp"], gossip["serverPort"]) == ("127.0.0.1", server.http_port)
    assert member["externalSecureTcpPort"] == 0
    assert UUID(member["instanceId"]) != UUID(member["epochId"])
    assert 0 < member["lastCommitPosition"] < member["writerCheckpoint"]


async def test_with_tls_the_port_is_the_secure_one(fetched: Callable[..., Any]) -> None:
    server, gossip = await fetched("/gossip", tls=certified("127.0.0.1"))
    [member] = gossip["members"]
    assert (member["externalTcpPort"], member["externalSecureTcpPort"]) == (0, server.port)


async def test_a_wildcard_host_is_replaced_by_the_requested_one(fetched: Callable[..., Any]) -> None:
    _, gossip = await fetched("/gossip", host="0.0.0.0")
    assert gossip["members"][0]["externalTcpIp"] == gossip["serverIp"] == "10.0.0.7"


async def test_stats_has_values_of_process_and_store(fetched: Callable[..., Any]) -> None:
    _, stats = await fetched("/stats")
    assert set(stats) == {"proc", "sys", "es"}
    assert stats["proc"]["cpu"] > 0
    assert stats["es"]["writer"] == {"commits": 1}
    assert stats["es"]["checksum"] > 0


async def test_ping_has_the_text_of_a_real_server(fetched: Callable[..., Any]) -> None:
    _, answer = await fetched("/ping")
    assert answer == {"msgTypeId": 0, "text": "Ping request successfully handled"}
