"""The headers with which every response of a real server begins (docs/protocol/grpc.md, section 1.2)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from typing import Final

from rxpump.grpc.http2.http2_events import Header

_SERVER: Final = ("server", "Kestrel")
"""Name of the HTTP server of a real server."""


def dated(headers: Sequence[Header]) -> list[Header]:
    """Return the headers that begin a response, with the date and the name of the server in their place.

    Args:
        headers: `:status`, then `content-type` if there is one, then all others.
    """
    place = 2 if len(headers) > 1 and headers[1][0] == "content-type" else 1
    return [*headers[:place], _date(int(time.time())), _SERVER, *headers[place:]]


@lru_cache(maxsize=1)
def _date(second: int) -> Header:
    return "date", formatdate(second, usegmt=True)
