"""The standard library and orjson, if it is installed, decode and encode JSON with equal results."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib.util import find_spec
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rxpump.model import json_text

WAYS = [
    "plain",
    pytest.param("orjson", marks=pytest.mark.skipif(find_spec("orjson") is None, reason="not installed")),
]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def decoder(way: str) -> Callable[[bytes], Any]:
    return json_text.plain_decode if way == "plain" else json_text.decode


def encoder(way: str) -> Callable[[Any], bytes]:
    return json_text.plain_encode if way == "plain" else json_text.encode


DEEP = b"[" * 1500 + b"1" + b"]" * 1500


def outcome(work: Callable[[], Any]) -> tuple[str, Any]:
    try:
        value = work()
    except (ValueError, RecursionError) as error:
        return "refused", type(error)
    return type(value).__name__, repr(value)


TEXTS = [
    *(b"18446744073709551616", b"-9223372036854775809", b'{"a":[-18446744073709551616]}', b"9223372036854775807"),
    *(b"NaN", b"[Infinity, -Infinity]", b"1e400", b"-0", b"-0.0", b"123456789012345678901.5", b"1E5", b"1" * 5000),
    *(b'"\\ud800"', b'"\xed\xa0\x80"', b'"\xff"', b'"\t"', b'"\x7f"', b'"\\u00e9\xc3\xa9"'),
    *(b"\xef\xbb\xbf1", '{"a":1}'.encode("utf-16"), '{"a":1}'.encode("utf-32-le")),
    *(b'{"a":1,"a":2}', b" [1, 2]\n", b"[1,]", b"", b" ", b"01", b"1 2", b"nul", b'{"a":1}x', b"{a:1}"),
    *(DEEP, b"[" * 100_000),
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:24]))
def test_decoding_returns_what_the_json_module_returns(way: str, text: bytes) -> None:
    assert outcome(lambda: decoder(way)(text)) == outcome(lambda: json.loads(text))


@given(st.binary() | st.text().map(str.encode) | st.from_regex(rb"[-0-9.eE+]{1,40}", fullmatch=True))
@example(b"1" * 19)
def test_any_bytes_are_decoded_like_the_json_module(text: bytes) -> None:
    expected = outcome(lambda: json.loads(text))
    assert outcome(lambda: json_text.plain_decode(text)) == expected
    assert outcome(lambda: json_text.decode(text)) == expected


class Opaque:
    def __repr__(self) -> str:
        return "Opaque()"


class Color(enum.Enum):
    RED = "red"
    PAIR = (1, 2)
    BARE = Opaque()


class Size(enum.IntEnum):
    LARGE = 3


class Name(enum.StrEnum):
    FIRST = "first"


class Point(NamedTuple):
    x: int
    y: int


class Text(str):
    __slots__ = ()


@dataclass(frozen=True)
class Record:
    field: float


ID = UUID("01020304-0506-0708-090a-0b0c0d0e0f10")

WRITTEN = [
    ({"a": [1, None, True, 1.5, "é"]}, '{"a":[1,null,true,1.5,"é"]}'),
    ({1: 2, None: 3, False: 4}, '{"1":2,"null":3,"false":4}'),
    (2**70, str(2**70)),
    (Point(1, 2), "[1,2]"),
    ({"a": Text("b"), Text("c"): 1}, '{"a":"b","c":1}'),
    ([Color.RED, Color.PAIR, Size.LARGE, Name.FIRST], '["red",[1,2],3,"first"]'),
    ({Name.FIRST: 1}, '{"first":1}'),
    ({"id": ID}, f'{{"id":"{ID}"}}'),
    ("null", '"null"'),
    ([Record(1), {"a": Record(2)}], '[{"field":1},{"a":{"field":2}}]'),
    ([datetime(2026, 1, 1), date(2026, 1, 1), time(10, 30)], '["2026-01-01T00:00:00","2026-01-01","10:30:00"]'),
    ([timedelta(days=1), -timedelta(milliseconds=5)], '["PT86400.000000S","-PT0.005000S"]'),
    ([Decimal("1.10"), {1}, frozenset(), b"\xff"], '["1.10",[1],[],"/w=="]'),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN)
def test_values_are_encoded(way: str, value: Any, text: str) -> None:
    assert encoder(way)(value).decode() == text


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)

REFUSED = [
    *(math.nan, [math.inf], {"a": -math.inf}, "\ud800", Opaque(), {("a",): 1}, CIRCLE),
    *(Record(math.nan), {Opaque()}, Record, {ID: 1}, Color.BARE, 1j),
]


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_values_without_a_json_form_are_refused(way: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError, RecursionError)):
        encoder(way)(value)


def test_an_encoder_gets_only_unknown_objects() -> None:
    asked: list[Any] = []

    def encoder(value: Any) -> Any:
        asked.append(value)
        return [value.real, value.imag, ID]

    assert json_text.encode_with({"a": 1j, "id": ID}, encoder).decode() == f'{{"a":[0.0,1.0,"{ID}"],"id":"{ID}"}}'
    assert asked == [1j]


def test_an_encoder_that_returns_its_argument_ends() -> None:
    with pytest.raises(RecursionError):
        json_text.encode_with(1j, lambda value: value)


def test_deep_nesting_is_encoded(way: str) -> None:
    value: Any = 1
    for _ in range(300):
        value = [value]
    assert encoder(way)(value) == b"[" * 300 + b"1" + b"]" * 300


@given(
    st.recursive(st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists)
)
def test_each_library_decodes_what_the_other_encodes(value: Any) -> None:
    try:
        expected = json_text.plain_encode(value)
    except UnicodeEncodeError:  # a lone surrogate
        with pytest.raises(UnicodeEncodeError):
            json_text.encode(value)
        return
    assert json_text.decode(expected) == json_text.plain_decode(json_text.encode(value)) == value
