"""A request and its attempts, across connections."""

from __future__ import annotations

import math
from typing import Any

from rxpump.errors import RxPumpError, ServerError
from rxpump.tcp.protocol.operation import Operation
from rxpump.transport.deadline import Deadline


class Request:
    """A request and its attempts.

    Attributes:
        operation: The operation, which encodes the request and interprets its reply.
        deadline: Deadline of the call, or None.
        owner: Object that the caller passed to `submit`.
        sequence: Number of the request, in the order of submission.
        attempts: Number of times that it was sent.
        losses: Number of connections that were lost while it was in flight.
        blame: Number of these connections for whose loss no other request can be the cause.
        correlation_id: Correlation id of the latest attempt.
        moved_at: Time at which a part of it or of its reply was last sent or received; -inf if it was always whole.
        refusal: Last refusal of the server, or None.
        refusals: Number of times that it was refused.
        is_settled: Whether it is completed, with `value` or `error`.
        value: Result.
        error: Error, or None.
    """

    __slots__ = (
        "attempts",
        "blame",
        "correlation_id",
        "deadline",
        "error",
        "is_settled",
        "losses",
        "moved_at",
        "operation",
        "owner",
        "refusal",
        "refusals",
        "sequence",
        "value",
    )

    def __init__(self, operation: Operation[Any], owner: Any, sequence: int, deadline: Deadline | None) -> None:
        self.operation: Operation[Any] = operation
        self.deadline: Deadline | None = deadline
        self.owner: Any = owner
        self.sequence: int = sequence
        self.attempts: int = 0
        self.losses: int = 0
        self.blame: int = 0
        self.correlation_id: bytes = b""
        self.moved_at: float = -math.inf
        self.refusal: ServerError | None = None
        self.refusals: int = 0
        self.is_settled: bool = False
        self.value: Any = None
        self.error: RxPumpError | None = None

    def __repr__(self) -> str:
        state = "settled" if self.is_settled else f"attempt {self.attempts}"
        return f"<Request {self.operation}, {state}>"
