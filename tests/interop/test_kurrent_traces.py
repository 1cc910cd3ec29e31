"""A trace continues from kurrentdbclient to rxpump, and from rxpump to kurrentdbclient (`make interop`)."""

from __future__ import annotations

import asyncio
import os
import subprocess
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest
from opentelemetry.trace import format_span_id
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.server import EmbeddedServer, SqliteStore
from tests.otel.conftest import Recorder

SCRIPT = Path(__file__).with_name("kurrent_traces.py")
PYTHON = os.environ.get("KURRENTDBCLIENT_PYTHON", "")


@pytest.fixture(scope="module", autouse=True)
def _peer() -> None:
    """Skip the tests if the other client, or its dependencies for traces, are not installed."""
    if (
        not PYTHON
        or subprocess.run([PYTHON, "-c", "import opentelemetry.sdk, wrapt"], capture_output=True).returncode
    ):
        pytest.skip("needs the environment of kurrentdbclient with OpenTelemetry: make interop")


async def run(*arguments: str) -> list[str]:
    """Run the script, and return the words of the only span that it prints."""
    peer = await asyncio.create_subprocess_exec(PYTHON, str(SCRIPT), *arguments, stdout=PIPE, stderr=STDOUT)
    out, _ = await asyncio.wait_for(peer.communicate(), 40)
    assert peer.returncode == 0, out.decode()
    [line] = out.decode().splitlines()
    return line.split()


async def to_invoice(order: rxpump.Event) -> rxpump.NewEvent:
    await asyncio.sleep(0)
    return rxpump.NewEvent("Made", order.json())


async def test_a_trace_continues_in_both_directions() -> None:
    recorder = Recorder()
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, insecure=True) as server:
        uri = f"kurrentdb://127.0.0.1:{server.grpc_port}?tls=false"
        name, trace, span, _ = await run("write", uri, "orders")
        assert name == "streams.append"
        async with recorder.instrument(rxpump.connect(uri)) as client:
            orders = client.stream("orders")
            pipeline = orders.pipe(ops.map_async(to_invoice), ops.publish_to(client, "invoices")).subscribe()
            await client.stream("invoices").pipe(rx.take(1))
            pipeline.dispose()
        delivery = next(each for each in recorder.spans("streams.subscribe") if each.parent is not None)
        [append] = recorder.spans("streams.append")
        assert delivery.parent is not None
        assert (f"{delivery.parent.trace_id:032x}", format_span_id(delivery.parent.span_id)) == (trace, span)
        written = append.get_span_context()
        assert written is not None
        assert f"{written.trace_id:032x}" == trace
        name, trace_of_reader, _, parent = await run("read", uri, "invoices")
        assert name == "streams.subscribe"
        assert (trace_of_reader, parent) == (trace, format_span_id(written.span_id))
