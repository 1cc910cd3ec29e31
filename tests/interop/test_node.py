"""node-eventstore-client works with the embedded server (`make interop`)."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from rxpump.server import EmbeddedServer, SqliteStore
from tests.certificates import authority_file, certified

SCRIPTS = Path(__file__).with_name("node")

pytestmark = pytest.mark.skipif(
    "NODE_EVENTSTORE_CLIENT" not in os.environ, reason="needs node-eventstore-client: make interop"
)


async def run(script: str, server: EmbeddedServer, **environment: str) -> str:
    """Run a script with the address of the server. Return its output; fail if it fails."""
    where = (server.host, str(server.port), str(server.http_port or 0))
    peer = await asyncio.create_subprocess_exec(
        "node", str(SCRIPTS / script), *where, stdout=PIPE, stderr=STDOUT, env=os.environ | environment
    )
    out, _ = await peer.communicate()
    assert peer.returncode == 0, out.decode()
    return out.decode()


@pytest.mark.parametrize("kept_in", ["memory", "a file"])
async def test_every_feature_of_node_eventstore_client_works(kept_in: str, tmp_path: Path) -> None:
    store = SqliteStore.in_memory() if kept_in == "memory" else SqliteStore.open(str(tmp_path / "events.db"))
    async with EmbeddedServer(store, http_port=0) as server:
        *checks, last = (await run("main.mjs", server)).splitlines()
    assert last == f"All {len(checks)} passed"
    assert all(check.startswith("ok ") for check in checks)


async def test_the_server_replies_to_heartbeats() -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), heartbeat_interval=0.1, heartbeat_timeout=1) as server:
        assert await run("idle.mjs", server) == "asked, and asked again\n"


async def test_node_eventstore_client_works_over_tls() -> None:
    with authority_file() as ca:
        async with EmbeddedServer(SqliteStore.in_memory(), tls=certified("localhost")) as server:
            out = await run("secure.mjs", server, NODE_EXTRA_CA_CERTS=ca)
    assert out == "proved, not asked, refused\n"
