from __future__ import annotations

from http import HTTPStatus

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.server.http.request import HttpRequest, RequestRefused
from tests.server.http.requests import parse

HOST = b"Host: h\r\n"


def request(line: bytes, *headers: bytes) -> HttpRequest:
    return parse(b"\r\n".join((line, b"Host: h", *headers, b"", b"")))


def test_a_request_is_parsed() -> None:
    got = request(b"GET /go%73sip?format=json&x=1&x=2&y HTTP/1.1", b"Accept:  a ", b"accept: b", b"X-A:")
    assert (got.method, got.path, got.query) == ("GET", "/gossip", {"format": "json", "x": "2"})
    assert got.headers == {"host": "h", "accept": "a, b", "x-a": ""}


def test_an_old_client_needs_no_host() -> None:
    assert parse(b"GET /info HTTP/1.0\r\n\r\n").path == "/info"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET\r\n" + HOST,
        b"GET / HTTP/1.1\r\n",
        b"GET  / HTTP/1.1\r\n" + HOST,
        b"GET / HTTP/1.1 \r\n" + HOST,
        b"GET / HTTP/1.10\r\n" + HOST,
        b"GET http://h/ HTTP/1.1\r\n" + HOST,
        b"GET /\xc3\xa4 HTTP/1.1\r\n" + HOST,
        b"G(T / HTTP/1.1\r\n" + HOST,
        b"GET //[ HTTP/1.1\r\n" + HOST,
        b"GET / HTTP/1.1\r\n" + HOST + HOST,
        b"GET / HTTP/1.1\r\n" + HOST + b"A : b\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"A: b\rc\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"A: \x00\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"nothing\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nContent-Length: 1\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n",
    ],
)
def test_a_malformed_request_is_refused(head: bytes) -> None:
    with pytest.raises((RequestRefused, h11.RemoteProtocolError)):
        parse(head + b"\r\n")


def test_another_version_of_http_is_refused() -> None:
    with pytest.raises(RequestRefused) as caught:
        request(b"GET / HTTP/2.0")
    assert caught.value.status == HTTPStatus.HTTP_VERSION_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("target", "accept", "takes"),
    [
        (b"/gossip", None, True),
        (b"/gossip", b"*/*", True),
        (b"/gossip", b"text/html, application/*;q=0.1", True),
        (b"/gossip", b"Application/JSON; charset=utf-8", True),
        (b"/gossip", b"text/xml", False),
        (b"/gossip", b"application/json;q=0, text/xml", False),
        (b"/gossip?format=json", b"text/xml", True),
        (b"/gossip?format=xml", b"application/json", False),
    ],
)
def test_the_accept_header_decides_about_json(target: bytes, accept: bytes | None, takes: bool) -> None:
    headers = [] if accept is None else [b"Accept: " + accept]
    assert request(b"GET " + target + b" HTTP/1.1", *headers).accepts_json() is takes


@given(st.binary(max_size=60) | st.text(" \r\nGET/:aHhosp1.?&=%", max_size=60).map(str.encode))
def test_any_bytes_are_parsed_or_refused(head: bytes) -> None:
    try:
        accepts_json = parse(head).accepts_json()
    except (RequestRefused, h11.RemoteProtocolError):
        return
    assert accepts_json in (True, False)
