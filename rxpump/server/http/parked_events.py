"""POST /subscriptions/{stream}/{group}/replayParked (`docs/protocol/tcp.md`, section 4.18).

A user who may write to `$settings` may replay parked events. Like a real server, the reply is 401 both for wrong
credentials and for a missing permission.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from http import HTTPStatus
from math import ceil
from typing import Final

from rxpump.errors import InvalidArgument
from rxpump.model.credentials import Credentials
from rxpump.model.login_throttle import Throttled, throttled_address
from rxpump.model.system_names import SETTINGS_STREAM
from rxpump.server.access.access import Permission
from rxpump.server.access.users import User
from rxpump.server.http.request import HttpRequest
from rxpump.server.http.response import HttpResponse, refusal
from rxpump.server.node import Node

_BASIC: Final = re.compile(r"[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/]+={0,2})")
_CHALLENGE: Final = (("WWW-Authenticate", 'BASIC realm="ES"'),)
_REPLAYED: Final = json.dumps({"reason": "", "result": "Success"}).encode()


class ParkedEvents:
    """Answers requests about parked events.

    Args:
        node: Node whose groups have parked events.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    def is_meant(self, request: HttpRequest) -> bool:
        """Return whether the path of a request is that of parked events, so that this object responds to it."""
        match request.segments:
            case ("subscriptions", _, _, "replayParked"):
                return True
        return False

    def respond(self, request: HttpRequest, address: str) -> HttpResponse:
        """Answer a request from a client with this address."""
        if request.method != "POST":
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "the method must be POST", (("Allow", "POST"),))
        user = self._user(request, address)
        if isinstance(user, Throttled):
            seconds = str(ceil(user.seconds))
            return refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many failed logins", (("Retry-After", seconds),))
        if user is None or not self._node.access.may(user, Permission.WRITE, SETTINGS_STREAM):
            return refusal(
                HTTPStatus.UNAUTHORIZED, "only a user who may write to $settings can replay parked events", _CHALLENGE
            )
        _, stream, group, _ = request.segments
        running = self._node.groups.find(stream, group)
        if running is None:
            return refusal(HTTPStatus.NOT_FOUND, f"stream {stream!r} has no group {group!r}")
        running.replay_parked()
        return HttpResponse(HTTPStatus.OK, _REPLAYED, "application/json; charset=utf-8")

    def _user(self, request: HttpRequest, address: str) -> User | Throttled | None:
        header = request.headers.get("authorization")
        if header is None:
            return self._node.anonymous
        credentials = _credentials(header)
        return None if credentials is None else self._node.users.authenticate(credentials, throttled_address(address))

    def __repr__(self) -> str:
        return f"<ParkedEvents of {self._node!r}>"


def _credentials(header: str) -> Credentials | None:
    """Return the credentials of an Authorization header, or None if they are malformed."""
    basic = _BASIC.fullmatch(header)
    if basic is None:
        return None
    try:
        login, _, password = b64decode(basic[1], validate=True).decode().partition(":")
        return Credentials(login, password)
    except (ValueError, InvalidArgument):
        return None
