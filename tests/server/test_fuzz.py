"""Whatever a client sends: an answer, silence where silence is due, or the end of its connection."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from rxpump.credentials import Credentials
from rxpump.protocol.heartbeat import Heartbeat
from rxpump.server import SqliteStore
from rxpump.server.handlers.table import IGNORED
from rxpump.server.node import Node
from rxpump.server.session import Session
from rxpump.server.users import DEFAULT_ACCOUNTS, Users
from rxpump.wire import schema
from rxpump.wire.commands import Command
from rxpump.wire.framing import Framer
from rxpump.wire.package import Package
from tests.raw_client import ADMIN
from tests.server.talk import Talk
from tests.server.test_session import Transport, turn

INT32, INT64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
SMALL = st.integers(-5, 5)
NAME = st.sampled_from(["s", "links", "$$s", "$sys", "$all", "$$$all", "$", "$$", ""]) | st.text(max_size=8)
IDS = st.binary(min_size=16, max_size=16) | st.sampled_from([b"a" * 16, b"b" * 16]) | st.binary(max_size=20)
LINK = st.sampled_from([b"0@s", b"-1@s", b"0@$sys", b"9@", b"@", b"x@s"]) | st.binary(max_size=20)

EVENT = st.builds(
    schema.NewEvent,
    event_id=IDS,
    event_type=st.sampled_from(["$>", "T", ""]) | st.text(max_size=5),
    data_content_type=INT32,
    data=LINK,
    metadata=st.binary(max_size=5),
)
REQUESTS = {
    Command.WRITE_EVENTS: st.builds(
        schema.WriteEvents, event_stream_id=NAME, expected_version=SMALL | INT64, events=st.lists(EVENT, max_size=4)
    ),
    Command.READ_EVENT: st.builds(
        schema.ReadEvent, event_stream_id=NAME, event_number=SMALL | INT64, resolve_link_tos=st.booleans()
    ),
}
PAGE = st.builds(
    schema.ReadStreamEvents,
    event_stream_id=NAME,
    from_event_number=SMALL | INT64,
    max_count=SMALL | INT32,
    resolve_link_tos=st.booleans(),
)
ALL_PAGE = st.builds(
    schema.ReadAllEvents,
    commit_position=st.integers(-2, 1000) | INT64,
    prepare_position=st.integers(-2, 1000) | INT64,
    max_count=SMALL | INT32,
    resolve_link_tos=st.booleans(),
)
REQUESTS |= dict.fromkeys((Command.READ_STREAM_EVENTS_FORWARD, Command.READ_STREAM_EVENTS_BACKWARD), PAGE)
REQUESTS |= dict.fromkeys((Command.READ_ALL_EVENTS_FORWARD, Command.READ_ALL_EVENTS_BACKWARD), ALL_PAGE)
REPLIES = {
    Command.WRITE_EVENTS: schema.WriteEventsCompleted,
    Command.READ_EVENT: schema.ReadEventCompleted,
    Command.READ_STREAM_EVENTS_FORWARD: schema.ReadStreamEventsCompleted,
    Command.READ_STREAM_EVENTS_BACKWARD: schema.ReadStreamEventsCompleted,
    Command.READ_ALL_EVENTS_FORWARD: schema.ReadAllEventsCompleted,
    Command.READ_ALL_EVENTS_BACKWARD: schema.ReadAllEventsCompleted,
}
USERS = st.sampled_from([None, ADMIN, ADMIN, Credentials("admin", "wrong")])
SENSIBLE = st.sampled_from(list(REQUESTS)).flatmap(lambda command: st.tuples(st.just(command), REQUESTS[command]))


def run(test):
    """Run a coroutine function on a fresh store."""

    async def on_a_store():
        store = SqliteStore.in_memory()
        await test(store)
        await store.close()

    asyncio.run(on_a_store())


@given(st.lists(st.tuples(SENSIBLE, USERS), max_size=20))
def test_requests_of_any_content_are_answered_in_their_own_kind(requests):
    async def answered(store):
        talk = Talk(store)
        for (command, message), user in requests:
            talk.say(command, message, user)
            if talk.pending is not None:
                await talk.pending
            [answer] = talk.answers
            assert answer.command in (command + 1, Command.BAD_REQUEST, Command.NOT_AUTHENTICATED)
            if answer.command == command + 1:
                reply = REPLIES[command].FromString(answer.payload)
                assert reply.SerializeToString() == answer.payload

    run(answered)


FILTER = st.builds(
    schema.Filter,
    context=st.integers(-1, 2),
    type=st.integers(-1, 2),
    data=st.lists(
        st.sampled_from(["s", "^[^$]", "(a*)*b", "(?!", "\\1", "[", "x{9999999999}"]) | st.text(max_size=5)
    ),
)
FILTERED = st.builds(
    schema.FilteredReadAllEvents,
    commit_position=st.integers(-2, 1000) | INT64,
    prepare_position=st.integers(-2, 1000) | INT64,
    max_count=SMALL | INT32,
    max_search_window=SMALL | INT32,
    resolve_link_tos=st.booleans(),
    filter=FILTER,
) | st.builds(
    schema.FilteredSubscribeToStream, event_stream_id=NAME, filter=FILTER, checkpoint_interval=SMALL | INT32
)


@given(st.lists(FILTERED, max_size=10), USERS)
def test_filters_of_any_content_are_answered_once(requests, user):
    async def answered(store):
        talk = Talk(store)
        writer = Talk(store)
        await writer.write("s", "0", "0@s", "x")
        for message in requests:
            is_read = isinstance(message, schema.FilteredReadAllEvents)
            command = Command.FILTERED_READ_ALL_EVENTS_FORWARD if is_read else Command.FILTERED_SUBSCRIBE_TO_STREAM
            assert len(talk.say(command, message, user)) == 1
        await writer.write("s", "1")

    run(answered)


QUIET = {
    Command.HEARTBEAT_RESPONSE,
    Command.BAD_REQUEST,
    Command.UNSUBSCRIBE_FROM_STREAM,
    Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS,
    Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS,
    *IGNORED,
}


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=60), USERS), max_size=20))
def test_packages_of_any_content_are_answered_once_or_not_at_all(packages):
    async def answered(store):
        talk = Talk(store)
        for command, payload, user in packages:
            talk.say(command, payload, user)
            if talk.pending is not None:
                await talk.pending
            if command not in QUIET and command != Command.IDENTIFY_CLIENT:
                assert len(talk.answers) == 1

    run(answered)


FRAMES = st.builds(
    lambda command, id, payload, user: Package(command, id, payload, user).encode(),
    st.integers(0, 255),
    st.binary(min_size=16, max_size=16),
    st.binary(max_size=30),
    USERS,
)


@settings(max_examples=200)
@given(st.lists(FRAMES | st.binary(max_size=40), max_size=10), st.integers(1, 50))
def test_bytes_of_any_kind_are_answered_with_packages_until_they_make_no_sense(parts, cut):
    async def survived(store):
        session = Session(
            Node(store, Users(DEFAULT_ACCOUNTS)),
            lambda now: Heartbeat(1000, 1000, now),
            lambda _: None,
            lambda _: None,
        )
        session.connection_made(transport := Transport())
        data = b"".join(parts)
        for start in range(0, len(data), cut):
            session.data_received(data[start : start + cut])
            await turn()
        framer = Framer()
        framer.feed(b"".join(transport.writes))
        assert framer.failure is None
        assert transport.end == (None if session._framer.failure is None else "closed")
        session.connection_lost(None)

    run(survived)
