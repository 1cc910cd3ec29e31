"""Distinguish the two meanings of a BadRequest by its text."""

from __future__ import annotations

from rxpump.errors import BadRequest, ServerFailed
from rxpump.tcp.wire.codes import SERVER_FAILED


def bad_request(operation: str, text: str) -> BadRequest | ServerFailed:
    """Return the error for a BadRequest.

    Args:
        operation: Description of the request.
        text: Text of the frame.

    Returns:
        ServerFailed if an embedded server reports a failure of its own, otherwise BadRequest.
    """
    if text.startswith(SERVER_FAILED):
        return ServerFailed(operation, text.removeprefix(SERVER_FAILED))
    return BadRequest(operation, text)
