"""Manage users (docs/protocol/grpc.md, section 3.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rxpump.errors import UserNotFound
from rxpump.grpc.calls.fields import time_of
from rxpump.grpc.calls.operation import Operation, no_result
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import users
from rxpump.grpc.messages.methods import Method
from rxpump.model.users import UserDetails

_SILENCE: Final = "a server without TLS and users (--insecure) answers no request about users"


def create_user(login: str, password: str, full_name: str, groups: Sequence[str]) -> Operation[None]:
    """Return the Create request."""
    options = {"login_name": login, "password": password, "full_name": full_name, "groups": groups}
    return _change(users.CREATE, login, users.CreateRequest(options=options))


def update_user(login: str, full_name: str, groups: Sequence[str]) -> Operation[None]:
    """Return the Update request, which replaces the full name and the groups."""
    options = {"login_name": login, "full_name": full_name, "groups": groups}
    return _change(users.UPDATE, login, users.UpdateRequest(options=options))


def delete_user(login: str) -> Operation[None]:
    """Return the Delete request."""
    return _change(users.DELETE, login, _login(login))


def enable_user(login: str) -> Operation[None]:
    """Return the Enable request."""
    return _change(users.ENABLE, login, _login(login))


def disable_user(login: str) -> Operation[None]:
    """Return the Disable request."""
    return _change(users.DISABLE, login, _login(login))


def change_password(login: str, current: str, new: str) -> Operation[None]:
    """Return the ChangePassword request. The server answers AccessDenied if the current password is wrong."""
    options = {"login_name": login, "current_password": current, "new_password": new}
    return _change(users.CHANGE_PASSWORD, login, users.ChangePasswordRequest(options=options))


def reset_password(login: str, new: str) -> Operation[None]:
    """Return the ResetPassword request."""
    options = {"login_name": login, "new_password": new}
    return _change(users.RESET_PASSWORD, login, users.ResetPasswordRequest(options=options))


def read_user(login: str) -> Operation[UserDetails]:
    """Return the Details request for one user."""

    def answer(messages: Sequence[Any], context: CallContext) -> UserDetails:
        if not messages:
            raise UserNotFound(login)
        return _details(messages[0])

    return Operation(_context(users.DETAILS, login), (_login(login),), answer)


def read_users() -> Operation[Sequence[UserDetails]]:
    """Return the Details request for all users."""

    def answer(messages: Sequence[Any], context: CallContext) -> Sequence[UserDetails]:
        return [_details(message) for message in messages]

    return Operation(_context(users.DETAILS, ""), (_login(""),), answer)


def _context(method: Method, login: str) -> CallContext:
    return CallContext(method, "manage users of", Effect.NONE, name=login, silence_hint=_SILENCE)


def _login(login: str) -> Any:
    return users.LoginRequest(options={"login_name": login})


def _change(method: Method, login: str, request: Any) -> Operation[None]:
    return Operation(_context(method, login), (request,), no_result)


def _details(message: Any) -> UserDetails:
    found = message.user_details
    return UserDetails(
        found.login_name,
        found.full_name,
        tuple(found.groups),
        found.disabled,
        time_of(found.last_updated.ticks_since_epoch),
    )
