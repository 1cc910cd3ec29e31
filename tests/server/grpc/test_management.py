"""Users, scavenges and statistics."""

from __future__ import annotations

import asyncio
import base64
import time
from pathlib import Path
from typing import Any

import pytest

from rxpump.grpc.messages import monitoring, operations, streams, users
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server import Account, EmbeddedServer, SqliteStore
from rxpump.server.store import scavenge
from tests.server.grpc.caller import ADMIN, Answer, Caller, calling, event, read_request, serving


def basic(login: str, password: str) -> Any:
    return (("authorization", f"Basic {base64.b64encode(f'{login}:{password}'.encode()).decode()}"),)


OPS = basic("ops", "changeit")


async def change(caller: Caller, method: Method, metadata: Any = ADMIN, **options: Any) -> Answer:
    request = method.request(options=options)
    return await caller.ask(method, request, metadata=metadata)


async def can_log_in(caller: Caller, login: str, password: str) -> bool:
    answer = await caller.ask(streams.READ, read_request("s"), metadata=basic(login, password))
    assert answer.code in (StatusCode.OK, StatusCode.UNAUTHENTICATED)
    return answer.code is StatusCode.OK


async def details(caller: Caller, login: str = "") -> list[Any]:
    answer = await change(caller, users.DETAILS, login_name=login)
    assert answer.code is StatusCode.OK
    return [message.user_details for message in answer.messages]


async def create_ouro(caller: Caller) -> None:
    options = {"login_name": "ouro", "password": "secret", "full_name": "Ouro", "groups": ["$admins", "vets"]}
    assert (await change(caller, users.CREATE, **options)).code is StatusCode.OK


async def test_users_are_created_changed_and_deleted() -> None:
    async with serving() as server, calling(server) as caller:
        await create_ouro(caller)
        [ouro] = await details(caller, "ouro")
        assert (ouro.full_name, list(ouro.groups), ouro.disabled) == ("Ouro", ["$admins", "vets"], False)
        assert ouro.last_updated.ticks_since_epoch > 10**16
        assert await can_log_in(caller, "ouro", "secret")
        await change(caller, users.UPDATE, login_name="ouro", full_name="O.", groups=["vets"])
        assert [each.full_name for each in await details(caller, "ouro")] == ["O."]
        assert await can_log_in(caller, "ouro", "secret")
        await change(caller, users.DISABLE, login_name="ouro")
        assert not await can_log_in(caller, "ouro", "secret")
        await change(caller, users.ENABLE, login_name="ouro")
        assert await can_log_in(caller, "ouro", "secret")
        await change(caller, users.RESET_PASSWORD, login_name="ouro", new_password="other")
        assert not await can_log_in(caller, "ouro", "secret")
        assert await can_log_in(caller, "ouro", "other")
        assert {each.login_name for each in await details(caller)} == {"admin", "ops", "ouro"}
        await change(caller, users.DELETE, login_name="ouro")
        assert not await can_log_in(caller, "ouro", "other")
        assert {each.login_name for each in await details(caller)} == {"admin", "ops"}


async def test_a_blank_login_stands_for_all_users() -> None:
    """Accounts that were never changed have the time of the start, when a real server creates them."""
    before = time.time_ns() // 100
    async with serving() as server, calling(server) as caller:
        await create_ouro(caller)
        for login in ("", " "):
            found = await details(caller, login)
            assert [each.login_name for each in found] == ["admin", "ops", "ouro"]
            assert all(each.last_updated.ticks_since_epoch >= before for each in found)


async def test_a_user_changes_the_password_who_knows_it() -> None:
    async with serving() as server, calling(server) as caller:
        await create_ouro(caller)
        options = {"login_name": "ouro", "new_password": "new"}
        for password in ("wrong", ""):
            wrong = await change(caller, users.CHANGE_PASSWORD, current_password=password, **options)
            assert wrong.error == "access-denied"
        anonymous = await change(caller, users.CHANGE_PASSWORD, (), current_password="secret", **options)
        assert anonymous.error == "access-denied"
        own = basic("ouro", "secret")
        right = await change(caller, users.CHANGE_PASSWORD, own, current_password="secret", **options)
        assert right.code is StatusCode.OK
        assert await can_log_in(caller, "ouro", "new")


