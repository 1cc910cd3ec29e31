"""The service of secondary indexes, which are disabled."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.grpc.messages import indexes_v2, server_features, status, users
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import StatusCode
from tests.server.grpc.caller import ADMIN, Caller, calling, serving
from tests.server.grpc.test_groups import OPS
from tests.server.grpc.test_management import basic, change
from tests.server.grpc.test_multi_append import detail, reason

CHANGES = [indexes_v2.START, indexes_v2.STOP, indexes_v2.DELETE]
READS = [indexes_v2.GET, indexes_v2.LIST]


def created(name: str = "orders", **fields: Any) -> Any:
    return indexes_v2.CreateRequest(name=name, **(fields or {"filter": "rec => true"}))


def named(method: Method, name: str = "orders") -> Any:
    return b"" if method is indexes_v2.LIST else method.request(name=name)


@pytest.mark.parametrize("method", [*CHANGES, *READS])
async def test_indexes_are_disabled(caller: Caller, method: Method) -> None:
    for name in ("orders", "a-b_1"):
        answer = await caller.ask(method, named(method, name))
        assert (answer.code, reason(answer)) == (StatusCode.FAILED_PRECONDITION, "SECONDARY_INDEXING_DISABLED")
        assert answer.status.message.startswith("Secondary indexing is disabled")


FAULTS: dict[str, tuple[Any, str]] = {
    "no name": (
        created(""),
        "The length of 'Name' must be at least 1 characters. You entered 0 characters.; Name can",
    ),
    "a long name": (created("a" * 1001), "The length of 'Name' must be 1000 characters or fewer. You entered 1001"),
    "a bad name": (created("Orders"), "Name can contain only lowercase alphanumeric characters"),
    "nothing to index": (created(filter=" "), "At least a filter or a field must be provided"),
    "two fields": (created(fields=[{}, {}]), "Currently at most one index field must be provided"),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_a_malformed_index_is_refused(caller: Caller, case: str) -> None:
    request, text = FAULTS[case]
    answer = await caller.ask(indexes_v2.CREATE, request)
    assert (answer.code, answer.status.metadata) == (StatusCode.INVALID_ARGUMENT, ())
    assert answer.status.message.startswith(text)


async def test_changes_of_indexes_need_permission() -> None:
    async with serving() as server, calling(server) as caller:
        await change(caller, users.CREATE, login_name="ann", password="secret")
        for method in CHANGES:
            denied = await caller.ask(method, named(method), metadata=basic("ann", "secret"))
            found = detail(denied, status.AccessDeniedDetails)
            assert (reason(denied), found.username) == ("ACCESS_DENIED", "ann")
            assert found.operation == f"user-indexes:{str(method).lower()}:"
            for login in (ADMIN, OPS):
                answer = await caller.ask(method, named(method), metadata=login)
                assert reason(answer) == "SECONDARY_INDEXING_DISABLED"


async def test_the_methods_of_indexes_are_listed(caller: Caller) -> None:
    methods = (await caller.ask(server_features.GET_SUPPORTED_METHODS, b"")).only.methods
    service = "kurrentdb.protocol.v2.indexes.indexesservice"
    names = {each.method_name for each in methods if each.service_name == service}
    assert names == {"create", "start", "stop", "delete", "list", "get"}
