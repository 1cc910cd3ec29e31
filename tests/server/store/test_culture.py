"""Prefixes that a filter of a real server finds or does not find (docs/protocol/tcp.md, section 4.7)."""

from __future__ import annotations

import pytest

from rxpump.server.store.culture import starts_with
from rxpump.server.strictness import Strictness
from rxpump.server.tcp.filter_message import read_filter
from rxpump.tcp.wire.codes import FilterContext, FilterType
from rxpump.tcp.wire.schema import EventRecord, Filter

MISSED = [
    ("ate\u0301", "ate"),
    ("b\u0e40\u0e01", "b\u0e40"),
]
FOUND = [
    ("Order-szept", "Order-s"),
    ("Order-szept", "Order-"),
    ("Order-szept", "Order-sz"),
    ("Order-szept", ""),
    ("Order-s", "Order-s"),
    ("Order-september", "Order-s"),
    ("ate\u0301", "ate\u0301"),
    ("b\u0e40\u0e01", "b"),
    ("1 2", "1"),
    ("a-b", "a"),
    ("caf\xe9s", "cafe\u0301"),
    ("cafe\u0301s", "caf\xe9"),
    ("so\xadft", "soft"),
    ("soft", "so\xadft"),
    ("so\xadft", "so"),
    ("ate\u0301", "a\0"),
]
INVISIBLE = ("\xad", "\u200d", "\0")


@pytest.mark.parametrize(("text", "prefix"), MISSED)
def test_a_prefix_that_ends_inside_a_letter_is_missed(text: str, prefix: str) -> None:
    assert not starts_with(text, prefix)


@pytest.mark.parametrize(("text", "prefix"), FOUND)
def test_a_prefix_that_ends_with_a_letter_is_found(text: str, prefix: str) -> None:
    assert starts_with(text, prefix)
    assert not starts_with(text, prefix + "?")


@pytest.mark.parametrize(
    ("text", "prefix"), [("stra\xdfe", "strass"), ("\ufb01ne", "fine"), ("caf\xe9", "cafe"), ("a b", "a\t")]
)
def test_letters_that_only_look_alike_are_missed(text: str, prefix: str) -> None:
    assert not starts_with(text, prefix)


@pytest.mark.parametrize("prefix", INVISIBLE)
def test_a_prefix_of_invisible_characters_is_found_everywhere(prefix: str) -> None:
    assert all(starts_with(text, prefix) for text, _ in (*MISSED, *FOUND))


@pytest.mark.parametrize(("text", "prefix"), MISSED)
@pytest.mark.parametrize("context", FilterContext)
@pytest.mark.parametrize(("strictness", "by_prefix"), [(Strictness.LENIENT, True), (Strictness.REAL, False)])
def test_only_strict_prefix_filters_miss_letters(
    text: str, prefix: str, context: FilterContext, strictness: Strictness, by_prefix: bool
) -> None:
    event = EventRecord(event_stream_id=text, event_type=text)
    for type, data, is_found in ((FilterType.PREFIX, prefix, by_prefix), (FilterType.REGEX, f"^{prefix}", True)):
        wanted = read_filter(Filter(context=context, type=type, data=[data]), strictness)
        assert wanted.matches(event) is is_found
