from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump import otel
from rxpump.client import Client
from rxpump.errors import InvalidArgument, WrongExpectedVersion
from rxpump.model.new_events import NewEvent
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing import mock_client, wait_for
from tests.operators.sources import Seen
from tests.otel.conftest import Recorder

OF_DOTNET = {"$traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "$spanId": "00f067aa0ba902b7"}
REMOTE = NewEvent("Placed", {"n": 1}, metadata=OF_DOTNET)


def keys(span: ReadableSpan) -> dict[str, str]:
    """Return the keys of metadata for the context of a span."""
    context = span.get_span_context()
    assert context is not None
    return {"$traceId": format_trace_id(context.trace_id), "$spanId": format_span_id(context.span_id)}


def parent(span: ReadableSpan) -> dict[str, str]:
    """Return the same for the parent of a span."""
    assert span.parent is not None
    return {"$traceId": format_trace_id(span.parent.trace_id), "$spanId": format_span_id(span.parent.span_id)}


async def metadata(client: Client, stream: str) -> list[Any]:
    return [event.json_metadata() for event in await client.get(stream)]


async def test_an_append_is_a_span_that_the_events_name(client: Client, recorder: Recorder) -> None:
    with recorder.span("request") as request:
        await client.publish_event("orders", "Placed", {"n": 1}, metadata={"user": "ops"})
    [span] = recorder.spans("streams.append")
    assert await metadata(client, "orders") == [{"user": "ops", **keys(span)}]
    assert parent(span) == keys(request)
    assert span.kind is SpanKind.PRODUCER
    [event] = await client.get("orders")
    assert dict(span.attributes or {}) == {
        "db.system": "kurrentdb",
        "db.operation": "streams.append",
        "db.kurrentdb.stream": "orders",
        "messaging.system": "kurrentdb",
        "messaging.operation.name": "streams.append",
        "messaging.operation.type": "send",
        "messaging.destination.name": "orders",
        "messaging.message.id": str(event.id),
        "messaging.client.id": client.name,
    }


async def test_the_spans_of_a_user_name_the_user(client: Client, recorder: Recorder) -> None:
    ops_client = client.as_user("ops", "changeit")
    await ops_client.publish_event("orders", "Placed")
    await ops_client.publish_many({"orders": [NewEvent("Paid")], "bills": [NewEvent("Paid")]})
    publisher = ops_client.publisher("orders")
    publisher.on_next(NewEvent("Sent"))
    publisher.on_completed()
    await publisher.drained()
    await ops_client.stream("orders").pipe(rx.take(3))
    await client.stream("orders").pipe(rx.take(1))
    users = [(span.name, (span.attributes or {}).get("db.user")) for span in recorder.spans()]
    assert users == [
        ("streams.append", "ops"),
        ("streams.multi-append", "ops"),
        ("streams.append", "ops"),
        *[("streams.subscribe", "ops")] * 3,
        ("streams.subscribe", None),
    ]


async def test_a_list_is_one_span(client: Client, recorder: Recorder) -> None:
    await client.publish("orders", [NewEvent("Placed"), NewEvent("Paid")])
    [span] = recorder.spans("streams.append")
    assert await metadata(client, "orders") == [keys(span)] * 2
    assert (span.attributes or {})["messaging.batch.message_count"] == 2


async def test_an_append_to_several_streams_is_one_span(client: Client, recorder: Recorder) -> None:
    await client.publish_many({"a": [NewEvent("X")], "b": [NewEvent("Y"), NewEvent("Z")]})
    [span] = recorder.spans()
    assert span.name == (span.attributes or {})["db.operation"] == "streams.multi-append"
    assert (span.attributes or {})["messaging.batch.message_count"] == 3
    assert await metadata(client, "a") == [keys(span)]
    assert await metadata(client, "b") == [keys(span)] * 2


async def test_an_append_that_fails_is_an_error(client: Client, recorder: Recorder) -> None:
    with pytest.raises(WrongExpectedVersion):
        await client.publish_event("orders", "Placed", expected_version=7)
    [span] = recorder.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "WrongExpectedVersion"
    assert [event.name for event in span.events] == ["exception"]


async def test_a_copied_event_keeps_its_context(client: Client, recorder: Recorder) -> None:
    await client.publish("orders", [REMOTE])
    assert await metadata(client, "orders") == [OF_DOTNET]
    [span] = recorder.spans()
    assert [format_span_id(link.context.span_id) for link in span.links] == [OF_DOTNET["$spanId"]]


@pytest.mark.parametrize("version", [rxpump.ExpectedVersion.NO_STREAM, rxpump.ExpectedVersion.ANY])
@pytest.mark.parametrize("protocol", ["tcp", "kurrentdb"])
async def test_a_write_that_is_repeated_is_the_same_write(recorder: Recorder, protocol: str, version: int) -> None:
    placed = NewEvent("Placed", {"n": 1})
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0) as server:
        port = server.port if protocol == "tcp" else server.grpc_port
        async with recorder.instrument(rxpump.connect(f"{protocol}://127.0.0.1:{port}?tls=false")) as client:
            first = await client.publish("orders", [placed], expected_version=version)
            again = await client.publish("orders", [placed], expected_version=version)
            stored = await metadata(client, "orders")
    assert first.last_event_number == again.last_event_number == 0
    one, two = recorder.spans("streams.append")
    assert keys(one) != keys(two)
    assert stored == [keys(one)]


