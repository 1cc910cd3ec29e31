"""Channels and callers that are connected to a test server, and handlers for GetSupportedMethods of that server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from rxpump.backoff import Backoff
from rxpump.grpc.caller import Caller
from rxpump.grpc.channel import Channel
from rxpump.grpc.dialer import Dialer, Node
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.messages import server_features, streams
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.nodes import OneNode
from rxpump.model.credentials import AnyCredentials
from rxpump.model.status import Status
from rxpump.settings import Settings
from rxpump.telemetry import Telemetry
from tests.grpc.harness import Handler, ServerCall

QUICK = Backoff(min_delay=0.001, max_delay=0.004)
SETTINGS = Settings(reconnect=QUICK, retry=QUICK)

READ = CallContext(streams.READ, "read", Effect.NONE, stream="s")
BATCH = CallContext(streams.BATCH_APPEND, "write to", Effect.WRITE)
FOLLOW = CallContext(streams.READ, "subscribe to", Effect.SUBSCRIPTION, stream="s")


def features(
    methods: Iterable[Method] = METHODS.values(),
    version: str = "23.10.6",
    optional: Sequence[str] = ("stream", "all"),
) -> Handler:
    """Return a handler of GetSupportedMethods."""
    names = [method.feature for method in methods]
    message = server_features.SupportedMethods(
        methods=[{"service_name": service, "method_name": name, "features": optional} for service, name in names],
        event_store_server_version=version,
    )

    async def answer(call: ServerCall) -> None:
        await anext(call)
        call.start()
        await call.send(message.SerializeToString())
        call.finish()

    return answer


def handlers(**by_name: Handler) -> dict[str, Handler]:
    """Return the handlers of a server: GetSupportedMethods, and methods of Streams by name."""
    paths = {method.path.rpartition("/")[2]: method.path for method in vars(streams).values() if is_method(method)}
    found = {server_features.GET_SUPPORTED_METHODS.path: features()}
    return found | {paths[name]: handler for name, handler in by_name.items()}


def is_method(value: Any) -> bool:
    return isinstance(value, Method)


def channel_to(
    port: int,
    settings: Settings = SETTINGS,
    *,
    credentials: AnyCredentials | None = None,
    limits: Http2Limits | None = None,
    statuses: list[Status] | None = None,
    **options: Any,
) -> Channel:
    """Return a channel to a server on a port of this machine."""
    dialer = Dialer(settings, credentials, limits=limits, **options)
    seen: list[Status] = [] if statuses is None else statuses
    return Channel(OneNode(Node("127.0.0.1", port), settings), dialer, settings, seen.append, Telemetry())


@asynccontextmanager
async def calling(port: int, settings: Settings = SETTINGS, **options: Any) -> AsyncIterator[Caller]:
    """Connect a client, and yield its Caller, whose calls have no deadline."""
    channel = channel_to(port, settings, **options)
    await channel.open()
    try:
        yield Caller(channel, settings, channel.dialer.credentials)
    finally:
        await channel.close()
