"""`ops.decode` reads the data that `NewEvent` writes, for every kind of model and every type of field."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic
import pydantic.dataclasses
import pytest
import reactivex
from reactivex import operators as rx

from rxpump import NewEvent
from rxpump import operators as ops
from rxpump.errors import InvalidArgument
from rxpump.operators.machinery.models import reader
from tests.operators.events import event


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Size(Enum):
    LARGE = 3


@dataclass(frozen=True)
class Stable:
    name: str
    places: int = 10


FIELDS: dict[str, tuple[Any, Any]] = {
    "text": (str, "é"),
    "number": (int, 3),
    "height": (float, 3.5),
    "is_tall": (bool, True),
    "nothing": (None, None),
    "anything": (Any, {"a": [1, None]}),
    "maybe": (int | None, None),
    "either": (int | str, "x"),
    "one_of": (Literal["a", "b"], "b"),
    "names": (list[str], ["a", "b"]),
    "pair": (tuple[int, str], (1, "a")),
    "many": (tuple[int, ...], (1, 2)),
    "tags": (set[str], {"a", "b"}),
    "frozen": (frozenset[int], frozenset({1, 2})),
    "by_name": (dict[str, list[int]], {"a": [1]}),
    "by_number": (dict[int, str], {1: "a"}),
    "color": (Color, Color.RED),
    "colors": (list[Color], [Color.BLUE, Color.RED]),
    "size": (Size, Size.LARGE),
    "id": (UUID, UUID(int=1)),
    "price": (Decimal, Decimal("1.10")),
    "at": (datetime, datetime(2013, 1, 1, 10, 0, 0, 250, tzinfo=UTC)),
    "local": (datetime, datetime(2013, 1, 1, 10)),
    "day": (date, date(2013, 1, 1)),
    "hour": (time, time(10, 0, 30)),
    "took": (timedelta, timedelta(days=1, hours=1, microseconds=5)),
    "behind": (timedelta, -timedelta(seconds=1.5)),
    "stable": (Stable, Stable("north")),
    "stables": (list[Stable], [Stable("north"), Stable("south", 2)]),
}
"""A type and a value of it for each field."""

ANNOTATIONS = {name: kind for name, (kind, _) in FIELDS.items()}
FILLED = {name: value for name, (_, value) in FIELDS.items()}

Plain: Any = dataclass(type("Plain", (), {"__annotations__": ANNOTATIONS}))
Dict = TypedDict("Dict", ANNOTATIONS)  # type: ignore[misc]
Attrs = attrs.define(type("Attrs", (), {"__annotations__": ANNOTATIONS}))
Struct = msgspec.defstruct("Struct", list(ANNOTATIONS.items()))
Model = pydantic.create_model("Model", **{name: (kind, ...) for name, kind in ANNOTATIONS.items()})  # type: ignore[call-overload]
Checked = pydantic.dataclasses.dataclass(type("Checked", (), {"__annotations__": ANNOTATIONS}))

EVERY_KIND = [Plain, Dict, Attrs, Struct, Model, Checked]


def decoded(written: NewEvent, model: Any) -> Any:
    """Return the result of `ops.decode` for an event that was read back after it was written."""
    read = event(written.type, written.data)
    return reactivex.of(read).pipe(ops.decode(model), rx.first()).run()


@pytest.mark.parametrize("model", EVERY_KIND, ids=lambda model: model.__name__)
def test_a_model_is_read_as_it_was_written(model: Any) -> None:
    made = model(**FILLED)
    again = decoded(NewEvent("Jumped", made), model)
    assert again == made
    for name, value in FILLED.items():
        field = again[name] if model is Dict else getattr(again, name)
        assert (field, type(field)) == (value, type(value))


@pytest.mark.parametrize("model", EVERY_KIND, ids=lambda model: model.__name__)
def test_models_nested_in_plain_data_are_written(model: Any) -> None:
    made = model(**FILLED)
    (again,) = event(data=NewEvent("Jumped", [made], metadata={"by": made}).data).json()
    assert again == event(data=NewEvent("Jumped", made).data).json()
    assert again["price"] == "1.10"


class Renamed(pydantic.BaseModel):
    height: int = pydantic.Field(alias="Height")


class RenamedStruct(msgspec.Struct, rename="pascal"):
    height: int


@pytest.mark.parametrize("made", [Renamed(Height=3), RenamedStruct(height=3)], ids=repr)
def test_a_model_is_written_with_its_field_aliases(made: Any) -> None:
    written = NewEvent("Jumped", made)
    assert written.data == b'{"Height":3}'
    assert decoded(written, type(made)) == made


T = TypeVar("T")


@dataclass
class Holder(Generic[T]):
    value: T


class Jump(TypedDict):
    height: float
    at: NotRequired[datetime]


@pytest.mark.parametrize(
    ("model", "text", "made"),
    [
        (Stable, b'{"name":"north","roof":"red"}', Stable("north")),
        (Jump, b'{"height":1,"by":"Derpy"}', {"height": 1.0}),
        (Holder[int], b'{"value":3}', Holder(3)),
        (Holder[Decimal], b'{"value":1.1}', Holder(Decimal("1.1"))),
    ],
)
def test_unknown_fields_are_ignored(model: Any, text: bytes, made: Any) -> None:
    assert reader(model)(text) == made


@pytest.mark.parametrize(
    ("model", "text", "reason"),
    [
        (Stable, b'{"name":"north","places":"5"}', r"Expected `int`, got `str` - at `\$.places`"),
        (Stable, b'{"places":5}', "missing required field `name`"),
        (Jump, b'{"height":true}', "Expected `float`, got `bool`"),
        (Holder[Color], b'{"value":"green"}', "Invalid enum value 'green'"),
        (Holder[datetime], b'{"value":"yesterday"}', "Invalid RFC3339"),
    ],
)
def test_invalid_data_raise_an_error_with_the_reason(model: Any, text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        reader(model)(text)


@pytest.mark.parametrize("model", [int, dict, "Jumped", Stable("north"), None])
def test_a_class_that_is_not_a_model_is_refused(model: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"allowed is a dataclass, TypedDict, attrs class"):
        reader(model)


def test_a_field_of_an_unsupported_type_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"allowed is a class whose fields msgspec can read \(Type unions"):
        reader(Holder[Stable | Jump])


WITHOUT_MSGSPEC = """
import sys
sys.modules["msgspec"] = None
from dataclasses import dataclass
from datetime import date
import pydantic
import rxpump
from rxpump import operators as ops

@dataclass
class Slept:
    on: date

class Jumped(pydantic.BaseModel):
    on: date

print(rxpump.NewEvent("Slept", Slept(date(2013, 1, 1))).data)
ops.decode(Jumped)
try:
    ops.decode(Slept)
except rxpump.errors.InvalidArgument as error:
    print(error.allowed)
"""


def test_without_msgspec_dataclasses_are_written_and_not_read() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_MSGSPEC], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        """b'{"on":"2013-01-01"}'""",
        "a pydantic model; other models need msgspec: pip install 'rxpump[models]'",
    ]
