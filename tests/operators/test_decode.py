from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

import msgspec
import pydantic
import pydantic.dataclasses
import pytest
import reactivex
from reactivex import operators as rx
from reactivex.subject import Subject

from rxpump import operators as ops
from rxpump.errors import InvalidArgument, NotDecodable, NotJson
from rxpump.operators import Undecodable
from tests.operators.events import broken_link, event

AT = "2013-01-01T10:00:00Z"
MOMENT = datetime(2013, 1, 1, 10, tzinfo=UTC)


@dataclass
class Jumped:
    height: int
    at: datetime


class JumpedDict(TypedDict):
    height: int
    at: datetime


class JumpedModel(pydantic.BaseModel):
    height: int
    at: datetime


@pydantic.dataclasses.dataclass
class JumpedChecked:
    height: int
    at: datetime


class JumpedStruct(msgspec.Struct):
    height: int
    at: datetime


@dataclass
class Slept:
    hours: float


EVERY_KIND = [Jumped, JumpedDict, JumpedModel, JumpedChecked, JumpedStruct]
GOOD = event("Jumped", {"height": 3, "at": AT})


def decoded(events: list[Any], operator: Any) -> list[Any]:
    return reactivex.from_iterable(events).pipe(operator, rx.to_list()).run()


@pytest.mark.parametrize("model", EVERY_KIND)
def test_every_kind_of_model_is_decoded(model: Any) -> None:
    (made,) = decoded([GOOD], ops.decode(model))
    assert made == model(height=3, at=MOMENT)


@pytest.mark.parametrize("model", EVERY_KIND)
@pytest.mark.parametrize("data", [{"height": "high", "at": AT}, {"at": AT}, [], None, b"{", b""])
def test_an_undecodable_event_is_an_error_with_place_and_reason(model: Any, data: Any) -> None:
    seen: list[Any] = []
    errors: list[Exception] = []
    bad = event("Jumped", data, stream="pony-1", number=4)
    reactivex.of(GOOD, bad, GOOD).pipe(ops.decode(model)).subscribe(seen.append, errors.append)
    assert len(seen) == 1, "only the events before it are delivered"
    (error,) = errors
    assert isinstance(error, NotDecodable)
    assert (error.stream, error.number, error.type) == ("pony-1", 4, "Jumped")
    assert error.reason
    assert error.__cause__ is not None
    assert str(error).startswith("event 4@pony-1 of type 'Jumped' cannot be decoded: ")


def test_a_broken_link_is_not_decodable() -> None:
    with pytest.raises(NotDecodable):
        decoded([broken_link()], ops.decode(Jumped))


def test_the_type_selects_the_model() -> None:
    events = [GOOD, event("Slept", {"hours": 8})]
    assert decoded(events, ops.decode({"Jumped": Jumped, "Slept": Slept})) == [Jumped(3, MOMENT), Slept(8.0)]
    with pytest.raises(NotDecodable, match="no model is given for this type"):
        decoded(events, ops.decode({"Slept": Slept}))


UPCASTERS = {
    ("Jumped", 1): lambda data: {"meters": data["feet"] // 3, "at": data["at"]},
    ("Jumped", 2): lambda data: {"height": data["meters"], "at": data["at"]},
}


@pytest.mark.parametrize("model", EVERY_KIND)
@pytest.mark.parametrize(
    ("data", "metadata"),
    [
        ({"feet": 9, "at": AT}, None),
        ({"feet": 9, "at": AT}, {"other": True}),
        ({"feet": 9, "at": AT}, {"version": 1}),
        ({"meters": 3, "at": AT}, {"version": 2}),
        ({"height": 3, "at": AT}, {"version": 3}),
        ({"height": 3, "at": AT}, {"version": 100}),
    ],
)
def test_older_versions_are_upcast_to_the_latest(model: Any, data: Any, metadata: Any) -> None:
    (made,) = decoded([event("Jumped", data, metadata=metadata)], ops.decode(model, upcasters=UPCASTERS))
    assert made == model(height=3, at=MOMENT)


def test_version_key_names_the_field_of_the_version() -> None:
    old = event("Jumped", {"meters": 3, "at": AT}, metadata={"v": 2, "version": 7})
    (made,) = decoded([old], ops.decode(Jumped, upcasters=UPCASTERS, version_key="v"))
    assert made == Jumped(3, MOMENT)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (event("Jumped", {"at": AT}), "KeyError"),
        (event("Jumped", {"feet": 9, "at": AT}, metadata={"version": "two"}), "version is 'two'"),
        (event("Jumped", b"{"), "is not JSON"),
    ],
)
def test_a_failed_upcast_is_not_decodable(bad: Any, reason: str) -> None:
    with pytest.raises(NotDecodable) as raised:
        decoded([bad], ops.decode(Jumped, upcasters=UPCASTERS))
    assert reason in repr(raised.value.__cause__) + str(raised.value.__cause__)


def test_metadata_is_read_only_for_types_with_upcasters() -> None:
    bad_metadata = event("Slept", {"hours": 8})
    record: Any = bad_metadata._record
    record.metadata = b"not JSON"
    assert decoded([bad_metadata], ops.decode({"Slept": Slept}, upcasters=UPCASTERS)) == [Slept(8.0)]
    with pytest.raises(NotDecodable) as raised:
        decoded([bad_metadata], ops.decode(Slept, upcasters={("Slept", 1): dict}))
    assert isinstance(raised.value.__cause__, NotJson)


BAD, STRANGE = event("Jumped", {}), event("Ate", {})


def test_undecodable_is_called_and_the_event_is_omitted() -> None:
    reported: list[Any] = []
    operator = ops.decode({"Jumped": Jumped}, undecodable=lambda event, error: reported.append((event, error)))
    assert decoded([GOOD, BAD, STRANGE, GOOD], operator) == [Jumped(3, MOMENT)] * 2
    assert [event for event, _ in reported] == [BAD, STRANGE]
    assert all(isinstance(error, NotDecodable) for _, error in reported)


def test_an_exception_of_undecodable_is_the_error() -> None:
    def raise_for_known_type(event: Any, error: NotDecodable) -> None:
        if event.type == "Jumped":
            raise LookupError("that is ours")

    operator = ops.decode({"Jumped": Jumped}, undecodable=raise_for_known_type)
    assert decoded([STRANGE, GOOD], operator) == [Jumped(3, MOMENT)]
    with pytest.raises(LookupError, match="that is ours"):
        decoded([STRANGE, BAD], operator)


def test_a_dead_letter_observer_receives_items_only() -> None:
    letters: Subject[Undecodable] = Subject()
    reported: list[Any] = []
    letters.subscribe(reported.append, lambda error: reported.append("failed"), lambda: reported.append("completed"))
    operator = ops.decode({"Jumped": Jumped}, undecodable=letters)
    assert decoded([BAD, GOOD, STRANGE], operator) == [Jumped(3, MOMENT)]
    assert [letter.event for letter in reported] == [BAD, STRANGE]
    assert all(isinstance(letter.error, NotDecodable) for letter in reported)


@dataclass
class NotOfJson:
    content: JumpedDict | Slept


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"models": int}, "model"),
        ({"models": {"Jumped": "Jumped"}}, "model"),
        ({"models": NotOfJson}, "model"),
        ({"models": {"": Jumped}}, "models"),
        ({"models": Jumped, "version_key": ""}, "version_key"),
        ({"models": Jumped, "undecodable": "skip"}, "undecodable"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        ops.decode(**arguments)
    assert raised.value.argument == argument
