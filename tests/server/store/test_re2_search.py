"""Patterns that RE2 searches, if the extra `regex` is installed."""

from __future__ import annotations

import time

import pytest

from rxpump.server.store import re2_search
from rxpump.server.store.filters import BadFilter, regex_search
from rxpump.server.store.re2_search import Re2Search
from rxpump.server.store.regex import Regex

needs_re2 = pytest.mark.skipif(not re2_search.IS_INSTALLED, reason="the extra `regex` is not installed")


@needs_re2
def test_re2_searches_patterns_that_the_subset_lacks() -> None:
    search = regex_search("(?P<kind>Order|Bill)-")
    assert repr(search) == "<Re2Search '(?P<kind>Order|Bill)-'>"
    assert [search.search(text) for text in ("my-Order-1", "Bill-", "bill-")] == [True, True, False]
    assert search.steps > 0
    assert search.size > 0


@needs_re2
def test_look_ahead_is_left_to_the_subset() -> None:
    assert isinstance(regex_search(r"^(?!\$)"), Regex)


@needs_re2
def test_a_pattern_that_neither_accepts_is_refused() -> None:
    with pytest.raises(ValueError, match="RE2 does not accept"):
        Re2Search(r"(a)\1")
    with pytest.raises(BadFilter, match="cannot be used"):
        regex_search(r"(a)\1")


@needs_re2
def test_re2_takes_linear_time() -> None:
    search = Re2Search("^(a+)+$")
    began = time.process_time()
    assert not search.search("a" * 100_000 + "!")
    assert time.process_time() - began < 1


def test_without_re2_the_subset_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(re2_search, "IS_INSTALLED", False)
    assert isinstance(regex_search("Order-[0-9]+"), Regex)
    with pytest.raises(BadFilter, match="such a group"):
        regex_search("(?P<kind>Order)")
