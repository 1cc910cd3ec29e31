"""The errors for the results of writes, deletes and transactions."""

from __future__ import annotations

from rxpump.errors import (
    AccessDenied,
    CommitTimeout,
    ForwardTimeout,
    InvalidTransaction,
    PrepareTimeout,
    StreamDeleted,
    UnexpectedReply,
    WrongExpectedVersion,
)
from rxpump.tcp.protocol.outcome import Failure, Retry
from rxpump.tcp.wire.codes import OperationResult


def write_refusal(
    result: int,
    message: str,
    stream: str,
    *,
    asked: object,
    doing: str = "write to",
    expected_version: int | None = None,
    current_version: int | None = None,
    hint: str = "",
) -> Failure | Retry:
    """Return the outcome for a result other than SUCCESS (docs/protocol/tcp.md, sections 3.2, 4.4).

    Args:
        result: Result of the reply.
        message: Text of the server.
        stream: Name of the stream.
        asked: Description of the request.
        doing: Verb in the message of AccessDenied: "write to" or "delete".
        expected_version: Version that the request expected.
        current_version: Version that the server reported, or None.
        hint: Another likely cause of a PrepareTimeout.
    """
    match result:
        case OperationResult.PREPARE_TIMEOUT:
            return Retry(PrepareTimeout(stream, f"{message} ({hint})" if hint else message))
        case OperationResult.COMMIT_TIMEOUT:
            return Retry(CommitTimeout(stream, message))
        case OperationResult.FORWARD_TIMEOUT:
            return Retry(ForwardTimeout(stream, message))
        case OperationResult.WRONG_EXPECTED_VERSION:
            return Failure(WrongExpectedVersion(stream, expected_version, current_version))
        case OperationResult.STREAM_DELETED:
            return Failure(StreamDeleted(stream))
        case OperationResult.INVALID_TRANSACTION:
            return Failure(InvalidTransaction(stream))
        case OperationResult.ACCESS_DENIED:
            return Failure(AccessDenied(doing, stream))
        case unknown:
            return Failure(UnexpectedReply(str(asked), f"the unknown result {unknown}"))
