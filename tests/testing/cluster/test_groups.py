"""Only the leader runs consumer groups, and the next leader continues them from the log."""

from __future__ import annotations

from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.testing import ClusterNode, EmbeddedCluster
from tests.raw_client import ADMIN, RawClient
from tests.testing.cluster.raw import CREATE, client_of, write, write_result

CONNECT = schema.ConnectToPersistentSubscription(
    subscription_id="billing", event_stream_id="orders", allowed_in_flight_messages=10
)


async def consume(client: RawClient) -> bytes:
    """Connect a consumer, and return its correlation id."""
    correlation_id = client.send(Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION, CONNECT)
    confirmed = await client.expect_package()
    assert confirmed.command == Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION, confirmed
    return correlation_id


async def delivered_number(client: RawClient) -> int:
    """Return the number of the next event that is delivered."""
    package = await client.expect_package()
    assert package.command == Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED, package
    message = schema.PersistentSubscriptionStreamEventAppeared.FromString(package.payload)
    return int(message.event.event.event_number)


async def with_a_group(cluster: EmbeddedCluster) -> ClusterNode:
    """Create a group over one event, and return the leader."""
    async with client_of(cluster.leader) as client:
        assert await write_result(client, write(1)) is OperationResult.SUCCESS
        await client.ask(Command.CREATE_PERSISTENT_SUBSCRIPTION, CREATE, user=ADMIN)
    return cluster.leader


async def test_a_leader_that_resigns_drops_its_consumers() -> None:
    async with EmbeddedCluster() as cluster:
        leader = await with_a_group(cluster)
        async with client_of(leader) as client:
            consumer = await consume(client)
            assert await delivered_number(client) == 0
            await cluster.resign()
            dropped = await client.expect_package()
            assert (dropped.command, dropped.correlation_id) == (Command.SUBSCRIPTION_DROPPED, consumer)


async def test_the_next_leader_has_the_groups_of_the_log() -> None:
    async with EmbeddedCluster() as cluster:
        await cluster.kill(await with_a_group(cluster))
        async with client_of(await cluster.elect()) as client:
            await consume(client)
            assert await delivered_number(client) == 0
            assert await write_result(client, write(2)) is OperationResult.SUCCESS


async def test_a_leader_of_a_second_time_reads_its_groups_anew() -> None:
    async with EmbeddedCluster() as cluster:
        first = await with_a_group(cluster)
        async with client_of(await cluster.resign()) as client:
            delete = schema.DeletePersistentSubscription(subscription_group_name="billing", event_stream_id="orders")
            await client.ask(Command.DELETE_PERSISTENT_SUBSCRIPTION, delete, user=ADMIN)
        await cluster.elect(first)
        async with client_of(first) as client:
            dropped = await client.ask(Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION, CONNECT, user=ADMIN)
            assert dropped.command == Command.SUBSCRIPTION_DROPPED
