"""What becomes of a request that was in flight as its connection was lost."""

from __future__ import annotations

from typing import Any, Final

from rxpump.errors import ConnectionLostRepeatedly, NotAuthenticated, RxPumpError
from rxpump.model.credentials import Token
from rxpump.tcp.operations.operation import Operation

MAX_BLAME: Final = 4
"""Connections that one request may cost. A connection is also lost for reasons of its own, but hardly four times
in a row while the same request is the one being sent or answered."""

_MAX_TOKEN_BLAME: Final = 2
"""Connections that a request with a token may cost: a server that knows no tokens closes the connection at each."""


def why_not_again(operation: Operation[Any], losses: int, blame: int, error: RxPumpError) -> RxPumpError | None:
    """Return the error with which a request ends, None if it is sent again.

    Args:
        operation: The request.
        losses: Connections that were lost with it, since it was made or answered last.
        blame: Of these, connections that were lost with no other request to blame.
        error: Why the last one was lost.
    """
    if not operation.repeatable:
        return error
    if isinstance(operation.credentials, Token) and blame >= _MAX_TOKEN_BLAME:
        return NotAuthenticated(operation.credentials.login, token_unknown(losses, error))
    if blame >= MAX_BLAME:
        return ConnectionLostRepeatedly(str(operation), blame, str(error))
    return None


def token_unknown(times: int, error: RxPumpError) -> str:
    """Explain why a token counts as refused: a server that knows tokens does not close the connection at one.

    Args:
        times: Connections that were lost with the token.
        error: Why the last one was lost.
    """
    return f"{times} connections were lost as it was sent ({error}); a server before version 20 knows no tokens"