async def test_another_user_changes_the_password_of_a_disabled_user() -> None:
    async with serving() as server, calling(server) as caller:
        await create_ouro(caller)
        await change(caller, users.DISABLE, login_name="ouro")
        passwords = {"current_password": "secret", "new_password": "new"}
        assert (
            await change(caller, users.CHANGE_PASSWORD, OPS, login_name="ouro", **passwords)
        ).code is StatusCode.OK
        assert not await can_log_in(caller, "ouro", "new")
        await change(caller, users.ENABLE, login_name="ouro")
        assert await can_log_in(caller, "ouro", "new")


@pytest.mark.parametrize(
    "method", [users.UPDATE, users.DELETE, users.DISABLE, users.ENABLE, users.RESET_PASSWORD, users.CHANGE_PASSWORD]
)
async def test_an_unknown_user_is_not_found(method: Method) -> None:
    passwords = {"new_password": "x"} if "PASSWORD" in method.path.upper() else {}
    if method is users.CHANGE_PASSWORD:
        passwords["current_password"] = "y"
    async with serving() as server, calling(server) as caller:
        answer = await change(caller, method, login_name="nobody", **passwords)
        assert (answer.code, answer.error) == (StatusCode.NOT_FOUND, "user-not-found")
        assert answer.status.message == "User 'nobody' is not found."
        by_other = await change(caller, method, OPS, login_name="nobody", **passwords)
        assert by_other.error == ("user-not-found" if method is users.CHANGE_PASSWORD else "access-denied")
        assert (await caller.ask(method, b"", metadata=ADMIN)).code is StatusCode.UNKNOWN


async def test_users_are_events_of_their_streams() -> None:
    async with serving() as server, calling(server) as caller:
        await create_ouro(caller)
        await change(caller, users.DISABLE, login_name="ouro")
        listed = await caller.events("$users", metadata=ADMIN)
        assert [each.metadata["type"] for each in listed] == ["$User"]
        found = await caller.events("$user-ouro", metadata=ADMIN)
        assert [each.metadata["type"] for each in found] == ["$UserCreated", "$UserUpdated"]


async def test_a_user_exists_once() -> None:
    async with serving() as server, calling(server) as caller:
        answer = await change(caller, users.CREATE, login_name="ops", password="x")
        assert (answer.code, answer.error) == (StatusCode.FAILED_PRECONDITION, "user-conflict")
        empty = await change(caller, users.CREATE, login_name="", password="x")
        assert empty.code is StatusCode.OK
        assert [each.login_name for each in await details(caller)] == ["", "admin", "ops"]
        assert (await change(caller, users.CREATE, OPS, login_name="x", password="x")).error == "access-denied"
        assert (await change(caller, users.DETAILS, ())).error == "access-denied"
        assert (await change(caller, users.DETAILS, login_name="nobody")).error == "user-not-found"


async def test_a_user_who_exists_is_created_again_with_the_same_password() -> None:
    async with serving() as server, calling(server) as caller:
        await create_ouro(caller)
        before = await details(caller, "ouro")
        again = await change(caller, users.CREATE, login_name="ouro", password="secret", full_name="Other")
        assert again.code is StatusCode.OK
        assert await details(caller, "ouro") == before
        given = await change(caller, users.CREATE, login_name="ops", password="changeit")
        assert given.code is StatusCode.OK


async def test_an_insecure_server_has_no_users(caller: Caller) -> None:
    """A real server never answers."""
    for method in (users.DETAILS, users.CREATE, users.CHANGE_PASSWORD):
        assert (await caller.ask(method, b"")).code is StatusCode.UNIMPLEMENTED


