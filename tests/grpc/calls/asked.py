"""Compute the results of operations from given responses, without a server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rxpump.grpc.calls.operation import Operation
from tests.grpc.messages import recorded

LOGIN = "ouro"


def answer(operation: Operation[Any], *messages: Any) -> Any:
    """Return the result of an operation whose response has these messages, or raise its error."""
    return operation.answer(messages, replace(operation.context, login=LOGIN))


def recorded_responses(operation: Operation[Any]) -> list[Any]:
    """Return recorded responses of real servers to the method of an operation."""
    method = operation.context.method
    return [
        method.response.FromString(each.data)
        for each in recorded.load()
        if each.method == method and not each.from_client
    ]


def is_recorded(operation: Operation[Any]) -> bool:
    """Return whether the recordings contain the request of an operation, which must have one message."""
    method = operation.context.method
    (request,) = operation.requests
    return any(
        method.request.FromString(each.data) == request
        for each in recorded.load()
        if each.method == method and each.from_client
    )
