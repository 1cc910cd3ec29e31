"""What it means when a write, of whatever kind, is not done: each result code, named once."""

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
    """Read a `result` that is not SUCCESS (docs/protocol/tcp.md, sections 3.2, 4.4).

    asked:    the operation, for a result that it cannot have.
    doing:    what was refused where access is denied: "write to", "delete".
    message:  the server's text.
    hint:     what else than a slow cluster a PrepareTimeout may mean.
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
