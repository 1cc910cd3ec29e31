"""ServerFeatures.GetSupportedMethods (docs/protocol/grpc.md, section 3.7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from rxpump.grpc.messages import persistent_subscriptions, projections, server_features, streams
from rxpump.grpc.messages.methods import Method
from rxpump.server.grpc.call import Call

VERSION: Final = "26.1.0"
"""Version of the real server that is imitated. Some clients derive the list of methods from it."""

FEATURES_METHOD: Final = server_features.GET_SUPPORTED_METHODS

_PROJECTIONS: Final = projections.CREATE.feature[0]
_GROUPS: Final = persistent_subscriptions.READ.feature[0]
_OF_GROUPS: Final = ("stream", "all")
_FEATURES: Final[Mapping[Method, tuple[str, ...]]] = {
    streams.READ: ("position", "events"),
    streams.BATCH_APPEND: ("deadline_duration",),
    projections.CREATE: ("track_emitted_streams",),
}


def supported_methods_handler(methods: Iterable[Method]) -> Callable[[Call], Awaitable[None]]:
    """Return the handler of GetSupportedMethods, which answers with `methods`."""
    described = [
        {"method_name": name, "service_name": service, "features": _features(method, service)}
        for method, (service, name) in ((each, each.feature) for each in methods)
    ]
    without_projections = [each for each in described if each["service_name"] != _PROJECTIONS]

    async def supported_methods(call: Call) -> None:
        await call.request()
        served = without_projections if call.node.projections is None else described
        call.reply(server_features.SupportedMethods(methods=served, event_store_server_version=VERSION))

    return supported_methods


def _features(method: Method, service: str) -> tuple[str, ...]:
    return _OF_GROUPS if service == _GROUPS else _FEATURES.get(method, ())
