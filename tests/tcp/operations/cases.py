"""Helpers for the tests of all operations."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from rxpump.errors import RxPumpError, UnexpectedReply
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Outcome, Retry, Success
from rxpump.tcp.wire.package import Package

ID = bytes(range(16))


def reply(operation: Operation[Any], message: Any) -> Outcome[Any]:
    """Return the outcome of a reply that has the expected command of an operation."""
    return operation.interpret(Package(operation.reply, ID, message.SerializeToString()))


def answer(operation: Operation[Any], message: Any) -> Any:
    """Return the value of a successful reply."""
    outcome = reply(operation, message)
    assert isinstance(outcome, Success), outcome
    return outcome.value


def classes_of(outcome: Outcome[Any]) -> type[Any] | tuple[type[Any], type[RxPumpError]]:
    """Return the class of an outcome, with the class of its error if it has one."""
    if isinstance(outcome, (Failure, Retry)):
        return type(outcome), type(outcome.error)
    return type(outcome)


def assert_each_code_is_named(operation: Operation[Any], message: Any, codes: type[IntEnum], outcomes: Any) -> None:
    """Check that each of `codes` has the outcome in `outcomes`, and that an unknown code is an UnexpectedReply."""
    assert set(outcomes) == set(codes)
    for code in codes:
        assert classes_of(reply(operation, message(result=code))) == outcomes[code], code.name
    for unknown in (-1, max(codes) + 1, 2**31 - 1):
        outcome = reply(operation, message(result=unknown))
        assert isinstance(outcome, Failure)
        assert isinstance(outcome.error, UnexpectedReply)
        assert str(unknown) in str(outcome.error)