async def test_changed_users_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "events.db"

    def server(**options: Any) -> EmbeddedServer:
        return EmbeddedServer(SqliteStore.open(path), grpc_port=0, **options)

    async with server() as first, calling(first) as caller:
        await create_ouro(caller)
        await change(caller, users.RESET_PASSWORD, login_name="admin", new_password="new")
        await change(caller, users.DELETE, basic("admin", "new"), login_name="ops")
        stored = await caller.ask(streams.READ, read_request("$user-ouro"), metadata=basic("admin", "new"))
        assert b"secret" not in stored.messages[0].event.event.data
    async with server() as second, calling(second) as caller:
        assert await can_log_in(caller, "ouro", "secret")
        assert await can_log_in(caller, "admin", "new")
        assert not await can_log_in(caller, "admin", "changeit")
        assert not await can_log_in(caller, "ops", "changeit")
    async with server(users=[Account("admin", "given", ("$admins",))]) as third, calling(third) as caller:
        assert await can_log_in(caller, "admin", "given"), "a password that the server is given counts"


async def test_damaged_users_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as server, calling(server) as caller:
        for stream, data in (
            ("$users", b"nonsense"),
            ("$users", b'"lost"'),
            ("$users", b'"bad"'),
            ("$user-bad", b"{}"),
        ):
            await caller.append(stream, event(data=data), metadata=ADMIN)
        server._node.users.reread()
        assert {each.login_name for each in await details(caller)} == {"admin", "ops"}


# Scavenges -----------------------------------------------------------------------------------------


async def hide_events(caller: Caller) -> None:
    for number in range(3):
        await caller.append(f"s{number}", *(event() for _ in range(300)))
        await caller.append(f"$$s{number}", event("$metadata", b'{"$maxCount":1}'))


async def test_a_scavenge_removes_hidden_events(server: EmbeddedServer, caller: Caller) -> None:
    await hide_events(caller)
    answer = await change(caller, operations.START_SCAVENGE, thread_count=1)
    assert answer.only.scavenge_result == 0
    assert len(answer.only.scavenge_id) == 36
    while server.store.is_scavenging:
        await asyncio.sleep(0)
    stream = server.store.read.stream("s0")
    assert stream is not None
    assert stream.scavenged == 298


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_scavenge_can_be_stopped(
    server: EmbeddedServer, caller: Caller, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    monkeypatch.setattr(scavenge, "_EVENTS", 1)
    await hide_events(caller)
    first = (await change(caller, operations.START_SCAVENGE)).only
    second = (await change(caller, operations.START_SCAVENGE)).only
    assert (second.scavenge_result, second.scavenge_id) == (1, first.scavenge_id)
    wrong = await change(caller, operations.STOP_SCAVENGE, scavenge_id="nope")
    assert (wrong.error, dict(wrong.status.metadata)["scavenge-id"]) == ("scavenge-not-found", first.scavenge_id)
    name = first.scavenge_id if is_named else "current"
    stopped = (await change(caller, operations.STOP_SCAVENGE, scavenge_id=name)).only
    assert (stopped.scavenge_result, stopped.scavenge_id) == (2, first.scavenge_id)
    assert not server.store.is_scavenging
    for id in (first.scavenge_id, "current"):
        missing = await change(caller, operations.STOP_SCAVENGE, scavenge_id=id)
        assert dict(missing.status.metadata) == {"exception": "scavenge-not-found"}


async def test_operations_need_permission() -> None:
    async with serving() as server, calling(server) as caller:
        for method in (operations.START_SCAVENGE, operations.STOP_SCAVENGE):
            assert (await change(caller, method, ())).error == "access-denied"
            assert (await caller.ask(method, b"", metadata=OPS)).code is StatusCode.UNKNOWN
        for method in (operations.MERGE_INDEXES, operations.RESTART_PERSISTENT_SUBSCRIPTIONS):
            assert (await caller.ask(method, b"")).error == "access-denied"
            assert (await caller.ask(method, b"", metadata=OPS)).code is StatusCode.OK
        assert (await caller.ask(operations.SHUTDOWN, b"", metadata=ADMIN)).code is StatusCode.UNIMPLEMENTED


async def test_statistics_come_again_and_again(caller: Caller) -> None:
    call = await caller.begin(monitoring.STATS, monitoring.StatsRequest(refresh_time_period_in_ms=100))
    first, second = await call.take(2)
    assert first.stats["proc-id"] == second.stats["proc-id"]
    assert int(first.stats["es-writer-commits"]) >= 0
    call.cancel()
