"""Replay of the parked events of a consumer group, which servers offer only over HTTP.

See `docs/protocol/tcp.md`, sections 4.18 and 5.4.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from rxpump.errors import (
    AccessDenied,
    ConnectionFailed,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
    RxPumpError,
    TooBusy,
)
from rxpump.model.credentials import AnyCredentials
from rxpump.network.tls import make_context
from rxpump.settings import Settings
from rxpump.tcp.http_post import HttpStatusLine, post

OPERATION: Final = "ReplayParked"

_OK: Final = range(200, 300)
_DENIED: Final = (401, 403)
_NOT_FOUND: Final = 404
_BUSY: Final = (429, 503)


async def replay_parked(
    stream: str, group: str, *, host: str, port: int, credentials: AnyCredentials | None, settings: Settings
) -> None:
    """Let the server deliver the parked events of a group again. Return when it has started.

    Raises:
        AccessDenied: The user may not manage groups, or the credentials are wrong.
        PersistentSubscriptionNotFound: The group does not exist.
        TooBusy: The server accepts no more requests now.
        PersistentSubscriptionFailed: The server refused for another reason.
        ConnectionFailed: There is no HTTP connection to `host` and `port`.
        MalformedReply: The response is not HTTP.
    """
    path = f"/subscriptions/{quote(stream, safe='')}/{quote(group, safe='')}/replayParked"
    tls, name = make_context(settings), settings.tls_server_name
    try:
        status = await post(host, port, path, credentials=credentials, tls=tls, tls_server_name=name)
    except OSError as error:
        raise ConnectionFailed(f"the HTTP port {port} of {host}", 1, str(error)) from error
    failure = _failure(status, stream, group, None if credentials is None else credentials.login)
    if failure is not None:
        raise failure


def _failure(status: HttpStatusLine, stream: str, group: str, login: str | None) -> RxPumpError | None:
    if status.code in _OK:
        return None
    if status.code in _DENIED:
        return AccessDenied("replay the parked events of", stream, login)
    if status.code in _BUSY:
        return TooBusy(OPERATION)
    if status.code == _NOT_FOUND:
        return PersistentSubscriptionNotFound(stream, group)
    return PersistentSubscriptionFailed(stream, group, f"HTTP status {status.code} {status.reason}".rstrip())