@pytest.mark.parametrize("options", ["", "&credentialsInClear=true"], ids=["tcp", "grpc"])
async def test_the_user_of_a_connection_string_is_an_attribute(recorder: Recorder, options: str) -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0) as server:
        scheme, port = ("kurrentdb", server.grpc_port) if options else ("tcp", server.port)
        uri = f"{scheme}://admin:changeit@127.0.0.1:{port}?tls=false{options}"
        async with recorder.instrument(rxpump.connect(uri)) as client:
            await client.publish_event("orders", "Placed")
            await client.as_user("ops", "changeit").publish_event("orders", "Placed")
            assert [(span.attributes or {}).get("db.user") for span in recorder.spans()] == ["admin", "ops"]
            assert client.as_user(rxpump.Token("secret"))._transport.login is None


async def test_a_delivery_is_a_child_of_the_append(client: Client, recorder: Recorder) -> None:
    await client.publish_event("orders", "Placed", {"n": 1})
    current: list[trace.Span] = []
    subscription = client.stream("orders").subscribe(lambda _: current.append(trace.get_current_span()))
    await wait_for(lambda: bool(current))
    [append] = recorder.spans("streams.append")
    [delivery] = recorder.spans("streams.subscribe")
    assert parent(delivery) == keys(append)
    assert current[0].get_span_context() == delivery.get_span_context()
    assert delivery.kind is SpanKind.CONSUMER
    [event] = await client.get("orders")
    assert dict(delivery.attributes or {}) == {
        "db.system": "kurrentdb",
        "db.operation": "streams.subscribe",
        "db.kurrentdb.stream": "orders",
        "db.kurrentdb.subscription.id": "1",
        "db.kurrentdb.event.id": str(event.id),
        "db.kurrentdb.event.type": "Placed",
        "messaging.system": "kurrentdb",
        "messaging.operation.name": "streams.subscribe",
        "messaging.operation.type": "process",
        "messaging.destination.name": "orders",
        "messaging.message.id": str(event.id),
        "messaging.client.id": client.name,
    }
    subscription.dispose()


async def test_a_trace_of_another_client_continues(client: Client, recorder: Recorder) -> None:
    await client.publish("orders", [REMOTE])
    seen = Seen()
    subscription = seen.of(client.stream("orders"))
    await wait_for(lambda: bool(seen.items))
    [delivery] = recorder.spans("streams.subscribe")
    assert parent(delivery) == OF_DOTNET
    subscription.dispose()


async def test_an_event_without_a_context_has_no_span(client: Client, recorder: Recorder) -> None:
    await client.publish_event("orders", "Placed", metadata=b"no object")
    seen = Seen()
    subscription = seen.of(client.stream("orders").pipe(ops.with_signals()))
    await wait_for(lambda: len(seen.items) == 2)
    assert recorder.spans("streams.subscribe") == []
    subscription.dispose()


async def test_a_delivery_of_a_group_names_the_group(client: Client, recorder: Recorder) -> None:
    await client.publish_event("orders", "Placed")
    await client.create_subscription("billing", "orders", start_from=0)
    await client.connect_subscription("billing", "orders").pipe(ops.ack_each(), rx.take(1))
    [delivery] = recorder.spans("streams.subscribe")
    assert (delivery.attributes or {})["messaging.consumer.group.name"] == "billing"


async def test_an_exception_in_a_callback_is_an_error(client: Client, recorder: Recorder) -> None:
    await client.publish_event("orders", "Placed")

    def fail(_: object) -> None:
        raise ValueError("no")

    failed: list[Exception] = []
    client.stream("orders").subscribe(fail, failed.append)
    await wait_for(lambda: bool(failed))
    [delivery] = recorder.spans("streams.subscribe")
    assert delivery.status.status_code is StatusCode.ERROR
    assert (delivery.attributes or {})["error.type"] == "ValueError"


def to_out(event: rxpump.Event) -> NewEvent:
    return NewEvent("Copied", event.json())


async def slowly(event: rxpump.Event) -> NewEvent:
    await asyncio.sleep(0)
    return to_out(event)


def in_a_task(event: rxpump.Event) -> reactivex.Observable[NewEvent]:
    return reactivex.from_future(asyncio.ensure_future(slowly(event)))


