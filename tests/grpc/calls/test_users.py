"""Requests that manage users."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rxpump.errors import UserNotFound
from rxpump.grpc.calls import users as calls
from rxpump.grpc.messages import users
from rxpump.model.users import UserDetails
from tests.grpc.calls.asked import answer, is_recorded, recorded_responses


@pytest.mark.parametrize(
    ("operation", "method", "options"),
    [
        (
            calls.create_user("ouro", "secret", "Ouro", ["ops"]),
            users.CREATE,
            {"login_name": "ouro", "password": "secret", "full_name": "Ouro", "groups": ["ops"]},
        ),
        (
            calls.update_user("ouro", "Ouro", []),
            users.UPDATE,
            {"login_name": "ouro", "full_name": "Ouro"},
        ),
        (calls.delete_user("ouro"), users.DELETE, {"login_name": "ouro"}),
        (calls.enable_user("ouro"), users.ENABLE, {"login_name": "ouro"}),
        (calls.disable_user("ouro"), users.DISABLE, {"login_name": "ouro"}),
        (
            calls.change_password("ouro", "old", "new"),
            users.CHANGE_PASSWORD,
            {"login_name": "ouro", "current_password": "old", "new_password": "new"},
        ),
        (
            calls.reset_password("ouro", "new"),
            users.RESET_PASSWORD,
            {"login_name": "ouro", "new_password": "new"},
        ),
    ],
)
def test_a_user_is_changed(operation: Any, method: Any, options: dict[str, Any]) -> None:
    assert operation.context.method == method
    assert operation.context.name == "ouro"
    assert operation.requests == (method.request(options=options),)
    assert answer(operation, method.response()) is None


def test_the_details_of_a_user_are_read() -> None:
    response = users.DetailsResponse(
        user_details={
            "login_name": "ouro",
            "full_name": "Ouro",
            "groups": ["$admins", "riders"],
            "last_updated": {"ticks_since_epoch": 17958955411048895},
            "disabled": True,
        }
    )
    updated = datetime(2026, 11, 28, 19, 52, 21, 104889, UTC)
    details = UserDetails("ouro", "Ouro", ("$admins", "riders"), True, updated)
    assert answer(calls.read_user("ouro"), response) == details
    assert answer(calls.read_users(), response, users.DetailsResponse(user_details={"login_name": "rita"})) == [
        details,
        UserDetails("rita", "", (), False, None),
    ]


def test_a_time_out_of_range_is_no_time() -> None:
    response = users.DetailsResponse(
        user_details={"login_name": "ouro", "last_updated": {"ticks_since_epoch": (1 << 63) - 1}}
    )
    assert answer(calls.read_user("ouro"), response).updated is None


def test_an_empty_response_is_an_unknown_user() -> None:
    with pytest.raises(UserNotFound):
        answer(calls.read_user("nobody"))


def test_recorded_details_are_read() -> None:
    users_of_servers = [answer(calls.read_user("any"), each) for each in recorded_responses(calls.read_users())]
    assert {(user.login, user.groups) for user in users_of_servers} == {("eve1", ()), ("ops", ("$ops",))}


def test_other_clients_send_the_same_messages() -> None:
    assert is_recorded(calls.read_users())
    assert is_recorded(calls.read_user("bob"))
    assert is_recorded(calls.create_user("bob", "secret-1", "Bob B", ["g1"]))
    assert is_recorded(calls.change_password("admin", "changeit", "x"))
    assert is_recorded(calls.enable_user("bob"))
