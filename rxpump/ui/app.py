"""The web application: its routes, behind the rules of `rxpump.ui.security`."""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from rxpump.errors import RxPumpError
from rxpump.ui import static_files
from rxpump.ui.context import Context
from rxpump.ui.replies import on_http_error, on_rxpump_error
from rxpump.ui.request_values import EncodedPaths
from rxpump.ui.routes import correlation, groups, info, live, server, stream, streams, write
from rxpump.ui.security import Guard

_VIEWS: Final = (info, streams, stream, correlation, live, groups, server, write)


def new_app(context: Context) -> ASGIApp:
    """Return the web application of a store."""
    api = [route for view in _VIEWS for route in view.routes(context)]
    app = Starlette(
        routes=[*api, *static_files.routes()],
        exception_handlers={RxPumpError: on_rxpump_error, HTTPException: on_http_error},
    )
    options = context.options
    return Guard(EncodedPaths(app), context.token, options.password, options.hosts, options.any_address)
