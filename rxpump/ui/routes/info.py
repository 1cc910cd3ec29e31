"""`/api/info`: the store that the page shows, and the features of the page."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump.client import Client
from rxpump.errors import RxPumpError
from rxpump.transport import Capability
from rxpump.ui.context import Context
from rxpump.ui.replies import JsonReply

RXPUMP_VERSION: Final = version("rxpump")


def routes(context: Context) -> list[Route]:
    """Return the routes of this view."""

    async def info(_request: Request) -> Response:
        return JsonReply(
            {
                "uri": context.address,
                "protocol": context.protocol,
                "server_version": await server_version(context.client),
                "rxpump_version": RXPUMP_VERSION,
                "writable": context.options.writable,
                "token": context.token,
                "features": features(context.client),
            }
        )

    return [Route("/api/info", info)]


async def server_version(client: Client) -> str | None:
    """Return the version of the server; None if it does not name it, or cannot be reached now."""
    try:
        return (await client.server_info()).version
    except RxPumpError:
        return None


def features(client: Client) -> dict[str, Any]:
    """Return the optional features of the protocol of a client.

    Returns:
        `statistics` and `members` of the server, and of consumer groups: `details` (consumers and buffers)
        and `replay_some`.
    """
    offered = client.capabilities
    return {
        "statistics": Capability.STATISTICS in offered,
        "members": Capability.MEMBERS in offered,
        "groups": {
            "details": Capability.GROUP_INFO in offered,
            "replay_some": Capability.REPLAY_SOME_PARKED in offered,
        },
    }
