"""Decide whether a request is sent again after its connection was lost."""

from __future__ import annotations

from typing import Any, Final

from rxpump.errors import (
    ClientClosed,
    ConnectionClosed,
    ConnectionLostRepeatedly,
    NotAuthenticated,
    RequestInterrupted,
    RxPumpError,
)
from rxpump.model.credentials import Token
from rxpump.tcp.protocol.operation import Operation

MAX_BLAME: Final = 4
"""Lost connections after which a request fails. Connections are also lost for other reasons, but it is unlikely that
four in a row are lost while the same request is being sent or answered."""

_MAX_TOKEN_BLAME: Final = 2
"""Lost connections after which a request with a token fails. Servers before version 20 close the connection at a
token."""


def why_not_again(operation: Operation[Any], losses: int, blame: int, error: RxPumpError) -> RxPumpError | None:
    """Return the error of a request that is not sent again, or None if it is sent again.

    Args:
        operation: The request.
        losses: Connections that were lost while it was in flight, since its last reply.
        blame: Those of them for which no other request can be the cause.
        error: Reason for the last loss.
    """
    if not operation.repeatable:
        if isinstance(error, ConnectionClosed) and not isinstance(error, ClientClosed):
            return RequestInterrupted(error.address, error.reason, str(operation))
        return error
    if isinstance(operation.credentials, Token) and blame >= _MAX_TOKEN_BLAME:
        return NotAuthenticated(operation.credentials.login, token_unknown(losses, error))
    if blame >= MAX_BLAME:
        return ConnectionLostRepeatedly(str(operation), blame, str(error))
    return None


def token_unknown(times: int, error: RxPumpError) -> str:
    """Return the reason why a token is regarded as refused: servers without tokens close the connection.

    Args:
        times: Connections that were lost with the token.
        error: Why the last one was lost.
    """
    return f"{times} connections were lost as it was sent ({error}); servers before version 20 do not accept tokens"
