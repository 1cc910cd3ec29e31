"""Write events as text: JSON lines, colored lines, data only, or by a template."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from string import Formatter
from typing import Any, Final

from rich.text import Text

from rxpump.cli.output import Output, as_json
from rxpump.cli.printable import printable
from rxpump.errors import InvalidArgument, NotJson
from rxpump.model.events import Event
from rxpump.model.positions import position_text

SHOWN_DATA: Final = 200
"""Largest number of characters of the data in a colored line."""

FIELDS: Final[dict[str, Callable[[Event], Any]]] = {
    "stream": lambda event: event.stream,
    "number": lambda event: event.number,
    "type": lambda event: event.type,
    "id": lambda event: str(event.id),
    "created": lambda event: event.created.isoformat(),
    "position": lambda event: position_text(event.position),
    "data": lambda event: event.data.decode(errors="replace"),
    "metadata": lambda event: event.metadata.decode(errors="replace"),
}
"""Function that returns the value of a field in a template, by the name of the field."""

_HEAD: Final = ("stream", "number", "type", "id", "created")


def event_json(event: Event) -> bytes:
    """Return an event as one line of JSON, which `rxpump append` can read.

    JSON data become a JSON value (`data`), other data become Base64 (`data_base64`). The same applies to metadata.
    """
    fields: dict[str, Any] = {name: FIELDS[name](event) for name in _HEAD}
    if event.position is not None:
        fields["position"] = position_text(event.position)
    if event.link is not None:
        fields["link"] = {"stream": event.link.stream, "number": event.link.number}
    data = _content("data", event.data, event.json, is_json=event.is_json)
    return (
        as_json(fields)[:-1] + data + _content("metadata", event.metadata, event.json_metadata, is_json=True) + b"}"
    )


def _content(name: str, content: bytes, parse: Callable[[], Any], *, is_json: bool) -> bytes:
    """Return data or metadata as a member of a JSON object; empty if there are none. JSON stays as it was stored."""
    if not content:
        return b""
    try:
        value = parse() if is_json else None
    except NotJson:
        is_json = False
    if not is_json:
        return b',"%s_base64":"%s"' % (name.encode(), b64encode(content))
    is_one_line = b"\n" not in content and b"\r" not in content
    return b',"%s":%s' % (name.encode(), content if is_one_line else json.dumps(value, ensure_ascii=False).encode())


def event_line(event: Event) -> Text:
    """Return an event as one colored line for display, with escapes instead of control characters."""
    data = (
        event.data.decode(errors="replace") if event.is_json or event.data.isascii() else f"{len(event.data)} bytes"
    )
    shown = data if len(data) <= SHOWN_DATA else f"{data[:SHOWN_DATA]}…"
    return Text.assemble(
        (f"{event.created:%Y-%m-%d %H:%M:%S} ", "dim"),
        (printable(f"{event.number}@{event.stream} "), "cyan"),
        (printable(f"{event.type} "), "bold green"),
        printable(" ".join(shown.split())),
    )


Write = Callable[[Event], None]


def event_writer(output: Output, form: str | None) -> Write:
    """Return the function that writes an event.

    Args:
        output: Standard output.
        form: `json`, `line`, `data`, or a template such as "{number} {type}". None: `json` or `line`, depending on
            the output.

    Raises:
        InvalidArgument: The template is malformed, or has an unknown field.
    """
    form = form or ("json" if output.is_json else "line")
    if form == "json":
        return lambda event: output.line(event_json(event))
    if form == "line":
        return lambda event: output.console.print(event_line(event))
    if form == "data":
        return lambda event: output.line(event.data)
    used = _fields_of(form)
    return lambda event: output.line(form.format(**{name: FIELDS[name](event) for name in used}).encode())


def _fields_of(template: str) -> set[str]:
    try:
        used = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
        template.format(**dict.fromkeys(used, ""))
    except (ValueError, KeyError, IndexError, AttributeError):
        used = set()
    if not used or used - FIELDS.keys():
        allowed = f"json, line, data, or a template with fields such as {{{'}, {'.join(FIELDS)}}}"
        raise InvalidArgument("format", template, allowed)
    return used
