"""Connections: unknown methods, users, deadlines, half-closing, limits, the port, and stopping."""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest

from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.messages import gossip, server_features, streams
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.login_throttle import BURST
from rxpump.server import EmbeddedServer
from rxpump.server.grpc import grpc_connection
from rxpump.server.strictness import Strictness
from tests.certificates import authority_file, certified
from tests.grpc.harness import ClientEndpoint, connected
from tests.server.grpc.caller import ADMIN, Caller, OpenCall, calling, event, read_request, serving


def unknown(path: str) -> Method:
    return Method(path, streams.READ.kind, streams.READ.request, streams.READ.response, streams.READ.since)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/event_store.client.streams.Streams/Nope", "Method is unimplemented."),
        ("/event_store.client.nope.Nope/Read", "Service is unimplemented."),
    ],
)
async def test_an_unknown_method_is_unimplemented(caller: Caller, path: str, text: str) -> None:
    answer = await caller.ask(unknown(path), b"")
    assert (answer.code, answer.status.message) == (StatusCode.UNIMPLEMENTED, text)


async def test_a_path_in_other_letters_is_an_error(caller: Caller) -> None:
    answer = await caller.ask(unknown(streams.READ.path.lower()), b"")
    assert answer.code is StatusCode.UNKNOWN
    assert streams.READ.path in answer.status.message


@pytest.mark.parametrize(("strictness", "has_reason"), [(Strictness.LENIENT, True), (Strictness.REAL, False)])
async def test_reasons_are_sent_unless_the_server_imitates_a_real_one(
    strictness: Strictness, has_reason: bool
) -> None:
    requests: dict[Method, bytes] = {
        unknown(streams.READ.path.lower()): b"",
        streams.READ: b"\xff",
        streams.DELETE: b"",
    }
    async with serving(insecure=True, strictness=strictness) as server, calling(server) as caller:
        for method, request in requests.items():
            answer = await caller.ask(method, request)
            real, _, reason = answer.status.message.partition("handler.")
            assert (real, bool(reason)) == ("Exception was thrown by ", has_reason)


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([], "Incomplete message."),
        ([read_request("s"), read_request("s")], "Additional data after the message received."),
    ],
)
async def test_a_read_needs_one_message(caller: Caller, messages: list[Any], text: str) -> None:
    answer = await caller.ask(streams.READ, *messages)
    assert (answer.code, answer.status.message) == (StatusCode.INTERNAL, text)


async def test_bytes_after_the_only_message_are_refused(caller: Caller) -> None:
    call = await caller.open(streams.READ)
    await call.send(read_request("s").SerializeToString())
    call.endpoint.connection.send_data(call.call.stream_id, b"\0\0\0")
    call.half_close()
    answer = await call.end()
    assert answer.status.message == "Additional data after the message received."


async def test_a_message_that_is_no_protobuf_is_refused(caller: Caller) -> None:
    answer = await caller.ask(streams.READ, b"\xff\xff\xff\xff")
    assert answer.code is StatusCode.UNKNOWN
    assert answer.status.message.startswith("Exception was thrown by handler.")


async def test_a_message_above_the_limit_is_refused(caller: Caller) -> None:
    call = await caller.open(gossip.READ, bytes(4 * 1024 * 1024 + 1))
    answer = await call.end()
    assert answer.code is StatusCode.RESOURCE_EXHAUSTED


