"""One HTTP request, read strictly: what two readers could take for different things is refused.

Only requests without a body are taken; the grammar is that of RFC 9112.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

MAX_HEAD: Final = 8192
"""Bytes that a request may have, from its first line to the empty one."""

_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/([0-9])\.([0-9])")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")


class CannotAnswer(Exception):
    """The request is answered by this `status`, and the connection is closed: what follows cannot be trusted."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request.

    Attributes:
        method: Method, in upper case.
        path: Path with its percent-encoding removed.
        query: The last value of each option.
        headers: Headers, with their names in lower case.
        is_last: Whether the client sends no other request on the connection.
        segments: The parts of the path between its slashes, each with its percent-encoding removed.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    is_last: bool
    segments: tuple[str, ...] = ()

    def takes_json(self) -> bool:
        """Tell whether the client wants to have JSON; `?format=` wins over its Accept header."""
        if "format" in self.query:
            return self.query["format"] == "json"
        ranges = [part.replace(" ", "").lower() for part in self.headers.get("accept", "*/*").split(",")]
        return any(
            media.split(";")[0] in ("*/*", "application/*", "application/json") and not _is_refused(media)
            for media in ranges
        )


def _is_refused(media: str) -> bool:
    return re.search(r";q=0(\.0*)?(;|$)", media) is not None


def read_request(head: bytes) -> HttpRequest:
    """Read what came up to and with the empty line. Raises CannotAnswer."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    line = _LINE.fullmatch(first)
    if line is None:
        raise CannotAnswer(HTTPStatus.BAD_REQUEST, "the first line is not that of a request")
    method, target, major, minor = (part.decode("ascii") for part in line.groups())
    if major != "1":
        raise CannotAnswer(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here")
    headers = _headers(lines)
    if "host" not in headers and minor != "0":
        raise CannotAnswer(HTTPStatus.BAD_REQUEST, "there is no Host")
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        raise CannotAnswer(HTTPStatus.BAD_REQUEST, "a body is not taken")
    parts = _target(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    segments = tuple(map(unquote, parts.path.split("/")[1:]))
    return HttpRequest(method, unquote(parts.path), query, headers, _is_last(headers, minor), segments)


def _headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise CannotAnswer(HTTPStatus.BAD_REQUEST, "a header is malformed")
        name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1")
        if name in headers and name in ("host", "content-length"):
            raise CannotAnswer(HTTPStatus.BAD_REQUEST, f"there are two of {name}")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _target(target: str) -> SplitResult:
    if not target.startswith("/"):
        raise CannotAnswer(HTTPStatus.BAD_REQUEST, "the target is not a path")
    try:
        return urlsplit(target)
    except ValueError as error:
        raise CannotAnswer(HTTPStatus.BAD_REQUEST, f"the target is not a path: {error}") from None


def _is_last(headers: dict[str, str], minor: str) -> bool:
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    return "close" in options or (minor == "0" and "keep-alive" not in options)
