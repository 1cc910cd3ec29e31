"""How much of an EventFilter a server can be asked to do (docs/protocol/tcp.md, sections 3.4, 4.7, 4.15).

A server looks at one criterion, at the event as it was written, and at a regex as .NET understands it. What it sends
is filtered again here, so all that is asked of it is that it leaves out nothing that would be let through here:

- of several criteria one is sent, the rest is done here;
- a prefix is sent as an anchored regex, because a server of version 23.10 compares prefixes by the rules of its
  culture: by those, a name that begins with the characters of the prefix may not begin with the prefix;
- a regex is sent only if it is put together from what both languages understand alike, see `_ALIKE`;
- where links are resolved, the filter here sees what a link leads to, the server the link. By type it is asked for
  links as well, which are told from other events by their type; which stream a link leads to, it cannot be asked.
"""

from __future__ import annotations

import re
from typing import Any, Final

from rxpump.model.filters import EventFilter
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import FilterContext, FilterType

_QUANTIFIER: Final = r"(?: [*+?] | \{ \d{1,3} (?: , \d{0,3} )? \} ) \??"
_ESCAPED: Final = r"\\ [.*+?^$|()\[\]{}\\/@:-]"
_IN_CLASS: Final = rf"(?: [A-Za-z0-9] - [A-Za-z0-9] (?! - ) | (?: [A-Za-z0-9_.@:/$] | {_ESCAPED} ) (?! - [^\]] ) )"
_ALIKE: Final = re.compile(
    rf"""(?:
        [\^$|]                                                    # anchors, alternatives
      | \( (?! \? ) | \( \? : | \) (?: {_QUANTIFIER} )?           # groups
      | (?: [A-Za-z0-9_@:/=,~%&;<>!"'\-] | {_ESCAPED} ) (?: {_QUANTIFIER} )?
      | \[ {_IN_CLASS}+ -? \] (?: {_QUANTIFIER} )?
      | (?: \. | \[ \^ {_IN_CLASS}+ -? \] ) [*+] \??              # any character: two to .NET where it is beyond
    )*""",  # the first 65,536, so it is alike only where their number does not matter
    re.VERBOSE,
)
"""Left out: \\d, \\w, \\s and \\b, which know different characters, classes within classes, flags, look-around,
references back, possessive quantifiers, and whatever is not ASCII."""

_SPECIAL: Final = re.compile(r"[.*+?^$|()\[\]{}\\ #]")
_LINKS: Final = r"^\$>"


def server_filter(where: EventFilter, *, resolve_links: bool) -> Any | None:
    """Make the Filter message that leaves out most; None if the server cannot help."""
    if not resolve_links and where.stream_prefix is not None and _is_plain(where.stream_prefix):
        return _filter(FilterContext.STREAM, _anchored(where.stream_prefix))
    if where.type_prefix is not None and _is_plain(where.type_prefix):
        regex = _anchored(where.type_prefix)
        return _filter(FilterContext.EVENT_TYPE, f"{regex}|{_LINKS}" if resolve_links else regex)
    if not resolve_links and where.stream_regex is not None and _is_alike(where.stream_regex):
        return _filter(FilterContext.STREAM, where.stream_regex)
    if where.type_regex is not None and _is_alike(where.type_regex):
        regex = f"(?:{where.type_regex})|{_LINKS}" if resolve_links else where.type_regex
        return _filter(FilterContext.EVENT_TYPE, regex)
    return None


def _is_alike(regex: str) -> bool:
    return _ALIKE.fullmatch(regex) is not None


def _is_plain(text: str) -> bool:
    """Return whether a regex that spells out `text` certainly finds that text on a server.

    Printable characters up to U+FFFF stand for themselves. Control, format and other invisible characters, and those
    that are two code units to .NET, are left to the client.
    """
    return text.isprintable() and max(text) <= "\uffff"


def _anchored(prefix: str) -> str:
    """Return a regex for the texts that begin with `prefix`.

    Each character that has a meaning, under any flags, is escaped.
    """
    return "^" + _SPECIAL.sub(r"\\\g<0>", prefix)


def _filter(context: FilterContext, regex: str) -> Any:
    return schema.Filter(context=context, type=FilterType.REGEX, data=[regex])
