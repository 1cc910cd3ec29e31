"""JSON texts that a server accepts as metadata, and texts that it refuses."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump import StreamMetadata
from rxpump.errors import InvalidArgument
from rxpump.model.lenient_json import parse_object

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values), st.booleans())
def test_the_scanner_agrees_with_the_json_module(value: dict[str, Any], has_comma: bool) -> None:
    """A comma after the last value makes the text invalid, so that the scanner has to parse it."""
    text = json.dumps(value)
    lenient = f"{text[:-1]}{',' if value else ''}}} more" if has_comma else f"{text} more"
    assert parse_object(lenient.encode()) == (value, " more")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a':'b'}", {"a": "b"}),
        ("{a:1,$b_2:2}", {"a": 1, "$b_2": 2}),
        ("{a:02,b:010,c:-07,d:0x1f,e:-0XFF}", {"a": 2, "b": 8, "c": -7, "d": 31, "e": -255}),
        ("{a:.5,b:1.,c:-.5e1}", {"a": 0.5, "b": 1.0, "c": -5.0}),
        ("{a:Infinity,b:-Infinity,c:undefined,d:,}", {"a": math.inf, "b": -math.inf, "c": None, "d": None}),
        ("{a:[1,,2,],b:[,]}", {"a": [1, None, 2], "b": [None]}),
        ("{a:'\n\t\\u00fc\\/\\''}", {"a": "\n\tü/'"}),
        ("\ufeff \n{ a : true , b : false , c : null }", {"a": True, "b": False, "c": None}),
        ("{'a':{},'b':[]}", {"a": {}, "b": []}),
    ],
)
def test_json_that_servers_accept_is_parsed(text: str, value: dict[str, Any]) -> None:
    assert parse_object(text.encode()).value == value


def test_not_a_number_is_parsed() -> None:
    assert math.isnan(parse_object(b'{"a":NaN}').value["a"])


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "[]", "3", "null", "NaN", "x", "{", "{,}", "{a}", "{a:1,,}", "{a:1 b:2}", "{a:b}", "{a:08}",
        "{a:0x}", "{a:1e}", "{a:-}", "{a:--1}", "{a:1e999}", "{a:'}", "{a:'\\x'}", "{a:[1}", "{a:/* */1}", "{a:+1}",
        "{a:" + "[" * 100_000,
    ],
)  # fmt: skip
def test_json_that_servers_refuse_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_object(text.encode())


def test_a_client_parses_metadata_like_a_server() -> None:
    assert StreamMetadata.from_json(b"{'$maxCount':02, mine:NaN}!").max_count == 2
    with pytest.raises(InvalidArgument, match=r"^metadata is "):
        StreamMetadata.from_json(b"{'$maxCount':08}")
