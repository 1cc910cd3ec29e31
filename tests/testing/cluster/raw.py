"""Helpers that send single requests to nodes of a cluster, without the logic of a client."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from rxpump.discovery.asking import Target, ask
from rxpump.discovery.gossip import Gossip
from rxpump.discovery.member import Endpoint
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason, OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from rxpump.testing import ClusterNode
from tests.raw_client import RawClient

ANY = -2

CREATE = schema.CreatePersistentSubscription(
    subscription_group_name="billing",
    event_stream_id="orders",
    resolve_link_tos=False,
    start_from=0,
    message_timeout_milliseconds=10_000,
    record_statistics=False,
    live_buffer_size=100,
    read_batch_size=10,
    buffer_size=100,
    max_retry_count=10,
    prefer_round_robin=True,
    checkpoint_after_time=1_000,
    checkpoint_max_count=1_000,
    checkpoint_min_count=10,
    subscriber_max_count=0,
)
"""A request that creates a group."""


def client_of(node: ClusterNode) -> RawClient:
    """Return a client of one node."""
    return RawClient(*node.tcp_address)


def write(number: int, *, stream: str = "orders", requires_leader: bool = True, expected: int = ANY) -> Any:
    """Return a write of one event."""
    data = json.dumps({"number": number}).encode()
    event = schema.NewEvent(event_id=uuid4().bytes_le, event_type="Placed", data_content_type=1, data=data)
    return schema.WriteEvents(
        event_stream_id=stream, expected_version=expected, events=[event], require_leader=requires_leader
    )


def read(*, stream: str = "orders", start: int = 0, requires_leader: bool = True) -> Any:
    """Return a read of a stream."""
    return schema.ReadStreamEvents(
        event_stream_id=stream,
        from_event_number=start,
        max_count=100,
        resolve_link_tos=False,
        require_leader=requires_leader,
    )


async def write_result(client: RawClient, request: Any) -> OperationResult:
    """Send a write, and return its result."""
    completed = await client.ask_for(schema.WriteEventsCompleted, Command.WRITE_EVENTS, request)
    return OperationResult(completed.result)


async def read_numbers(client: RawClient, request: Any) -> list[int]:
    """Send a read, and return the numbers in the data of its events."""
    page = await client.ask_for(schema.ReadStreamEventsCompleted, Command.READ_STREAM_EVENTS_FORWARD, request)
    return [json.loads(each.event.data)["number"] for each in page.events]


def refused_with(package: Package) -> tuple[NotHandledReason, int | None]:
    """Return the reason of a NotHandled, and the TCP port of the leader that it names."""
    assert package.command == Command.NOT_HANDLED, package
    refused = schema.NotHandled.FromString(package.payload)
    info = schema.LeaderInfo.FromString(refused.additional_info) if refused.additional_info else None
    return NotHandledReason(refused.reason), None if info is None else info.external_tcp_port


async def gossip_of(node: ClusterNode) -> Gossip:
    """Ask a node for its gossip."""
    answer = await ask(Target(Endpoint(*node.http_address), node.http_address[0]), timeout=5)
    assert answer.gossip is not None, answer
    return answer.gossip