PIPELINES: dict[str, Callable[[Client], Any]] = {
    "a publisher": lambda client: (
        client.stream("in").pipe(rx.take(1), rx.map(to_out)).subscribe(client.publisher("out"))
    ),
    "publish": lambda client: client.publish("out", client.stream("in").pipe(rx.map(to_out))).subscribe(),
    "publish_to": lambda client: client.stream("in").pipe(rx.map(to_out), ops.publish_to(client, "out")).subscribe(),
    "publish_to after map_async": lambda client: (
        client.stream("in").pipe(ops.map_async(slowly), ops.publish_to(client, "out")).subscribe()
    ),
    "a publisher after a task": lambda client: (
        client.stream("in").pipe(rx.take(1), rx.flat_map(in_a_task)).subscribe(client.publisher("out"))
    ),
    "a relay": lambda client: client.relay("in", lambda events: events.pipe(rx.map(to_out)), "out").subscribe(),
    "a relay with map_async": lambda client: client.relay(
        "in", lambda events: events.pipe(ops.map_async(slowly)), "out"
    ).subscribe(),
}


@pytest.mark.parametrize("name", PIPELINES)
async def test_a_trace_continues_through_a_pipeline(client: Client, recorder: Recorder, name: str) -> None:
    await client.publish("in", [REMOTE])
    pipeline = PIPELINES[name](client)
    [event] = await client.stream("out").pipe(rx.take(1), rx.to_list())
    appends = recorder.spans("streams.append")
    [append] = [each for each in appends if (each.attributes or {})["db.kurrentdb.stream"] == "out"]
    stored = {key: value for key, value in event.json_metadata().items() if key != "$relay"}
    assert stored == keys(append)
    assert parent(append)["$traceId"] == OF_DOTNET["$traceId"]
    pipeline.dispose()


async def test_events_of_several_traces_in_a_batch_keep_their_own(client: Client, recorder: Recorder) -> None:
    sources = []
    for number in range(3):
        with recorder.span(f"request {number}") as source:
            sources.append(source)
            await client.publish_event("in", "Placed", {"n": number})
    before = len(recorder.spans("streams.append"))
    await client.stream("in").pipe(ops.until_caught_up(), rx.map(to_out), ops.publish_to(client, "out"))
    appends = recorder.spans("streams.append")[before:]
    stored = await metadata(client, "out")
    assert [each["$traceId"] for each in stored] == [keys(source)["$traceId"] for source in sources]
    assert sum((span.attributes or {}).get("messaging.batch.message_count", 1) for span in appends) == 3  # type: ignore[misc]
    mixed = [span for span in appends if len(span.links) > 1]
    assert all(span.kind is SpanKind.CLIENT for span in mixed)


async def test_an_event_that_a_program_passes_belongs_to_its_span(client: Client, recorder: Recorder) -> None:
    publisher = client.publisher("out")
    with recorder.span("request") as request:
        publisher.on_next(NewEvent("Placed"))
    publisher.on_completed()
    await publisher.drained()
    [append] = recorder.spans("streams.append")
    assert parent(append) == keys(request)
    assert await metadata(client, "out") == [keys(append)]


async def test_the_ids_of_a_relay_do_not_depend_on_the_trace(recorder: Recorder) -> None:
    ids = []
    for is_instrumented in (False, True):
        client = mock_client()
        if is_instrumented:
            recorder.instrument(client)
        async with client:
            source = NewEvent("Placed", {"n": 1}, id=REMOTE.id)
            await client.publish("in", [source])
            relay = client.relay("in", lambda events: events.pipe(rx.map(to_out)), "out").subscribe()
            [event] = await client.stream("out").pipe(rx.take(1), rx.to_list())
            relay.dispose()
            ids.append(event.id)
    assert ids[0] == ids[1]


async def test_a_trace_that_is_not_sampled_is_not_stored() -> None:
    recorder = Recorder(ALWAYS_OFF)
    async with recorder.instrument(mock_client()) as client:
        await client.publish_event("orders", "Placed")
        assert await metadata(client, "orders") == [None]
    assert recorder.spans() == []


async def test_processing_is_a_span_for_asynchronous_work(client: Client, recorder: Recorder) -> None:
    await client.publish_event("orders", "Placed", {"n": 1})
    [event] = await client.get("orders")
    with otel.processing(event, tracer_provider=recorder.tracers, meter_provider=recorder.meters):
        await asyncio.sleep(0)
        await client.publish_event("invoices", "Made")
    [append, invoice] = recorder.spans("streams.append")
    [work] = recorder.spans("streams.process")
    assert parent(work) == keys(append)
    assert parent(invoice) == keys(work)
    assert recorder.points("messaging.process.duration")[0][1] == 1


async def test_processing_records_an_exception(client: Client, recorder: Recorder) -> None:
    await client.publish_event("orders", "Placed")
    [event] = await client.get("orders")
    with (
        pytest.raises(ValueError, match="no"),
        otel.processing(event, tracer_provider=recorder.tracers, meter_provider=recorder.meters),
    ):
        raise ValueError("no")
    [work] = recorder.spans("streams.process")
    assert work.status.status_code is StatusCode.ERROR
    assert recorder.points("messaging.process.duration")[0][0]["error.type"] == "ValueError"


def test_processing_needs_an_event() -> None:
    with pytest.raises(InvalidArgument, match="an Event"), otel.processing("text"):  # type: ignore[arg-type]
        pass
