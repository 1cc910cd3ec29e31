"""An HTTP request for a handler. The bytes are parsed by h11; only requests without a body are accepted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import h11

MAX_HEAD_BYTES: Final = 8192
"""Largest size in bytes of the head of a request: its first line and its header fields."""


class RequestRefused(Exception):
    """The request cannot be served, and the connection must be closed.

    Attributes:
        status: Status of the response.
        headers: Additional headers of the response.
    """

    def __init__(self, status: HTTPStatus, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request.

    Attributes:
        method: Method, in upper case.
        path: Path with its percent-encoding removed.
        query: The last value of each option.
        headers: Headers, with their names in lower case.
        segments: The parts of the path between its slashes, each with its percent-encoding removed.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    segments: tuple[str, ...] = ()

    def accepts_json(self) -> bool:
        """Return whether the client accepts JSON; the option `format` takes precedence over the Accept header."""
        if "format" in self.query:
            return self.query["format"] == "json"
        ranges = [part.replace(" ", "").lower() for part in self.headers.get("accept", "*/*").split(",")]
        return any(
            media.split(";")[0] in ("*/*", "application/*", "application/json") and not _is_refused(media)
            for media in ranges
        )


def read_request(request: h11.Request) -> HttpRequest:
    """Convert a request that h11 has parsed.

    Raises:
        RequestRefused: The version is not 1.0 or 1.1, the request has a body, or its target is not a path. Or it is
            a call of gRPC, for which a real server has the same status.
    """
    if not request.http_version.startswith(b"1."):
        raise RequestRefused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "the version of HTTP must be 1.0 or 1.1")
    headers = _combined(request.headers)
    if headers.get("content-type", "").lower().startswith("application/grpc"):
        upgrade = (("Upgrade", "HTTP/2"),)
        raise RequestRefused(HTTPStatus.UPGRADE_REQUIRED, "gRPC needs HTTP/2, and this request is HTTP/1.1", upgrade)
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "a request must not have a body")
    parts = _target(request.target.decode("latin-1"))
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    segments = tuple(map(unquote, parts.path.split("/")[1:]))
    return HttpRequest(request.method.decode("ascii"), unquote(parts.path), query, headers, segments)


def _combined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name, with the values of a repeated name joined by commas (RFC 9110, section 5.3)."""
    combined: dict[str, str] = {}
    for name_bytes, value_bytes in headers:
        name, value = name_bytes.decode("ascii"), value_bytes.decode("latin-1")
        combined[name] = f"{combined[name]}, {value}" if name in combined else value
    return combined


def _is_refused(media: str) -> bool:
    return re.search(r";q=0(\.0*)?(;|$)", media) is not None


def _target(target: str) -> SplitResult:
    if not target.startswith("/"):
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "the target must be a path that begins with /")
    try:
        return urlsplit(target)
    except ValueError as error:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, f"the target is not a path: {error}") from None
