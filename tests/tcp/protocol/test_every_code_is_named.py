"""Every reply in the tables of docs/protocol/tcp.md, sections 2 and 3, is a result or an error with a name.

Only a reply that no table contains is an UnexpectedReply.
"""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import MalformedReply, RxPumpError, UnexpectedReply
from rxpump.model.credentials import Credentials
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
from rxpump.settings import Settings
from rxpump.tcp.operations.append import Append
from rxpump.tcp.operations.connect_persistent import ConnectPersistent
from rxpump.tcp.operations.delete_stream import DeleteStream
from rxpump.tcp.operations.filtered_read_all import FilteredReadAllBackward, FilteredReadAllForward
from rxpump.tcp.operations.manage_persistent import CreatePersistent, DeletePersistent, UpdatePersistent
from rxpump.tcp.operations.ping import Ping
from rxpump.tcp.operations.read_all import ReadAllBackward, ReadAllForward
from rxpump.tcp.operations.read_event import ReadEvent
from rxpump.tcp.operations.read_stream import ReadStreamBackward, ReadStreamForward
from rxpump.tcp.operations.scavenge import Scavenge
from rxpump.tcp.operations.subscribe import FilteredSubscribe, Subscribe
from rxpump.tcp.operations.transaction import TransactionCommit, TransactionStart, TransactionWrite
from rxpump.tcp.protocol.client_protocol import ClientProtocol, ProtocolState
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Opened, Retry, Success
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package
from tests.tcp.operations.cases import ID
from tests.tcp.protocol import tables

COMMANDS = tables.commands()
CODES = tables.codes()
ANY_REQUEST_MAY_GET = (Command.BAD_REQUEST, Command.NOT_HANDLED, Command.NOT_AUTHENTICATED)

FIRST, LAST, LEADER = Position(0, 0), Position(-1, -1), {"require_leader": True}
LINKS = {"resolve_links": True, **LEADER}
BOUNDS: dict[str, Any] = {"resolve_links": True, "max_events": 10, "max_bytes": 1000}
FILTER = schema.Filter(data=["Pony"])
OPERATIONS: list[Operation[Any]] = [
    Ping(),
    Append("ponies", [NewEvent("T")], -2, **LEADER),
    TransactionStart("ponies", -2, **LEADER),
    TransactionWrite("ponies", 7, [NewEvent("T")], **LEADER),
    TransactionCommit("ponies", 7, -2, **LEADER),
    DeleteStream("ponies", -2, hard=False, **LEADER),
    ReadEvent("ponies", 7, **LINKS),
    ReadStreamForward("ponies", 0, 10, **LINKS),
    ReadStreamBackward("ponies", -1, 10, **LINKS),
    ReadAllForward(FIRST, 10, **LINKS),
    ReadAllBackward(LAST, 10, **LINKS),
    FilteredReadAllForward(FIRST, 10, FILTER, **LINKS),
    FilteredReadAllBackward(LAST, 10, FILTER, **LINKS),
    Subscribe("ponies", **BOUNDS),
    FilteredSubscribe(FILTER, **BOUNDS),
    ConnectPersistent("ponies", "stable", 10),
    CreatePersistent("ponies", "stable", PersistentSubscriptionSettings()),
    UpdatePersistent("ponies", "stable", PersistentSubscriptionSettings()),
    DeletePersistent("ponies", "stable"),
    Scavenge(),
]
FOR_A_SUBSCRIPTION = {
    Command.STREAM_EVENT_APPEARED,
    Command.CHECKPOINT_REACHED,
    Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED,
}
"""Packages of a confirmed subscription, which its buffer receives instead of the operation."""
SENT_BY_THE_PROTOCOL = {
    Command.HEARTBEAT_REQUEST,
    Command.HEARTBEAT_RESPONSE,
    Command.AUTHENTICATE,
    Command.IDENTIFY_CLIENT,
}
SENT_FOR_A_SUBSCRIPTION = {
    Command.UNSUBSCRIBE_FROM_STREAM,
    Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS,
    Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS,
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: command_name(each.command))


def test_the_commands_are_those_of_the_document() -> None:
    assert {int(command): command_name(command) for command in Command} == {
        code: listed.name for code, listed in COMMANDS.items()
    }


