from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from rxpump.model.credentials import Credentials
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import AUTHENTICATED, decode
from tests.raw_client import ADMIN
from tests.server.talk import ID, Talk

NO_ID = UUID(int=0).bytes
WRONG = Credentials("admin", "wrong")


def bad_request(name: int | str, why: str = "") -> list[tuple[Command, bytes]]:
    return [(Command.BAD_REQUEST, f"Could not unwrap network package for command {name}.\n{why}".encode())]


def test_a_client_is_identified_by_its_name(talk: Talk) -> None:
    hello = schema.IdentifyClient(version=1, connection_name="me")
    assert talk.send(Command.IDENTIFY_CLIENT, hello) == [(Command.CLIENT_IDENTIFIED, b"")]
    assert (talk.conversation.client_name, talk.conversation.client_version) == ("me", 1)
    assert "'me'" in repr(talk.conversation)


def test_a_valid_version_replaces_an_unknown_one(talk: Talk) -> None:
    talk.send(Command.IDENTIFY_CLIENT, schema.IdentifyClient(version=2))
    assert talk.send(Command.PING) == bad_request("Ping", "Index was outside the bounds of the array.")
    assert talk.send(Command.HEARTBEAT_REQUEST) == [(Command.HEARTBEAT_RESPONSE, b"")]
    talk.send(Command.IDENTIFY_CLIENT, schema.IdentifyClient(version=1))
    assert talk.send(Command.PING) == [(Command.PONG, b"")]


def test_wrong_credentials_are_refused_first(talk: Talk) -> None:
    for command in (Command.PING, Command.WRITE_EVENTS, Command.DELETE_STREAM, 0x77):
        assert talk.send(command, b"\xff", WRONG) == [(Command.NOT_AUTHENTICATED, b"Not Authenticated")]


def test_a_package_can_have_its_own_credentials(talk: Talk) -> None:
    talk.send(Command.AUTHENTICATE, credentials=WRONG)
    assert talk.send(Command.PING) == [(Command.NOT_AUTHENTICATED, b"Not Authenticated")]
    assert talk.send(Command.PING, b"x", ADMIN) == [(Command.PONG, b"x")]
    assert talk.send(Command.AUTHENTICATE, credentials=ADMIN) == [(Command.AUTHENTICATED, b"")]
    assert talk.send(Command.PING) == [(Command.PONG, b"")]


@pytest.mark.parametrize(
    "credentials", [b"\x02\xff\xfe\x08changeit", b"\x05admin\x02\xff\xfe", b"\x03adm\x02\xc3\x28"]
)
@pytest.mark.parametrize("command", [Command.PING, Command.WRITE_EVENTS, Command.AUTHENTICATE])
def test_a_login_that_is_not_utf8_is_refused(talk: Talk, command: Command, credentials: bytes) -> None:
    talk.answers.clear()
    talk.conversation.receive(decode(command, AUTHENTICATED, ID, credentials))
    assert [answer.command for answer in talk.answers] == [Command.NOT_AUTHENTICATED]
    assert talk.send(Command.PING, b"x", ADMIN) == [(Command.PONG, b"x")]


@pytest.mark.parametrize(("version", "is_known"), [(0, True), (256, True), (257, True), (258, False), (-1, False)])
def test_one_byte_of_the_client_version_counts(talk: Talk, version: int, is_known: bool) -> None:
    talk.send(Command.IDENTIFY_CLIENT, schema.IdentifyClient(version=version))
    [(command, _)] = talk.send(Command.PING)
    assert command == (Command.PONG if is_known else Command.BAD_REQUEST)


@pytest.mark.parametrize("stream", ["$$", "$$$$s", "$$$$"])
@pytest.mark.parametrize("user", [None, ADMIN])
async def test_invalid_metadata_streams_refuse_writes(talk: Talk, stream: str, user: Credentials | None) -> None:
    assert (await talk.write(stream, "{}", user=user)).result == OperationResult.ACCESS_DENIED
    requests = {
        Command.TRANSACTION_START: schema.TransactionStart(event_stream_id=stream, expected_version=-2),
        Command.DELETE_STREAM: schema.DeleteStream(event_stream_id=stream, expected_version=-2),
    }
    for command, message in requests.items():
        [(answer, payload)] = talk.send(command, message, user)
        assert answer == command + 1
        reply = getattr(schema, f"{type(message).__name__}Completed").FromString(payload)
        assert reply.result == OperationResult.ACCESS_DENIED


@pytest.mark.parametrize("command", [Command.NOT_HANDLED, Command.BAD_REQUEST, Command.HEARTBEAT_RESPONSE])
def test_commands_of_servers_get_no_reply(talk: Talk, command: Command) -> None:
    assert talk.send(command, b"whatever") == []


def test_replies_get_no_reply(talk: Talk) -> None:
    for command in Command:
        if command.name.endswith("COMPLETED"):
            assert talk.send(command) == []


