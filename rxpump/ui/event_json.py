"""Events as plain values for JSON."""

from __future__ import annotations

from typing import Any, Final

from rxpump.errors import MalformedReply, NotJson
from rxpump.model import json_text
from rxpump.model.events import Event
from rxpump.model.positions import position_text
from rxpump.model.system_names import LINK_EVENT_TYPE

SHOWN_BYTES: Final = 64 * 1024
"""Largest number of bytes of data, and of metadata, that are sent without a request for the whole event."""

_LONGEST_ID: Final = 256
_CONTROLS: Final = frozenset(map(chr, range(32))) - set("\t\n\r")
_NOT_TEXT: Final = dict.fromkeys(map(ord, _CONTROLS))


def event_values(event: Event, *, limit: int | None = SHOWN_BYTES) -> dict[str, Any]:
    """Return an event as plain values.

    An event that was reached through a link is described by its own values, and `link` describes the link. A link
    that was not resolved, or whose target no longer exists, is an event of its own with a `link` of the same values.

    Args:
        event: The event.
        limit: Largest number of bytes of data, and of metadata; None for no limit.
    """
    return {
        **_head(event),
        "data": content_values(event.data, is_json=event.is_json, limit=limit),
        "metadata": content_values(event.metadata, is_json=True, limit=limit),
        **causes_of(event),
        "link": _link(event),
    }


def content_values(content: bytes, *, is_json: bool, limit: int | None = SHOWN_BYTES) -> dict[str, Any]:
    """Return data or metadata as plain values: JSON or other text, or bytes in hexadecimal.

    Args:
        content: Data or metadata.
        is_json: Whether the writer marked them as JSON. They are described as JSON only if they are.
        limit: Largest number of bytes; None for no limit. If there are more, `truncated` is True, and it is not
            checked whether they are JSON.
    """
    is_cut = limit is not None and len(content) > limit
    shown = content[:limit] if is_cut else content
    size = {"size": len(content), **({"truncated": True} if is_cut else {})}
    text = _text(shown, is_cut=is_cut)
    if text is None:
        return {"kind": "binary", "hex": shown.hex(), **size}
    if is_json and content and (is_cut or _is_json(content)):
        return {"kind": "json", "text": text, **size}
    return {"kind": "text", "text": text, **size}


def _head(event: Event) -> dict[str, Any]:
    return {
        "stream": event.stream,
        "number": event.number,
        "position": position_text(event.position),
        "type": event.type,
        "time": time_of(event),
        "id": id_of(event),
    }


def time_of(event: Event) -> str | None:
    """Return the time at which the event was stored in ISO 8601; None if the server sent an impossible one."""
    try:
        return event.created.isoformat()
    except MalformedReply:
        return None


def id_of(event: Event) -> str | None:
    """Return the id of an event; None if the server sent an impossible one."""
    try:
        return str(event.id)
    except MalformedReply:
        return None


def _text(content: bytes, *, is_cut: bool) -> str | None:
    """Return the content as text; None if it is not UTF-8 or has control characters other than white space."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        if not is_cut or error.reason != "unexpected end of data":
            return None
        text = content[: error.start].decode()  # The limit has cut a character.
    return text if len(text.translate(_NOT_TEXT)) == len(text) else None


def _is_json(content: bytes) -> bool:
    try:
        json_text.decode(content)
    except (ValueError, RecursionError):
        return False
    return True


def causes_of(event: Event) -> dict[str, str | None]:
    """Return the ids of the correlation and the cause, as `$correlationId` and `$causationId` of the metadata."""
    metadata = None
    if len(event.metadata) <= SHOWN_BYTES:
        try:
            metadata = event.json_metadata()
        except NotJson:
            metadata = None
    known = metadata if isinstance(metadata, dict) else {}
    return {name: _short_text(known.get(key)) for name, key in _CAUSES.items()}


_CAUSES: Final = {"correlation_id": "$correlationId", "causation_id": "$causationId"}


def _short_text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_ID else None


def _link(event: Event) -> dict[str, Any] | None:
    link = event.link
    if link is not None:
        target = None if event.is_broken_link else {"stream": event.stream, "number": event.number}
        is_broken = event.is_broken_link
    elif event.type == LINK_EVENT_TYPE:
        link, target, is_broken = event, _named_target(event.data), False
    else:
        return None
    leads_to = link.data[:SHOWN_BYTES].decode(errors="replace")
    return {**_head(link), "leads_to": leads_to, "target": target, "is_broken": is_broken}


def _named_target(data: bytes) -> dict[str, Any] | None:
    """Return the target that the data of a link name, as in `3@orders`; None if they name none."""
    number, at, stream = data.decode(errors="replace").partition("@")
    if not at or not stream or not number.isascii() or not number.isdigit() or len(number) > 19:
        return None
    return {"stream": stream, "number": int(number)}
