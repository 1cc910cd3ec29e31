"""Searches as `re` does, and none that takes for ever."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.server.store.regex import MAX_PATTERN, MAX_TEXT, STEPS, BadPattern, Regex, TooCostly

TEXTS = ["", "a", "$stats", "order-1", "order-12-Created", "Ab_9 \n", "x\ny\n", "äÖ", "aaaaaaaaaaaaaaaab", "$", "\n"]
PATTERNS = [
    r"",
    r"^[^\$].*",
    r"^(?!\$)",
    r"^order-\d+$",
    r"order-(1|2)+\b",
    r"-Created\Z",
    r"(?i)ORDER|ÄÖ",
    r"(?s)x.y",
    r"(?m)^y$",
    r"x.y",
    r"(?<=order-)1(?!2)",
    r"(?<!order-)1",
    r"a{3,5}b",
    r"(?:a|ab){2,}",
    r"\W\s*$",
    r"[\w-]+?-[^\d]",
    r"a{0}$",
    r"(?P<name>or)der",
    r"(?i:A)b",
    r"(?!)",
    r"(a*)*b",
    r"\Bd",
    r"^$",
    r"[^a]",
    r"(?x) a   a  # twice",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_finds_what_python_finds(pattern: str) -> None:
    ours = Regex(pattern)
    assert {text: ours.search(text) for text in TEXTS} == {text: bool(re.search(pattern, text)) for text in TEXTS}


ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "\\w", "\\b", "^", "$", "\\n", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)"]
)
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?"])).map(
            lambda part: f"(?:{part[0]}){part[1]}"
        ),
        inner.map(lambda part: f"(?={part})"),
        inner.map(lambda part: f"(?!{part})"),
    ),
    max_leaves=6,
)


@given(TREES, st.text("ab\n", max_size=7))
def test_any_pattern_finds_what_python_finds(pattern: str, text: str) -> None:
    assert Regex(pattern).search(text) == bool(re.search(pattern, text))


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|a)*", "(a|aa)+", "(.*a){20}", r"(\w+\s?)*", "(a{1,1000}){1,1000}", "((a*)*)*", "((?=(a*)*b)a)*"],
)
def test_patterns_that_kill_others(pattern: str) -> None:
    began = time.process_time()
    assert not Regex(f"^{pattern}$").search("a" * (MAX_TEXT - 1) + "!")
    assert time.process_time() - began < 1


@pytest.mark.parametrize("pattern", [f"(?:a{'b?' * 100})*$", f"(?:a|{'|'.join(['^b'] * 300)})*$"])
def test_a_search_that_takes_too_much_is_given_up(pattern: str) -> None:
    regex = Regex(pattern)
    with pytest.raises(TooCostly):
        regex.search("a" * MAX_TEXT)
    assert STEPS < regex.steps < STEPS + MAX_PATTERN


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "does not compile"),
        ("a" * (MAX_PATTERN + 1), "too long"),
        ("a{99999999999}", "does not compile"),
        ("(" * 500 + ")" * 500, "groups"),
        (r"(a)\1", "a back reference"),
        (r"(a)?(?(1)b|c)", "a condition"),
        (r"(?>a)", "atomic group"),
        (r"a*+", "possessive repeat"),
        (r"(?a)\w", "flags"),
        (r"\p{L}", "does not compile"),
    ],
)
def test_what_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(BadPattern, match=why):
        Regex(pattern)


def test_long_texts_match_nothing() -> None:
    assert Regex("a").search("a" * MAX_TEXT)
    assert not Regex("a").search("a" * (MAX_TEXT + 1))


def test_what_python_warns_of_is_a_pattern_like_any_other() -> None:
    assert Regex("[[a]").search("[")
