"""The two meanings of a BadRequest, which its text tells apart."""

from __future__ import annotations

from rxpump.errors import BadRequest, ServerFailed
from rxpump.tcp.wire.codes import SERVER_FAILED


def bad_request(operation: str, text: str) -> BadRequest | ServerFailed:
    """Return the error for a BadRequest.

    Args:
        operation: Name of what was asked for.
        text: Text of the frame.

    Returns:
        ServerFailed if an embedded server calls it its own failure, otherwise BadRequest.
    """
    if text.startswith(SERVER_FAILED):
        return ServerFailed(operation, text.removeprefix(SERVER_FAILED))
    return BadRequest(operation, text)
