"""HTTP resources of a node: /gossip, /info, /stats, /ping, /health/live and parked events.

See docs/protocol/tcp.md, section 5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Protocol

from rxpump.server.http.gossip import GossipWords, gossip_document, state_name
from rxpump.server.http.listener import Addresses
from rxpump.server.http.parked_events import ParkedEvents
from rxpump.server.http.request import HttpRequest
from rxpump.server.http.response import HttpResponse, refusal
from rxpump.server.node import Node
from rxpump.server.store.sqlite_store import SqliteStore

_JSON: Final = "application/json; charset=utf-8"
_LIVE: Final = "/health/live"
_FRESH: Final = (("Cache-Control", "max-age=0, no-cache, must-revalidate"),)


class Served(Protocol):
    """The properties of a server that the resources contain."""

    store: SqliteStore

    @property
    def has_projections(self) -> bool:
        """Whether the system projections run."""

    @property
    def client_count(self) -> int:
        """Number of connected clients."""


class Resources:
    """Answers HTTP requests about a server.

    Args:
        server: The server.
        node: Groups, users and membership of the server.
        words: Version of the servers whose gossip documents to imitate.
    """

    def __init__(self, server: Served, node: Node, words: GossipWords = GossipWords.V4) -> None:
        self._server = server
        self._node = node
        self._words = words
        self._parked_events = ParkedEvents(node)
        self._resources: Mapping[str, Callable[[str], Mapping[str, Any]]] = {
            "/gossip": self._gossip,
            "/info": self._info,
            "/stats": self._stats,
            "/ping": self._ping,
        }

    def respond(self, request: HttpRequest, addresses: Addresses) -> HttpResponse:
        """Answer a request that arrived on a connection between these addresses."""
        if self._parked_events.is_meant(request):
            return self._parked_events.respond(request, addresses.peer)
        resource = self._resources.get(request.path)
        if resource is None and request.path != _LIVE:
            return refusal(HTTPStatus.NOT_FOUND, f"the resources are {', '.join((*self._resources, _LIVE))}")
        if request.method != "GET":
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "the method must be GET", (("Allow", "GET"),))
        if resource is None:
            return HttpResponse(HTTPStatus.NO_CONTENT, b"", headers=_FRESH)
        if not request.accepts_json():
            return refusal(HTTPStatus.NOT_ACCEPTABLE, "accept application/json, or add ?format=json")
        body = json.dumps(resource(addresses.local), indent=2).encode()
        return HttpResponse(HTTPStatus.OK, body, _JSON, _FRESH)

    def _gossip(self, local_address: str) -> Mapping[str, Any]:
        return gossip_document(self._node.membership.members(), self._words, local_address)

    def _info(self, _: str) -> Mapping[str, Any]:
        mode = "System" if self._server.has_projections else "None"
        state = state_name(self._node.membership.state, self._words).lower()
        return {"esVersion": _VERSION, "state": state, "projectionsMode": mode}

    def _stats(self, _: str) -> Mapping[str, Any]:
        return self._node.statistics.tree()

    def _ping(self, _: str) -> Mapping[str, Any]:
        return {"msgTypeId": 0, "text": "Ping request successfully handled"}


def _version() -> str:
    try:
        return version("rxpump")
    except PackageNotFoundError:  # rxpump is not installed as a package.
        return "0.0.0.0"


_VERSION: Final = _version()  # read at import, because a request must not wait for the disk
