"""After random requests about consumer groups, the server works, and no consumer has more events than it allows."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rxpump.server import SqliteStore
from rxpump.server.groups.strategies import STRATEGIES
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.raw_client import ADMIN
from tests.server.groups.clients import GroupTalk, turns

SMALL = st.integers(-3, 8) | st.integers(-(2**31), 2**31 - 1)
NAMES = {"event_stream_id": st.sampled_from(["s", "links", "$all", ""])}
GROUP = st.sampled_from(["g", "h", ""])
FIELDS = {field.name: field for field in schema.CreatePersistentSubscription.DESCRIPTOR.fields}
NUMBERS = {name: SMALL for name in FIELDS if name not in ("resolve_link_tos", "record_statistics", *NAMES)}
SETTINGS = {
    **NUMBERS,
    **NAMES,
    "subscription_group_name": GROUP,
    "resolve_link_tos": st.booleans(),
    "prefer_round_robin": st.booleans(),
    "named_consumer_strategy": st.sampled_from([*STRATEGIES, "", "x"]),
}
SUBSCRIPTION = st.sampled_from(["s::g", "s::h", "links::g", "x"])
IDS = st.lists(st.sampled_from([bytes([n]) * 16 for n in range(1, 9)]), max_size=4) | st.just([b"x"])
REQUESTS = st.one_of(
    st.tuples(
        st.sampled_from([Command.CREATE_PERSISTENT_SUBSCRIPTION, Command.UPDATE_PERSISTENT_SUBSCRIPTION]),
        st.builds(schema.CreatePersistentSubscription, **SETTINGS),
    ),
    st.tuples(
        st.just(Command.DELETE_PERSISTENT_SUBSCRIPTION),
        st.builds(schema.DeletePersistentSubscription, subscription_group_name=GROUP, **NAMES),
    ),
    st.tuples(
        st.just(Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION),
        st.builds(
            schema.ConnectToPersistentSubscription,
            subscription_id=GROUP,
            allowed_in_flight_messages=SMALL,
            **NAMES,
        ),
    ),
    st.tuples(
        st.just(Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS),
        st.builds(schema.PersistentSubscriptionAckEvents, subscription_id=SUBSCRIPTION, processed_event_ids=IDS),
    ),
    st.tuples(
        st.just(Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS),
        st.builds(
            schema.PersistentSubscriptionNakEvents,
            subscription_id=SUBSCRIPTION,
            processed_event_ids=IDS,
            action=SMALL,
            message=st.binary(max_size=5),
        ),
    ),
    st.tuples(st.just(Command.UNSUBSCRIBE_FROM_STREAM), st.just(schema.UnsubscribeFromStream())),
)
STEP = st.tuples(REQUESTS, st.integers(0, 3), st.booleans())


@given(st.lists(STEP, max_size=25))
def test_random_requests_keep_all_invariants(steps: list[Any]) -> None:
    asyncio.run(requests_of_any_content(steps))


async def requests_of_any_content(steps: list[Any]) -> None:
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    client = GroupTalk(SqliteStore.in_memory())
    for number in range(1, 9):
        stream = "links" if number % 4 == 0 else "s"
        data = f"{number % 3}@s" if stream == "links" else "x"
        event = schema.NewEvent(
            event_id=bytes([number]) * 16, event_type="$>" if "@" in data else "T", data=data.encode()
        )
        await client.write(stream, event)
    for (command, message), connection, is_quick in steps:
        id = bytes([100 + connection]) * 16
        client.conversation.receive(Package(command, id, message.SerializeToString(), ADMIN))
        if not is_quick:
            await turns()
    await turns()
    groups = [found for each in client.node.groups._saved.entries if (found := client.node.groups.by_id(each))]
    for running in groups:
        for consumer in running.group.consumers.values():
            assert len(consumer.in_flight) <= max(0, consumer.slots)
    client.conversation.close()
    assert [len(running.group.consumers) for running in groups] == [0] * len(groups)
    await client.node.close()
    assert faults == []
