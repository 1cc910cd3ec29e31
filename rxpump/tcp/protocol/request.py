"""One operation on its way to its answer, across connections."""

from __future__ import annotations

from typing import Any

from rxpump.errors import RxPumpError, ServerError
from rxpump.tcp.operations.operation import Operation
from rxpump.tcp.protocol.deadlines import Deadline


class Request:
    """One operation on its way; settled when `is_settled`, with either `error` or `value`."""

    __slots__ = (
        "attempts",
        "blame",
        "correlation_id",
        "deadline",
        "error",
        "is_settled",
        "losses",
        "operation",
        "owner",
        "refusal",
        "sequence",
        "value",
    )

    def __init__(self, operation: Operation[Any], owner: Any, sequence: int, deadline: Deadline | None) -> None:
        self.operation: Operation[Any] = operation
        self.deadline: Deadline | None = deadline
        self.owner: Any = owner
        self.sequence: int = sequence
        self.attempts: int = 0
        self.losses: int = 0  # connections that were lost while it was in flight
        self.blame: int = 0  # of these, connections that were lost with no other request to blame
        self.correlation_id: bytes = b""
        self.refusal: ServerError | None = None
        self.is_settled: bool = False
        self.value: Any = None
        self.error: RxPumpError | None = None

    def __repr__(self) -> str:
        state = "settled" if self.is_settled else f"attempt {self.attempts}"
        return f"<Request {self.operation}, {state}>"
