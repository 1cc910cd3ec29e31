from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.model.filters import EventFilter
from rxpump.server.tcp.filter_message import read_filter
from rxpump.tcp.operations.server_filter import server_filter
from rxpump.tcp.wire.schema import EventRecord

STREAM, TYPE = 0, 1
REGEX = 0


def asked(where: EventFilter, *, resolve_links: bool = False) -> tuple[int, int, list[str]] | None:
    made = server_filter(where, resolve_links=resolve_links)
    return None if made is None else (made.context, made.type, list(made.data))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (EventFilter(type_prefix="Pony"), (TYPE, REGEX, ["^Pony"])),
        (EventFilter(stream_prefix="pony-"), (STREAM, REGEX, ["^pony-"])),
        (EventFilter(type_regex="^Pony(Jumped|Slept)$"), (TYPE, REGEX, ["^Pony(Jumped|Slept)$"])),
        (EventFilter(stream_regex="-[0-9]+$"), (STREAM, REGEX, ["-[0-9]+$"])),
        (EventFilter(type_prefix="Pony", stream_prefix="pony-"), (STREAM, REGEX, ["^pony-"])),
        (EventFilter(type_prefix="Pony", stream_regex="a"), (TYPE, REGEX, ["^Pony"])),
        (EventFilter(type_regex="a", stream_regex=r"\d"), (TYPE, REGEX, ["a"])),
        (EventFilter(type_regex=r"\w", stream_regex=r"\d"), None),
    ],
)
def test_one_criterion_is_sent(where: EventFilter, expected: tuple[int, int, list[str]] | None) -> None:
    assert asked(where) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (EventFilter(type_prefix="Pony"), (TYPE, REGEX, [r"^Pony|^\$>"])),
        (EventFilter(type_regex="^A|B$"), (TYPE, REGEX, [r"(?:^A|B$)|^\$>"])),
        (EventFilter(stream_prefix="pony-"), None),
        (EventFilter(stream_regex="a"), None),
        (EventFilter(stream_prefix="pony-", type_prefix="Pony"), (TYPE, REGEX, [r"^Pony|^\$>"])),
    ],
)
def test_with_resolved_links_the_filter_includes_links(
    where: EventFilter, expected: tuple[int, int, list[str]] | None
) -> None:
    assert asked(where, resolve_links=True) == expected


PREFIXES = {
    "Order-": "^Order-",
    "$ce-a.b": r"^\$ce-a\.b",
    r"(a|b)[c]{2}*+?^\\": r"^\(a\|b\)\[c\]\{2\}\*\+\?\^\\\\",
    "a #b": r"^a\ \#b",
    "zoë": "^zoë",
    "ate\u0301": "^ate\u0301",
    "b\u0e40": "^b\u0e40",
    "\uffe6": "^\uffe6",
}
NOT_PLAIN = ["a\nb", "a\0", "\x7f", "a\u200db", "a\u00adb", "a\u00a0b", "😀", "a\ufeff"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_is_sent_as_an_anchored_regex(prefix: str) -> None:
    assert asked(EventFilter(type_prefix=prefix)) == (TYPE, REGEX, [PREFIXES[prefix]])
    assert asked(EventFilter(stream_prefix=prefix)) == (STREAM, REGEX, [PREFIXES[prefix]])


@pytest.mark.parametrize("prefix", NOT_PLAIN)
def test_a_prefix_that_regexes_read_differently_is_not_sent(prefix: str) -> None:
    assert asked(EventFilter(type_prefix=prefix)) is None
    assert asked(EventFilter(type_prefix="Pony", stream_prefix=prefix)) == (TYPE, REGEX, ["^Pony"])


@given(st.text(min_size=1, max_size=5), st.text(max_size=5), st.booleans())
def test_no_name_that_begins_with_the_prefix_is_left_out(prefix: str, rest: str, resolve_links: bool) -> None:
    made = server_filter(EventFilter(type_prefix=prefix), resolve_links=resolve_links)
    if made is not None:
        assert made.type == REGEX, "the server compares prefixes by its culture"
        assert re.search(made.data[0], prefix + rest) is not None
        assert (re.search(made.data[0], rest) is not None) is (rest.startswith((prefix, "$>")[: 1 + resolve_links]))
        assert read_filter(made).matches(EventRecord(event_type=prefix + rest))


ALIKE = [
    "Jumped", "^Jumped$", "a|b|", "(ab)+c", "(?:ab){2,3}?", "a{2}", "a{2,}", ".*x", ".+?", "[a-z0-9_]+", "[A-Za-z]",
    r"a\.b", r"\$ce-", r"\[x\]\{y\}", "[_.-]", "[^@]*@", "pony-[0-9]{1,4}$", "a??", r"\(", "flight/[a-z]+",
]  # fmt: skip
UNLIKE = {
    r"\d": "digits of other scripts, which differ by version",
    r"\w": "letters, which differ",
    r"\s": "blanks, which differ",
    r"\bJumped": "a border between letters and others, see there",
    r"\AJ": "an anchor of another name",
    r"J\Z": "\\Z is before a last newline to .NET, behind it to Python",
    "(?i)jumped": "a flag",
    "(?i:jumped)": "a flag",
    "a(?=b)": "look-ahead",
    "(?<!a)b": "look-behind",
    "(?P<x>a)": "a name, written otherwise",
    r"(a)\1": "a reference back",
    "a++": "a possessive quantifier",
    "a{,3}": "text to .NET",
    "a.c": "one character to Python, two to .NET where it is an emoji",
    ".{3}": "the same",
    "[^@]": "the same",
    "zoë": "not ASCII",
    "😀+": "half of it is repeated",
    "[a-z-[aeiou]]": "a class within a class to .NET",
    "[]a]": "a bracket that closes nothing",
    "a]": "the same",
    "a}": "the same",
    "a{": "text to both, for now",
    "a b": "a blank, which flags may drop",
    "a#b": "a comment, to some",
    r"\n": "no character of its own",
    r"\x41": "the same",
}


@pytest.mark.parametrize("regex", ALIKE)
def test_a_regex_that_both_sides_read_alike_is_sent(regex: str) -> None:
    assert asked(EventFilter(type_regex=regex)) == (TYPE, REGEX, [regex])


@pytest.mark.parametrize("regex", UNLIKE)
def test_any_other_regex_is_not_sent(regex: str) -> None:
    assert asked(EventFilter(type_regex=regex)) is None, UNLIKE[regex]
