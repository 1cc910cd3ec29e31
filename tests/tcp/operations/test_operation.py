"""Replies that every request can receive: NotHandled, BadRequest, NotAuthenticated, and malformed replies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.errors import (
    BadRequest,
    IsReadOnly,
    MalformedReply,
    NotAuthenticated,
    NotLeader,
    NotReady,
    TooBusy,
    UnexpectedReply,
)
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
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
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Opened, Redirect, Retry, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import FilterContext, FilterType, NotHandledReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.tcp.operations.cases import ID, classes_of

FILTER = schema.Filter(context=FilterContext.EVENT_TYPE, type=FilterType.PREFIX, data=["Pony"])
ALL: list[Operation[Any]] = [
    Ping(),
    Append("ponies", [NewEvent("T")], -2, require_leader=True),
    ReadEvent("ponies", 7, resolve_links=True, require_leader=True),
    ReadStreamForward("ponies", 0, 10, resolve_links=True, require_leader=True),
    ReadStreamBackward("ponies", -1, 10, resolve_links=True, require_leader=True),
    ReadAllForward(Position(0, 0), 10, resolve_links=True, require_leader=True),
    ReadAllBackward(Position(-1, -1), 10, resolve_links=True, require_leader=True),
    Subscribe("ponies", resolve_links=True, max_events=10, max_bytes=1000),
    FilteredSubscribe(FILTER, resolve_links=True, max_events=10, max_bytes=1000),
    FilteredReadAllForward(Position(0, 0), 10, FILTER, resolve_links=True, require_leader=True),
    FilteredReadAllBackward(Position(-1, -1), 10, FILTER, resolve_links=True, require_leader=True),
    DeleteStream("ponies", -2, hard=False, require_leader=True),
    TransactionStart("ponies", -2, require_leader=True),
    TransactionWrite("ponies", 7, [NewEvent("T")], require_leader=True),
    TransactionCommit("ponies", 7, -2, require_leader=True),
    Scavenge(),
    CreatePersistent("ponies", "judges", PersistentSubscriptionSettings()),
    UpdatePersistent("ponies", "judges", PersistentSubscriptionSettings()),
    DeletePersistent("ponies", "judges"),
    ConnectPersistent("ponies", "judges", 10),
]
every_operation = pytest.mark.parametrize("operation", ALL, ids=str)
LEADER = schema.LeaderInfo(
    external_tcp_address="10.0.0.2", external_tcp_port=1113, external_http_address="10.0.0.2", external_http_port=2113
)


def not_handled(reason: int, leader: schema.LeaderInfo | None = None) -> Package:
    refusal = schema.NotHandled(reason=reason)
    if leader is not None:
        refusal.additional_info = leader.SerializeToString()
    return Package(Command.NOT_HANDLED, ID, refusal.SerializeToString())


def test_the_list_contains_every_operation() -> None:
    def concrete(cls: type) -> set[type]:
        below: list[type] = cls.__subclasses__()
        return {cls} if not below else {each for sub in below for each in concrete(sub)}

    ours = {cls for cls in concrete(Operation) if cls.__module__.startswith("rxpump.")}
    assert {type(operation) for operation in ALL} == ours


@every_operation
def test_each_operation_has_its_own_reply_command_and_a_repr(operation: Operation[Any]) -> None:
    others = [other for other in ALL if other is not operation]
    if operation.reply == Command.SUBSCRIPTION_CONFIRMATION:
        others = [other for other in others if other.reply != operation.reply]
    assert operation.reply not in {other.reply for other in others}
    assert repr(operation) == f"<{operation}>"


@every_operation
def test_each_reason_of_not_handled_has_its_outcome(operation: Operation[Any]) -> None:
    outcomes = {
        NotHandledReason.NOT_READY: (Retry, NotReady),
        NotHandledReason.TOO_BUSY: (Retry, TooBusy),
        NotHandledReason.NOT_LEADER: (Retry, NotLeader),
        NotHandledReason.IS_READ_ONLY: (Retry, IsReadOnly),
    }
    assert set(outcomes) == set(NotHandledReason)
    for reason in NotHandledReason:
        assert classes_of(operation.interpret(not_handled(reason))) == outcomes[reason]
    assert classes_of(operation.interpret(not_handled(99))) == (Failure, UnexpectedReply)


@every_operation
def test_an_empty_not_handled_is_not_ready(operation: Operation[Any]) -> None:
    """Servers that leave out zeros send an empty NotHandled (docs/protocol/tcp.md, section 3.1)."""
    assert classes_of(operation.interpret(Package(Command.NOT_HANDLED, ID))) == (Retry, NotReady)


@pytest.mark.parametrize(
    ("reason", "error"), [(NotHandledReason.NOT_LEADER, NotLeader), (NotHandledReason.IS_READ_ONLY, IsReadOnly)]
)
def test_a_refusal_with_a_leader_address_is_a_redirect(reason: NotHandledReason, error: type[Exception]) -> None:
    outcome = ALL[1].interpret(not_handled(reason, LEADER))
    assert isinstance(outcome, Redirect)
    assert (outcome.plain, outcome.secure) == (("10.0.0.2", 1113), None)
    assert type(outcome.error) is error


@pytest.mark.parametrize(
    "leader",
    [
        schema.LeaderInfo(),
        schema.LeaderInfo(external_tcp_address="10.0.0.2"),
        schema.LeaderInfo(external_tcp_port=1113),
        schema.LeaderInfo(external_tcp_address="10.0.0.2", external_tcp_port=0),
        schema.LeaderInfo(external_tcp_address="10.0.0.2", external_tcp_port=65536),
        schema.LeaderInfo(external_tcp_address="10.0.0.2", external_tcp_port=-1),
        schema.LeaderInfo(external_secure_tcp_address="10.0.0.2", external_secure_tcp_port=0),
    ],
)
def test_a_leader_without_a_usable_address_causes_a_retry(leader: schema.LeaderInfo) -> None:
    assert classes_of(ALL[1].interpret(not_handled(NotHandledReason.NOT_LEADER, leader))) == (Retry, NotLeader)


def test_a_redirect_has_the_tls_address_of_the_leader() -> None:
    leader = schema.LeaderInfo(external_secure_tcp_address="leader.example", external_secure_tcp_port=1115)
    outcome = ALL[1].interpret(not_handled(NotHandledReason.NOT_LEADER, leader))
    assert isinstance(outcome, Redirect)
    assert (outcome.plain, outcome.secure) == (None, ("leader.example", 1115))


def test_additional_info_of_not_ready_is_ignored() -> None:
    refusal = schema.NotHandled(reason=NotHandledReason.NOT_READY, additional_info=b"\xff\xff")
    package = Package(Command.NOT_HANDLED, ID, refusal.SerializeToString())
    assert classes_of(ALL[0].interpret(package)) == (Retry, NotReady)


@every_operation
@pytest.mark.parametrize(
    ("command", "error"),
    [(Command.BAD_REQUEST, BadRequest), (Command.NOT_AUTHENTICATED, NotAuthenticated)],
)
def test_refusals_contain_the_message_of_the_server(
    operation: Operation[Any], command: Command, error: type[Any]
) -> None:
    outcome = operation.interpret(Package(command, ID, b"Because.\n"))
    assert isinstance(outcome, Failure)
    assert type(outcome.error) is error
    assert outcome.error.reason == "Because."  # type: ignore[attr-defined]


@every_operation
def test_an_unexpected_reply_is_named_in_the_error(operation: Operation[Any]) -> None:
    outcome = operation.interpret(Package(Command.CLIENT_IDENTIFIED, ID))
    assert isinstance(outcome, Failure)
    assert str(outcome.error) == f"the reply to {operation} is ClientIdentified, which this request does not allow"
    outcome = operation.interpret(Package(0x77, ID))
    assert isinstance(outcome, Failure)
    assert str(outcome.error) == f"the reply to {operation} is 0x77, which this request does not allow"


@pytest.mark.parametrize(
    ("operation", "command"),
    [(each, Command.NOT_HANDLED) for each in ALL]
    + [(each, each.reply) for each in ALL if not isinstance(each, Ping)],
    ids=str,
)
def test_a_malformed_reply_is_an_error_that_names_the_operation(operation: Operation[Any], command: Command) -> None:
    outcome = operation.interpret(Package(command, ID, b"\xff\xff\xff"))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, MalformedReply)
    assert outcome.error.operation == str(operation)


@given(
    operation=st.sampled_from(ALL),
    command=st.sampled_from([*Command, 0x00, 0x77, 0xFF]) | st.none(),
    payload=st.binary(max_size=40),
)
def test_no_reply_makes_interpret_raise(operation: Operation[Any], command: int | None, payload: bytes) -> None:
    outcome = operation.interpret(Package(operation.reply if command is None else command, ID, payload))
    assert isinstance(outcome, (Success, Opened, Failure, Retry, Redirect))
    if not isinstance(outcome, (Success, Opened)):
        assert str(outcome.error)
