"""A pattern matches the same texts as in `re`, and no search takes exponential time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.server.store.regex import MAX_PATTERN, MAX_TEXT, BadPattern, Regex
from rxpump.server.store.regex_matcher import STEPS, TooCostly

TEXTS = ["", "a", "$stats", "order-1", "order-12-Created", "Ab_9 \n", "x\ny\n", "äÖ", "aaaaaaaaaaaaaaaab", "$", "\n"]
PATTERNS = [
    r"",
    r"^[^\$].*",
    r"^(?!\$)",
    r"^order-\d+$",
    r"order-(1|2)+\b",
    r"(?i)ORDER|ÄÖ",
    r"x.y",
    r"a{3,5}b",
    r"(?:a|ab){2,}",
    r"\W\s*$",
    r"[\w-]+?-[^\d]",
    r"a{0}$",
    r"(?!)",
    r"(a*)*b",
    r"\Bd",
    r"^$",
    r"[^a]",
    r"order-1(?!2)",
    r"[a-]|[]9]|[\d\-]",
    r"a{2,}b|[A-Z]\Bb",
    r"\n$|\$",
    r"\x6frder|\u00e4\u00f6",
    r"(?i)\u00c4[\x61-\x7a\u00e0-\u00ff]",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_matches_like_re(pattern: str) -> None:
    ours = Regex(pattern)
    assert {text: ours.search(text) for text in TEXTS} == {text: bool(re.search(pattern, text)) for text in TEXTS}


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "\\w", "\\b", "^", "$", "\\n", "(?=a)", "(?!b)"])
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
def test_any_pattern_of_the_subset_matches_like_re(pattern: str, text: str) -> None:
    assert Regex(pattern).search(text) == bool(re.search(pattern, text))


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|a)*", "(a|aa)+", "(.*a){20}", r"(\w+\s?)*", "(a{1,1000}){1,1000}", "((a*)*)*", "((?=(a*)*b)a)*"],
)
def test_exponential_patterns_take_linear_time(pattern: str) -> None:
    began = time.process_time()
    assert not Regex(f"^{pattern}$").search("a" * (MAX_TEXT - 1) + "!")
    assert time.process_time() - began < 1


@pytest.mark.parametrize("pattern", [f"(?:a{'b?' * 100})*$", f"(?:a|{'|'.join(['^b'] * 300)})*$"])
def test_a_costly_search_is_stopped(pattern: str) -> None:
    regex = Regex(pattern)
    with pytest.raises(TooCostly):
        regex.search("a" * MAX_TEXT)
    assert STEPS < regex.steps < STEPS + MAX_PATTERN


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", r"missing \)"),
        (")", "unbalanced"),
        ("a" * (MAX_PATTERN + 1), "1024 characters, got 1025"),
        ("a{99999999999}", "from 0 to 1000"),
        ("a{2,1}", "lower number first"),
        ("a{x}", "must be escaped"),
        ("(" * 500 + ")" * 500, "groups inside groups"),
        ("*a", "nothing to repeat"),
        ("^*", "nothing to repeat"),
        ("a**", "multiple repeat"),
        ("[b-a]", "bad range"),
        ("[a", "ends too early"),
        ("a\\", "ends too early"),
        (r"(a)\1", r"the escape \\1"),
        (r"(a)?(?(1)b|c)", "such a group"),
        (r"(?>a)", "such a group"),
        (r"(?P<name>a)", "such a group"),
        (r"a*+", "possessive repeats"),
        (r"(?a)\w", "such a group"),
        (r"\p{L}", r"the escape \\p"),
        (r"\x4", "two or four hexadecimal digits"),
        (r"\u00g9", "two or four hexadecimal digits"),
    ],
)
def test_a_bad_pattern_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(BadPattern, match=why):
        Regex(pattern)


def test_long_texts_match_nothing() -> None:
    assert Regex("a").search("a" * MAX_TEXT)
    assert not Regex("a").search("a" * (MAX_TEXT + 1))


def test_a_bracket_in_a_class_is_a_character() -> None:
    assert Regex("[[a]").search("[")
