from __future__ import annotations

import json

import pytest
from opentelemetry.trace import SpanContext, TraceFlags

from rxpump.model.limits import Limits
from rxpump.model.new_events import NewEvent
from rxpump.otel.propagation import extract, inject

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
CONTEXT = SpanContext(TRACE, SPAN, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
KEYS = {"$traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "$spanId": "00f067aa0ba902b7"}
OF_DOTNET = b'{"$traceId":"4bf92f3577b34da6a3ce929d0e0e4736","$spanId":"00f067aa0ba902b7"}'
OF_PYTHON = b'{"$spanId": "0xf067aa0ba902b7", "$traceId": "0x4bf92f3577b34da6a3ce929d0e0e4736"}'


def written(event: NewEvent, limits: Limits | None = None, context: SpanContext = CONTEXT) -> NewEvent:
    return inject(event, context, "orders", limits or Limits())


def test_an_event_without_metadata_gets_the_context() -> None:
    assert written(NewEvent("Placed")).metadata == OF_DOTNET


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (b'{"a":1.0e2}', b'{"a":1.0e2,'),
        (b'{"a": {"b": [1]}}\n', b'{"a": {"b": [1]},'),
        (b"{}", b"{"),
        (b"{ }", b"{ "),
    ],
)
def test_the_text_of_existing_keys_stays(metadata: bytes, expected: bytes) -> None:
    content = written(NewEvent("Placed", metadata=metadata)).metadata
    assert content == expected + OF_DOTNET[1:]
    assert json.loads(content).items() >= KEYS.items()


@pytest.mark.parametrize(
    "metadata",
    [
        b"[1]",
        b'"text"',
        b"7",
        b"\xff\x00",
        b"{",
        '{"a":1}'.encode("utf-16-be"),
        '{"a":1}'.encode("utf-16-le"),
        '{"a":1}'.encode("utf-16"),
        b'{"$traceId":"1"}',
        b'{"$spanId":"1"}',
        OF_PYTHON,
    ],
)
def test_other_metadata_stay_as_they_are(metadata: bytes) -> None:
    assert written(NewEvent("Placed", metadata=metadata)).metadata == metadata


def test_the_event_is_the_same_but_for_its_metadata() -> None:
    event = NewEvent("Placed", b"\x00\x01", metadata={"a": 1}, is_json=False)
    copy = written(event)
    assert type(copy) is NewEvent
    assert (copy.type, copy.data, copy.is_json, copy.id) == (event.type, event.data, event.is_json, event.id)
    assert copy.size == event.size + len(copy.metadata) - len(event.metadata)


@pytest.mark.parametrize("type", ["$>", "$metadata"])
def test_events_of_the_system_get_no_context(type: str) -> None:
    assert written(NewEvent(type)).metadata == b""


def test_a_span_that_is_not_sampled_is_not_stored() -> None:
    assert written(NewEvent("Placed"), context=SpanContext(TRACE, SPAN, is_remote=False)).metadata == b""


@pytest.mark.parametrize("limits", [Limits(event_bytes=80), Limits(record_bytes=200)])
def test_an_event_that_would_become_too_large_stays(limits: Limits) -> None:
    assert written(NewEvent("Placed", b"x" * 20), limits).metadata == b""


@pytest.mark.parametrize("metadata", [OF_DOTNET, OF_PYTHON, b'{"a":1,' + OF_DOTNET[1:]])
def test_the_contexts_of_other_clients_are_read(metadata: bytes) -> None:
    context = extract(metadata)
    assert context is not None
    assert (context.trace_id, context.span_id) == (TRACE, SPAN)
    assert context.is_remote
    assert context.trace_flags.sampled


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b'{"a":1}',
        b'{"$traceId":"4bf92f3577b34da6a3ce929d0e0e4736"}',
        b'{"$traceId":null,"$spanId":7}',
        b'{"$traceId":"no","$spanId":"hex"}',
        b'{"$traceId":"0","$spanId":"0"}',
        b'{"$traceId":"' + b"f" * 33 + b'","$spanId":"1"}',
        b'["$traceId","$spanId"]',
        b'{"$traceId","$spanId"}',
        b'{"b":{"$traceId":"1","$spanId":"1"}}',
    ],
)
def test_metadata_without_a_valid_context_have_none(metadata: bytes) -> None:
    assert extract(metadata) is None
