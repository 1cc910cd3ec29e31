"""kurrentdbclient and its predecessor esdbclient work with the embedded server (`make interop`)."""

from __future__ import annotations

import asyncio
import os
import re
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from rxpump.server import EmbeddedServer, SqliteStore
from tests.certificates import authority_file, certified

SCRIPT = Path(__file__).with_name("kurrent_methods.py")
PYTHONS = {
    "kurrentdbclient": os.environ.get("KURRENTDBCLIENT_PYTHON"),
    "esdbclient": os.environ.get("ESDBCLIENT_PYTHON"),
}
SCHEMES = {"kurrentdbclient": "kurrentdb", "esdbclient": "esdb"}


async def run(library: str, mode: str, *arguments: str) -> None:
    """Run the script with a client, and check that it passes."""
    python = PYTHONS[library]
    if python is None:
        pytest.skip(f"needs the environment of {library}: make interop")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    peer = await asyncio.create_subprocess_exec(
        python, str(SCRIPT), library, mode, *arguments, stdout=PIPE, stderr=STDOUT, env=environment
    )
    out, _ = await peer.communicate()
    assert peer.returncode == 0, out.decode()
    assert re.search(r"^All \d\d passed$", out.decode(), re.MULTILINE)


@pytest.mark.parametrize("kept_in", ["memory", "a file"])
@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("library", PYTHONS)
async def test_every_method_works(library: str, mode: str, kept_in: str, tmp_path: Path) -> None:
    store = SqliteStore.in_memory() if kept_in == "memory" else SqliteStore.open(tmp_path / "events.db")
    async with EmbeddedServer(store, grpc_port=0, insecure=True, projections=True) as server:
        await run(library, mode, f"{SCHEMES[library]}://localhost:{server.grpc_port}?tls=false")


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("library", PYTHONS)
async def test_every_method_works_over_tls(library: str, mode: str) -> None:
    tls = certified("localhost")
    with authority_file() as ca:
        async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, tls=tls, projections=True) as server:
            await run(library, mode, f"{SCHEMES[library]}://admin:changeit@localhost:{server.grpc_port}", ca)
