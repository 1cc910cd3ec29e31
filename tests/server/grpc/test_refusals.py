"""Calls that are refused before they are executed: without permission, or by a node that is not the leader.

As on a real server, the permission is checked first, then the options, and then the role of the node.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from rxpump.discovery.member import NodeState
from rxpump.grpc.messages import operations, projections, streams, users
from rxpump.grpc.messages import persistent_subscriptions as ps
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server import EmbeddedServer
from rxpump.server.membership import Epoch, NodeAddresses, NodeDescription
from tests.server.grpc.caller import ADMIN, Caller, calling, event, kinds, read_request, serving
from tests.server.grpc.test_groups import OPS, changed, named, of_stream
from tests.server.grpc.test_management import create_ouro

STREAM = {"stream_identifier": {"stream_name": b"$secret"}}
NO_SETTINGS = {"group_name": "g", **of_stream()}
NO_START = changed({"stream": {"stream_identifier": {"stream_name": b"s"}}})
NOTHING: dict[str, Any] = {}

WITH_BAD_OPTIONS: dict[str, tuple[Method, Any, StatusCode]] = {
    "a group without settings": (ps.CREATE, ps.CreateRequest(options=NO_SETTINGS), StatusCode.UNKNOWN),
    "a group without a start": (ps.CREATE, ps.CreateRequest(options=NO_START), StatusCode.INVALID_ARGUMENT),
    "an update without settings": (ps.UPDATE, ps.UpdateRequest(options=NO_SETTINGS), StatusCode.UNKNOWN),
    "an update without a start": (ps.UPDATE, ps.UpdateRequest(options=NO_START), StatusCode.INVALID_ARGUMENT),
    "a deletion without a stream": (ps.DELETE, ps.DeleteRequest(options={"group_name": "g"}), StatusCode.UNKNOWN),
    "a consumer without a form of ids": (ps.READ, ps.ReadRequest(options=named("s")), StatusCode.UNKNOWN),
    "information about no group": (ps.GET_INFO, ps.GetInfoRequest(options=NOTHING), StatusCode.UNKNOWN),
    "a list of no groups": (ps.LIST, ps.ListRequest(options=NOTHING), StatusCode.UNKNOWN),
    "a replay without a limit": (ps.REPLAY_PARKED, ps.ParkedEventsRequest(options=named("s")), StatusCode.UNKNOWN),
    "a deletion of parked events without a limit": (
        ps.TRUNCATE_PARKED,
        ps.ParkedEventsRequest(options=named("s")),
        StatusCode.UNKNOWN,
    ),
    "a read without a direction that exists": (
        streams.READ,
        read_request("$secret", subscription={}, read_direction=1),
        StatusCode.INVALID_ARGUMENT,
    ),
    "a read from no event": (streams.READ, read_request("$secret", start={}), StatusCode.UNKNOWN),
    "a scavenge without options": (operations.START_SCAVENGE, b"", StatusCode.UNKNOWN),
    "the end of a scavenge without options": (operations.STOP_SCAVENGE, b"", StatusCode.UNKNOWN),
    "a user without options": (users.CREATE, b"", StatusCode.UNKNOWN),
    "a password without options": (users.CHANGE_PASSWORD, b"", StatusCode.UNKNOWN),
}


@pytest.mark.parametrize("case", WITH_BAD_OPTIONS)
async def test_permissions_are_checked_before_options(case: str) -> None:
    method, request, code = WITH_BAD_OPTIONS[case]
    async with serving() as server, calling(server) as caller:
        anonymous = await caller.ask(method, request)
        assert (anonymous.code, anonymous.error) == (StatusCode.PERMISSION_DENIED, "access-denied")
        admin = await caller.ask(method, request, metadata=ADMIN)
        assert (admin.code, admin.error) == (code, None)


@pytest.mark.parametrize("method", [streams.APPEND, streams.DELETE, streams.TOMBSTONE])
async def test_writes_need_a_version_before_permissions(method: Method) -> None:
    async with serving() as server, calling(server) as caller:
        answer = await caller.ask(method, method.request(options=STREAM))
        assert answer.code is StatusCode.INVALID_ARGUMENT
        assert f"Streams.{method}Req+Types+Options+ExpectedStreamRevisionOneofCase" in answer.status.message
        assert (await caller.ask(method, method.request(options={**STREAM, "any": {}}))).error == "access-denied"
        assert (await caller.ask(method, b"")).code is StatusCode.UNKNOWN


def described(state: NodeState, port: int) -> NodeDescription:
    return NodeDescription(state, True, NodeAddresses("leader", http_port=port), "", datetime.now(UTC), 0, 0, Epoch())


class Follower:
    """A node that follows the leader at leader:2113."""

    state = NodeState.FOLLOWER
    has_users = True
    leader = described(NodeState.LEADER, 2113)

    def members(self) -> Sequence[NodeDescription]:
        return [described(self.state, 2114), self.leader]


@pytest.fixture
async def follower() -> AsyncIterator[EmbeddedServer]:
    async with serving(membership=Follower(), projections=True) as server:
        yield server


@pytest.fixture
async def asked(follower: EmbeddedServer) -> AsyncIterator[Caller]:
    async with calling(follower) as caller:
        yield caller


OF_LEADER: dict[str, tuple[Method, Any]] = {
    "create": (ps.CREATE, ps.CreateRequest(options=changed(of_stream()))),
    "create without a strategy": (ps.CREATE, ps.CreateRequest(options=changed(of_stream(), consumer_strategy="X"))),
    "update": (ps.UPDATE, ps.UpdateRequest(options=changed(of_stream()))),
    "delete": (ps.DELETE, ps.DeleteRequest(options=named("s"))),
    "read": (
        ps.READ,
        ps.ReadRequest(options={**named("s"), "buffer_size": 1, "uuid_option": {"string": {}}}),
    ),
    "replay": (ps.REPLAY_PARKED, ps.ParkedEventsRequest(options={**named("s"), "no_limit": {}})),
    "projections": (projections.STATISTICS, projections.StatisticsRequest(options={"all": {}})),
}


@pytest.mark.parametrize("case", OF_LEADER)
async def test_a_follower_names_the_leader(asked: Caller, case: str) -> None:
    method, request = OF_LEADER[case]
    assert (await asked.ask(method, request)).error == "access-denied"
    answer = await asked.ask(method, request, metadata=ADMIN)
    assert (answer.code, answer.error) == (StatusCode.NOT_FOUND, "not-leader")
    assert answer.status.message == "Leader info available"
    found = dict(answer.status.metadata)
    assert (found["leader-endpoint-host"], found["leader-endpoint-port"]) == ("leader", "2113")


async def test_a_follower_refuses_a_restart_of_groups(asked: Caller) -> None:
    assert (await asked.ask(ps.RESTART_SUBSYSTEM, b"")).error == "access-denied"
    answer = await asked.ask(ps.RESTART_SUBSYSTEM, b"", metadata=OPS)
    reason = "Persistent Subscriptions cannot be restarted as it is in the wrong state."
    assert (answer.code, answer.error) == (StatusCode.INTERNAL, "persistent-subscription-failed")
    assert answer.status.message == f"Subscription group  on stream  failed: '{reason}'"
    assert dict(answer.status.metadata) == {"exception": "persistent-subscription-failed", "reason": reason}


async def test_a_follower_refuses_a_restart_of_projections(asked: Caller) -> None:
    assert (await asked.ask(projections.RESTART_SUBSYSTEM, b"")).error == "access-denied"
    answer = await asked.ask(projections.RESTART_SUBSYSTEM, b"", metadata=OPS)
    message = "Projection Subsystem cannot be restarted as it is in the wrong state: Ready"
    assert (answer.code, answer.error) == (StatusCode.FAILED_PRECONDITION, None)
    assert answer.status.message == message


async def test_a_follower_is_not_ready_to_describe_groups(asked: Caller) -> None:
    for method, request in (
        (ps.GET_INFO, ps.GetInfoRequest(options=named("s"))),
        (ps.LIST, ps.ListRequest(options={"list_all_subscriptions": {}})),
    ):
        assert (await asked.ask(method, request)).error == "access-denied"
        answer = await asked.ask(method, request, metadata=ADMIN)
        assert (answer.code, answer.error) == (StatusCode.UNAVAILABLE, None)
        assert answer.status.message == "Server Is Not Ready"


async def test_a_subscription_is_confirmed_before_the_leader_is_named(asked: Caller) -> None:
    to_leader = (("requires-leader", "true"), *ADMIN)
    await asked.append("s", event())
    for request in (read_request("s", subscription={}), read_request(None, subscription={})):
        answer = await asked.ask(streams.READ, request, metadata=to_leader)
        assert (kinds(answer.messages), answer.error) == (["confirmation"], "not-leader")
    call = await asked.begin(streams.READ, read_request("s", start={"end": {}}, subscription={}), metadata=to_leader)
    assert kinds(await call.take(2)) == ["confirmation", "caught_up"]


async def test_a_follower_serves_what_every_node_serves(asked: Caller) -> None:
    await create_ouro(asked)
    assert (await asked.ask(operations.MERGE_INDEXES, b"", metadata=OPS)).code is StatusCode.OK
    assert (await asked.ask(operations.RESTART_PERSISTENT_SUBSCRIPTIONS, b"", metadata=OPS)).code is StatusCode.OK
    assert (await asked.append("s", event())).code is StatusCode.OK
    assert len(await asked.events("s")) == 1


async def test_a_request_for_the_leader_needs_permission_first(asked: Caller) -> None:
    to_leader = (("requires-leader", "True"),)
    deletion = streams.DeleteRequest(options={**STREAM, "any": {}})
    for metadata, error in ((to_leader, "access-denied"), ((*to_leader, *ADMIN), "not-leader")):
        assert (await asked.read("$secret", metadata=metadata)).error == error
        assert (await asked.append("$secret", event(), metadata=metadata)).error == error
        assert (await asked.ask(streams.DELETE, deletion, metadata=metadata)).error == error
    batch = streams.BatchAppendRequest(
        correlation_id={"string": "fedcba98-7654-3210-8899-aabbccddeeff"},
        options={**STREAM, "any": {}},
        is_final=True,
    )
    refused = await asked.ask(streams.BATCH_APPEND, batch, metadata=to_leader)
    assert refused.only.error.message == "AccessDenied"
    assert (await asked.ask(streams.BATCH_APPEND, batch, metadata=(*to_leader, *ADMIN))).error == "not-leader"
