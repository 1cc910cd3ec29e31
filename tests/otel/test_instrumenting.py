from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

import rxpump
from rxpump import otel
from rxpump.client import Client
from rxpump.errors import InvalidArgument, StreamNotFound
from rxpump.model.new_events import NewEvent
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing import EventStore, MockTransport, mock_client, wait_for
from tests.operators.sources import Seen
from tests.otel.conftest import Recorder

WITHOUT_OPENTELEMETRY = """
import sys
sys.modules["opentelemetry"] = None
try:
    import rxpump.otel
except ModuleNotFoundError as error:
    print(error)
"""


async def test_the_duration_of_requests_is_measured(client: Client, recorder: Recorder) -> None:
    await client.publish_event("orders", "Placed")
    await client.get("orders")
    await client.ping()
    with pytest.raises(StreamNotFound):
        await client.get("unknown")
    measured = {
        (each["messaging.operation.name"], each["messaging.operation.type"], each.get("error.type")): count
        for each, count in recorder.points("messaging.client.operation.duration")
    }
    assert measured == {
        ("streams.append", "send", None): 1,
        ("streams.read", "receive", None): 1,
        ("streams.read", "receive", "StreamNotFound"): 1,
    }


async def test_events_are_counted(client: Client, recorder: Recorder) -> None:
    await client.publish("orders", [NewEvent("Placed")] * 3)
    seen = Seen()
    subscription = seen.of(client.stream("orders"))
    await wait_for(lambda: len(seen.items) == 3)
    subscription.dispose()
    [(_, sent)] = recorder.points("messaging.client.sent.messages")
    [(attributes, consumed)] = recorder.points("messaging.client.consumed.messages")
    [(_, processed)] = recorder.points("messaging.process.duration")
    assert (sent, consumed, processed) == (3, 3, 3)
    assert attributes["messaging.destination.name"] == "orders"


async def test_gauges_show_the_last_snapshot(recorder: Recorder) -> None:
    client = recorder.instrument(mock_client(), interval=0.001)
    assert recorder.points("rxpump.client.connected") == []
    async with client:
        subscription = client.stream("orders").subscribe()
        await wait_for(lambda: bool(recorder.points("rxpump.subscription.events_behind")))
        assert recorder.points("rxpump.client.connected") == [
            ({"messaging.system": "kurrentdb", "messaging.client.id": client.name}, 1)
        ]
        [(attributes, behind)] = recorder.points("rxpump.subscription.events_behind")
        assert (attributes["messaging.destination.name"], behind) == ("orders", 0)
        subscription.dispose()
        await wait_for(lambda: not recorder.points("rxpump.subscription.events_behind"))
    assert recorder.points("rxpump.client.connected") == []


async def test_gauges_show_deliveries_of_a_group(recorder: Recorder) -> None:
    client = recorder.instrument(mock_client(), interval=0.001)
    async with client:
        await client.publish("orders", [NewEvent("Placed"), NewEvent("Placed")])
        await client.create_subscription("billing", "orders", start_from=0)
        subscription = client.connect_subscription("billing", "orders").subscribe()
        name = "rxpump.subscription.unacknowledged"
        await wait_for(lambda: [count for _, count in recorder.points(name)] == [2])
        assert recorder.points(name)[0][0]["messaging.consumer.group.name"] == "billing"
        subscription.dispose()
    assert repr(client._transport.telemetry.instrumentation) == f"<OpenTelemetry of {client.name}>"


async def test_gauges_show_each_client(recorder: Recorder) -> None:
    settings = [rxpump.Settings(name=name) for name in ("a", "b")]
    one, two = (mock_client(settings=each) for each in settings)
    async with one, two:
        for each in (one, two):
            recorder.instrument(each, interval=0.001)
        await wait_for(lambda: len(recorder.points("rxpump.client.connected")) == 2)
        names = {attributes["messaging.client.id"] for attributes, _ in recorder.points("rxpump.client.reconnects")}
    assert names == {"a", "b"}
    assert recorder.points("rxpump.client.reconnects") == []


async def test_gauges_go_on_after_a_lost_connection(recorder: Recorder, transport: MockTransport) -> None:
    client = recorder.instrument(mock_client(transport), interval=0.001)
    async with client:
        transport.lose_connection()
        transport.restore_connection()
        await wait_for(lambda: [count for _, count in recorder.points("rxpump.client.reconnects")] == [1])


def test_gauges_are_read_in_each_event_loop(recorder: Recorder, event_store: EventStore) -> None:
    client = recorder.instrument(rxpump.connect(event_store.uri), interval=0.001)

    async def connect() -> None:
        await client.connect()
        await wait_for(lambda: bool(recorder.points("rxpump.client.connected")))

    for _ in range(2):  # The first event loop ends before the client is closed.
        asyncio.run(connect())


@pytest.mark.parametrize("protocol", ["tcp", "kurrentdb"])
async def test_spans_name_the_server(recorder: Recorder, protocol: str) -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0) as server:
        port = server.port if protocol == "tcp" else server.grpc_port
        async with recorder.instrument(rxpump.connect(f"{protocol}://127.0.0.1:{port}?tls=false")) as client:
            await client.publish_event("orders", "Placed")
            [event] = await client.get("orders")
    [span] = recorder.spans()
    attributes = span.attributes or {}
    assert (attributes["server.address"], attributes["server.port"]) == ("127.0.0.1", port)
    assert event.json_metadata().keys() == {"$traceId", "$spanId"}


def test_a_blocking_client_is_instrumented(recorder: Recorder) -> None:
    with rxpump.open("memory://") as store:
        otel.instrument(store, tracer_provider=recorder.tracers, meter_provider=recorder.meters, interval=0.001)
        store.publish_event("orders", "Placed")
        while not recorder.points("rxpump.client.network.io"):
            store.ping()
    assert [span.name for span in recorder.spans()] == ["streams.append"]


def test_a_client_is_instrumented_once(recorder: Recorder) -> None:
    client = recorder.instrument(mock_client())
    with pytest.raises(InvalidArgument, match="a client that is not instrumented"):
        otel.instrument(client.as_user("ops", "changeit"))


def test_only_a_client_is_instrumented() -> None:
    with pytest.raises(InvalidArgument, match="a Client or a BlockingClient"):
        otel.instrument("memory://")  # type: ignore[arg-type]


def test_without_an_sdk_nothing_is_stored() -> None:
    with rxpump.open("memory://") as store:
        otel.instrument(store)
        store.publish_event("orders", "Placed")
        assert [event.metadata for event in store.get("orders")] == [b""]


def test_a_missing_package_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_OPENTELEMETRY], capture_output=True, text=True, check=True)
    assert done.stdout == "rxpump.otel needs the package opentelemetry-api: pip install 'rxpump[otel]'\n"
