"""POST /subscriptions/{stream}/{group}/replayParked (`docs/protocol/tcp.md`, section 4.18).

Who may write to `$settings` may do it, as all that changes groups. A real server answers 401 to wrong credentials and
to a user without the permission alike.
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
from rxpump.model.system_names import SETTINGS_STREAM
from rxpump.server.access.access import Permission
from rxpump.server.access.login_throttle import Throttled, throttled_address
from rxpump.server.access.users import ANONYMOUS, User
from rxpump.server.http.request import HttpRequest
from rxpump.server.http.response import HttpResponse, refusal
from rxpump.server.node import Node

_BASIC: Final = re.compile(r"[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/]+={0,2})")
_CHALLENGE: Final = (("WWW-Authenticate", 'BASIC realm="ES"'),)
_REPLAYED: Final = json.dumps({"reason": "", "result": "Success"}).encode()


class ParkedEvents:
    """Answers requests about the parked events of the groups of `node`."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def is_meant(self, request: HttpRequest) -> bool:
        """Tell whether a request is about parked events."""
        match request.segments:
            case ("subscriptions", _, _, "replayParked"):
                return True
        return False

    def respond(self, request: HttpRequest, address: str) -> HttpResponse:
        """Answer a request that came from this address."""
        if request.method != "POST":
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "POST is", (("Allow", "POST"),))
        user = self._user(request, address)
        if isinstance(user, Throttled):
            seconds = str(ceil(user.seconds))
            return refusal(HTTPStatus.TOO_MANY_REQUESTS, "too many failed logins", (("Retry-After", seconds),))
        if user is None or not self._node.access.may(user, Permission.WRITE, SETTINGS_STREAM):
            return refusal(HTTPStatus.UNAUTHORIZED, "who may change groups may do it", _CHALLENGE)
        _, stream, group, _ = request.segments
        running = self._node.groups.find(stream, group)
        if running is None:
            return refusal(HTTPStatus.NOT_FOUND, f"stream {stream!r} has no group {group!r}")
        running.replay_parked()
        return HttpResponse(HTTPStatus.OK, _REPLAYED, "application/json; charset=utf-8")

    def _user(self, request: HttpRequest, address: str) -> User | Throttled | None:
        header = request.headers.get("authorization")
        if header is None:
            return ANONYMOUS
        credentials = _credentials(header)
        return None if credentials is None else self._node.users.authenticate(credentials, throttled_address(address))

    def __repr__(self) -> str:
        return f"<ParkedEvents of {self._node!r}>"


def _credentials(header: str) -> Credentials | None:
    """Return the credentials of an Authorization header, None if it has none that anybody could have."""
    basic = _BASIC.fullmatch(header)
    if basic is None:
        return None
    try:
        login, _, password = b64decode(basic[1], validate=True).decode().partition(":")
        return Credentials(login, password)
    except (ValueError, InvalidArgument):
        return None
