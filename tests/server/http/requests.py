"""Requests as bytes, parsed as the listener parses them."""

from __future__ import annotations

import h11

from rxpump.server.http.request import MAX_HEAD_BYTES, HttpRequest, read_request


def parse(head: bytes) -> HttpRequest:
    """Parse one request, complete with its empty line.

    Raises:
        RequestRefused: Our own rules do not allow the request.
        RemoteProtocolError: The request breaks the rules of HTTP, or is not complete.
    """
    machine = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
    machine.receive_data(head)
    machine.receive_data(b"")
    event = machine.next_event()
    if not isinstance(event, h11.Request):
        raise h11.RemoteProtocolError("there is no request")
    return read_request(event)
