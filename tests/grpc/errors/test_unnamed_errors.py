"""Errors whose metadata would contain a name that is not printable ASCII: servers answer with HTTP status 500."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rxpump.errors import (
    PersistentSubscriptionNotFound,
    RxPumpError,
    ServerFailed,
    StreamDeleted,
    UserConflict,
    UserNotFound,
)
from rxpump.grpc.calls.users import create_user, enable_user, read_user
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.errors.status_errors import error_of_status
from rxpump.grpc.messages import persistent_subscriptions as groups
from rxpump.grpc.messages import streams
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from tests.grpc.errors.contexts import APPEND, CONSUME, DELETE, READ, SUBSCRIBE

STATUS = CallStatus(StatusCode.UNKNOWN, "HTTP status 500 without grpc-status", http_status="500")


@pytest.mark.parametrize("name", ["prénom", "two\nlines"])
@pytest.mark.parametrize("call", [READ, SUBSCRIBE, APPEND])
def test_a_read_or_an_append_can_only_be_of_a_deleted_stream(call: CallContext, name: str) -> None:
    assert error_of_status(STATUS, replace(call, stream=name)) == StreamDeleted(name)


@pytest.mark.parametrize("method", [groups.GET_INFO, groups.LIST, groups.DELETE, groups.REPLAY_PARKED])
@pytest.mark.parametrize(("stream", "group"), [("s", "équipe"), ("prénom", "g")])
def test_most_requests_about_a_group_can_only_miss_it(method: Method, stream: str, group: str) -> None:
    call = CallContext(method, "read", Effect.NONE, stream, group)
    assert error_of_status(STATUS, call) == PersistentSubscriptionNotFound(stream, group)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (create_user("zoë", "p", "Z", []).context, UserConflict),
        (enable_user("zoë").context, UserNotFound),
        (read_user("zoë").context, UserNotFound),
    ],
)
def test_a_user_exists_already_or_is_not_found(call: CallContext, error: type[RxPumpError]) -> None:
    raised = error_of_status(STATUS, call)
    assert type(raised) is error
    assert "'zoë'" in str(raised)


@pytest.mark.parametrize("call", [DELETE, CONSUME, replace(DELETE, method=streams.TOMBSTONE)])
def test_other_requests_can_have_several_reasons(call: CallContext) -> None:
    error = error_of_status(STATUS, replace(call, stream="prénom"))
    assert isinstance(error, ServerFailed)
    assert "not printable ASCII" in error.reason


def test_a_request_with_a_printable_name_failed() -> None:
    assert error_of_status(STATUS, READ) == ServerFailed("Streams.Read 'ponies'", STATUS.message)
