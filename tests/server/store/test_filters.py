from __future__ import annotations

import re
from typing import Any

import pytest

from rxpump.server.store.filters import MAX_PREFIX_CHARACTERS, MAX_PREFIXES, BadFilter, Prefixes
from rxpump.server.store.re2_search import Re2Search
from rxpump.server.store.regex import Regex
from rxpump.server.tcp.filter_message import read_filter
from rxpump.tcp.wire.codes import FilterContext, FilterType
from rxpump.tcp.wire.schema import EventRecord, Filter

STREAM, TYPE = FilterContext
REGEX, PREFIX = FilterType


@pytest.mark.parametrize(
    ("context", "type", "data", "found"),
    [
        (STREAM, PREFIX, ["order-"], True),
        (STREAM, PREFIX, ["x", "or"], True),
        (STREAM, PREFIX, ["Created"], False),
        (STREAM, PREFIX, ["rder"], False),
        (TYPE, PREFIX, ["order"], False),
        (TYPE, PREFIX, ["Created"], True),
        (STREAM, REGEX, [r"\d"], True),
        (STREAM, REGEX, ["Created", r"\d"], False),
        (TYPE, REGEX, ["ed$"], True),
        (STREAM, REGEX, [], True),
        (TYPE, PREFIX, [], True),
    ],
)
def test_a_filter_finds_matching_texts(
    context: FilterContext, type: FilterType, data: list[str], found: bool
) -> None:
    wanted = read_filter(Filter(context=context, type=type, data=data))
    assert wanted.matches(EventRecord(event_stream_id="order-1", event_type="Created")) is found
    assert wanted.search.steps > 0
    assert wanted.search.size > 0


ANCHORED = {
    "^Order-": ("Order-",),
    "^": ("",),
    r"^Order-|^\$>": ("Order-", "$>"),
    r"^a\.\|\\|^zo\ë": ("a.|\\", "zoë"),
    "^a b\n": ("a b\n",),
    "^|^a": ("", "a"),
}
MORE = ["Order-", "^a.b", "^a|b", "^a|", "|^a", "^a$", r"^\d", "^a\\", "^a^b", "^(a)", "^[a]", "^a{2}", "^a*", "a^"]


@pytest.mark.parametrize("pattern", ANCHORED)
def test_a_regex_of_anchored_texts_is_compared_as_prefixes(pattern: str) -> None:
    search = read_filter(Filter(type=REGEX, data=[pattern])).search
    assert isinstance(search, Prefixes)
    assert search.prefixes == ANCHORED[pattern]
    assert all(re.search(pattern, prefix + "x") for prefix in search.prefixes)


@pytest.mark.parametrize("pattern", MORE)
def test_other_patterns_are_searched(pattern: str) -> None:
    try:
        search = read_filter(Filter(type=REGEX, data=[pattern])).search
    except BadFilter:
        return
    assert isinstance(search, Regex | Re2Search)


def test_a_prefix_can_be_longer_than_other_regexes() -> None:
    name = "x" * MAX_PREFIX_CHARACTERS
    assert read_filter(Filter(type=REGEX, data=[f"^{name}"])).matches(EventRecord(event_stream_id=name))


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Filter(type=REGEX, data=["("]), "missing"),
        (Filter(type=2, data=["x"]), "must be 0"),
        (Filter(context=2, data=["x"]), "must be 0"),
        (Filter(type=PREFIX, data=["x"] * (MAX_PREFIXES + 1)), "256 prefixes"),
        (Filter(type=PREFIX, data=["x" * (MAX_PREFIX_CHARACTERS + 1)]), "256 prefixes"),
    ],
)
def test_a_bad_filter_is_refused(message: Any, why: str) -> None:
    with pytest.raises(BadFilter, match=why):
        read_filter(message)
