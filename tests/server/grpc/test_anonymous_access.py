"""Calls without credentials: which of them a server refuses depends on TLS, its strictness and an argument."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

import rxpump
from rxpump.errors import AccessDenied
from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.messages import gossip, monitoring, persistent_subscriptions, server_features, streams
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.strictness import Strictness
from tests.certificates import authority_file, certified
from tests.grpc.harness import ClientEndpoint
from tests.server.grpc.caller import ADMIN, Caller, calling, event, read_request, serving

REAL = {"strictness": Strictness.REAL}


@pytest.mark.parametrize(
    ("options", "is_allowed"),
    [
        ({}, True),
        (REAL, False),
        ({"anonymous_access": False}, False),
        ({"anonymous_access": True, **REAL}, True),
        ({"insecure": True, **REAL}, True),
    ],
)
async def test_streams_without_credentials(options: dict[str, Any], is_allowed: bool) -> None:
    async with serving(**options) as server, calling(server) as caller:
        found = {
            (await caller.append("s", event())).code,
            (await caller.read("s")).code,
        }
        assert found == {StatusCode.OK if is_allowed else StatusCode.PERMISSION_DENIED}
        assert (await caller.append("s", event(), metadata=ADMIN)).code is StatusCode.OK


async def test_open_methods_need_no_credentials() -> None:
    async with serving(**REAL) as server, calling(server) as caller:
        for method in (gossip.READ, server_features.GET_SUPPORTED_METHODS):
            assert (await caller.ask(method, b"")).code is StatusCode.OK
        call = await caller.begin(monitoring.STATS, monitoring.StatsRequest(refresh_time_period_in_ms=60_000))
        assert (await call.next()).stats
        call.cancel()
        refused = await caller.ask(persistent_subscriptions.LIST, b"")
        assert refused.error == "access-denied"


async def test_a_list_of_everyone_does_not_admit_refused_callers() -> None:
    async with serving(**REAL) as server, calling(server) as caller:
        allowed = event("$metadata", b'{"$acl":{"$r":"$all"}}')
        assert (await caller.append("$$s", allowed, metadata=ADMIN)).code is StatusCode.OK
        assert (await caller.ask(streams.READ, read_request("s"))).error == "access-denied"


async def test_tls_refuses_calls_without_credentials() -> None:
    with authority_file() as path:
        trusting = ssl.create_default_context(cafile=path)
    trusting.set_alpn_protocols(["h2"])
    async with serving(tls=certified("127.0.0.1")) as server:
        assert server.grpc_port is not None
        transport, endpoint = await asyncio.get_running_loop().create_connection(
            lambda: ClientEndpoint(Http2Limits()), "127.0.0.1", server.grpc_port, ssl=trusting
        )
        caller = Caller(endpoint)
        assert (await caller.append("s", event())).error == "access-denied"
        assert (await caller.append("s", event(), metadata=ADMIN)).code is StatusCode.OK
        transport.abort()


async def test_an_argument_refuses_requests_over_tcp() -> None:
    async with serving(anonymous_access=False) as server:
        async with rxpump.connect(server.uri) as client:
            with pytest.raises(AccessDenied):
                await client.publish_event("s", type="t", body=b"{}")
        async with rxpump.connect(server.uri.replace("//", "//admin:changeit@")) as client:
            await client.publish_event("s", type="t", body=b"{}")
