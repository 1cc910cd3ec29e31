"""Requests that a follower refuses without the address of the leader, or does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rxpump.errors import PersistentSubscriptionFailed, ProjectionFailed
from rxpump.grpc import caller as caller_module
from rxpump.grpc.calls.group_info import all_groups, group_info, groups_of
from rxpump.grpc.calls.operation import Operation
from rxpump.grpc.calls.parked import restart_groups
from rxpump.grpc.calls.projections import create_projection, projection_statistics, restart_projections
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.grpc.messages import projections, server_features
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.model.group_details import GroupDetails
from rxpump.model.projections import ProjectionMode
from tests.grpc.clients import calling, features, handlers
from tests.grpc.harness import Handler, ServerCall, serving
from tests.grpc.reads.read_server import not_found
from tests.grpc.test_calls import never
from tests.grpc.test_connecting import names

NOT_READY = CallStatus(StatusCode.UNAVAILABLE, "Server Is Not Ready")
INFO = {"event_source": "s", "group_name": "g"}

REQUESTS: dict[str, Callable[[], Operation[Any]]] = {
    "details": lambda: group_info("s", "g"),
    "all groups": all_groups,
    "groups of a stream": lambda: groups_of("s"),
}


def answering(response: Any) -> Handler:
    """Return a handler of a call whose response is one message."""

    async def answer(call: ServerCall) -> None:
        await anext(call)
        call.start()
        await call.send(response.SerializeToString())
        call.finish()

    return answer


async def ask_follower(
    operation: Operation[Any], *, by_leader: dict[str, Handler], by_follower: dict[str, Handler]
) -> Any:
    """Make a request to a follower that names the leader only to reads. Return the result, which the leader sends."""
    async with (
        serving(handlers() | by_leader) as leader,
        serving(handlers(Read=names(leader.port)) | by_follower) as follower,
        calling(follower.port) as caller,
    ):
        result = await caller.with_timeout(5).request(operation)
        assert caller.channel.address == f"kurrentdb://127.0.0.1:{leader.port}"
        return result


async def not_ready(call: ServerCall) -> None:
    call.refuse(NOT_READY)


LEADING: dict[str, Handler] = {
    messages.GET_INFO.path: answering(messages.GetInfoResponse(subscription_info=INFO)),
    messages.LIST.path: answering(messages.ListResponse(subscriptions=[INFO])),
}
REFUSING: dict[str, Handler] = dict.fromkeys(LEADING, not_ready)


def found(details: GroupDetails | Sequence[GroupDetails]) -> GroupDetails:
    return details if isinstance(details, GroupDetails) else details[0]


@pytest.mark.parametrize("request_of", REQUESTS.values(), ids=REQUESTS)
async def test_the_leader_is_found_after_a_refusal(request_of: Callable[[], Operation[Any]]) -> None:
    details = await ask_follower(request_of(), by_leader=LEADING, by_follower=REFUSING)
    assert found(details).group == "g"


async def test_a_leader_that_is_not_ready_is_asked_again() -> None:
    refusals = iter([not_ready, not_ready])
    answer = LEADING[messages.GET_INFO.path]

    async def later(call: ServerCall) -> None:
        await next(refusals, answer)(call)

    served = handlers(Read=not_ready) | {messages.GET_INFO.path: later}
    async with serving(served) as server, calling(server.port) as caller:
        assert (await caller.with_timeout(5).request(group_info("s", "g"))).group == "g"
        assert len(server.endpoints) == 1


RESTARTED: dict[str, Handler] = {
    messages.RESTART_SUBSYSTEM.path: answering(messages.RESTART_SUBSYSTEM.response()),
    projections.RESTART_SUBSYSTEM.path: answering(projections.RESTART_SUBSYSTEM.response()),
}
WRONG_STATE: dict[str, CallStatus] = {
    messages.RESTART_SUBSYSTEM.path: CallStatus(
        StatusCode.INTERNAL, "", (("exception", "persistent-subscription-failed"), ("reason", "the wrong state"))
    ),
    projections.RESTART_SUBSYSTEM.path: CallStatus(StatusCode.FAILED_PRECONDITION, "in the wrong state: Ready"),
}


async def refuse_to_restart(call: ServerCall) -> None:
    call.refuse(WRONG_STATE[call.request.path])


NOT_RESTARTED: dict[str, Handler] = dict.fromkeys(RESTARTED, refuse_to_restart)
RESTARTS = pytest.mark.parametrize("request_of", [restart_groups, restart_projections])


@RESTARTS
async def test_the_leader_restarts_what_a_follower_does_not(request_of: Callable[[], Operation[None]]) -> None:
    await ask_follower(request_of(), by_leader=RESTARTED, by_follower=NOT_RESTARTED)


@RESTARTS
async def test_a_leader_in_the_wrong_state_is_an_error(request_of: Callable[[], Operation[None]]) -> None:
    read = answering(not_found("rxpump"))
    async with serving(handlers(Read=read) | NOT_RESTARTED) as leader, calling(leader.port) as caller:
        with pytest.raises((PersistentSubscriptionFailed, ProjectionFailed), match="wrong state"):
            await caller.with_timeout(5).request(request_of())


async def test_a_failed_search_for_the_leader_does_not_replace_the_error() -> None:
    """The server of this test does not have the method that is called to find the leader."""
    listed = features([messages.RESTART_SUBSYSTEM, server_features.GET_SUPPORTED_METHODS])
    served = NOT_RESTARTED | {server_features.GET_SUPPORTED_METHODS.path: listed}
    async with serving(served) as server, calling(server.port) as caller:
        with pytest.raises(PersistentSubscriptionFailed, match="wrong state"):
            await caller.with_timeout(5).request(restart_groups())


# Requests without an answer ---------------------------------------------------------------------------------------

STATISTICS = projections.StatisticsResponse(details={"name": "p", "mode": "Continuous"})
MANAGING: dict[str, Handler] = {
    projections.STATISTICS.path: answering(STATISTICS),
    projections.CREATE.path: answering(projections.CREATE.response()),
}
SILENT: dict[str, Handler] = dict.fromkeys(MANAGING, never)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_module, "ANSWER_SECONDS", 0.05)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "request_of",
    [
        lambda: projection_statistics("p"),
        lambda: create_projection("p", "fromAll()", ProjectionMode.CONTINUOUS),
    ],
    ids=["a repeatable request", "another request"],
)
async def test_the_leader_is_found_after_a_silence(request_of: Callable[[], Operation[Any]]) -> None:
    await ask_follower(request_of(), by_leader=MANAGING, by_follower=SILENT)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("read", [not_ready, never, answering(not_found("rxpump"))])
async def test_a_slow_answer_of_a_leader_is_waited_for(read: Handler) -> None:
    calls = 0

    async def slowly(call: ServerCall) -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(4 * caller_module.ANSWER_SECONDS)
        await answering(STATISTICS)(call)

    served = handlers(Read=read) | {projections.STATISTICS.path: slowly}
    async with serving(served) as server, calling(server.port) as caller:
        assert (await caller.with_timeout(5).request(projection_statistics("p"))).name == "p"
    assert calls == 1
