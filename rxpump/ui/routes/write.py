"""`/api/write`: append an event, delete a stream, set metadata. The routes exist only on a page that can write."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump.errors import InvalidArgument
from rxpump.model.metadata import StreamMetadata
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion, position_text
from rxpump.ui.context import Context
from rxpump.ui.replies import JsonReply
from rxpump.ui.request_body import json_object

_VERSIONS: Final = {
    "any": ExpectedVersion.ANY,
    "no_stream": ExpectedVersion.NO_STREAM,
    "exists": ExpectedVersion.STREAM_EXISTS,
}


def routes(context: Context) -> list[Route]:
    """Return the routes of this view; none if the page cannot write."""
    if not context.options.writable:
        return []
    client = context.client

    async def append(request: Request) -> Response:
        body = await json_object(request)
        event = await asyncio.to_thread(_new_event, body)
        result = await client.publish(_text(body, "stream"), [event], expected_version=_version(body))
        position = position_text(result.position)
        return JsonReply({"number": result.last_event_number, "position": position, "id": str(event.id)})

    async def delete(request: Request) -> Response:
        body = await json_object(request)
        result = await client.delete_stream(_text(body, "stream"), _version(body), _flag(body, "tombstone", False))
        return JsonReply({"position": position_text(result.position)})

    async def set_metadata(request: Request) -> Response:
        body = await json_object(request)
        content = _json("metadata", _text(body, "metadata", default="{}"))
        StreamMetadata.from_json(content)  # A server treats metadata with a value that is not allowed as empty.
        result = await client.set_metadata(_text(body, "stream"), content, expected_version=_version(body))
        return JsonReply({"version": result.last_event_number, "position": position_text(result.position)})

    return [
        Route("/api/write/append", append, methods=["POST"]),
        Route("/api/write/delete", delete, methods=["POST"]),
        Route("/api/write/metadata", set_metadata, methods=["POST"]),
    ]


def _new_event(body: dict[str, Any]) -> NewEvent:
    """Return the event of a request.

    Raises:
        InvalidArgument: Data or metadata that should be JSON are not.
    """
    is_json = _flag(body, "is_json", True)
    data, metadata = _text(body, "data", default=""), _text(body, "metadata", default="")
    return NewEvent(
        _text(body, "type"),
        _json("data", data) if is_json else _encoded("data", data),
        metadata=_json("metadata", metadata) if metadata.strip() else None,
        is_json=is_json,
    )


def _json(name: str, text: str) -> bytes:
    """Return a JSON text as bytes.

    Raises:
        InvalidArgument: The text is not JSON. The message contains the line and the column.
    """
    content = _encoded(name, text)
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(name, text, f"JSON ({error})") from None
    return content


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no value of JSON")


def _encoded(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(name, text, "a text without lone surrogates") from None


def _text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise InvalidArgument(name, value, "a text")
    return value


def _flag(body: dict[str, Any], name: str, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise InvalidArgument(name, value, "true or false")
    return value


def _version(body: dict[str, Any]) -> int:
    value = body.get("expected_version", "any")
    if isinstance(value, str) and value in _VERSIONS:
        return _VERSIONS[value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise InvalidArgument("expected_version", value, f"the number of an event, {', '.join(_VERSIONS)}")
