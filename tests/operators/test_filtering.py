"""Operators that leave events out, and those that make something else of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest
import reactivex
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.errors import InvalidArgument, NotDecodable
from tests.operators.events import event, linked


def through(events: list[Any], operator: Any) -> list[Any]:
    return reactivex.from_iterable(events).pipe(operator, rx.to_list()).run()  # type: ignore[no-any-return]


ORDER, INVOICE, SYSTEM = (
    event("OrderPlaced", stream="order-1"),
    event("InvoiceSent", stream="invoice-1"),
    event("$metadata", stream="$$order-1"),
)
ALL = [ORDER, INVOICE, SYSTEM]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (ops.in_stream("order-1"), [ORDER]),
        (ops.in_stream("order-1", "invoice-1"), [ORDER, INVOICE]),
        (ops.in_stream(prefix="invoice-"), [INVOICE]),
        (ops.without_system_events(), [ORDER, INVOICE]),
        (ops.where(type_prefix="Order"), [ORDER]),
        (ops.where(type_regex="Sent$"), [INVOICE]),
        (ops.where(stream_prefix="$"), [SYSTEM]),
        (ops.where(stream_regex=r"-\d+$", type_regex="^[A-Z]"), [ORDER, INVOICE]),
    ],
)
def test_filters(operator: Any, expected: list[Any]) -> None:
    assert through(ALL, operator) == expected


def test_a_filter_is_a_value_that_can_be_looked_into() -> None:
    assert ops.where(type_prefix="Order") == ops.where(type_prefix="Order")
    assert ops.where(type_prefix="Order", stream_regex="x").stream_regex == "x"
    with pytest.raises(InvalidArgument, match="a regular expression"):
        ops.where(type_regex="(")
    with pytest.raises(InvalidArgument, match="at least one"):
        ops.where()


def test_distinct_by_id_within_its_window() -> None:
    one, two, three = event(), event(), event()
    assert through([one, one, two, one], ops.distinct_by_id()) == [one, two]
    assert through([one, two, three, one], ops.distinct_by_id(window=2)) == [one, two, three, one]


def test_to_event() -> None:
    (made,) = through([{"n": 1}], ops.to_event("Counted", metadata={"by": "me"}))
    assert (made.type, made.data, made.metadata) == ("Counted", b'{"n":1}', b'{"by":"me"}')
    (named,) = through([ORDER], ops.to_event(lambda each: f"{each.type}Copied", data=lambda each: {"n": each.number}))
    assert (named.type, named.data) == ("OrderPlacedCopied", b'{"n":0}')


@dataclass
class Jumped:
    height: int
    at: datetime | None = None


class JumpedDict(TypedDict):
    height: int


class JumpedModel(pydantic.BaseModel):
    height: int


class JumpedStruct(msgspec.Struct):
    height: int


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Jumped, Jumped(3)),
        (JumpedDict, {"height": 3}),
        (JumpedModel, JumpedModel(height=3)),
        (JumpedStruct, JumpedStruct(3)),
    ],
)
def test_decode_into_a_model(model: type, expected: Any) -> None:
    assert through([event("Jumped", {"height": 3})], ops.decode(model)) == [expected]
    with pytest.raises(NotDecodable) as raised:
        through([event("Jumped", {"height": "high"}, number=4)], ops.decode(model))
    assert (raised.value.stream, raised.value.number, raised.value.type) == ("ponies", 4, "Jumped")


def test_decode_by_type_with_upcasters() -> None:
    operator = ops.decode(
        {"Jumped": Jumped},
        upcasters={
            ("Jumped", 1): lambda data: {"metres": data["feet"] // 3},
            ("Jumped", 2): lambda data: {"height": data["metres"]},
        },
    )
    events = [
        event("Jumped", {"feet": 9}),
        event("Jumped", {"metres": 4}, metadata={"version": 2}),
        event("Jumped", {"height": 5, "at": "2013-01-01T10:00:00+00:00"}, metadata={"version": 3}),
    ]
    assert through(events, operator) == [
        Jumped(3),
        Jumped(4),
        Jumped(5, datetime.fromisoformat("2013-01-01T10:00:00+00:00")),
    ]


def test_what_cannot_be_decoded_goes_where_it_was_told_to() -> None:
    good, bad, strange = event("Jumped", {"height": 1}), event("Jumped", b"{"), event("Slept", {})
    skipped: list[Any] = []
    models = {"Jumped": Jumped}
    skip = ops.decode(models, undecodable=lambda each, error: skipped.append((each, error)))
    assert through([good, bad, strange], skip) == [Jumped(1)]
    assert [each for each, _ in skipped] == [bad, strange]
    letters: reactivex.Subject[Any] = reactivex.Subject()
    dead: list[Any] = []
    letters.subscribe(dead.append)
    assert through([bad, good], ops.decode(models, undecodable=letters)) == [Jumped(1)]
    assert dead[0].event is bad
    with pytest.raises(NotDecodable, match="there is no model for this type"):
        through([strange], ops.decode(models))


def test_a_linked_event_is_filtered_by_what_it_is() -> None:
    assert through([linked(ORDER)], ops.in_stream("order-1"))
