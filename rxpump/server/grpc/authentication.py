"""Find the user of a call by its `authorization` header (docs/protocol/grpc.md, section 1.3).

As on a real server, a header that cannot be understood is ignored: another scheme than Basic, malformed Base64,
credentials without a colon, or two headers. Wrong credentials are refused even by methods that need none.
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
_BASIC: Final = "Basic "


def find_user(node: Node, metadata: Metadata, address: str) -> User:
    """Return the user of a call.

    Args:
        node: Node with the users.
        metadata: Metadata of the call.
        address: Address of the client, as `throttled_address` returns it.

    Raises:
        CallError: The credentials are wrong, or too many attempts failed.
    """
    credentials = None if node.is_insecure else _credentials(metadata)
    if credentials is None:
        return node.anonymous
    if not node.membership.has_users:
        raise plain_error(StatusCode.UNAVAILABLE, "Server not ready")
    user = node.users.authenticate(credentials, address)
    if isinstance(user, Throttled):
        raise too_busy()
    if user is None:
        raise unauthenticated()
    return user


def _credentials(metadata: Metadata) -> Credentials | None:
    """Return the credentials of a call; None if it has none, or none that can be understood."""
    values = [value for name, value in metadata if name == _HEADER]
    if len(values) != 1 or not isinstance(values[0], str) or not values[0].startswith(_BASIC):
        return None
    try:
        login, colon, password = b64decode(values[0].removeprefix(_BASIC), validate=True).decode().partition(":")
        return Credentials(login, password) if colon else None
    except (ValueError, InvalidArgument):
        return None
