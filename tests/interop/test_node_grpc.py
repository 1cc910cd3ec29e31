"""The gRPC clients for Node work with the embedded server (`make interop`)."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from rxpump.server import EmbeddedServer, SqliteStore
from tests.certificates import authority_file, certified

SCRIPT = Path(__file__).with_name("node_grpc") / "main.mjs"
DIRECTORIES = {
    "@kurrent/kurrentdb-client": os.environ.get("NODE_KURRENTDB_CLIENT"),
    "@eventstore/db-client": os.environ.get("NODE_ESDB_CLIENT"),
}
SCHEMES = {"@kurrent/kurrentdb-client": "kurrentdb", "@eventstore/db-client": "esdb"}


async def run(package: str, address: str) -> None:
    """Run the checks with a client, and check that they pass."""
    directory = DIRECTORIES[package]
    if directory is None:
        pytest.skip(f"needs {package}: make interop")
    peer = await asyncio.create_subprocess_exec(
        "node", str(SCRIPT), directory, package, f"{SCHEMES[package]}://{address}", stdout=PIPE, stderr=STDOUT
    )
    out, _ = await peer.communicate()
    assert peer.returncode == 0, out.decode()
    *checks, last = out.decode().splitlines()
    assert last == f"All {len(checks)} passed"
    assert all(check.startswith("ok ") for check in checks)


@pytest.mark.parametrize("kept_in", ["memory", "a file"])
@pytest.mark.parametrize("package", DIRECTORIES)
async def test_every_feature_works(package: str, kept_in: str, tmp_path: Path) -> None:
    store = SqliteStore.in_memory() if kept_in == "memory" else SqliteStore.open(tmp_path / "events.db")
    async with EmbeddedServer(store, grpc_port=0, insecure=True, projections=True) as server:
        await run(package, f"localhost:{server.grpc_port}?tls=false")


@pytest.mark.parametrize("package", DIRECTORIES)
async def test_every_feature_works_over_tls(package: str) -> None:
    tls = certified("localhost")
    with authority_file() as ca:
        async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, tls=tls, projections=True) as server:
            await run(package, f"admin:changeit@localhost:{server.grpc_port}?tlsCaFile={ca}")
