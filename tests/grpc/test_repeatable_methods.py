"""Requests of each method whose execution is unknown: they are repeated only if the method is repeatable."""

from __future__ import annotations

import pytest

from rxpump.errors import ConnectionClosed, RequestInterrupted
from rxpump.grpc.calls.operation import Operation, no_result
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.http2 import ErrorCode
from rxpump.grpc.messages.methods import Method, MethodKind
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from tests.grpc.clients import calling, handlers
from tests.grpc.harness import ServerCall, serving
from tests.grpc.interruptions import Interruption, answers, resets_with

NOT_REPEATABLE = {
    "operations.Operations": {
        "StartScavenge",
        "StopScavenge",
        "Shutdown",
        "MergeIndexes",
        "ResignNode",
        "RestartPersistentSubscriptions",
    },
    "persistent_subscriptions.PersistentSubscriptions": {
        "Create",
        "Delete",
        "ReplayParked",
        "TruncateParked",
        "RestartSubsystem",
    },
    "projections.Projections": {"Create", "Delete", "Reset", "RestartSubsystem"},
    "users.Users": {"Create", "Delete", "ChangePassword"},
    "indexes.IndexesService": {"Create", "Delete"},
}
"""Methods of which a second execution has another effect or result, by the end of the name of their service."""

CALLABLE = [method for method in METHODS.values() if method.kind in (MethodKind.UNARY, MethodKind.SERVER_STREAM)]


def is_listed(method: Method) -> bool:
    service, _, name = method.path[1:].partition("/")
    return any(service.endswith(end) and name in names for end, names in NOT_REPEATABLE.items())


def test_each_method_is_repeatable_or_listed() -> None:
    assert {str(method.path) for method in METHODS.values() if not method.is_repeatable} == {
        method.path for method in METHODS.values() if is_listed(method)
    }
    assert sum(map(len, NOT_REPEATABLE.values())) == sum(not method.is_repeatable for method in METHODS.values())


def lost(call: ServerCall) -> None:
    call.endpoint.transport.abort()


def refused(code: StatusCode, text: str = "upstream connect error") -> Interruption:
    return lambda call: call.refuse(CallStatus(code, text))


INTERRUPTIONS: dict[str, Interruption] = {
    "lost": lost,
    "reset": resets_with(ErrorCode.CANCEL),
    "HTTP 502": answers("502"),
    "UNAVAILABLE": refused(StatusCode.UNAVAILABLE),
    "ABORTED": refused(StatusCode.ABORTED, "Operation timed out: Request canceled by server"),
    "CANCELLED": refused(StatusCode.CANCELLED),
}


async def interrupted_calls(method: Method, interrupt: Interruption) -> tuple[int, BaseException | None]:
    """Interrupt the first call of a method. Return the number of calls, and the error if the request failed."""
    calls = 0

    async def answer(call: ServerCall) -> None:
        nonlocal calls
        calls += 1
        await anext(call)
        if calls == 1:
            interrupt(call)
            return
        call.start()
        call.finish()

    operation = Operation(CallContext(method, "manage", Effect.NONE), (method.request(),), no_result)
    async with serving(handlers() | {method.path: answer}) as server, calling(server.port) as caller:
        error: BaseException | None = None
        try:
            await caller.request(operation)
        except ConnectionClosed as failure:
            error = failure
    return calls, error


@pytest.mark.parametrize("interrupt", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
@pytest.mark.parametrize("method", CALLABLE, ids=lambda method: method.path[1:])
async def test_only_a_repeatable_request_is_repeated(method: Method, interrupt: Interruption) -> None:
    if method.path.endswith("GetSupportedMethods"):
        pytest.skip("the client calls it to connect")
    calls, error = await interrupted_calls(method, interrupt)
    if not is_listed(method):
        assert (calls, error) == (2, None)
        return
    assert calls == 1
    assert isinstance(error, RequestInterrupted)
    assert not error.retryable
    assert str(method) in error.operation
    assert "it is unknown whether the server executed it" in str(error)


@pytest.mark.parametrize(
    "refusal",
    [
        refused(StatusCode.UNAVAILABLE, "Server Is Not Ready"),
        refused(StatusCode.UNAVAILABLE, "Server Is Too Busy"),
        resets_with(ErrorCode.REFUSED_STREAM),
    ],
)
async def test_a_request_that_was_not_executed_is_repeated(refusal: Interruption) -> None:
    method = next(method for method in CALLABLE if str(method) == "StartScavenge")
    assert await interrupted_calls(method, refusal) == (2, None)
