"""Dataclasses and TypedDicts from JSON values: what fits, what does not, and what the error says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, Literal, NotRequired, Optional, TypedDict, TypeVar
from uuid import UUID

import pytest

from rxpump.errors import InvalidArgument
from rxpump.operators.plain_models import converter

T = TypeVar("T")


class Colour(Enum):
    RED = "red"
    BLUE = 2


@dataclass
class Stable:
    name: str
    places: int = 10


@dataclass(frozen=True)
class Pony:
    name: str
    height: float
    tags: list[str] = field(default_factory=list)
    stable: Stable | None = None
    friends: tuple[Pony, ...] = ()


class Jump(TypedDict):
    height: float
    at: NotRequired[datetime]


class Loose(TypedDict, total=False):
    height: float


def of(kind: Any, value: Any) -> Any:
    """What one field of this type becomes."""

    @dataclass
    class Holder:
        value: Any

    Holder.__annotations__["value"] = kind
    return converter(Holder)({"value": value}).value


def refusal(model: type, value: Any) -> str:
    with pytest.raises(ValueError, match=r".+") as raised:
        converter(model)(value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (str, "x", "x"),
        (int, 3, 3),
        (float, 3, 3.0),
        (float, 3.5, 3.5),
        (bool, True, True),
        (None, None, None),
        (Any, {"any": ["thing"]}, {"any": ["thing"]}),
        (Optional[int], None, None),  # noqa: UP045 - the old spelling is an annotation of its own
        (int | None, 3, 3),
        (int | str, "x", "x"),
        (Literal["a", 1], 1, 1),
        (list, [1, "x"], [1, "x"]),
        (list[int], [1, 2], [1, 2]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (set[str], ["a", "a"], {"a"}),
        (frozenset[str], ["a"], frozenset({"a"})),
        (dict, {"a": 1}, {"a": 1}),
        (dict[str, list[int]], {"a": [1]}, {"a": [1]}),
        (dict[str, Any], {"a": None}, {"a": None}),
        (Colour, "red", Colour.RED),
        (Colour, 2, Colour.BLUE),
        (UUID, "00000000-0000-0000-0000-000000000001", UUID(int=1)),
        (Decimal, "1.10", Decimal("1.10")),
        (Decimal, 1.1, Decimal("1.1")),
        (datetime, "2013-01-01T10:00:00+00:00", datetime(2013, 1, 1, 10, tzinfo=UTC)),
        (datetime, "2013-01-01T10:00:00Z", datetime(2013, 1, 1, 10, tzinfo=UTC)),
        (date, "2013-01-01", date(2013, 1, 1)),
        (time, "10:00:30", time(10, 0, 30)),
        (Stable, {"name": "s"}, Stable("s")),
        (list[Stable], [{"name": "s", "places": 2}], [Stable("s", 2)]),
        (Stable | str, "far away", "far away"),
        (Jump, {"height": 1}, {"height": 1.0}),
    ],
)
def test_what_fits(kind: Any, value: Any, expected: Any) -> None:
    made = of(kind, value)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (str, 1, "1 is no str"),
        (int, "1", "'1' is no int"),
        (int, True, "True is no int"),
        (int, 1.0, "1.0 is no int"),
        (float, True, "True is no float"),
        (bool, 1, "1 is no bool"),
        (None, 0, "0 is no NoneType"),
        (int | None, "1", "'1' is no int, and '1' is no NoneType"),
        (Literal["a", 1], True, "True is no one of"),
        (list[int], [1, "2"], "'2' is no int"),
        (list[int], {"a": 1}, "is no list"),
        (dict[str, int], {"a": "b"}, "'b' is no int"),
        (dict[str, int], [], "[] is no dict"),
        (Colour, "green", "'green' is not a valid Colour"),
        (UUID, "x", "badly formed"),
        (UUID, 1, "1 is no UUID as text"),
        (Decimal, "x", "'x' is no Decimal"),
        (Decimal, True, "True is no Decimal"),
        (datetime, "yesterday", "Invalid isoformat string: 'yesterday'"),
        (Stable, {"places": 2}, "Stable lacks name"),
        (Stable, "s", "'s' is no Stable as a dict"),
    ],
)
def test_what_does_not_says_why_and_where(kind: Any, value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=r".+") as raised:
        of(kind, value)
    assert str(raised.value).startswith("value: ")
    assert reason in str(raised.value)


def test_models_within_models_also_of_their_own_kind() -> None:
    made = converter(Pony)(
        {
            "name": "Derpy",
            "height": 1,
            "tags": ["grey"],
            "stable": {"name": "north"},
            "friends": [{"name": "Dinky", "height": 0.5, "friends": [{"name": "Carrot", "height": 1.1}]}],
        }
    )
    assert made == Pony(
        "Derpy", 1.0, ["grey"], Stable("north"), (Pony("Dinky", 0.5, friends=(Pony("Carrot", 1.1),)),)
    )


def test_an_error_deep_within_tells_the_way_to_it() -> None:
    pony = {"name": "Derpy", "height": 1, "friends": [{"name": "Dinky", "height": "tall"}]}
    assert refusal(Pony, pony) == "friends: height: 'tall' is no float"
    assert refusal(Pony, {}) == "Pony lacks height, name"


def test_keys_that_a_dataclass_does_not_name_are_left_out() -> None:
    assert converter(Stable)({"name": "north", "roof": "red"}) == Stable("north")


def test_a_typed_dict_is_checked_and_keeps_the_rest() -> None:
    jump = converter(Jump)
    assert jump({"height": 1, "by": "Derpy"}) == {"height": 1.0, "by": "Derpy"}
    assert jump({"height": 1, "at": "2013-01-01T10:00:00Z"})["at"] == datetime(2013, 1, 1, 10, tzinfo=UTC)
    assert refusal(Jump, {"at": "2013-01-01T10:00:00Z"}) == "Jump lacks height"
    assert refusal(Jump, {"height": 1, "at": 5}) == "at: 5 is no datetime as text"
    assert converter(Loose)({}) == {}


def test_fields_that_are_not_given_to_init_are_not_read() -> None:
    @dataclass
    class Counted:
        n: int
        twice: int = field(init=False)

        def __post_init__(self) -> None:
            self.twice = 2 * self.n

    assert converter(Counted)({"n": 2, "twice": 100}).twice == 4


def test_what_a_dataclass_refuses_itself_is_refused() -> None:
    @dataclass
    class Positive:
        n: int

        def __post_init__(self) -> None:
            if self.n < 0:
                raise ValueError("n is under 0")

    assert refusal(Positive, {"n": -1}) == "n is under 0"


@pytest.mark.parametrize("kind", [bytes, complex, dict[int, str], tuple[int, str], list[object], "T"])
def test_a_field_that_json_cannot_fill_is_refused_beforehand(kind: Any) -> None:
    @dataclass
    class Holder(Generic[T]):
        value: Any

    Holder.__annotations__["value"] = T if kind == "T" else kind
    with pytest.raises(InvalidArgument, match="model is "):
        converter(Holder)
