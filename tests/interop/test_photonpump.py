"""photon-pump works with the embedded server (`make interop`)."""

from __future__ import annotations

import asyncio
import os
import re
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing import EmbeddedCluster, GossipWords
from rxpump.testing.proxy import Proxy

PYTHON = os.environ.get("PHOTONPUMP_PYTHON")
SCRIPT = Path(__file__).with_name("photonpump_methods.py")
CLUSTER = Path(__file__).with_name("photonpump_cluster.py")
RECONNECT = Path(__file__).with_name("photonpump_reconnect.py")

pytestmark = pytest.mark.skipif(PYTHON is None, reason="needs the environment of photon-pump: make interop")


@pytest.mark.parametrize("kept_in", ["memory", "a file"])
async def test_every_method_of_photonpump_works(kept_in: str, tmp_path: Path) -> None:
    store = SqliteStore.in_memory() if kept_in == "memory" else SqliteStore.open(str(tmp_path / "events.db"))
    async with EmbeddedServer(store, http_port=0) as server:
        assert PYTHON is not None
        where = (server.host, str(server.port), str(server.http_port))
        peer = await asyncio.create_subprocess_exec(PYTHON, str(SCRIPT), *where, stdout=PIPE, stderr=STDOUT)
        out, _ = await peer.communicate()
    assert peer.returncode == 0, out.decode()
    assert re.search(r"^All \d\d passed$", out.decode(), re.MULTILINE)


async def test_photonpump_reconnects_after_a_cut() -> None:
    assert PYTHON is not None
    async with EmbeddedServer(SqliteStore.in_memory()) as server, Proxy(server.port) as proxy:
        peer = await asyncio.create_subprocess_exec(
            PYTHON, str(RECONNECT), "127.0.0.1", str(proxy.port), stdin=PIPE, stdout=PIPE, stderr=STDOUT
        )
        assert peer.stdout is not None
        while await peer.stdout.readline() != b"cut\n":
            assert peer.returncode is None
        proxy.cut()
        out, _ = await peer.communicate(b"done\n")
    assert peer.returncode == 0, out.decode()
    assert "came back" in out.decode()
    assert proxy.accepted == 2


async def test_photonpump_finds_the_leader_of_a_cluster() -> None:
    """photon-pump supports only the names of states of version 4."""
    assert PYTHON is not None
    async with EmbeddedCluster(words=GossipWords.V4) as cluster:
        host, port = cluster.followers[0].http_address
        peer = await asyncio.create_subprocess_exec(
            PYTHON, str(CLUSTER), host, str(port), stdin=PIPE, stdout=PIPE, stderr=STDOUT
        )
        assert peer.stdout is not None
        while (line := await peer.stdout.readline()) != b"kill\n":
            assert line, "photon-pump has ended"
        await cluster.kill(cluster.leader)
        await cluster.elect()
        out, _ = await peer.communicate(b"done\n")
    assert peer.returncode == 0, out.decode()
    assert "found the next leader" in out.decode()
