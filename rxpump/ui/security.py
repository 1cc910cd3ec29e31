"""The rules that every request must keep, before it reaches a route."""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from math import ceil
from time import monotonic
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rxpump.model.login_throttle import LoginThrottle, throttled_address
from rxpump.ui.replies import refusal

TOKEN_HEADER: Final = "x-rxpump-token"
"""Header with the token of the page, for requests that change something."""

READING: Final = frozenset({"GET", "HEAD"})
"""Methods of requests that change nothing."""

OTHER_SITES: Final = frozenset({"cross-site", "same-site"})
"""Values of the header `Sec-Fetch-Site` for pages of another origin. A page on another port is of the same site."""

_ONE_LOGIN: Final = ""
"""Login for which wrong passwords are counted: the page has one password for all user names."""

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Headers of every response. No script and no style can come from the text of an event."""


class Guard:
    """Refuses requests that break a rule, and adds HEADERS to every response.

    - The Host header names this page. A hostile page whose name was changed to resolve to this machine (DNS
      rebinding) sends its own name.
    - If there is a password, the request has it (HTTP Basic, with any user name). An address that has sent too many
      wrong passwords must wait, also with the right one; see `rxpump.model.login_throttle`.
    - A request for data does not come from a page of another site. That page could not read the reply, but it could
      measure its duration.
    - A request that changes something has the token and comes from a page of the same origin.

    Args:
        app: Application behind the rules.
        token: Token that requests which change something must have.
        password: Password of every request; None if none is needed.
        hosts: Names that the Host header may have, in addition to those of loopback.
        any_address: Whether the Host header may be any IP address, because the page listens on all of them. An
            address cannot be rebound.
        clock: Function that returns the time in seconds, for the limit of wrong passwords.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        password: str | None = None,
        hosts: Iterable[str] = (),
        any_address: bool = False,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._password = None if password is None else password.encode()
        self._hosts = frozenset(host.lower() for host in hosts) | {"localhost"}
        self._any_address = any_address
        self._clock = clock
        self._throttle = LoginThrottle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refused = self._refusal(scope)
        await (refused or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the reply to a request that breaks a rule, None for any other."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self._is_ours(host):
            return refusal(421, "WrongHost", "the Host header does not name this page; see the option --allow-host")
        if self._password is not None and (refused := self._check_password(scope, headers, self._password)):
            return refused
        if scope["path"].startswith("/api/") and headers.get("sec-fetch-site") in OTHER_SITES:
            return refusal(403, "OtherSite", "the request comes from a page of another site")
        if scope["method"] in READING:
            return None
        if headers.get("origin") != f"{scope['scheme']}://{host}":
            return refusal(403, "WrongOrigin", "the request does not come from a page of this origin")
        if not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token):
            return refusal(403, "WrongToken", f"the header {TOKEN_HEADER} does not have the token of /api/info")
        return None

    def _check_password(self, scope: Scope, headers: Headers, password: bytes) -> Response | None:
        """Check the password of a request.

        Wrong passwords are counted for the address of the client. A request without a password is not counted,
        because a browser sends one before it asks the user.

        Returns:
            None if the password is correct. Otherwise the reply: the password is missing or wrong, or there were too
            many wrong ones.
        """
        given = _given_password(headers)
        if given is not None:
            address, now = throttled_address((scope.get("client") or ("",))[0]), self._clock()
            throttled = self._throttle.check(address, _ONE_LOGIN, now)
            if throttled is not None:
                seconds = ceil(throttled.seconds)
                message = f"too many wrong passwords came from this address; the next one is checked in {seconds} s"
                return refusal(429, "TooManyAttempts", message, {"retry-after": str(seconds)})
            if hmac.compare_digest(given, password):
                return None
            self._throttle.note_failure(address, _ONE_LOGIN, now)
        challenge = {"www-authenticate": 'Basic realm="rxpump", charset="UTF-8"'}
        return refusal(401, "PasswordNeeded", "the password of the page is missing or wrong", challenge)

    def _is_ours(self, host: str) -> bool:
        name = _without_port(host).lower()
        if name in self._hosts:
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _given_password(headers: Headers) -> bytes | None:
    """Return the password that a request has; empty if it cannot be decoded, None if the request has none."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(encoded, validate=True).partition(b":")[2]
    except (BadBase64, ValueError):
        return b""
