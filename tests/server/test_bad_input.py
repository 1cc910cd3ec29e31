"""Invalid input to the server, for each row of the table in docs/protocol/tcp.md, section 1.3, and each command.

After each of them the same connection gets replies, unless the table says that the server closes it. Another
connection always gets replies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from rxpump.model.credentials import Credentials
from rxpump.server import EmbeddedServer
from rxpump.server.tcp.request import MAX_NAME
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.limits import MAX_EVENT_BYTES, MAX_FRAME_BYTES
from rxpump.tcp.wire.package import Package
from tests.raw_client import ADMIN, RawClient
from tests.server.requests import EVENT, EVENT_ID, REQUESTS, UNANSWERED, answers_to

NO_ID = bytes(16)
GARBAGE = b"\xff\xff\xff\xff\x00garbage"


class Pair:
    """Two clients of one server: one sends invalid input, which must not affect the other."""

    def __init__(self, bad: RawClient, good: RawClient) -> None:
        self.bad, self.good = bad, good

    async def refused(self, command: int, payload: Any, *, id: bytes | None = None) -> str:
        """Send a package, and return the text of the refusal, which must be the only reply."""
        correlation_id = self.bad.send(command, payload, id=id, user=ADMIN)
        refusal = await self.bad.receive()
        assert refusal is not None
        assert (refusal.command, refusal.correlation_id) == (Command.BAD_REQUEST, correlation_id)
        await self.check_both()
        return refusal.payload.decode()

    async def ignored(self, command: int, payload: bytes) -> None:
        self.bad.send(command, payload)
        await self.check_both()

    async def closed(self, frame: bytes) -> None:
        """Send bytes, and check that the server closes the connection after at most one BadRequest without an id."""
        self.bad.writer.write(frame)
        last = await self.bad.receive()
        if last is not None:
            assert (last.command, last.correlation_id) == (Command.BAD_REQUEST, NO_ID)
            assert await self.bad.receive() is None
        await self.check_ping(self.good)

    async def check_both(self) -> None:
        await self.check_ping(self.bad)
        await self.check_ping(self.good)

    async def check_ping(self, client: RawClient) -> None:
        """Check that the reply to a Ping is the next package."""
        correlation_id = client.send(Command.PING, b"well?")
        assert await client.receive() == Package(Command.PONG, correlation_id, b"well?")


@pytest.fixture
async def pair(memory_server: EmbeddedServer) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as clients, asyncio.timeout(20):
        bad, good = [await clients.enter_async_context(RawClient.to(memory_server)) for _ in range(2)]
        yield Pair(bad, good)


def unwrapping(command: Command) -> str:
    return f"Could not unwrap network package for command {command_name(command)}.\n"


# Frames ---------------------------------------------------------------------------------------


def frame(length: int, body: bytes = b"") -> bytes:
    return length.to_bytes(4, "little", signed=True) + body


def framed(flags: int, rest: bytes) -> bytes:
    body = bytes([Command.PING, flags]) + EVENT_ID + rest
    return frame(len(body), body)


BAD_FRAMES = {
    "length 0": frame(0),
    "length 0, and more": frame(0, bytes(50)),
    "length -1": frame(-1),
    "the smallest length there is": frame(-(2**31)),
    "a byte more than the most": frame(MAX_FRAME_BYTES + 1),
    "the largest length there is": frame(2**31 - 1),
    "too short for a header": frame(17, bytes(17)),
    "the trusted flag": framed(0x02, b""),
    "the trusted flag, with credentials": framed(0x03, b"\x01a\x01b"),
    "no credentials where there should be": framed(0x01, b""),
    "a login that overflows": framed(0x01, b"\xffadmin\x01x"),
    "no password": framed(0x01, b"\x05admin"),
    "a password that overflows": framed(0x01, b"\x05admin\xffchangeit"),
    "another protocol": b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
}


@pytest.mark.parametrize("what", BAD_FRAMES)
async def test_a_bad_frame_ends_its_connection(pair: Pair, what: str) -> None:
    await pair.closed(BAD_FRAMES[what])


@pytest.mark.parametrize("what", BAD_FRAMES)
async def test_requests_before_a_bad_frame_are_answered(pair: Pair, what: str) -> None:
    ping = Package(Command.PING, EVENT_ID, b"before")
    pair.bad.writer.write(ping.encode())
    assert await pair.bad.receive() == ping._replace(command=Command.PONG)
    await pair.closed(BAD_FRAMES[what])


async def test_an_endless_frame_does_not_delay_other_connections(pair: Pair) -> None:
    pair.bad.writer.write(frame(MAX_FRAME_BYTES, bytes(100)))
    await pair.check_ping(pair.good)


@pytest.mark.parametrize("flags", [0x00, 0x04, 0x80, 0xFC])
async def test_other_flags_are_ignored(pair: Pair, flags: int) -> None:
    pair.bad.writer.write(framed(flags, b"x"))
    assert await pair.bad.receive() == Package(Command.PONG, EVENT_ID, b"x")


@pytest.mark.parametrize("size", [1, 3, 17, 100])
async def test_frames_can_arrive_in_pieces(pair: Pair, size: int) -> None:
    """Valid and invalid requests in pieces get the same replies as whole ones."""
    requests = [*((command, message.SerializeToString()) for command, message in REQUESTS.items()), (0x77, b"?")]
    data = b"".join(
        Package(command, bytes([n]) * 16, payload).encode() for n, (command, payload) in enumerate(requests, 1)
    )
    for start in range(0, len(data), size):
        pair.bad.writer.write(data[start : start + size])
        await pair.bad.writer.drain()
        await asyncio.sleep(0)
    answered: dict[int, int] = {}
    while len(answered) < len([command for command, _ in requests if command not in UNANSWERED]):
        package = await pair.bad.expect_package()
        answered[requests[package.correlation_id[0] - 1][0]] = package.command
    for command, answer in answered.items():
        assert answer in (answers_to(Command(command)) if command in REQUESTS else {Command.BAD_REQUEST})


# Commands -------------------------------------------------------------------------------------

NO_COMMANDS = [code for code in range(0xFF) if code not in set(Command)]
ANSWERS = [command for command in Command if command.name.endswith("_COMPLETED")]
SERVERS = [
    Command.PONG,
    Command.SUBSCRIPTION_CONFIRMATION,
    Command.STREAM_EVENT_APPEARED,
    Command.SUBSCRIPTION_DROPPED,
    Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION,
    Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED,
    Command.CHECKPOINT_REACHED,
    Command.AUTHENTICATED,
    Command.NOT_AUTHENTICATED,
    Command.CLIENT_IDENTIFIED,
]


@pytest.mark.parametrize("payload", [b"", GARBAGE], ids=["empty", "garbage"])
async def test_codes_that_are_no_commands_are_refused(pair: Pair, payload: bytes) -> None:
    """The commands 0x05 to 0x17, which nodes send to each other, are refused too."""
    for code in NO_COMMANDS:
        assert await pair.refused(code, payload) == f"Could not unwrap network package for command {code}.\n"


@pytest.mark.parametrize("command", SERVERS, ids=command_name)
async def test_commands_of_servers_are_refused(pair: Pair, command: Command) -> None:
    for payload in (b"", GARBAGE):
        assert await pair.refused(command, payload) == unwrapping(command)


@pytest.mark.parametrize("command", [*ANSWERS, Command.BAD_REQUEST, Command.NOT_HANDLED], ids=command_name)
async def test_replies_to_requests_are_dropped(pair: Pair, command: Command) -> None:
    for payload in (b"", GARBAGE):
        await pair.ignored(command, payload)


async def test_an_invalid_identification_gets_no_reply(pair: Pair) -> None:
    await pair.ignored(Command.IDENTIFY_CLIENT, GARBAGE)


async def test_heartbeats_and_pings_can_have_any_payload(pair: Pair) -> None:
    await pair.ignored(Command.HEARTBEAT_RESPONSE, GARBAGE)
    for command, answer in ((Command.HEARTBEAT_REQUEST, b""), (Command.PING, GARBAGE)):
        correlation_id = pair.bad.send(command, GARBAGE, id=NO_ID)
        assert await pair.bad.receive() == Package(command + 1, correlation_id, answer)


# Payloads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", REQUESTS, ids=command_name)
async def test_a_valid_request_gets_its_own_kind_of_reply(pair: Pair, command: Command) -> None:
    """The tests below change one field of these requests, so that only this field can be the reason of a refusal."""
    await expect_its_own_kind(pair, command, REQUESTS[command].SerializeToString())


@pytest.mark.parametrize("command", REQUESTS, ids=command_name)
async def test_unknown_fields_are_ignored(pair: Pair, command: Command) -> None:
    unknown = b"\x98\x06\x01" + b"\xa2\x06\x03abc"  # fields 99 and 100
    await expect_its_own_kind(pair, command, REQUESTS[command].SerializeToString() + unknown)


async def expect_its_own_kind(pair: Pair, command: Command, payload: bytes) -> None:
    correlation_id = pair.bad.send(command, payload, user=ADMIN)
    if command not in UNANSWERED:
        answer = await pair.bad.expect_package()
        assert answer.command in answers_to(command)
        assert answer.correlation_id == correlation_id
    await pair.check_both()


@pytest.mark.parametrize("command", REQUESTS, ids=command_name)
async def test_garbage_is_refused(pair: Pair, command: Command) -> None:
    assert await pair.refused(command, GARBAGE) == unwrapping(command)


@pytest.mark.parametrize(
    "command", [command for command, message in REQUESTS.items() if message.ByteSize()], ids=command_name
)
async def test_a_payload_that_ends_too_soon_is_refused(pair: Pair, command: Command) -> None:
    assert await pair.refused(command, REQUESTS[command].SerializeToString()[:-1]) == unwrapping(command)


@pytest.mark.parametrize("command", REQUESTS, ids=command_name)
async def test_a_request_without_an_id_is_refused(pair: Pair, command: Command) -> None:
    assert await pair.refused(command, REQUESTS[command], id=NO_ID) == unwrapping(command)


def changed(command: Command, **fields: Any) -> tuple[Command, Any]:
    """Return the valid request with other values of these fields."""
    message = type(REQUESTS[command])()
    message.CopyFrom(REQUESTS[command])
    for name, value in fields.items():
        message.ClearField(name)
        message.MergeFrom(type(message)(**{name: value}))
    return command, message


def event(**fields: Any) -> Any:
    message = schema.NewEvent()
    message.CopyFrom(EVENT)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


TOO_LARGE = MAX_EVENT_BYTES - 2 + 1  # size of an event whose type has one character
BAD_EVENTS = {
    "an event without a type": event(event_type=""),
    "an event without an id": event(event_id=b""),
    "an event whose id is short": event(event_id=EVENT_ID[:-1]),
    "an event whose id is long": event(event_id=EVENT_ID + b"x"),
    "an event whose id is zero": event(event_id=NO_ID),
    "an event with too much data": event(data=bytes(TOO_LARGE)),
    "an event with too much metadata": event(data=b"", metadata=bytes(TOO_LARGE)),
}
WITH_STREAM = [
    command for command, message in REQUESTS.items() if "event_stream_id" in message.DESCRIPTOR.fields_by_name
]
EMPTY_IS_EVERYTHING = {Command.SUBSCRIBE_TO_STREAM, Command.FILTERED_SUBSCRIBE_TO_STREAM}
EMPTY_IS_A_FAILURE = {command for command in WITH_STREAM if "PERSISTENT" in command.name}
NOT_EMPTY = [command for command in WITH_STREAM if command not in EMPTY_IS_EVERYTHING | EMPTY_IS_A_FAILURE]
INVALID = {
    **{f"{what}, written": changed(Command.WRITE_EVENTS, events=[EVENT, bad]) for what, bad in BAD_EVENTS.items()},
    **{
        f"{what}, in a transaction": changed(Command.TRANSACTION_WRITE, events=[EVENT, bad])
        for what, bad in BAD_EVENTS.items()
    },
    **{f"no stream: {command_name(command)}": changed(command, event_stream_id="") for command in NOT_EMPTY},
    "a stream of too long a name": changed(Command.WRITE_EVENTS, event_stream_id="s" * (MAX_NAME + 1)),
    **{
        f"version {version}: {command_name(command)}": changed(command, expected_version=version)
        for command in (Command.WRITE_EVENTS, Command.DELETE_STREAM, Command.TRANSACTION_START)
        for version in (-3, -4, -5, -(2**63))
        if version != -4 or command == Command.TRANSACTION_START
    },
    **{
        f"transaction {number}: {command_name(command)}": changed(command, transaction_id=number)
        for command in (Command.TRANSACTION_WRITE, Command.TRANSACTION_COMMIT)
        for number in (-1, -(2**63))
    },
    **{
        f"from {number}: {command_name(command)}": changed(command, from_event_number=number)
        for command in (Command.READ_STREAM_EVENTS_FORWARD, Command.READ_STREAM_EVENTS_BACKWARD)
        for number in (-2, -(2**63))
    },
    **{f"event {number}": changed(Command.READ_EVENT, event_number=number) for number in (-2, -(2**63))},
    **{
        f"{what}: {command_name(command)}": changed(command, processed_event_ids=ids)
        for command in (Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS)
        for what, ids in (("no ids", []), ("a short id", [EVENT_ID, b"short"]))
    },
}


@pytest.mark.parametrize("what", INVALID)
async def test_invalid_values_are_refused(pair: Pair, what: str) -> None:
    command, message = INVALID[what]
    assert await pair.refused(command, message) == unwrapping(command)


@pytest.mark.parametrize("command", [Command.WRITE_EVENTS, Command.TRANSACTION_WRITE], ids=command_name)
async def test_an_event_of_the_largest_size_is_accepted(pair: Pair, command: Command) -> None:
    _, message = changed(command, events=[event(data=bytes(TOO_LARGE - 1))])
    await expect_its_own_kind(pair, command, message.SerializeToString())


@pytest.mark.parametrize("name", [field.name for field in EVENT.DESCRIPTOR.fields])
async def test_a_field_that_is_missing_is_empty(pair: Pair, name: str) -> None:
    """A request is refused only if the field must not be empty."""
    partial = event()
    partial.ClearField(name)
    command, message = changed(Command.WRITE_EVENTS, events=[partial])
    if name in ("event_id", "event_type"):
        assert await pair.refused(command, message) == unwrapping(command)
    else:
        await expect_its_own_kind(pair, command, message.SerializeToString())


# Credentials ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "user", [Credentials("admin", "wrong"), Credentials("nobody", "x")], ids=["password", "login"]
)
@pytest.mark.parametrize("command", [*REQUESTS, Command.PING], ids=command_name)
async def test_wrong_credentials_are_refused_with_every_request(
    pair: Pair, command: Command, user: Credentials
) -> None:
    for payload in (GARBAGE, b""):
        correlation_id = pair.bad.send(command, payload, user=user)
        assert await pair.bad.receive() == Package(Command.NOT_AUTHENTICATED, correlation_id, b"Not Authenticated")
    await pair.check_both()
