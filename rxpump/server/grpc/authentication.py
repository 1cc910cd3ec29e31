"""Find the user of a call by its `authorization` header (docs/protocol/grpc.md, section 1.3).

As on a real server, a header that cannot be understood is ignored: another scheme than Basic, malformed Base64,
credentials without a colon, or two headers. Since version 26.1, the scheme Bearer can be used instead of Basic. Wrong
credentials are refused even by methods that need none. An empty login or password is always wrong.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Final

from rxpump.errors import InvalidArgument
from rxpump.grpc.protocol.call_metadata import Metadata
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.credentials import Credentials
from rxpump.model.login_throttle import Throttled
from rxpump.server.access.users import User
from rxpump.server.grpc.call_errors import plain_error, too_busy, unauthenticated
from rxpump.server.node import Node

_HEADER: Final = "authorization"
_SCHEMES: Final = ("Basic", "Bearer")


def find_user(node: Node, metadata: Metadata, address: str) -> User:
    """Return the user of a call.

    Args:
        node: Node with the users.
        metadata: Metadata of the call.
        address: Address of the client, as `throttled_address` returns it.

    Raises:
        CallError: The credentials are wrong, or too many attempts failed.
    """
    found = None if node.is_insecure else _login_and_password(metadata)
    if found is None:
        return node.anonymous_caller
    if not node.membership.has_users:
        raise plain_error(StatusCode.UNAVAILABLE, "Server not ready")
    try:
        user = node.users.authenticate(Credentials(*found), address)
    except InvalidArgument:
        raise unauthenticated() from None
    if isinstance(user, Throttled):
        raise too_busy()
    if user is None:
        raise unauthenticated()
    return user


def _login_and_password(metadata: Metadata) -> tuple[str, str] | None:
    """Return the login and the password of a call; None if it has none, or none that can be understood."""
    values = [value for name, value in metadata if name == _HEADER]
    if len(values) != 1 or not isinstance(values[0], str):
        return None
    scheme, _, encoded = values[0].partition(" ")
    if scheme not in _SCHEMES:
        return None
    try:
        decoded = b64decode(encoded.strip(), validate=True).decode(errors="replace")
    except ValueError:
        return None
    login, colon, password = decoded.partition(":")
    return (login, password) if colon else None
