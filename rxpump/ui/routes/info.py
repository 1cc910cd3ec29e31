"""`/api/info`: the store that the page shows, and what the page can do."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rxpump.client import Client
from rxpump.errors import NotSupported, RxPumpError
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
    """Return the version of the server; None if it does not name it, or cannot be asked now."""
    try:
        return (await client.server_info()).version
    except RxPumpError:
        return None


def features(client: Client) -> dict[str, Any]:
    """Return what the protocol of a client offers.

    Returns:
        `statistics` and `members` of the server, and of consumer groups: `details` (consumers and buffers),
        `replay_some` and `clear`.
    """
    return {
        "statistics": _is_offered(client.statistics),
        "members": _is_offered(client.members),
        "groups": {
            "details": _is_offered(client.list_subscriptions),
            "replay_some": _is_offered(lambda: client.replay_parked("group", "stream", limit=1)),
            "clear": _is_offered(lambda: client.truncate_parked("group", "stream")),
        },
    }


def _is_offered(call: Callable[[], object]) -> bool:
    """Return whether the protocol has a request. The call only makes a Single and sends nothing."""
    try:
        call()
    except NotSupported:
        return False
    return True
