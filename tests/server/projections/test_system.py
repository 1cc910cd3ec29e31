from __future__ import annotations

from typing import Any

import pytest

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server.projections.system import (
    SYSTEM_PROJECTIONS,
    Link,
    by_category,
    by_correlation_id,
    by_event_type,
    is_own,
    stream_by_category,
    streams,
)
from rxpump.tcp.wire.schema import EventRecord


def event(stream: str, number: int = 0, type: str = "T", data: bytes = b"{}", metadata: bytes = b"") -> Any:
    return EventRecord(event_stream_id=stream, event_number=number, event_type=type, data=data, metadata=metadata)


TOMBSTONE = event("order-1", MAX_EVENT_NUMBER, "$streamDeleted")


@pytest.mark.parametrize(
    ("source", "link"),
    [
        (event("order-1", 5), Link("$ce-order", "$>", b"5@order-1")),
        (event("order-1-2"), Link("$ce-order", "$>", b"0@order-1-2")),
        (event("zöe-1"), Link("$ce-zöe", "$>", "0@zöe-1".encode())),
        (event("links-1", 3, "$>", b"5@order-1"), Link("$ce-links", "$>", b"5@order-1")),
        (event("order"), None),
        (event("-1"), None),
        (event("$stats-127.0.0.1:2113"), None),
        (event("$ce-order", 0, "$>", b"5@order-1"), None),
        (event("$$order-1", 0, "$metadata"), None),
        (TOMBSTONE, None),
    ],
)
def test_by_category_links_into_the_category(source: Any, link: Link | None) -> None:
    assert by_category(source) == link


@pytest.mark.parametrize(
    ("source", "link"),
    [
        (event("order-1", 5), Link("$et-T", "$>", b"5@order-1")),
        (event("order", 5), Link("$et-T", "$>", b"5@order")),
        (event("$$order-1", 0, "$metadata"), Link("$et-$metadata", "$>", b"0@$$order-1")),
        (event("$stats-x", 1, "$statsCollected"), Link("$et-$statsCollected", "$>", b"1@$stats-x")),
        (event("links", 3, "$>", b"5@order-1"), None),
        (event("$ce-order", 0, "$>", b"5@order-1"), None),
        (event("$projections-$streams-checkpoint", 0, "$ProjectionCheckpoint"), None),
        (event("$$$projections-$streams-checkpoint", 0, "$metadata"), None),
        (TOMBSTONE, None),
    ],
)
def test_by_event_type_links_into_the_type(source: Any, link: Link | None) -> None:
    assert by_event_type(source) == link


@pytest.mark.parametrize(
    ("source", "link"),
    [
        (event("order-1"), Link("$streams", "$>", b"0@order-1")),
        (event("$$order-1"), Link("$streams", "$>", b"0@$$order-1")),
        (event("links", 0, "$>"), Link("$streams", "$>", b"0@links")),
        (event("order-1", 1), None),
        (event("$ce-order"), None),
        (event("$streams"), None),
        (TOMBSTONE, None),
    ],
)
def test_streams_links_the_first_event_of_a_stream(source: Any, link: Link | None) -> None:
    assert streams(source) == link


@pytest.mark.parametrize(
    ("source", "link"),
    [
        (event("order-1"), Link("$category-order", "$@", b"order-1")),
        (event("order-1", 1), None),
        (event("order"), None),
        (event("$stats-1"), None),
        (TOMBSTONE, None),
    ],
)
def test_stream_by_category_links_each_new_stream(source: Any, link: Link | None) -> None:
    assert stream_by_category(source) == link


CORRELATED = b'{"$correlationId": "c-1"}'


@pytest.mark.parametrize(
    ("source", "link"),
    [
        (event("order", 5, metadata=CORRELATED), Link("$bc-c-1", "$>", b"5@order")),
        (event("$order", 5, metadata=CORRELATED), Link("$bc-c-1", "$>", b"5@$order")),
        (event("links", 0, "$>", b"5@order", metadata=CORRELATED), Link("$bc-c-1", "$>", b"5@order")),
        (event("order", metadata=b'{"$correlationId": 7}'), None),
        (event("order", metadata=b'["$correlationId"]'), None),
        (event("order", metadata=b"no JSON"), None),
        (event("order", metadata=b"\xff"), None),
        (event("order"), None),
        (event("$bc-c-1", 0, "$>", b"5@order", metadata=CORRELATED), None),
        (event("order", MAX_EVENT_NUMBER, "$streamDeleted", metadata=CORRELATED), None),
    ],
)
def test_by_correlation_id_links_into_the_correlation(source: Any, link: Link | None) -> None:
    assert by_correlation_id(source) == link


def test_a_deeply_nested_value_of_metadata_is_not_linked() -> None:
    nested = b'{"a": ' + b"[" * 100_000
    assert by_correlation_id(event("order", metadata=nested)) is None


def test_projections_are_in_the_order_of_a_real_server() -> None:
    names = ["$streams", "$stream_by_category", "$by_category", "$by_event_type", "$by_correlation_id"]
    assert list(SYSTEM_PROJECTIONS) == names


OWN = ["$streams", "$ce-x", "$bc-x", "$et-x", "$category-x", "$projections-x", "$$$ce-x"]


@pytest.mark.parametrize("stream", OWN)
def test_streams_of_projections_are_recognized(stream: str) -> None:
    assert is_own(stream)
    assert not is_own(stream.lstrip("$"))
