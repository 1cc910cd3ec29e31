"""A program for photon-pump prints the same with rxpump, after a change of its imports."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import rxpump
from rxpump import NewEvent
from rxpump.server import EmbeddedServer, SqliteStore

PHOTONPUMP_PYTHON = os.environ.get("PHOTONPUMP_PYTHON")
PROGRAM = Path(__file__).with_name("program.py").read_text()
IMPORTS = {
    "from photonpump import ": "from rxpump import ",
    "from photonpump.exceptions import ": "from rxpump.errors import ",
    "from photonpump.messages import ": "from rxpump.messages import ",
}
OUTPUT = """\
True
ponies 0 PonyJumped True
{'Pony': 'Derpy Hooves', 'Height': 10, 'Distance': 13} METADATA
1 250
[10, 1, 2] 3 False
2 2 251
[250, 249]
252
[249, 250, 251]
251 PonySlept 0
251 76.2
True
no unicorns
252
['PonySlept', 'PonyJumped'] True
(245, 'PonyJumped') (251, 'PonySlept') 7
"""


async def output_of(python: str, program: str) -> str:
    async with EmbeddedServer(SqliteStore.in_memory()) as server:
        process = await asyncio.create_subprocess_exec(
            python, "-c", program, server.host, str(server.port), stdout=PIPE, stderr=STDOUT
        )
        out, _ = await process.communicate()
    return out.decode()


@pytest.mark.skipif(PHOTONPUMP_PYTHON is None, reason="needs the environment of photon-pump: make interop")
async def test_the_program_runs_on_photonpump() -> None:
    assert PHOTONPUMP_PYTHON is not None
    # photon-pump encodes JSON with spaces. This is the only difference.
    expected = OUTPUT.replace("METADATA", """b'{"judge": "Applejack"}'""")
    assert await output_of(PHOTONPUMP_PYTHON, PROGRAM) == expected


async def test_the_program_runs_on_rxpump() -> None:
    program = PROGRAM
    for theirs, ours in IMPORTS.items():
        assert program.count(theirs) == 1
        program = program.replace(theirs, ours)
    assert await output_of(sys.executable, program) == OUTPUT.replace("METADATA", """b'{"judge":"Applejack"}'""")


async def ticks(count: int) -> AsyncIterator[NewEvent]:
    for number in range(count):
        yield NewEvent("tick", body={"tick": number})
        await asyncio.sleep(0)


async def test_the_examples_of_its_readme_run_on_rxpump() -> None:
    async with (
        EmbeddedServer(SqliteStore.in_memory()) as server,
        rxpump.connect(host=server.host, port=server.port, loop=asyncio.get_running_loop()) as conn,
    ):
        assert isinstance(conn, rxpump.Connection)
        await conn.publish("ticker_stream", ticks(1200))
        assert [event.json()["tick"] async for event in conn.iter("ticker_stream")] == list(range(1200))
        second = await conn.get("ticker_stream", max_count=1, from_event_number=1)
        assert second[0].json() == {"tick": 1}
        newest = await conn.get("ticker_stream", direction=rxpump.StreamDirection.backward)
        assert newest[0].event_number == 1199
