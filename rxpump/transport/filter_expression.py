"""Translate an EventFilter into an expression that servers check (docs/protocol/tcp.md, sections 3.4, 4.7, 4.15).

A server applies one criterion, to the event as it was written, and reads a regular expression by the rules of .NET.
The client filters the events again, so the filter of the server must only pass every event that matches:

- Of several criteria one is sent.
- A prefix is sent as an anchored regular expression, because version 23.10 compares prefixes by the rules of its
  culture, by which a name that begins with the characters of a prefix may not match.
- A regular expression is sent only if it consists of parts that both languages read alike (see `_ALIKE`).
- If links are resolved, the client filters the target of a link and the server the link. A filter by type then passes
  links too, and a filter by stream cannot be sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from rxpump.model.filters import EventFilter

_QUANTIFIER: Final = r"(?: [*+?] | \{ \d{1,3} (?: , \d{0,3} )? \} ) \??"
_ESCAPED: Final = r"\\ [.*+?^$|()\[\]{}\\/@:-]"
_IN_CLASS: Final = rf"(?: [A-Za-z0-9] - [A-Za-z0-9] (?! - ) | (?: [A-Za-z0-9_.@:/$] | {_ESCAPED} ) (?! - [^\]] ) )"
_ALIKE: Final = re.compile(
    rf"""(?:
        [\^$|]                                                    # anchors, alternatives
      | \( (?! \? ) | \( \? : | \) (?: {_QUANTIFIER} )?           # groups
      | (?: [A-Za-z0-9_@:/=,~%&;<>!"'\-] | {_ESCAPED} ) (?: {_QUANTIFIER} )?
      | \[ {_IN_CLASS}+ -? \] (?: {_QUANTIFIER} )?
      | (?: \. | \[ \^ {_IN_CLASS}+ -? \] ) [*+] \??              # any character, also one beyond U+FFFF
    )*""",  # .NET counts a character beyond U+FFFF as two, which makes no difference before * or +
    re.VERBOSE,
)
"""Matches regular expressions that Python and .NET read alike. It excludes \\d, \\w, \\s and \\b, which match
different characters, nested classes, flags, look-around, back references, possessive quantifiers and non-ASCII."""

_SPECIAL: Final = re.compile(r"[.*+?^$|()\[\]{}\\ #]")
_LINKS: Final = r"^\$>"


class FilterSubject(Enum):
    """Part of an event that a server checks."""

    STREAM = auto()
    EVENT_TYPE = auto()


@dataclass(frozen=True, slots=True)
class FilterExpression:
    """A filter that every server can apply.

    Attributes:
        subject: Part of the event that is checked, as it was written.
        regex: Regular expression in the syntax of .NET, which is found anywhere in the text.
        is_exact: Whether the server passes exactly the events that match the EventFilter. If not, it passes others
            too.
    """

    subject: FilterSubject
    regex: str
    is_exact: bool


def filter_expression(where: EventFilter, *, resolve_links: bool) -> FilterExpression | None:
    """Return the expression that passes the fewest events, or None if the server cannot filter."""
    given = (where.type_prefix, where.type_regex, where.stream_prefix, where.stream_regex)
    is_exact = not resolve_links and sum(each is not None for each in given) == 1
    if not resolve_links and where.stream_prefix is not None and _is_plain(where.stream_prefix):
        return FilterExpression(FilterSubject.STREAM, _anchored(where.stream_prefix), is_exact)
    if where.type_prefix is not None and _is_plain(where.type_prefix):
        regex = _anchored(where.type_prefix)
        return FilterExpression(FilterSubject.EVENT_TYPE, f"{regex}|{_LINKS}" if resolve_links else regex, is_exact)
    if not resolve_links and where.stream_regex is not None and _is_alike(where.stream_regex):
        return FilterExpression(FilterSubject.STREAM, where.stream_regex, is_exact)
    if where.type_regex is not None and _is_alike(where.type_regex):
        regex = f"(?:{where.type_regex})|{_LINKS}" if resolve_links else where.type_regex
        return FilterExpression(FilterSubject.EVENT_TYPE, regex, is_exact)
    return None


def _is_alike(regex: str) -> bool:
    return _ALIKE.fullmatch(regex) is not None


def _is_plain(text: str) -> bool:
    """Return whether a regular expression can contain the text as it is, so that a server finds it.

    Printable characters up to U+FFFF stand for themselves. Invisible characters, and those that have two code units
    in .NET, are not sent.
    """
    return text.isprintable() and max(text) <= "\uffff"


def _anchored(prefix: str) -> str:
    """Return a regular expression for the texts that begin with `prefix`.

    Each special character of regular expressions is escaped.
    """
    return "^" + _SPECIAL.sub(r"\\\g<0>", prefix)
