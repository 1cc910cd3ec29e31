"""Users: manage the users of the server (docs/protocol/grpc.md, sections 3.8 and 5.13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rxpump.errors import InvalidArgument
from rxpump.grpc.messages.users import DetailsResponse
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.credentials import Credentials
from rxpump.model.login_throttle import Throttled
from rxpump.server.access.users import Profile, Saving
from rxpump.server.grpc.authorization import require_admin, require_login
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import (
    CallError,
    access_denied,
    handler_failed,
    invalid_argument,
    named_error,
    not_committed,
    plain_error,
    store_failed,
    too_busy,
)
from rxpump.server.store.changes import Appended, NotCommitted


async def create_user(call: Call) -> None:
    """Answer a Create when the account is saved. As on a real server, a login can be empty; nobody can use it.

    A user who exists with the same password is not changed.
    """
    options = await _options(call, require_admin)
    login = options.login_name
    if login:
        _checked(login, options.password)
    if call.node.users.find(login) is not None:
        if not call.node.users.has_password(login, options.password):
            raise _conflict(login)
        call.reply(call.method.response())
        return
    profile = Profile(login, options.full_name, tuple(options.groups))
    await _saved(call, call.node.users.save(profile, options.password))


async def update_user(call: Call) -> None:
    """Answer an Update, which changes the full name and the groups, when the account is saved."""
    options = await _options(call, require_admin)
    profile = _found(call, options.login_name)
    changed = replace(profile, full_name=options.full_name, groups=tuple(options.groups))
    await _saved(call, call.node.users.save(changed))


async def delete_user(call: Call) -> None:
    """Answer a Delete when the deletion is saved."""
    options = await _options(call, require_admin)
    await _saved(call, call.node.users.save(_found(call, options.login_name), is_deleted=True))


async def disable_user(call: Call) -> None:
    """Answer a Disable: the user cannot log in."""
    options = await _options(call, require_admin)
    await _saved(call, call.node.users.save(replace(_found(call, options.login_name), is_disabled=True)))


async def enable_user(call: Call) -> None:
    """Answer an Enable: the user can log in again."""
    options = await _options(call, require_admin)
    await _saved(call, call.node.users.save(replace(_found(call, options.login_name), is_disabled=False)))


async def reset_password(call: Call) -> None:
    """Answer a ResetPassword when the new password is saved."""
    options = await _options(call, require_admin)
    _checked(options.login_name, options.new_password)
    await _saved(call, call.node.users.save(_found(call, options.login_name), options.new_password))


async def change_password(call: Call) -> None:
    """Answer a ChangePassword. Any user may change a password, if the request has the old one."""
    options = await _options(call, require_login)
    profile = _found(call, options.login_name)
    _checked(profile.login, options.new_password)
    if not options.current_password:
        raise access_denied()
    current = _checked(profile.login, options.current_password)
    is_right = call.node.users.verify_password(current, call.address)
    if isinstance(is_right, Throttled):
        raise too_busy()
    if not is_right:
        raise access_denied()
    await _saved(call, call.node.users.save(profile, options.new_password))


async def user_details(call: Call) -> None:
    """Answer a Details about one user, or about all."""
    request = await call.request()
    _check_is_secure(call)
    require_login(call)
    login = request.options.login_name
    for profile in [_found(call, login)] if login.strip() else call.node.users.all():
        call.reply(DetailsResponse(user_details=_details(profile)))


def _details(profile: Profile) -> dict[str, Any]:
    return {
        "login_name": profile.login,
        "full_name": profile.full_name,
        "groups": profile.groups,
        "disabled": profile.is_disabled,
        "last_updated": {"ticks_since_epoch": profile.updated_ns // 100},
    }


async def _options(call: Call, check_user: Callable[[Call], None]) -> Any:
    request = await call.request()
    _check_is_secure(call)
    check_user(call)
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    return request.options


def _check_is_secure(call: Call) -> None:
    if call.node.is_insecure:
        reason = "An insecure server has no users: everyone may do everything."
        raise plain_error(StatusCode.UNIMPLEMENTED, reason)


def _checked(login: str, password: str) -> Credentials:
    """Return the credentials.

    Raises:
        CallError: The login or the password is not allowed.
    """
    try:
        return Credentials(login, password)
    except InvalidArgument as error:
        raise invalid_argument(str(error)) from None


def _found(call: Call, login: str) -> Profile:
    profile = call.node.users.find(login)
    if profile is None:
        message = f"User '{login}' is not found."
        raise named_error(StatusCode.NOT_FOUND, message, "user-not-found", login_name=login)
    return profile


def _conflict(login: str) -> CallError:
    return named_error(StatusCode.FAILED_PRECONDITION, "Conflict.", "user-conflict", login_name=login)


async def _saved(call: Call, saving: Saving) -> None:
    match await saving:
        case Appended():
            call.reply(call.method.response())
        case NotCommitted() as outcome:
            raise not_committed(outcome)
        case failure:
            raise store_failed(f"the account cannot be saved: {failure}")