async def test_a_call_that_is_not_half_closed_ends_alone(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real server would not answer, and would close the connection after some seconds."""
    monkeypatch.setattr(grpc_connection, "HALF_CLOSE_TIMEOUT", 0.05)
    await caller.append("s", event())
    call = await caller.open(streams.READ, read_request("s"))
    answer = await call.end()
    assert answer.code is StatusCode.INTERNAL
    assert "not completed its request" in answer.status.message
    assert len(await caller.events("s")) == 1


async def test_a_deadline_ends_a_call(caller: Caller) -> None:
    call = await caller.open(streams.READ, read_request("s", subscription={}), timeout=0.05)
    call.half_close()
    answer = await call.end()
    assert (answer.code, answer.status.message) == (StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")


async def test_a_cancelled_subscription_leaves_the_feed(server: EmbeddedServer, caller: Caller) -> None:
    call = await caller.begin(streams.READ, read_request("s", subscription={}))
    await call.take(2)
    assert server.store.feed._followers
    call.cancel()
    await caller.append("s", event())
    assert not server.store.feed._followers


async def test_more_calls_than_allowed_are_refused(caller: Caller) -> None:
    calls = [await caller.begin(streams.READ, read_request(f"s{n}", subscription={})) for n in range(100)]
    for call in calls:
        await call.take(2)
    assert caller.endpoint.connection.stream_limit == 100
    assert not caller.endpoint.connection.may_open
    calls[0].cancel()
    await caller.append("s5", event())
    assert (await calls[5].next()).HasField("event")


async def test_unfinished_requests_are_bounded(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grpc_connection, "MAX_HELD_BYTES", 1_000_000)
    options = streams.AppendRequest(options={"stream_identifier": {"stream_name": b"s"}, "any": {}})
    call = await caller.open(streams.APPEND, options)
    for _ in range(12):
        await call.send(streams.AppendRequest(proposed_message=event(data=bytes(100_000))))
    answer = await call.end()
    assert answer.code is StatusCode.RESOURCE_EXHAUSTED
    assert (await caller.append("s", event())).code is StatusCode.OK


async def test_features_name_every_method(caller: Caller) -> None:
    answer = (await caller.ask(server_features.GET_SUPPORTED_METHODS, b"")).only
    found = {(each.service_name, each.method_name): list(each.features) for each in answer.methods}
    assert found["event_store.client.streams.streams", "batchappend"] == ["deadline_duration"]
    assert found["event_store.client.streams.streams", "read"] == ["position", "events"]
    assert ("event_store.client.server_features.serverfeatures", "getsupportedmethods") in found
    assert all(part.isdigit() for part in answer.event_store_server_version.split("."))


async def test_gossip_names_this_node(server: EmbeddedServer, caller: Caller) -> None:
    [member] = (await caller.ask(gossip.READ, b"")).only.members
    assert (member.http_end_point.address, member.http_end_point.port) == ("127.0.0.1", server.grpc_port)
    assert (member.state, member.is_alive) == (8, True)
    assert member.instance_id.WhichOneof("form") == "structured"


# Users ---------------------------------------------------------------------------------------------

WRONG = (("authorization", "Basic YWRtaW46bm8="),)


async def read_all(caller: Caller, metadata: Any) -> Any:
    return await caller.ask(streams.READ, read_request(None), metadata=metadata)


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "basic YWRtaW46Y2hhbmdlaXQ="),),
        (("authorization", "Bearer token"),),
        (("authorization", "Basic !!!"),),
        (("authorization", "Basic"),),
        (("authorization", "Basic YWRtaW4="),),
        (*ADMIN, *ADMIN),
    ],
)
async def test_what_are_no_credentials_are_ignored(metadata: Any) -> None:
    async with serving() as server, calling(server) as caller:
        assert (await read_all(caller, metadata)).error == "access-denied"


async def test_credentials_apply_to_one_call() -> None:
    async with serving() as server, calling(server) as caller:
        assert (await read_all(caller, ADMIN)).code is StatusCode.OK
        assert (await read_all(caller, ())).error == "access-denied"


async def test_wrong_credentials_are_refused_everywhere() -> None:
    async with serving() as server, calling(server) as caller:
        for method in (streams.READ, gossip.READ, server_features.GET_SUPPORTED_METHODS):
            answer = await caller.ask(method, read_request("s"), metadata=WRONG)
            assert (answer.code, answer.status.message) == (StatusCode.UNAUTHENTICATED, "Unauthenticated")


@pytest.mark.parametrize("decoded", [b"admin:", b":changeit", b":", b"\xff:\xff"])
async def test_incomplete_credentials_are_wrong(decoded: bytes) -> None:
    metadata = (("authorization", f"Basic {b64encode(decoded).decode()}"),)
    async with serving() as server, calling(server) as caller:
        assert (await read_all(caller, metadata)).code is StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("value", ["Basic  YWRtaW46Y2hhbmdlaXQ=", "Bearer YWRtaW46Y2hhbmdlaXQ="])
async def test_the_form_of_credentials_is_that_of_a_real_server(value: str) -> None:
    async with serving() as server, calling(server) as caller:
        assert (await read_all(caller, (("authorization", value),))).code is StatusCode.OK


async def test_guessing_passwords_is_slow() -> None:
    async with serving() as server, calling(server) as caller:
        codes = [(await read_all(caller, WRONG)).code for _ in range(BURST + 1)]
        assert codes == [StatusCode.UNAUTHENTICATED] * BURST + [StatusCode.UNAVAILABLE]


async def test_an_insecure_server_ignores_credentials(caller: Caller) -> None:
    assert (await read_all(caller, WRONG)).code is StatusCode.OK
    assert (await caller.append("$s", event())).code is StatusCode.OK


# The port ------------------------------------------------------------------------------------------


async def get_info(port: int | None, **options: Any) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    writer.write(b"GET /info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()
    assert head.startswith(b"HTTP/1.1 200")
    return json.loads(body)


async def test_one_port_serves_both_versions_of_http(server: EmbeddedServer, caller: Caller) -> None:
    assert (await get_info(server.grpc_port))["state"] == "master"
    assert (await caller.append("s", event())).code is StatusCode.OK


async def test_the_preface_can_come_in_parts(server: EmbeddedServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.grpc_port)
    for byte in (b"P", b"R", b"I", b" * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        writer.write(byte)
        await writer.drain()
        await asyncio.sleep(0)
    assert (await reader.readexactly(9))[3] == 4, "the server sends SETTINGS"
    writer.close()
    await writer.wait_closed()


async def test_tls_serves_both_versions_of_http() -> None:
    with authority_file() as path:
        trusting = ssl.create_default_context(cafile=path)
    async with serving(tls=certified("127.0.0.1")) as server:
        assert server.grpc_port is not None
        assert (await get_info(server.grpc_port, ssl=trusting))["state"] == "master"
        trusting.set_alpn_protocols(["h2"])
        loop = asyncio.get_running_loop()
        transport, endpoint = await loop.create_connection(
            lambda: ClientEndpoint(Http2Limits()), "127.0.0.1", server.grpc_port, ssl=trusting
        )
        assert transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        caller = Caller(endpoint, ADMIN)
        assert (await caller.append("$s", event())).code is StatusCode.OK
        transport.abort()


# Stopping ------------------------------------------------------------------------------------------


async def test_a_server_that_stops_ends_every_call() -> None:
    async with serving(insecure=True) as server:
        assert server.grpc_port is not None
        async with connected(server.grpc_port) as endpoint:
            caller = Caller(endpoint)
            await caller.append("s", event())
            options = streams.AppendRequest(options={"stream_identifier": {"stream_name": b"s"}, "any": {}})
            calls: list[OpenCall] = [
                await caller.begin(streams.READ, read_request("s", subscription={})),
                await caller.open(streams.BATCH_APPEND),
                await caller.open(streams.APPEND, options),
            ]
            await calls[0].take(3)
            await server.stop()
            answers = [await call.end() for call in calls]
            assert [answer.code for answer in answers] == [StatusCode.UNAVAILABLE] * 3
            assert endpoint.goaways
