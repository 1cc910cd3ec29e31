"""Check the roles of the user of a call, apart from permissions on streams (docs/protocol/grpc.md, section 2)."""

from __future__ import annotations

from rxpump.model.system_names import ADMINS, OPS
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import access_denied


def require_login(call: Call) -> None:
    """Check that the user has logged in.

    Raises:
        CallError: The user is anonymous.
    """
    if not (call.user.login or call.user.is_admin):
        raise access_denied()


def require_operator(call: Call) -> None:
    """Check that the user is an operator or an admin.

    Raises:
        CallError: The user is neither an operator nor an admin.
    """
    if call.user.roles.isdisjoint((ADMINS, OPS)):
        raise access_denied()


def require_admin(call: Call) -> None:
    """Check that the user is an admin.

    Raises:
        CallError: The user is not an admin.
    """
    if not call.user.is_admin:
        raise access_denied()
