"""Metadata that calls carry."""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import quote

from rxpump.errors import InvalidArgument
from rxpump.model.credentials import AnyCredentials, Credentials

_PLAIN: Final = re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?").fullmatch
"""Matches names that metadata can have: printable ASCII without spaces at the ends."""

_TOKEN: Final = frozenset(map(chr, range(0x21, 0x7F)))
"""Characters that a token can have."""


def call_metadata(
    name: str, credentials: AnyCredentials | None, *, require_leader: bool
) -> list[tuple[str, str | bytes]]:
    """Return the metadata of calls.

    Args:
        name: Name of the client. It is percent-encoded if metadata cannot have it.
        credentials: Credentials of the user, or None for an anonymous one.
        require_leader: Whether only the leader may answer.
    """
    metadata: list[tuple[str, str | bytes]] = [
        ("connection-name", name if _PLAIN(name) else quote(name)),
        ("requires-leader", "true" if require_leader else "false"),
    ]
    if credentials is not None:
        metadata.append(authorization(credentials))
    return metadata


def authorization(credentials: AnyCredentials) -> tuple[str, str]:
    """Return the metadata for credentials.

    Raises:
        InvalidArgument: A token has characters that metadata cannot have. The error does not contain the token.
    """
    if isinstance(credentials, Credentials):
        pair = f"{credentials.login}:{credentials.password}".encode()
        return "authorization", f"Basic {base64.b64encode(pair).decode()}"
    if not set(credentials.text) <= _TOKEN:
        raise InvalidArgument("token", "(not shown)", "printable ASCII characters without spaces")
    return "authorization", f"Bearer {credentials.text}"
