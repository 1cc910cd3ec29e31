"""Users, projections, indexes and appends to several streams, with a scripted server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rxpump.errors import NotSupported, OperationTimedOut, ProjectionNotFound, UserNotFound
from rxpump.grpc.administration import GrpcIndexes, GrpcProjections, GrpcUsers
from rxpump.grpc.appends.append_many import append_many
from rxpump.grpc.caller import Caller
from rxpump.grpc.messages import indexes_v2, projections, server_features, streams, streams_v2, users
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.model.indexes import IndexDetails, IndexState
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import END, START, Position, StreamDirection
from rxpump.model.projections import ProjectionMode
from rxpump.model.results import WriteResult
from tests.grpc.clients import calling, features
from tests.grpc.harness import Handler, ServerCall, serving
from tests.grpc.reads.read_server import CAUGHT_UP, CONFIRMED, WAIT, event, reading_from

FORWARD = StreamDirection.FORWARD
OK = CallStatus(StatusCode.OK)


class Script:
    """A server that answers each method with prepared messages and a status, and records the requests.

    Attributes:
        requests: Method and messages of each call.
        responses: Messages of each answer, by method; none by default for methods without content.
    """

    def __init__(self, *methods: Method, version: str = "26.1.0") -> None:
        self.requests: list[tuple[str, Any]] = []
        self.responses: dict[Method, list[Any]] = {}
        self.status = OK
        self.handlers: dict[str, Handler] = {method.path: self._handler(method) for method in METHODS.values()}
        self.handlers[server_features.GET_SUPPORTED_METHODS.path] = features(methods or METHODS.values(), version)

    def _handler(self, method: Method) -> Handler:
        async def answer(call: ServerCall) -> None:
            async for message in call:
                self.requests.append((str(method), method.request.FromString(message)))
            if self.status is not OK:
                call.refuse(self.status)
                return
            call.start()
            for response in self.responses.get(method, [method.response()]):
                await call.send(response.SerializeToString())
            call.finish()

        return answer


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[Caller]:
    async with serving(script.handlers) as server, calling(server.port) as caller:
        yield caller


async def test_users_are_managed() -> None:
    script = Script()
    script.responses[users.DETAILS] = [users.DetailsResponse(user_details={"login_name": "ouro"})]
    async with scripted(script) as caller:
        requests = GrpcUsers(caller)
        await requests.create("ouro", "secret", "Ouro", ["riders"])
        await requests.update("ouro", "Ouro B", [])
        await requests.disable("ouro")
        await requests.enable("ouro")
        await requests.change_password("ouro", "secret", "other")
        await requests.reset_password("ouro", "new")
        assert (await requests.read("ouro")).login == "ouro"
        assert [each.login for each in await requests.read_all()] == ["ouro"]
        await requests.delete("ouro")
        assert repr(requests).startswith("<GrpcUsers by <Caller")
    assert [name for name, _ in script.requests] == [
        "Create",
        "Update",
        "Disable",
        "Enable",
        "ChangePassword",
        "ResetPassword",
        "Details",
        "Details",
        "Delete",
    ]
    assert all(request.options.login_name == "ouro" for name, request in script.requests[:7])


async def test_a_request_that_is_not_answered_names_a_likely_cause() -> None:
    async def never(call: ServerCall) -> None:
        await asyncio.Event().wait()

    script = Script()
    script.handlers[users.DISABLE.path] = never
    async with scripted(script) as caller:
        with pytest.raises(OperationTimedOut, match="--insecure"):
            await GrpcUsers(caller.with_timeout(0.01)).disable("ouro")


async def test_an_unknown_user_is_not_found() -> None:
    script = Script()
    script.status = CallStatus(StatusCode.NOT_FOUND, "not found", (("exception", "user-not-found"),))
    async with scripted(script) as caller:
        with pytest.raises(UserNotFound) as caught:
            await GrpcUsers(caller).disable("nobody")
        assert caught.value.login == "nobody"


async def test_projections_are_managed() -> None:
    script = Script()
    script.responses[projections.STATISTICS] = [
        projections.StatisticsResponse(details={"name": "p", "mode": "Continuous", "status": "Running"})
    ]
    async with scripted(script) as caller:
        requests = GrpcProjections(caller)
        await requests.create(
            "p", "fromAll()", ProjectionMode.CONTINUOUS, can_emit=True, tracks_emitted=False, engine_version=None
        )
        await requests.update("p", "fromAll()", can_emit=None)
        await requests.disable("p")
        await requests.abort("p")
        await requests.enable("p")
        await requests.reset("p")
        assert await requests.state("p", "") is None
        assert await requests.result("p", "part") is None
        assert (await requests.statistics("p")).status == "Running"
        assert [each.name for each in await requests.read_all(None)] == ["p"]
        await requests.delete("p", emitted_streams=False, state_stream=True, checkpoint_stream=True)
        await requests.restart_subsystem()
        assert repr(requests).startswith("<GrpcProjections by <Caller")
    disable, abort = [request.options for name, request in script.requests if name == "Disable"]
    assert (disable.write_checkpoint, abort.write_checkpoint) == (True, False)
    assert len(script.requests) == 12


@pytest.mark.parametrize(
    "status",
    [
        CallStatus(StatusCode.NOT_FOUND, "Projection 'p' not found"),
        CallStatus(StatusCode.UNKNOWN, "Envelope callback expected Updated, received NotFound instead"),
    ],
)
async def test_an_unknown_projection_is_not_found(status: CallStatus) -> None:
    script = Script()
    script.status = status
    async with scripted(script) as caller:
        with pytest.raises(ProjectionNotFound):
            await GrpcProjections(caller).enable("p")


async def test_indexes_are_managed() -> None:
    script = Script()
    index = {"name": "by-color", "state": 1}
    script.responses[indexes_v2.GET] = [indexes_v2.GetResponse(index=index)]
    script.responses[indexes_v2.LIST] = [indexes_v2.ListResponse(indexes=[index])]
    details = IndexDetails("by-color", "", (), IndexState.STARTED)
    async with scripted(script) as caller:
        requests = GrpcIndexes(caller, caller)
        await requests.create("by-color", "", [], is_started=True)
        await requests.stop("by-color")
        await requests.start("by-color")
        assert await requests.details("by-color") == details
        assert await requests.all_details() == [details]
        await requests.delete("by-color")
        assert repr(requests).startswith("<GrpcIndexes by <Caller")
    assert [name for name, _ in script.requests] == ["Create", "Stop", "Start", "Get", "List", "Delete"]


async def test_an_older_server_has_no_index_service() -> None:
    async with scripted(Script(streams.READ, version="25.1.0")) as caller:
        with pytest.raises(NotSupported, match=r"version 26\.0\.0 or later"):
            await GrpcIndexes(caller, caller).start("by-color")


async def test_an_index_is_read_by_its_name() -> None:
    async with reading_from(lambda options: [event(1), event(2)], version="25.1.0") as (server, caller):
        batches = GrpcIndexes(caller, caller).read("$idx-all", START, FORWARD, batch_size=10, resolve_links=False)
        assert [found.number async for batch in batches for found in batch] == [1, 2]
    (request, *_) = server.requests
    assert request.filter.stream_identifier.prefix == ["$idx-all"]


async def test_an_index_is_followed_by_its_name() -> None:
    def script(options: Any) -> Any:
        return [CONFIRMED, event(1), CAUGHT_UP, WAIT] if options.HasField("subscription") else [event(1)]

    async with reading_from(script, version="25.1.0") as (server, caller):
        following = GrpcIndexes(caller, caller).follow("$idx-all", Position(0, 0), batch_size=10, resolve_links=False)
        await following.next()
        await following.next()
        await following.aclose()
        (request,) = server.subscriptions
        assert request.filter.stream_identifier.prefix == ["$idx-all"]


async def test_a_server_without_indexes_gets_no_request_for_one() -> None:
    async with reading_from(lambda options: [], version="24.10.4") as (server, caller):
        indexes = GrpcIndexes(caller, caller)
        with pytest.raises(NotSupported, match=r"secondary indexes.*version 25\.1\.0 or later"):
            await anext(indexes.read("$idx-all", END, FORWARD, batch_size=10, resolve_links=False))
        with pytest.raises(NotSupported, match=r"secondary indexes.*version 24\.10\.4"):
            await indexes.follow("$idx-all", None, batch_size=10, resolve_links=False).next()
        assert server.requests == []


EVENTS = {"a": [NewEvent("happened", {})], "b": [NewEvent("happened", {})] * 2}
RESULTS = {"a": WriteResult("a", 0, 0, None), "b": WriteResult("b", 3, 4, Position(9, 9))}


async def test_streams_are_appended_to_with_all_checks() -> None:
    script = Script()
    revisions = [{"stream": "a", "revision": 0}, {"stream": "b", "revision": 4}]
    script.responses[streams_v2.APPEND_RECORDS] = [streams_v2.AppendRecordsResponse(revisions=revisions, position=9)]
    async with scripted(script) as caller:
        assert await append_many(caller, EVENTS, {"a": -1, "other": 7}) == RESULTS
    ((name, request),) = script.requests
    assert name == "AppendRecords"
    assert len(request.checks) == 2


async def test_an_older_server_gets_a_message_for_each_stream() -> None:
    script = Script(streams_v2.APPEND_SESSION, version="25.1.0")
    output = [{"stream": "a", "stream_revision": 0}, {"stream": "b", "stream_revision": 4}]
    script.responses[streams_v2.APPEND_SESSION] = [streams_v2.AppendSessionResponse(output=output, position=9)]
    async with scripted(script) as caller:
        assert await append_many(caller, EVENTS, {"a": -1}) == RESULTS
        with pytest.raises(NotSupported, match=r"AppendRecords.*version 26\.0\.3 or later"):
            await append_many(caller, EVENTS, {"other": -1})
    assert [(name, request.stream) for name, request in script.requests] == [
        ("AppendSession", "a"),
        ("AppendSession", "b"),
    ]


async def test_append_many_is_refused_by_older_servers() -> None:
    async with scripted(Script(streams.APPEND, version="24.10.4")) as caller:
        with pytest.raises(NotSupported, match=r"version 25\.1\.0 or later"):
            await append_many(caller, EVENTS, {})
