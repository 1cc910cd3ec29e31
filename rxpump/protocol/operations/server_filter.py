"""How much of an EventFilter a server can be asked to do (docs/protocol/tcp.md, sections 3.4, 4.7, 4.15).

A server looks at one criterion, at the event as it was written, and at a regex as .NET understands it. What it sends
is filtered again here, so all that is asked of it is that it leaves out nothing that would be let through here:

- of several criteria one is sent, the rest is done here;
- a regex is sent only if it is put together from what both languages understand alike, see `_ALIKE`;
- where links are resolved, the filter here sees what a link leads to, the server the link. By type it is asked for
  links as well, which are told from other events by their type; which stream a link leads to, it cannot be asked.
"""

from __future__ import annotations

import re
from typing import Any, Final

from rxpump.event_filter import EventFilter
from rxpump.wire import schema
from rxpump.wire.codes import LINK_EVENT_TYPE, FilterContext, FilterType

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


def server_filter(where: EventFilter, *, resolve_links: bool) -> Any | None:
    """Make the Filter message that leaves out most; None if the server cannot help."""
    if not resolve_links and where.stream_prefix is not None:
        return _filter(FilterContext.STREAM, FilterType.PREFIX, where.stream_prefix)
    if where.type_prefix is not None:
        links = [LINK_EVENT_TYPE] if resolve_links else []
        return _filter(FilterContext.EVENT_TYPE, FilterType.PREFIX, where.type_prefix, *links)
    if not resolve_links and where.stream_regex is not None and _is_alike(where.stream_regex):
        return _filter(FilterContext.STREAM, FilterType.REGEX, where.stream_regex)
    if where.type_regex is not None and _is_alike(where.type_regex):
        regex = f"(?:{where.type_regex})|^{re.escape(LINK_EVENT_TYPE)}" if resolve_links else where.type_regex
        return _filter(FilterContext.EVENT_TYPE, FilterType.REGEX, regex)
    return None


def _is_alike(regex: str) -> bool:
    return _ALIKE.fullmatch(regex) is not None


def _filter(context: FilterContext, type: FilterType, *data: str) -> Any:
    return schema.Filter(context=context, type=type, data=data)
