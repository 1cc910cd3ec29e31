"""The JSON object in the body of a request."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from rxpump.errors import InvalidArgument

MOST_BYTES: Final = 64 * 1024 * 1024
"""Largest number of bytes of a body. An event can have 16 MiB, and JSON in JSON is up to twice as long."""


async def json_object(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request; an empty one if there is no body.

    Raises:
        InvalidArgument: The body is no JSON object in UTF-8.
        HTTPException: It has more than MOST_BYTES.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"the body of a request can have at most {MOST_BYTES} bytes")
    if not body:
        return {}
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("body", f"{len(body)} bytes", f"a JSON object ({error})") from None
    if not isinstance(value, dict):
        raise InvalidArgument("body", f"{len(body)} bytes", "a JSON object")
    return value