def test_each_documented_request_has_an_operation() -> None:
    requests = {code for code, listed in COMMANDS.items() if listed.direction in "RB"}
    asked = {int(operation.command) for operation in OPERATIONS}
    assert requests - SENT_BY_THE_PROTOCOL - SENT_FOR_A_SUBSCRIPTION - {Command.BAD_REQUEST} == asked


def answers(code: int) -> list[tuple[str, Package]]:
    """Return each reply that the tables list for a command, with a description."""
    made: list[tuple[str, Package]] = []
    for name in COMMANDS[code].messages:
        for carried in CODES.get(name, ()):
            if carried.is_ever_sent:
                made.append((f"{name} {carried.name}", Package(code, ID, _message(name, carried.value))))
    return made or [(command_name(code), Package(code, ID))]


def _message(name: str, code: int) -> bytes:
    message = getattr(schema, name)()
    field = "result" if "result" in message.DESCRIPTOR.fields_by_name else "reason"
    setattr(message, field, code)
    if name == "ReadEventCompleted":
        message.event.event.event_number = 7  # A success without an event has another meaning.
    if name == "ScavengeDatabaseCompleted":
        message.total_time_ms = 0  # The other reply of this name always has this field.
    return message.SerializeToString()  # type: ignore[no-any-return]


def error_of(outcome: Any) -> RxPumpError | None:
    return outcome.error if isinstance(outcome, (Failure, Retry)) else None


@every_operation
def test_each_documented_reply_has_its_result_or_error(operation: Operation[Any]) -> None:
    walked = 0
    for code in (*COMMANDS[operation.command].replies, *ANY_REQUEST_MAY_GET):
        if code in FOR_A_SUBSCRIPTION:
            continue  # A later test checks these.
        for called, package in answers(code):
            if getattr(operation, "denial", None) == code and not called.endswith("AccessDenied"):
                continue  # "0xB7 when access denied", and only then
            error = error_of(operation.interpret(package))
            assert not isinstance(error, (UnexpectedReply, MalformedReply)), called
            assert (error is None) == called.endswith(("Success", "Started", "Pong", "Confirmation")), called
            walked += 1
    assert walked >= 6


def opened(operation: Operation[Any]) -> SubscriptionBuffer[Any]:
    outcome = operation.interpret(Package(operation.reply, ID))
    assert isinstance(outcome, Opened)
    return outcome.buffer


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.unsubscribe_command is not None], ids=str)
def test_each_message_of_a_subscription_has_its_meaning(operation: Operation[Any]) -> None:
    for code in COMMANDS[operation.command].replies - {operation.reply, Command.SUBSCRIPTION_DROPPED}:
        buffer = opened(operation)
        buffer.receive(Package(code, ID))
        assert buffer.ending is None, command_name(code)
    for called, package in answers(Command.SUBSCRIPTION_DROPPED):
        buffer = opened(operation)
        buffer.receive(package)
        assert buffer.ending is not None
        assert not isinstance(buffer.ending, (UnexpectedReply, MalformedReply)), called


@pytest.mark.parametrize(
    ("command", "credentials"),
    [(Command.AUTHENTICATE, Credentials("admin", "changeit")), (Command.IDENTIFY_CLIENT, None)],
)
def test_each_reply_to_the_introduction_has_its_meaning(command: Command, credentials: Credentials | None) -> None:
    for code in COMMANDS[command].replies | {Command.NOT_AUTHENTICATED}:
        protocol = ClientProtocol("tcp://node", Settings(), credentials, 0.0)
        (asked,) = Framer().feed(b"".join(protocol.bytes_to_send()))
        assert asked.command == command
        protocol.receive(Package(code, asked.correlation_id, b"No.").encode())
        if code == Command.NOT_AUTHENTICATED:
            assert "refused: No." in str(protocol.failure)
        else:
            assert protocol.state in (ProtocolState.IDENTIFYING, ProtocolState.READY)


def test_a_reply_that_is_not_documented_is_unexpected() -> None:
    """The test above can fail."""
    for operation in OPERATIONS:
        for code in set(COMMANDS) - COMMANDS[operation.command].replies - set(ANY_REQUEST_MAY_GET):
            assert isinstance(error_of(operation.interpret(Package(code, ID))), UnexpectedReply)
    assert isinstance(Ping().interpret(Package(Command.PONG, ID)), Success)