@pytest.mark.parametrize("code", [0x00, 0x05, 0x17, 0x77, 0xBD, 0xFE])
def test_an_unknown_command_is_refused(talk: Talk, code: int) -> None:
    assert talk.send(code) == bad_request(code)


REQUESTS = {
    Command.WRITE_EVENTS: schema.WriteEvents(event_stream_id="s", expected_version=-2),
    Command.READ_EVENT: schema.ReadEvent(event_stream_id="s"),
    Command.READ_STREAM_EVENTS_FORWARD: schema.ReadStreamEvents(event_stream_id="s", max_count=1),
    Command.READ_STREAM_EVENTS_BACKWARD: schema.ReadStreamEvents(event_stream_id="s", max_count=1),
    Command.READ_ALL_EVENTS_FORWARD: schema.ReadAllEvents(max_count=1),
    Command.READ_ALL_EVENTS_BACKWARD: schema.ReadAllEvents(max_count=1),
    Command.FILTERED_READ_ALL_EVENTS_FORWARD: schema.FilteredReadAllEvents(max_count=1),
    Command.FILTERED_READ_ALL_EVENTS_BACKWARD: schema.FilteredReadAllEvents(max_count=1),
    Command.FILTERED_SUBSCRIBE_TO_STREAM: schema.FilteredSubscribeToStream(checkpoint_interval=1),
    Command.SUBSCRIBE_TO_STREAM: schema.SubscribeToStream(event_stream_id="s"),
    Command.UNSUBSCRIBE_FROM_STREAM: schema.UnsubscribeFromStream(),
}


@pytest.mark.parametrize("command", REQUESTS, ids=lambda command: command.name)
def test_a_request_without_an_id_cannot_be_answered(talk: Talk, command: Command) -> None:
    [(refusal, _)] = talk.send(command, REQUESTS[command], id=NO_ID)
    assert refusal == Command.BAD_REQUEST
    assert talk.send(Command.PING, id=NO_ID) == [(Command.PONG, b"")]


def event(**fields: bytes | str) -> Any:
    return schema.NewEvent(**{"event_id": ID, "event_type": "T"} | fields)


BAD = {
    "no stream": (Command.WRITE_EVENTS, schema.WriteEvents(expected_version=-2)),
    "version -3": (Command.WRITE_EVENTS, schema.WriteEvents(event_stream_id="s", expected_version=-3)),
    "version -5": (Command.WRITE_EVENTS, schema.WriteEvents(event_stream_id="s", expected_version=-5)),
    "no type": (Command.WRITE_EVENTS, schema.WriteEvents(event_stream_id="s", events=[event(event_type="")])),
    "short id": (Command.WRITE_EVENTS, schema.WriteEvents(event_stream_id="s", events=[event(event_id=b"short")])),
    "no id": (Command.WRITE_EVENTS, schema.WriteEvents(event_stream_id="s", events=[event(event_id=NO_ID)])),
    "a stream that is no text": (Command.WRITE_EVENTS, b"\x0a\x02\xff\xfe\x10\x00"),
    "a type that is no text": (Command.WRITE_EVENTS, b"\x0a\x01s\x1a\x18\x0a\x10" + ID + b"\x12\x02\xff\xfe\x18\x00"),
    "no stream to read one from": (Command.READ_EVENT, schema.ReadEvent()),
    "event -2": (Command.READ_EVENT, schema.ReadEvent(event_stream_id="s", event_number=-2)),
    "no stream to read": (Command.READ_STREAM_EVENTS_FORWARD, schema.ReadStreamEvents(max_count=1)),
    "from -2": (
        Command.READ_STREAM_EVENTS_BACKWARD,
        schema.ReadStreamEvents(event_stream_id="s", from_event_number=-2, max_count=1),
    ),
    "a stream to follow that is no text": (Command.SUBSCRIBE_TO_STREAM, b"\x0a\x02\xff\xfe"),
    "no message": (Command.READ_ALL_EVENTS_FORWARD, b"\xff\xff"),
}


@pytest.mark.parametrize("what", BAD)
def test_an_invalid_payload_is_refused(talk: Talk, what: str) -> None:
    command, payload = BAD[what]
    assert talk.send(command, payload) == bad_request(command.name.title().replace("_", ""))


async def test_missing_and_unknown_fields_are_tolerated(talk: Talk) -> None:
    unknown = b"\x98\x06\x01"  # with field 99, which is unknown
    payload = b"\x0a\x01s\x10\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x1a\x15\x0a\x10" + ID + b"\x12\x01T" + unknown
    talk.send(Command.WRITE_EVENTS, payload)
    await talk.settled()
    [answer] = talk.answers
    completed = schema.WriteEventsCompleted.FromString(answer.payload)
    assert (completed.result, completed.first_event_number) == (0, 0)
