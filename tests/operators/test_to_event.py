from __future__ import annotations

from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid5

import pytest
import reactivex

from rxpump import operators as ops
from rxpump.errors import InvalidArgument
from rxpump.model.new_events import NewEvent

NAMESPACE = UUID(int=1)


@dataclass
class Pony:
    name: str
    verb: str


def made(item: Any, operator: Any) -> NewEvent:
    events: list[NewEvent] = []
    reactivex.of(item).pipe(operator).subscribe(events.append)
    (event,) = events
    return event


def test_by_default_the_item_is_the_data() -> None:
    event = made({"n": 1}, ops.to_event("Counted"))
    assert (event.type, event.data, event.metadata, event.is_json) == ("Counted", b'{"n":1}', b"", True)
    assert made(b"raw", ops.to_event("Blob")).data == b"raw"


def test_functions_make_each_part_of_the_event() -> None:
    def type_of(pony: Pony) -> str:
        return f"Pony{pony.verb}"

    operator = ops.to_event(
        type_of, asdict, lambda pony: {"by": pony.name}, id=lambda pony: uuid5(NAMESPACE, pony.name)
    )
    event = made(Pony("Derpy", "Jumped"), operator)
    assert event.type == "PonyJumped"
    assert event.data == b'{"name":"Derpy","verb":"Jumped"}'
    assert event.metadata == b'{"by":"Derpy"}'
    assert event.id == uuid5(NAMESPACE, "Derpy")


def test_items_are_encoded_as_by_new_event() -> None:
    assert made(Pony("Derpy", "Jumped"), ops.to_event("Ponied")).data == b'{"name":"Derpy","verb":"Jumped"}'
    assert made(1j, ops.to_event("Turned", encoder=lambda value: value.imag)).data == b"1.0"


def test_without_an_id_each_event_has_its_own() -> None:
    operator: Any = ops.to_event("Counted", metadata={"by": "me"})
    one, two = made(1, operator), made(1, operator)
    assert one.id != two.id
    assert one.metadata == two.metadata == b'{"by":"me"}'


def test_an_item_that_cannot_be_encoded_is_an_error() -> None:
    errors: list[Exception] = []
    reactivex.of(object()).pipe(ops.to_event("Ponied")).subscribe(on_error=errors.append)
    assert isinstance(errors[0], InvalidArgument)
    assert "a value that JSON can represent" in str(errors[0])


def test_a_function_that_raises_is_the_error() -> None:
    errors: list[Exception] = []
    items: list[dict[str, str]] = [{}]
    reactivex.from_iterable(items).pipe(ops.to_event(itemgetter("type"))).subscribe(on_error=errors.append)
    assert [type(error) for error in errors] == [KeyError]


@pytest.mark.parametrize("type", ["", None, 7])
def test_an_invalid_type_is_refused(type: Any) -> None:
    with pytest.raises(InvalidArgument, match="type is "):
        ops.to_event(type)
