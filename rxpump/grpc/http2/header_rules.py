"""Rules for header lists (RFC 9113, sections 8.2 and 8.3).

Values of responses and trailers may begin and end with spaces, against RFC 9113, section 8.2.1, because real servers
send such messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from rxpump.grpc.http2.http2_events import Header

_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch
_BAD_IN_REQUEST: Final = re.compile(r"[\x00\r\n]|^[ \t]|[ \t]$").search
_BAD_IN_RESPONSE: Final = re.compile(r"[\x00\r\n]").search
_CONNECTION_SPECIFIC: Final = frozenset(
    {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"}
)
_REQUEST: Final = frozenset({":method", ":scheme", ":path", ":authority"})
_RESPONSE: Final = frozenset({":status"})
_STATUS: Final = re.compile(r"[1-9][0-9][0-9]").fullmatch
_INFORMATIONAL: Final = re.compile(r"1[0-9][0-9]").fullmatch


class MalformedHeaders(Exception):
    """A header list breaks a rule.

    Attributes:
        reason: Description of the fault.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: str = reason


def list_size(headers: Sequence[Header]) -> int:
    """Return the size of a header list in bytes (RFC 9113, section 6.5.2)."""
    return sum(len(name) + len(value) + 32 for name, value in headers)


def is_informational(headers: Sequence[Header]) -> bool:
    """Return whether the headers are those of an interim response, which another response follows."""
    return any(name == ":status" and _INFORMATIONAL(value) for name, value in headers)


def check_request(headers: Sequence[Header]) -> None:
    """Check the headers of a request.

    Raises:
        MalformedHeaders: A rule is broken.
    """
    pseudo = _pseudo_headers(headers, _REQUEST, _BAD_IN_REQUEST)
    if pseudo.get(":method") == "CONNECT":
        if ":scheme" in pseudo or ":path" in pseudo or not pseudo.get(":authority"):
            raise MalformedHeaders("CONNECT with :scheme or :path, or without :authority")
        return
    for name in (":method", ":scheme", ":path"):
        if not pseudo.get(name):
            raise MalformedHeaders(f"no {name}")


def check_response(headers: Sequence[Header]) -> None:
    """Check the headers of a response.

    Raises:
        MalformedHeaders: A rule is broken.
    """
    status = _pseudo_headers(headers, _RESPONSE, _BAD_IN_RESPONSE).get(":status", "")
    if not _STATUS(status):
        raise MalformedHeaders("no :status of three digits")
    if status == "101":
        raise MalformedHeaders(":status 101, which HTTP/2 does not have")


def check_trailers(headers: Sequence[Header]) -> None:
    """Check trailers.

    Raises:
        MalformedHeaders: A rule is broken.
    """
    _pseudo_headers(headers, frozenset(), _BAD_IN_RESPONSE)


def _pseudo_headers(
    headers: Sequence[Header], allowed: frozenset[str], is_bad: Callable[[str], Any]
) -> dict[str, str]:
    """Check every field; return the pseudo-headers by name."""
    pseudo: dict[str, str] = {}
    is_past_pseudo = False
    for name, value in headers:
        if is_bad(value):
            raise MalformedHeaders(f"the value of {name!r:.60} has a character that is not allowed")
        if name.startswith(":"):
            if is_past_pseudo or name not in allowed or name in pseudo:
                raise MalformedHeaders(f"the pseudo-header {name!r:.60} is unknown, repeated or out of place")
            pseudo[name] = value
            continue
        is_past_pseudo = True
        if not _NAME(name):
            raise MalformedHeaders(f"the header name {name!r:.60} has a character that is not allowed")
        if name in _CONNECTION_SPECIFIC or (name == "te" and value != "trailers"):
            raise MalformedHeaders(f"the header {name} is not allowed in HTTP/2")
    return pseudo
