"""The response to one HTTP request."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple


class HttpResponse(NamedTuple):
    """A response.

    Attributes:
        status: Status code.
        body: Body, complete.
        content_type: Media type of the body.
        headers: Headers in addition to those that every response has.
    """

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def refusal(status: HTTPStatus, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> HttpResponse:
    """Return a response whose body is one sentence: the reason why the request was refused."""
    return HttpResponse(status, f"{status.phrase}: {reason}.\n".encode(), headers=headers)
