"""The methods that the server has: a handler for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from rxpump.grpc.messages import gossip, streams
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import plain_error
from rxpump.server.grpc.services.append import append
from rxpump.server.grpc.services.batch_append import batch_append
from rxpump.server.grpc.services.delete import delete, tombstone
from rxpump.server.grpc.services.gossip_read import read_gossip
from rxpump.server.grpc.services.read import read
from rxpump.server.grpc.services.supported_methods import FEATURES_METHOD, supported_methods_handler

Handler = Callable[[Call], Awaitable[None]]
"""Coroutine function that answers a call. It raises CallError to end the call with an error."""

_SERVED: Final[Mapping[Method, Handler]] = {
    streams.READ: read,
    streams.APPEND: append,
    streams.BATCH_APPEND: batch_append,
    streams.DELETE: delete,
    streams.TOMBSTONE: tombstone,
    gossip.READ: read_gossip,
}

HANDLERS: Final[Mapping[str, Handler]] = {
    **{method.path: handler for method, handler in _SERVED.items()},
    FEATURES_METHOD.path: supported_methods_handler((*_SERVED, FEATURES_METHOD)),
}
"""Handlers by path."""

_SERVICES: Final = frozenset(path.rpartition("/")[0] for path in HANDLERS)

_MOST_BYTES: Final = 4 * 1024 * 1024
_MOST_BYTES_OF: Final = {streams.READ.path.rpartition("/")[0]: 16 * 1024 * 1024 - 10_000}
"""Bytes of the largest message that is accepted, by service."""


def find_method(path: str) -> Method:
    """Return the method with a path.

    Raises:
        CallError: The server has no such method.
    """
    if path in HANDLERS:
        return METHODS[path]
    what = "Method" if path.rpartition("/")[0] in _SERVICES else "Service"
    raise plain_error(StatusCode.UNIMPLEMENTED, f"{what} is unimplemented.")


def message_limit(path: str) -> int:
    """Return the bytes of the largest message that a method accepts."""
    return _MOST_BYTES_OF.get(path.rpartition("/")[0], _MOST_BYTES)
